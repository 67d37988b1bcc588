"""Runs: what imports leave behind, for their owner alone."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from local.fake_github import DEMO_TOKEN, FakeGitHub
from local.fake_github.account import Fault
from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.github import fake, running_fake

__all__ = ["fake", "running_fake"]

RUNS = "/api/github/runs"
IMPORT = "/api/github/import"
TOKEN = {"x-github-token": DEMO_TOKEN}


def import_some(client: Client, ids: list[int], **more: Any) -> dict[str, Any]:
    body = {"product_id": client.create_product()["id"], "github_ids": ids, **more}
    report: dict[str, Any] = client.post(IMPORT, body, headers=TOKEN).expect(200)
    return report


def everything(supabase: Supabase, client: Client) -> list[tuple[Any, ...]]:
    """All that an import could write for this person, with traces of any write."""
    assert client.user is not None
    with psycopg.connect(supabase.database_url) as connection:
        return connection.execute(
            "select id, t::text, t.xmin::text from public.repositories as t where user_id = %(id)s"
            " union all select id, t::text, t.xmin::text from public.github_runs as t where user_id = %(id)s"
            " union all select id, t::text, t.xmin::text from public.activity as t where user_id = %(id)s"
            " order by 1",
            {"id": client.user.id},
        ).fetchall()


def newest(fake: FakeGitHub, count: int) -> list[int]:
    found = sorted(fake.account.repositories.values(), key=lambda r: (r.created_at, r.id), reverse=True)
    return [repository.id for repository in found[:count]]


def test_import_leaves_a_run_with_a_result_for_each_repository(owner: Client, fake: FakeGitHub) -> None:
    ids = newest(fake, 3)

    report = import_some(owner, [*ids, 1])

    run = owner.get(f"{RUNS}/{report['run_id']}").expect(200)
    times = [
        datetime.fromisoformat(run[name]) for name in ("started_at", "created_at", "ended_at", "updated_at")
    ]
    assert times == sorted(times)
    assert (
        run.items()
        >= {
            "trigger": "import",
            "state": "partial",
            "connection_id": None,
            "requests": 2,
            "points": 0,
            "error": None,
            "flags": [],
            "counts": {"imported": 3, "not_found": 1},
            "total": 4,
            "done": 4,
        }.items()
    )
    assert run["started_at"] <= run["ended_at"]
    assert run["rate_limit_remaining"] == fake.account.core.remaining
    assert [(r["github_id"], r["outcome"], r["repository_id"]) for r in run["results"]] == [
        (r["github_id"], r["outcome"], r["repository_id"]) for r in report["results"]
    ]
    names = [fake.account.repositories[id_].full_name for id_ in ids]
    assert [r["full_name"] for r in run["results"]] == [*names, None]
    assert run["results"][3]["reason"] == report["results"][3]["reason"]


@pytest.mark.parametrize(
    ("ids", "state"), [([0, 1], "succeeded"), ([0, None], "partial"), ([None], "failed")]
)
def test_state_of_an_import_says_whether_all_is_in_the_product(
    owner: Client, fake: FakeGitHub, ids: list[int | None], state: str
) -> None:
    known = newest(fake, 2)

    report = import_some(owner, [1 if place is None else known[place] for place in ids])

    assert owner.get(f"{RUNS}/{report['run_id']}").expect(200)["state"] == state


def test_import_cut_short_says_by_what(owner: Client, fake: FakeGitHub) -> None:
    fake.account.core.remaining = 1
    limited = import_some(owner, sorted(fake.account.repositories))
    fake.account.core.remaining = 5000
    # The read is tried once more, and so is the look whether GitHub answers at all.
    fake.account.fail_next(Fault(), times=4, after=1)
    cut = import_some(owner, sorted(fake.account.repositories))

    runs = [owner.get(f"{RUNS}/{report['run_id']}").expect(200) for report in (limited, cut)]

    assert [(run["state"], run["error"]) for run in runs] == [
        ("partial", "rate_limited"),
        ("partial", "github_unavailable"),
    ]


def test_dry_run_tells_what_an_import_would_do_and_leaves_nothing_behind(
    supabase: Supabase, owner: Client, fake: FakeGitHub
) -> None:
    product = owner.create_product()["id"]
    same, renamed, fresh = newest(fake, 3)
    body = {"product_id": product, "github_ids": [same, renamed]}
    owner.post(IMPORT, body, headers=TOKEN).expect(200)
    fake.account.rename(renamed, "renamed")
    body = {"product_id": product, "github_ids": [fresh, renamed, same, 1]}
    before = everything(supabase, owner)
    dry = owner.post(IMPORT, {**body, "dry_run": True}, headers=TOKEN).expect(200)
    assert everything(supabase, owner) == before
    wet = owner.post(IMPORT, body, headers=TOKEN).expect(200)

    assert dry["run_id"] is None
    assert [r["outcome"] for r in dry["results"]] == ["imported", "updated", "unchanged", "not_found"]
    assert dry["counts"] == wet["counts"]
    assert [r["outcome"] for r in dry["results"]] == [r["outcome"] for r in wet["results"]]
    assert dry["results"][0]["repository_id"] is None
    assert dry["results"][2]["repository_id"] == wet["results"][2]["repository_id"]


def test_dry_run_into_a_product_that_is_not_the_callers_is_404(
    owner: Client, stranger: Client, fake: FakeGitHub
) -> None:
    body = {"product_id": stranger.create_product()["id"], "github_ids": newest(fake, 1), "dry_run": True}

    owner.post(IMPORT, body, headers=TOKEN).expect_problem(404, "not-found")


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_dry_run_is_true_or_false(owner: Client, value: Any) -> None:
    body = {"product_id": str(uuid4()), "github_ids": [1], "dry_run": value}

    problem = owner.post(IMPORT, body, headers=TOKEN).expect_problem(422, "invalid")

    assert [error["pointer"] for error in problem["errors"]] == ["/dry_run"]


def test_list_has_the_newest_first_without_results_for_one_request(
    owner: Client, fake: FakeGitHub, supabase_requests: list[httpx.Request]
) -> None:
    reports = [import_some(owner, newest(fake, count)) for count in (1, 2, 3)]
    supabase_requests.clear()

    page = owner.get(f"{RUNS}?total=true").expect(200)

    assert [run["id"] for run in page["items"]] == [report["run_id"] for report in reversed(reports)]
    assert page["total"] == 3
    assert all("results" not in run for run in page["items"])
    assert len(supabase_requests) == 1


def test_list_by_filter_and_cursor(owner: Client, fake: FakeGitHub) -> None:
    reports = [import_some(owner, newest(fake, 1)) for _ in range(3)]
    failed = import_some(owner, [1])

    assert owner.get(f"{RUNS}?trigger=schedule&trigger=manual").expect(200)["items"] == []
    assert [r["id"] for r in owner.get(f"{RUNS}?state=failed").expect(200)["items"]] == [failed["run_id"]]
    product = owner.get(f"{RUNS}/{reports[0]['run_id']}").expect(200)["product_id"]
    assert len(owner.get(f"{RUNS}?product_id={product}").expect(200)["items"]) == 1
    first = owner.get(f"{RUNS}?limit=3").expect(200)
    rest = owner.get(f"{RUNS}?limit=3&cursor={first['next_cursor']}").expect(200)
    ids = [run["id"] for run in first["items"] + rest["items"]]
    assert ids == [failed["run_id"], *(report["run_id"] for report in reversed(reports))]


@pytest.mark.parametrize(
    ("query", "status"), [("trigger=cron", 422), ("state=x", 422), ("sort=state", 422), ("user_id=1", 400)]
)
def test_list_with_a_wrong_parameter_is_refused(owner: Client, query: str, status: int) -> None:
    slug = "unknown-parameter" if status == 400 else "invalid"

    owner.get(f"{RUNS}?{query}").expect_problem(status, slug)


def test_run_of_another_user_is_404_and_in_no_list(owner: Client, stranger: Client, fake: FakeGitHub) -> None:
    run_id = import_some(owner, newest(fake, 1))["run_id"]

    stranger.get(f"{RUNS}/{run_id}").expect_problem(404, "not-found")
    stranger.get(f"{RUNS}/{uuid4()}").expect_problem(404, "not-found")
    assert stranger.get(RUNS).expect(200)["items"] == []


def test_run_that_was_seen_is_304(owner: Client, fake: FakeGitHub) -> None:
    url = f"{RUNS}/{import_some(owner, newest(fake, 1))['run_id']}"

    etag = owner.get(url).headers["etag"]

    assert owner.get(url, headers={"if-none-match": etag}).status == 304


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_runs_cannot_be_written(owner: Client, fake: FakeGitHub, method: str) -> None:
    run_id = import_some(owner, newest(fake, 1))["run_id"]

    owner.request(method, f"{RUNS}/{run_id}", {}).expect_problem(405, "method-not-allowed")


def test_run_stays_when_its_product_is_deleted(owner: Client, fake: FakeGitHub) -> None:
    run_id = import_some(owner, newest(fake, 1))["run_id"]
    product = owner.get(f"{RUNS}/{run_id}").expect(200)["product_id"]
    owner.delete(f"/api/products/{product}").expect(204)

    run = owner.get(f"{RUNS}/{run_id}").expect(200)

    assert (run["product_id"], len(run["results"])) == (None, 1)


MISSING = "/api/github/missing"


def test_nobody_has_anything_missing_before_a_re_sync_says_so(owner: Client, fake: FakeGitHub) -> None:
    import_some(owner, newest(fake, 2))

    assert owner.post(MISSING, {"decision": "gone"}).expect(200) == {"repositories": []}


@pytest.mark.parametrize("which", ["own", "of another", "of nobody"])
def test_repository_that_is_not_missing_cannot_be_decided_about(
    owner: Client, stranger: Client, fake: FakeGitHub, which: str
) -> None:
    own, others = newest(fake, 2)
    import_some(owner, [own])
    import_some(stranger, [others])
    github_id = {"own": own, "of another": others, "of nobody": 9_999_999}[which]

    answer = owner.post(MISSING, {"decision": "gone", "github_ids": [github_id]})

    assert answer.expect_problem(404, "not-missing")["github_ids"] == [github_id]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "delete"},
        {"decision": None},
        {"decision": "gone", "github_ids": []},
        {"decision": "gone", "github_ids": ["1"]},
        {"decision": "gone", "github_ids": [0]},
        {"decision": "gone", "github_ids": list(range(1, 1_002))},
        {"decision": "gone", "ids": [1]},
    ],
)
def test_decision_that_cannot_be_is_invalid(owner: Client, body: dict[str, Any]) -> None:
    owner.post(MISSING, body).expect_problem(422, "invalid")


def test_run_of_more_results_than_lambda_delivers_shows_the_first(owner: Client, supabase: Supabase) -> None:
    assert owner.user is not None
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute(
            "insert into public.github_runs (user_id, trigger, state, ended_at, counts, results)"
            """ select %s, 'import', 'partial', now(), '{"forbidden": 10000}',"""
            " jsonb_agg(jsonb_build_object('repository_id', null, 'github_id', number,"
            " 'full_name', repeat('a', 39) || '/' || repeat('b', 100),"
            " 'outcome', 'forbidden', 'reason', repeat('é', 200)) order by number)"
            " from generate_series(1, 10000) as number",
            (owner.user.id,),
        )
    (run,) = owner.get(RUNS).expect(200)["items"]
    shown = owner.get(f"{RUNS}/{run['id']}").expect(200)
    assert [result["github_id"] for result in shown["results"]] == list(range(1, 5_001))
    assert (shown["results_truncated"], shown["counts"]) == (True, {"forbidden": 10_000})
