"""/health, without sign-in."""

import pytest

from shared.settings import get_settings
from tests.functions.conftest import Client


def test_health_is_ok_where_the_database_answers(anonymous: Client) -> None:
    assert anonymous.get("/health").expect(200) == {"status": "ok", "commit": None}


def test_health_names_the_commit_that_is_deployed(anonymous: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMIT", "0123abc-dirty")
    get_settings.cache_clear()
    answer = anonymous.get("/health")
    monkeypatch.undo()
    get_settings.cache_clear()
    assert answer.expect(200)["commit"] == "0123abc-dirty"


@pytest.mark.parametrize(
    ("name", "value"), [("SUPABASE_URL", "http://127.0.0.1:1"), ("SUPABASE_ANON_KEY", "sb_publishable_wrong")]
)
def test_health_is_503_where_supabase_does_not_answer(
    name: str, value: str, anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    answer = anonymous.get("/health")
    monkeypatch.undo()
    get_settings.cache_clear()
    answer.expect_problem(503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
