"""The smoke test of a deployment, run against the whole local stack."""

import httpx
import pytest

from local.supabase import User
from operations import smoke_test
from operations.smoke_test import main, run_smoke_test
from operations.tools import read_commit
from tests.local.dev_process import Dev

ORIGIN = "http://localhost:5173"


def test_working_stack_passes_and_keeps_nothing(
    api_url: str, user: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORUM_TOKEN", user.access_token)
    assert main([api_url, "--origin", ORIGIN]) == 0
    assert capsys.readouterr().out == f"{api_url} works.\n"
    signed_in = {"Authorization": f"Bearer {user.access_token}"}
    assert httpx.get(f"{api_url}/api/products", headers=signed_in).json()["items"] == []


def test_token_that_is_refused_fails(api_url: str) -> None:
    assert run_smoke_test(api_url, token="no-token") == ["POST /api/products is answered 401 instead of 201"]


def test_another_commit_than_the_deployed_one_fails(
    api_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smoke_test, "OLD_CODE_SECONDS", 0)
    answering = httpx.get(f"{api_url}/health").json()["commit"]
    assert main([api_url, "--commit", answering]) == 0
    deployed = "f" * len(read_commit())
    assert main([api_url, "--commit", deployed]) == 1
    assert capsys.readouterr().err == (
        f"FAILED: GET /health names the commit {answering}, and {deployed} was deployed\n"
    )


def test_code_of_before_may_answer_for_a_moment_after_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke_test, "PAUSE_SECONDS", 0)
    commits = iter(["before", "before", "after", "before"])
    answers = httpx.MockTransport(lambda _: httpx.Response(200, json={"commit": next(commits)}))
    with httpx.Client(transport=answers, base_url="https://forum.example") as api:
        smoke_test.check_health(api, "after")
    assert next(commits) == "before"


def test_something_else_than_forum_fails_each_check(dev: Dev) -> None:
    wrong = run_smoke_test(dev.environment["SUPABASE_URL"])
    assert [line.split(" is ")[0] for line in wrong] == [
        "GET /health",
        "GET /openapi.json",
        "the 401 of GET /api/products",
    ]


def test_nobody_at_the_url_fails(free_url: str) -> None:
    wrong = run_smoke_test(free_url, origin=ORIGIN)
    assert len(wrong) == 4
    assert all("got no answer" in line for line in wrong)


@pytest.fixture
def free_url() -> str:
    """Where nobody listens: port 9 is nobody's."""
    return "http://127.0.0.1:9"
