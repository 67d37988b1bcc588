"""What a line of the log holds, and what it never does."""

import json
import os
import subprocess
import sys
from typing import Any

import httpx
import pytest
from postgrest import APIError
from pydantic import BaseModel, ValidationError

from local.postgres import ROOT
from shared.errors import NotFound
from shared.runtime.correlation import choose_correlation_id, follow, get_correlation_id
from shared.runtime.invocation import InvocationFailed, invocation, observed
from shared.runtime.lambda_context import LambdaContext
from shared.runtime.log import MAX_FRAMES, describe_error, logger
from shared.runtime.metrics import Metric, count, counting
from tests.patience import PATIENCE_SECONDS

Line = dict[str, Any]
SECRET = "gho_secret"


class Context:
    """Lambda's context, as far as the log asks."""

    aws_request_id = "lambda-request"

    def get_remaining_time_in_millis(self) -> int:
        return 1_000


def read(capsys: pytest.CaptureFixture[str]) -> list[Line]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a process whose root logger somebody has set up before, as Lambda does."""
    before = "import logging; logging.basicConfig(level='INFO')\n"
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", before + code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def fail_with_validation_error() -> None:
    class Model(BaseModel):
        number: int

    Model.model_validate({"number": SECRET})


def fail_with_database_error() -> None:
    raise APIError({"code": "23505", "message": SECRET, "details": SECRET, "hint": SECRET})


def fail_with_proxys_words() -> None:
    raise APIError({"code": f"x {SECRET}", "message": SECRET, "details": SECRET, "hint": None})


def fail_with_url() -> None:
    raise httpx.ConnectError(SECRET, request=httpx.Request("GET", f"http://x/?q={SECRET}"))


def fail_with_cause() -> None:
    try:
        fail_with_url()
    except httpx.ConnectError as error:
        error.add_note(SECRET)
        raise ValueError(SECRET) from error


FAILURES = [
    fail_with_validation_error,
    fail_with_database_error,
    fail_with_proxys_words,
    fail_with_url,
    fail_with_cause,
]


@pytest.mark.parametrize("fail", FAILURES)
def test_exception_is_told_by_type_and_place_and_never_in_words(
    fail: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    name = ""
    try:
        fail()
    except (ValidationError, APIError, httpx.ConnectError, ValueError) as raised:
        name = type(raised).__name__
        logger.exception("failed")
        logger.info("described", error=describe_error(raised))
    lines = read(capsys)
    assert [line["message"] for line in lines] == ["failed", "described"]
    assert lines[0]["error"] == lines[1]["error"]
    assert name
    assert lines[0]["error"]["type"].endswith(name)
    assert fail.__name__ in "".join(lines[0]["error"]["stack"])
    assert SECRET not in json.dumps(lines)


def test_code_and_causes_of_an_exception_are_told() -> None:
    with pytest.raises(APIError) as database:
        fail_with_database_error()
    assert describe_error(database.value)["code"] == "23505"
    with pytest.raises(APIError) as proxy:
        fail_with_proxys_words()
    assert "code" not in describe_error(proxy.value)
    with pytest.raises(ValueError, match=SECRET) as caused:
        fail_with_cause()
    assert describe_error(caused.value)["causes"] == ["httpx.ConnectError"]


def test_stack_without_end_is_cut() -> None:
    def recurse() -> None:
        recurse()

    with pytest.raises(RecursionError) as raised:
        recurse()
    assert len(describe_error(raised.value)["stack"]) == MAX_FRAMES


def test_on_lambda_each_line_is_written_once_and_libraries_say_nothing() -> None:
    finished = run(
        f"""
from shared.runtime.log import logger
logger.info("ours")
logging.getLogger("httpx").info("GET http://x/?q={SECRET}")
logging.getLogger("urllib3").warning("retry %s", "{SECRET}", extra={{"url": "{SECRET}"}})
""",
        AWS_LAMBDA_FUNCTION_NAME="forum-dev-products",
    )
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [line["message"] for line in lines] == ["ours", "library", "library"]
    assert [line.get("library") for line in lines] == [None, "httpx", "urllib3"]
    assert finished.stderr == ""
    assert SECRET not in finished.stdout


@pytest.mark.parametrize(
    ("level", "shown"), [("", ["i", "w"]), ("WARNING", ["w"]), ("DEBUG", ["d", "i", "w"])]
)
def test_level_is_a_setting(level: str, shown: list[str]) -> None:
    code = "from shared.runtime.log import logger\nlogger.debug('d'); logger.info('i'); logger.warning('w')"
    finished = run(code, LOG_LEVEL=level, AWS_LAMBDA_FUNCTION_NAME="forum-dev-products")
    assert [json.loads(line)["message"] for line in finished.stdout.splitlines()] == shown


def test_tracing_and_boto_are_not_loaded_for_a_log() -> None:
    finished = run(
        "import sys, functions.health.handler\n"
        "print([name for name in ('aws_xray_sdk', 'boto3', 'botocore.session') if name in sys.modules])"
    )
    assert finished.stdout == "[]\n", finished.stderr


@pytest.mark.parametrize("sent", ["a", "x" * 128, "1-67891233-abcdef012345678912345678", "a.b:c_d"])
def test_correlation_id_that_is_one_is_kept(sent: str) -> None:
    assert choose_correlation_id(sent) == sent


@pytest.mark.parametrize(
    "sent", [None, "", "x" * 129, "a b", "a\n", 'a"', "a@example.com", "é", "a,b", "<x>", 7]
)
def test_correlation_id_that_is_none_is_replaced(sent: object) -> None:
    chosen = choose_correlation_id(sent)
    assert chosen != sent
    assert len(chosen) == 36
    assert choose_correlation_id(sent) != chosen


def test_every_line_of_an_invocation_has_its_ids_and_none_after_it_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with invocation("products", Context(), "first"):
        logger.info("inside")
        assert get_correlation_id() == "first"
        with follow("second"):
            logger.info("deeper")
        logger.info("inside")
    logger.info("outside")
    lines = read(capsys)
    assert [line.get("correlation_id") for line in lines] == ["first", "second", "first", None]
    assert [line.get("lambda_request_id") for line in lines] == ["lambda-request"] * 3 + [None]
    assert [line.get("function") for line in lines] == ["products"] * 3 + [None]


def test_exception_of_others_leaves_a_function_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    @observed
    def handler(event: Any, _: LambdaContext) -> dict[str, Any]:
        raise event

    with pytest.raises(InvocationFailed) as raised:
        handler(ValueError(SECRET), Context())
    assert str(raised.value) == "ValueError"
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    with pytest.raises(NotFound, match="nothing"):
        handler(NotFound("There is nothing."), Context())
    lines = read(capsys)
    assert [line["message"] for line in lines] == ["invocation_failed"] * 2
    assert [line["error"]["type"] for line in lines] == ["ValueError", "shared.errors.NotFound"]
    assert SECRET not in json.dumps(lines)


def test_counts_of_an_invocation_are_one_line_with_one_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("sync_worker"):
        count(Metric.GITHUB_POINTS, 2)
        count(Metric.GITHUB_POINTS, 3)
        count(Metric.SYNC_RUNS_FAILED)
        count(Metric.REVEALS, 0)
    count(Metric.REVEALS)
    (line,) = read(capsys)
    (told,) = line.pop("_aws")["CloudWatchMetrics"]
    assert (told["Namespace"], told["Dimensions"]) == ("Forum", [["function"]])
    assert {metric["Name"] for metric in told["Metrics"]} == {"GitHubPoints", "SyncRunsFailed"}
    assert line == {"function": "sync_worker", "GitHubPoints": [5.0], "SyncRunsFailed": [1.0]}


def test_nothing_counted_or_counting_turned_off_writes_no_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with counting("products"):
        pass
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    with counting("products"):
        count(Metric.REVEALS)
    assert read(capsys) == []
