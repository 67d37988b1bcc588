"""How a function is called on this machine, through serverless-offline's own Python runner."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.api import PYTHON_RUNNER
from local.postgres import ROOT

JSON = dict[str, Any]
NAME = "forum-dev-room"


def call(tmp_path: Path, code: str, *events: JSON) -> list[Any]:
    """What the runner hears for each event from a function `handler` with this code."""
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "handler.py").write_text(code)
    finished = subprocess.run(  # noqa: S603 - our own program
        [ROOT / "local" / "bin" / "python3", "-u", "invoke.py", "room/handler", "handler"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "FORUM_PYTHON": sys.executable,
            "FORUM_INVOKE": str(ROOT / PYTHON_RUNNER),
            "FORUM_FUNCTIONS": json.dumps({NAME: {"time_out": 29, "withheld": ["SUPABASE_SECRET_KEY"]}}),
            "SUPABASE_SECRET_KEY": "sb_secret_x",
            "SUPABASE_URL": "http://127.0.0.1:54321",
            "AWS_LAMBDA_FUNCTION_NAME": NAME,
            "AWS_REGION": "eu-central-1",
            "_HANDLER": "room/handler.handler",
        },
        # The runner reads until it is killed; here it stumbles over the end.
        input="".join(
            json.dumps({"event": event, "context": {"awsRequestId": f"request-{number}"}}) + "\n"
            for number, event in enumerate(events)
        ),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return [json.loads(line)["__offline_payload__"] for line in finished.stdout.splitlines()]


def test_a_function_gets_its_event_and_the_context_of_its_own_time_out(tmp_path: Path) -> None:
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
    first, second = call(tmp_path, code, {"a": 1}, {"a": 2})
    assert (first["event"], second["event"]) == ({"a": 1}, {"a": 2})
    assert (first["request"], second["request"]) == ("request-0", "request-1")
    assert first["name"] == NAME
    assert first["arn"].endswith(f":function:{NAME}")
    assert 20_000 < first["left"] <= 29_000


def test_requests_have_the_ids_that_the_log_shows(tmp_path: Path) -> None:
    code = """
def handler(event, context):
    return event["requestContext"]["requestId"]
"""
    request = {"requestContext": {"requestId": "offlineContext_resourceId"}}
    assert call(tmp_path, code, request, request) == ["request-0", "request-1"]


def test_a_function_does_not_find_a_setting_that_it_does_not_have_on_lambda(tmp_path: Path) -> None:
    code = """
import os

SEEN = sorted(name for name in os.environ if name.startswith("SUPABASE"))

def handler(event, context):
    return SEEN
"""
    assert call(tmp_path, code, {}) == [["SUPABASE_URL"]]


def test_a_function_that_raises_answers_as_on_lambda_and_lives_on(tmp_path: Path) -> None:
    code = """
def handler(event, context):
    return {"quotient": 1 / event["by"]}
"""
    failed, worked = call(tmp_path, code, {"by": 0}, {"by": 1})
    assert failed["errorType"] == "ZeroDivisionError"
    assert failed["errorMessage"] == "division by zero"
    assert failed["requestId"] == "request-0"
    assert 'event["by"]' in failed["stackTrace"][-1]
    assert worked == {"quotient": 1}


def test_a_function_that_cannot_be_imported_says_so_at_each_call(tmp_path: Path) -> None:
    answers = call(tmp_path, "import nothing_of_this_name", {}, {})
    assert [answer["errorType"] for answer in answers] == ["ModuleNotFoundError"] * 2


def test_a_function_that_returns_nothing_has_answered(tmp_path: Path) -> None:
    assert call(tmp_path, "def handler(event, context): pass", {}) == [{}]
