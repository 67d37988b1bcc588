"""What a warm function keeps of Supabase's answers: how often it asks, and what it says while that fails."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from functions.health.kept_answer import COOLDOWN_SECONDS, FRESH_SECONDS, KeptAnswer
from functions.health.service import get_kept_options
from local.supabase import Supabase
from shared.errors import Unavailable
from shared.settings import get_settings
from tests.functions.conftest import Client
from tests.openapi.upstream import run_broken_supabase


class Source:
    """Counts how often it is asked; answers with that number, or not at all."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 0.0
        self.fails = False
        self.kept = KeptAnswer(self.answer, clock=lambda: self.now)

    def answer(self) -> int:
        self.asked += 1
        if self.fails:
            raise Unavailable("It does not answer.")
        return self.asked


def test_answer_is_asked_for_once_a_minute() -> None:
    source = Source()
    assert [source.kept.get() for _ in range(3)] == [1, 1, 1]
    source.now = FRESH_SECONDS - 0.1
    assert source.kept.get() == 1
    source.now = FRESH_SECONDS
    assert [source.kept.get() for _ in range(3)] == [2, 2, 2]
    assert source.asked == 2


def test_answer_outlives_a_refresh_that_fails_and_is_mended_by_the_next() -> None:
    source = Source()
    assert source.kept.get() == 1
    source.now, source.fails = FRESH_SECONDS, True
    assert [source.kept.get() for _ in range(3)] == [1, 1, 1]
    assert source.asked == 2
    source.now, source.fails = FRESH_SECONDS + COOLDOWN_SECONDS, False
    assert source.kept.get() == 3


def test_first_answer_that_fails_is_asked_for_again_only_after_a_while() -> None:
    source = Source()
    source.fails = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            source.kept.get()
    assert source.asked == 1
    source.now, source.fails = COOLDOWN_SECONDS, False
    assert source.kept.get() == 2


def test_requests_at_once_ask_once_and_none_waits_for_a_refresh() -> None:
    entered, may_go_on = Event(), Event()
    asked: list[int] = []
    now = [0.0]

    def ask() -> int:
        asked.append(1)
        entered.set()
        assert may_go_on.wait(10)
        return len(asked)

    kept = KeptAnswer(ask, clock=lambda: now[0])
    with ThreadPoolExecutor(8) as pool:
        first = [pool.submit(kept.get) for _ in range(8)]
        assert entered.wait(10)
        may_go_on.set()
        assert {each.result(10) for each in first} == {1}
        now[0] = FRESH_SECONDS
        entered.clear()
        may_go_on.clear()
        slow = pool.submit(kept.get)
        assert entered.wait(10)
        # While one asks, the others are told what is known.
        assert [kept.get() for _ in range(3)] == [1, 1, 1]
        may_go_on.set()
        assert slow.result(10) == 2
    assert len(asked) == 2


def test_sign_in_options_are_kept_when_supabase_auth_goes_away(
    anonymous: Client, supabase: Supabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[tuple[int, Any]] = [(200, {"external": {"email": True, "github": True}})]
    asked: list[str] = []
    with run_broken_supabase() as other:

        def answer(path: str) -> tuple[int, Any]:
            asked.append(path)
            return answers[0]

        other.answering = answer
        monkeypatch.setenv("SUPABASE_URL", other.url)
        get_settings.cache_clear()
        before = [anonymous.get("/.well-known/forum").expect(200) for _ in range(3)]
        # As after a minute.
        get_kept_options(other.url, supabase.anon_key)._ask_again_at = 0  # noqa: SLF001 - no clock is waited for
        answers[0] = (500, {})
        after = [anonymous.get("/.well-known/forum").expect(200) for _ in range(3)]
        monkeypatch.undo()
        get_settings.cache_clear()
    assert asked == ["/auth/v1/settings"] * 2
    assert before == after
    assert before[0]["providers"] == ["email", "github"]
