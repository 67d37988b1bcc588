"""The whole way while the key that seals is rotated."""

from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest

from local.supabase import Supabase
from operations.rewrapping import LocalRewrapping
from operations.rotate_keys import COLUMNS, rotate
from shared.encryption import get_vault
from shared.settings import get_settings
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
