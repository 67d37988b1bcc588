"""docs/costs.md shows what the script says, and the script counts what the template has."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations import costs
from operations.costs import Assumptions, Prices, estimate, find_limits, main, write_page
from tests.project.test_template import of_type, packaged, read_dashboard, template

__all__ = ["packaged", "template"]

PAGE = (Path(__file__).parents[2] / "docs" / "costs.md").read_text()
USERS = st.integers(1, 10_000_000)


def test_page_shows_what_the_script_says() -> None:
    assert write_page(costs.SHOWN, Assumptions(), Prices()) in PAGE


def test_counts_are_those_of_the_template(template: dict[str, Any]) -> None:
    own = {(metric[1], metric[3]) for metric in read_dashboard(template) if metric[0] == "Forum"}
    of_filters = {
        each["MetricTransformations"][0]["MetricName"]
        for each in of_type(template, "AWS::Logs::MetricFilter").values()
    }
    # Each new function changes both: put the numbers into the script, and what it prints into docs/costs.md.
    assert (len(own) + len(of_filters), len(of_type(template, "AWS::CloudWatch::Alarm"))) == (
        costs.METRICS,
        costs.ALARMS,
    )
    functions = of_type(template, "AWS::Lambda::Function").values()
    assert {function["MemorySize"] for function in functions} == {costs.MEMORY_GB * 1024}
    throttle = template["HttpApiStage"]["Properties"]["DefaultRouteSettings"]
    assert throttle["ThrottlingRateLimit"] == costs.THROTTLE_A_SECOND
    (queue,) = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    assert queue["ScalingConfig"]["MaximumConcurrency"] == costs.WORKERS
    assert queue["BatchSize"] == costs.USERS_A_BATCH
    # Beyond 50 metrics a dashboard is none of the three that are free.
    assert len({json.dumps(metric) for metric in read_dashboard(template)}) > 50


@given(USERS, USERS)
def test_more_users_never_cost_less(some: int, others: int) -> None:
    fewer, more = (estimate(users, Assumptions(), Prices()) for users in sorted((some, others)))
    assert fewer.keys() == more.keys()
    # An invocation of the worker is shared by more of them.
    assert all(0 <= fewer[part] <= more[part] for part in fewer if part != "Lambda")


@given(USERS)
def test_nothing_is_free_twice_and_nothing_costs_less_than_nothing(users: int) -> None:
    nobody = Assumptions(requests=0, straight_requests=0, syncs=0, key_requests=0, database_mb=0)
    idle = estimate(users, nobody, Prices())
    busy = estimate(users, Assumptions(), Prices())
    assert all(0 <= idle[part] <= busy[part] for part in idle)
    assert idle["Lambda"] == idle["API Gateway"] == idle["Logs"] == idle["Supabase: disk"] == 0


def test_limits_are_in_the_order_in_which_they_are_met() -> None:
    users = [limit.users for limit in find_limits(Assumptions())]
    assert users == sorted(users)


def test_what_users_do_more_of_is_limited_sooner() -> None:
    usual, twice = (
        {limit.what: limit.users for limit in find_limits(told)}
        for told in (
            Assumptions(),
            Assumptions(requests=2_000, straight_requests=2_000, database_mb=6, syncs=360),
        )
    )
    unchanged = {what for what in usual if usual[what] == twice[what]}
    assert unchanged == {"100,000 monthly users of Supabase Auth"}
    assert all(usual[what] // 2 == twice[what] for what in usual.keys() - unchanged)


def test_assumptions_and_numbers_of_users_are_chosen_on_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["500", "--requests", "20000"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("| a month, in dollars | 500 users |")
    assert "| `requests` | 20,000 |" in told
    # 10 million requests at a dollar a million.
    assert "| API Gateway | 10.00 |" in told
    assert main(["0"]) == 1
