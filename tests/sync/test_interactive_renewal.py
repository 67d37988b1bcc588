"""A call of a person renews the expired token of a GitHub App, as a re-sync would."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.settings import get_settings
from tests.functions.conftest import in_own_loop
from tests.functions.events import Answer
from tests.sync.world import Calls, Person, World

LIST = "/api/github/repos"


@pytest.fixture
def person(world: World) -> Person:
    """Somebody whose App token has expired here and at GitHub, and can be renewed."""
    made = world.add_person(repositories=2, uses_app=True)
    expire(world, made)
    return made


def expire(world: World, person: Person) -> None:
    """Eight hours pass."""
    person.account.expire(person.token)
    world.connection.execute(
        "update private.github_connections set token_expires_at = now() - interval '1 second'"
        " where user_id = %s",
        (person.id,),
    )


def test_expired_token_is_renewed_and_stored_and_the_call_is_answered(
    world: World, person: Person, calls: Calls
) -> None:
    before = world.stored(person)
    assert len(person.client.get(LIST).expect(200)["items"]) == 2
    after = world.stored(person)
    assert after["sealed_token"] != before["sealed_token"]
    assert after["sealed_refresh_token"] != before["sealed_refresh_token"]
    assert after["refresh_lease_until"] is None
    assert calls.made.count("claim_own_token_refresh") == calls.made.count("save_own_refreshed_token") == 1

    # The next call and the next re-sync use what was stored.
    calls.made.clear()
    person.client.get(LIST).expect(200)
    assert "claim_own_token_refresh" not in calls.made
    world.sync(person)
    assert world.last_run(person)["state"] == "succeeded"


def test_calls_at_once_renew_once_and_none_loses_the_connection(world: World, person: Person) -> None:
    def call(_: int) -> Answer:
        return in_own_loop(lambda: person.client.get(LIST))

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(call, range(5)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert 200 in {answer.status for answer in answers}
    for answer in answers:
        if answer.status == 409:
            answer.expect_problem(409, "github-token-expired")
    person.client.get(LIST).expect(200)
    assert world.asked().count("POST /login/oauth/access_token") == 1


def test_refresh_token_that_is_dead_asks_for_another_connection(world: World, person: Person) -> None:
    person.account.remove_app()
    before = world.stored(person)
    person.client.get(LIST).expect_problem(409, "github-needs-reauth")
    assert world.stored(person)["sealed_token"] == before["sealed_token"]


def test_expired_token_without_the_apps_credentials_is_refused(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.delenv("GITHUB_APP_CLIENT_SECRET")
        get_settings.cache_clear()
        person.client.get(LIST).expect_problem(409, "github-token-expired")
    get_settings.cache_clear()
    assert world.stored(person)["refresh_lease_until"] is None
