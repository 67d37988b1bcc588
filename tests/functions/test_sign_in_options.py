"""/.well-known/forum, without sign-in."""

from typing import Any

import pytest

from local.supabase import Supabase
from shared.settings import get_settings
from tests.functions.conftest import Client
from tests.openapi.upstream import run_broken_supabase

PATH = "/.well-known/forum"


def test_sign_in_options_name_the_project_and_the_ways_that_are_on(
    anonymous: Client, supabase: Supabase
) -> None:
    assert anonymous.get(PATH).expect(200) == {
        "supabase_url": supabase.url,
        "publishable_key": supabase.anon_key,
        "providers": ["email"],
    }


def test_sign_in_options_are_the_same_for_somebody_who_is_signed_in(anonymous: Client, owner: Client) -> None:
    assert owner.get(PATH).expect(200) == anonymous.get(PATH).expect(200)


@pytest.mark.parametrize(
    ("name", "value"), [("SUPABASE_URL", "http://127.0.0.1:1"), ("SUPABASE_ANON_KEY", "sb_publishable_wrong")]
)
def test_sign_in_options_are_503_where_supabase_does_not_answer(
    name: str, value: str, anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    answer = anonymous.get(PATH)
    monkeypatch.undo()
    get_settings.cache_clear()
    answer.expect_problem(503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("body", [None, [], {"external": None}, {"external": {"github": "perhaps"}}])
def test_sign_in_options_are_503_where_something_else_answers(
    body: Any, anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_broken_supabase() as other:
        other.answering = lambda _: (200, body)
        monkeypatch.setenv("SUPABASE_URL", other.url)
        get_settings.cache_clear()
        answer = anonymous.get(PATH)
        monkeypatch.undo()
        get_settings.cache_clear()
    answer.expect_problem(503, "unavailable")
