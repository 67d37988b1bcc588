"""How a function is called on this machine: through what osls starts for it, by the service of all."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.api import CLIENT
from local.part import run_part
from local.postgres import ROOT
from tests.patience import PATIENCE_SECONDS

JSON = dict[str, Any]
NAME = "forum-dev-example"
Call = Callable[..., list[Any]]


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    """Calls a function `handler` with this code for each event, one after the other; what osls hears."""
    (tmp_path / "example").mkdir()
    address = tmp_path / "lambda.socket"

    def call(code: str, *events: JSON, time_out: float = 29) -> list[Any]:
        handler = tmp_path / "example" / "handler.py"
        if not handler.exists() or handler.read_text() != code:
            handler.write_text(code)
        finished = subprocess.run(  # noqa: S603 - our own program
            [ROOT / "local" / "bin" / "python3", "-u", "invoke.py", "example/handler", "handler"],
            env={
                "PATH": os.environ["PATH"],
                "FORUM_PYTHON": sys.executable,
                "FORUM_CLIENT": str(CLIENT),
                "FORUM_LAMBDA": str(address),
                "FORUM_FUNCTIONS": json.dumps(
                    {NAME: {"time_out": time_out, "withheld": ["SUPABASE_SECRET_KEY"]}}
                ),
                "SUPABASE_SECRET_KEY": "sb_secret_x",
                "SUPABASE_URL": "http://127.0.0.1:54321",
                "AWS_LAMBDA_FUNCTION_NAME": NAME,
                "AWS_REGION": "eu-central-1",
                "_HANDLER": "example/handler.handler",
            },
            input="".join(
                json.dumps({"event": event, "context": {"awsRequestId": f"request-{number}"}}) + "\n"
                for number, event in enumerate(events)
            ),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
        return [json.loads(line)["__offline_payload__"] for line in finished.stdout.splitlines()]

    with run_part(
        "The functions",
        [sys.executable, "-m", "local.lambda_service", address],
        tmp_path / "functions.log",
        environment={**os.environ, "PYTHONPATH": str(ROOT)},
        directory=tmp_path,
    ) as part:
        part.wait_until(address.is_socket)
        yield call


def test_a_function_gets_its_event_and_the_context_of_its_own_time_out(call: Call) -> None:
    code = """
def handler(event, context):
    return {
        "event": event,
        "request": context.aws_request_id,
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "left": context.get_remaining_time_in_millis(),
    }
"""
    first, second = call(code, {"a": 1}, {"a": 2}, time_out=600)
    assert (first["event"], second["event"]) == ({"a": 1}, {"a": 2})
    assert (first["request"], second["request"]) == ("request-0", "request-1")
    assert first["name"] == NAME
    assert first["arn"].endswith(f":function:{NAME}")
    assert 300_000 < first["left"] <= 600_000


def test_requests_have_the_ids_that_the_log_shows(call: Call) -> None:
    code = """
def handler(event, context):
    return {"statusCode": 200, "body": event["requestContext"]["requestId"]}
"""
    request = {"requestContext": {"requestId": "offlineContext_resourceId"}}
    assert [answer["body"] for answer in call(code, request, request)] == ["request-0", "request-1"]


def test_a_function_does_not_find_a_setting_that_it_does_not_have_on_lambda(call: Call) -> None:
    code = """
import os

SEEN = sorted(name for name in os.environ if name.startswith("SUPABASE"))

def handler(event, context):
    return SEEN
"""
    assert call(code, {}) == [["SUPABASE_URL"]]


def test_a_function_that_raises_answers_as_on_lambda_and_lives_on(call: Call) -> None:
    code = """
CALLS = []

def handler(event, context):
    CALLS.append(event)
    return {"quotient": len(CALLS) / event["by"]}
"""
    failed, worked = call(code, {"by": 0}, {"by": 1})
    assert failed["errorType"] == "ZeroDivisionError"
    assert failed["errorMessage"] == "division by zero"
    assert failed["requestId"] == "request-0"
    assert 'event["by"]' in failed["stackTrace"][-1]
    assert worked == {"quotient": 2}


def test_a_function_that_cannot_be_imported_says_so_at_each_call(call: Call) -> None:
    answers = call("import nothing_of_this_name", {}, {})
    assert [answer["errorType"] for answer in answers] == ["ModuleNotFoundError"] * 2


@pytest.mark.parametrize("nothing", ["None", "False", "0", "''"])
def test_a_function_that_returns_nothing_has_answered(call: Call, nothing: str) -> None:
    assert call(f"def handler(event, context): return {nothing}", {}) == [{}]


@pytest.mark.parametrize(("answer", "error"), [("{1, 2}", "TypeError"), ("float('nan')", "ValueError")])
def test_a_function_whose_answer_is_no_json_has_failed(call: Call, answer: str, error: str) -> None:
    (failed,) = call(f"def handler(event, context): return {answer}", {})
    assert failed["errorType"] == error


def test_a_function_that_runs_out_of_time_is_stopped_and_the_next_call_works(call: Call) -> None:
    code = """
import time

def handler(event, context):
    time.sleep(event["seconds"])
    return "slept"
"""
    stopped, worked = call(code, {"seconds": 600}, {"seconds": 0}, time_out=3)
    assert stopped["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 3.00 seconds" in stopped["errorMessage"]
    assert worked == "slept"


def test_a_function_is_not_charged_for_the_time_that_it_takes_to_load(call: Call) -> None:
    code = """
import time

time.sleep(4)

def handler(event, context):
    return "here"
"""
    assert call(code, {}, time_out=3) == ["here"]


def test_a_function_that_ends_its_process_fails_at_once_and_the_next_call_works(call: Call) -> None:
    code = """
import os

def handler(event, context):
    return event or os._exit(1)
"""
    ended, worked = call(code, {}, {"a": 1}, time_out=600)
    assert ended["errorType"] == "Runtime.ExitError"
    assert worked == {"a": 1}


def test_a_function_that_ends_its_process_while_it_loads_fails_at_each_call(call: Call) -> None:
    answers = call("import os; os._exit(1)", {}, {}, time_out=600)
    assert [answer["errorType"] for answer in answers] == ["Runtime.ExitError"] * 2


def test_a_function_whose_answer_is_larger_than_lambda_delivers_has_failed(call: Call) -> None:
    code = """
def handler(event, context):
    return {"body": "\u00e4" * event["length"]}
"""
    # Two bytes each, and twelve around them.
    fits, too_long = call(code, {"length": 3_145_772}, {"length": 3_145_773})
    assert len(fits["body"]) == 3_145_772
    assert too_long["errorType"] == "ResponseSizeTooLarge"
    assert "6291556 bytes" in too_long["errorMessage"]


COUNTING = """
import os

CALLS = []

def handler(event, context):
    CALLS.append(event)
    return {"says": SAYS, "process": os.getpid(), "calls": len(CALLS)}
"""


def test_a_saved_file_takes_effect_with_the_next_call(call: Call) -> None:
    # Of the same size, within a second: Python would take the one's compiled code for the other's.
    for word in ("first", "later", "third"):
        (answer,) = call(f"SAYS = '{word}'\n{COUNTING}", {})
        assert (answer["says"], answer["calls"]) == (word, 1)


def test_a_function_whose_code_is_the_same_stays_in_its_process(call: Call) -> None:
    first, second = call(f"SAYS = 1\n{COUNTING}", {}, {})
    assert (second["process"], second["calls"]) == (first["process"], 2)


def test_what_functions_share_takes_effect_with_the_next_call(call: Call, tmp_path: Path) -> None:
    code = """
from pathlib import Path

WORD = Path("shared/word").read_text()

def handler(event, context):
    return WORD
"""
    (tmp_path / "shared").mkdir()
    for word in ("first", "later"):
        (tmp_path / "shared" / "word").write_text(word)
        assert call(code, {}) == [word]


def test_a_mistake_in_a_saved_file_is_an_error_until_it_is_mended(call: Call, tmp_path: Path) -> None:
    assert call("def handler(event, context): return 1", {}) == [1]
    (failed,) = call("def handler(event, context): return )", {})
    assert failed["errorType"] == "SyntaxError"
    assert "return )" in (tmp_path / "functions.log").read_text()
    assert call("def handler(event, context): return 2", {}) == [2]
