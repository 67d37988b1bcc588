"""The whole way while the key that seals is rotated, and when it is taken away too early."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest

from local.supabase import Supabase
from operations.rewrapping import LocalRewrapping
from operations.rotate_keys import COLUMNS, rotate
from shared.encryption import get_vault
from shared.settings import get_settings
from tests.sync.test_background_imports import UNKNOWN, ask, read_run
from tests.sync.world import Person, World

NEW_KEY = b64encode(bytes(range(32))).decode()

SetKeys = Callable[[str, str], None]


@pytest.fixture
def set_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetKeys]:
    """Deploys with these keys: the one that seals, and the previous one."""

    def deploy(key: str, previous: str) -> None:
        monkeypatch.setenv("ENCRYPTION_KEY", key)
        monkeypatch.setenv("ENCRYPTION_KEY_PREVIOUS", previous)
        get_settings.cache_clear()
        get_vault.cache_clear()

    yield deploy
    monkeypatch.undo()
    get_settings.cache_clear()
    get_vault.cache_clear()


def check_that_it_syncs(world: World, *people: Person) -> None:
    world.make_due(*people)
    world.sync()
    assert {world.last_run(person)["state"] for person in people} == {"succeeded"}


def test_rotation_is_noticed_by_nobody(world: World, supabase: Supabase, set_keys: SetKeys) -> None:
    old_key = supabase.keys.encryption_key
    people = [world.add_person(1), world.add_person(1, uses_app=True)]
    set_keys(old_key, NEW_KEY)
    check_that_it_syncs(world, *people)
    set_keys(NEW_KEY, old_key)
    check_that_it_syncs(world, *people)
    people.append(world.add_person(1))
    before = [world.stored(person)["version"] for person in people]

    tokens, refresh_tokens = rotate(world.connection, LocalRewrapping(NEW_KEY, old_key), COLUMNS[:2])

    assert [world.stored(person)["version"] for person in people] == before
    assert (tokens.rewrapped, refresh_tokens.rewrapped, tokens.left, refresh_tokens.left) == (2, 1, 0, 0)
    check_that_it_syncs(world, *people)
    set_keys(NEW_KEY, "")
    check_that_it_syncs(world, *people)


def test_key_that_was_taken_away_too_early_makes_nobody_connect_again(
    world: World, supabase: Supabase, set_keys: SetKeys, capsys: pytest.CaptureFixture[str]
) -> None:
    person = world.add_person(2)
    message = world.start(person)
    set_keys(NEW_KEY, "")
    capsys.readouterr()

    assert world.work(message) == [0]
    assert world.work(message, received=5) == [0]

    run = world.last_run(person)
    assert (run["state"], run["error"]) == ("failed", "encryption_unavailable")
    assert (world.stored(person)["state"], world.asked()) == ("active", [])
    key_id = world.stored(person)["sealed_token"]["key_id"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["key_id"] for line in lines if line.get("message") == "key_unknown"] == [key_id, key_id]
    set_keys(NEW_KEY, supabase.keys.encryption_key)
    check_that_it_syncs(world, person)


def test_import_under_a_key_that_was_taken_away_too_early_is_tried_again(
    world: World, supabase: Supabase, set_keys: SetKeys
) -> None:
    person = world.add_person(0)
    run = ask(person, [UNKNOWN + number for number in range(1_001)]).expect(202)
    set_keys(NEW_KEY, "")
    world.queue.poll()
    assert read_run(person, run)["state"] in ("queued", "running")

    set_keys(NEW_KEY, supabase.keys.encryption_key)
    world.queue.drain()

    # It has asked GitHub for each of them.
    assert read_run(person, run)["counts"] == {"not_found": 1_001}
