"""A call of a person renews the expired token of a GitHub App, as a re-sync would."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from shared.github_tokens import renewal as token_renewal
from shared.http_client import get_http_client
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


IMPORT = "/api/github/import"
ROUNDS = 20


def import_all(person: Person) -> Answer:
    body = {"product_id": person.product_id, "github_ids": sorted(person.account.repositories)}
    return person.client.post(IMPORT, body)


def at_once(*calls: Callable[[], Answer | list[int]]) -> list[Answer | list[int]]:
    """Each in a thread of its own, all from the same moment on."""
    start = Barrier(len(calls))

    def begin(call: Callable[[], Answer | list[int]]) -> Answer | list[int]:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


def as_call(ask: Callable[[], Answer]) -> Callable[[], Answer]:
    return lambda: in_own_loop(ask)


@pytest.mark.parametrize("known_to_have_expired", ["at GitHub alone", "here as well"])
def test_lists_imports_and_a_re_sync_at_once_renew_once_and_all_go_on(
    world: World, known_to_have_expired: str
) -> None:
    """In either case GitHub refuses the token, and takes the second use of a refresh token for a theft."""
    for _ in range(ROUNDS):
        person = world.add_person(2, uses_app=True)
        message = world.start(person)
        person.account.expire(person.token)
        if known_to_have_expired == "here as well":
            expire(world, person)
        person.account.latency_seconds = 0.02

        first, second, imported, failed = at_once(
            as_call(lambda: person.client.get(LIST)),  # noqa: B023 - called within the round
            as_call(lambda: person.client.get(LIST)),  # noqa: B023 - as above
            as_call(lambda: import_all(person)),  # noqa: B023 - as above
            lambda: world.work(message),  # noqa: B023 - as above
        )

        assert person.account.refreshes == 1
        for answer in (first, second, imported):
            assert isinstance(answer, Answer)
            answer.expect(200)
        assert isinstance(imported, Answer)
        assert imported.json["counts"]["unchanged"] == 2
        assert failed == []
        assert world.last_run(person)["counts"] == {"unchanged": 2}
        assert world.stored(person)["state"] == "active"
        person.client.get(LIST).expect(200)


def test_import_goes_on_with_the_token_that_a_re_sync_has_stored_meanwhile_and_keeps_its_pages(
    world: World,
    calls: Calls,  # noqa: ARG001 - it puts the hooks of the HTTP client back
) -> None:
    person = world.add_person(250, uses_app=True)
    message = world.start(person)
    world.connection.execute(
        "update private.github_connections set token_expires_at = now() + interval '9 minutes'"
        " where user_id = %s",
        (person.id,),
    )
    waiting = iter([message])

    def re_sync_before_the_third_page(request: httpx.Request) -> None:
        if request.url.path == "/user/repos" and request.url.params["page"] == "3":
            for each in waiting:
                # It renews the token, which ends the import's.
                assert world.work(each) == []

    get_http_client().event_hooks = {"request": [re_sync_before_the_third_page]}

    report = import_all(person).expect(200)

    assert report["counts"]["unchanged"] == 250
    assert person.account.refreshes == 1
    pages = [asked for asked in world.asked() if asked == "GET /user/repos"]
    # The third was asked for twice: with the former token, and with the new one.
    assert len(pages) == 4
    assert world.last_run(person)["state"] == "succeeded"


def test_token_refused_before_its_time_is_renewed_and_the_list_answered(world: World) -> None:
    person = world.add_person(2, uses_app=True)
    person.account.expire(person.token)

    assert len(person.client.get(LIST).expect(200)["items"]) == 2

    assert world.asked() == ["GET /user/repos", "POST /login/oauth/access_token", "GET /user/repos"]


def test_renewed_token_that_is_refused_as_well_is_renewed_no_more(world: World) -> None:
    person = world.add_person(2, uses_app=True)
    person.account.tokens = Forgetful()

    person.client.get(LIST).expect_problem(403, "github-token-rejected")
    person.client.get(LIST).expect_problem(409, "github-needs-reauth")

    assert world.asked() == ["GET /user/repos", "POST /login/oauth/access_token", "GET /user/repos"]


class Forgetful(set[str]):
    """Tokens that GitHub gives out and does not take."""

    def add(self, _: str) -> None:
        """Forgets it."""


def test_renewal_is_stored_although_a_re_sync_ends_meanwhile(world: World, person: Person) -> None:
    """The end of a run gives its lease back, and not the claim of somebody else's renewal."""
    message = world.start(person)
    world.connection.execute(
        "update private.github_connections set token_expires_at = now() + interval '1 hour'"
        " where user_id = %s",
        (person.id,),
    )
    person.account.grant(person.token)
    person.account.change_after(1, lambda: claim_elsewhere(world, person))

    assert world.work(message) == []

    assert world.stored(person)["refresh_lease_until"] is not None


def claim_elsewhere(world: World, person: Person) -> None:
    """A list has begun to renew the token."""
    world.connection.execute(
        "update private.github_connections set refresh_lease_until = now() + interval '30 seconds'"
        " where user_id = %s",
        (person.id,),
    )


def test_renewal_under_way_for_too_long_is_told_and_loses_nothing(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_renewal, "LONGEST_WAIT_SECONDS", 0.1)
    claim_elsewhere(world, person)

    person.client.get(LIST).expect_problem(409, "github-token-expired")

    assert world.asked() == []
    world.expire_leases()
    person.client.get(LIST).expect(200)


def test_refresh_token_that_is_dead_asks_for_another_connection(world: World, person: Person) -> None:
    person.account.remove_app()
    before = world.stored(person)
    for _ in range(2):
        person.client.get(LIST).expect_problem(409, "github-needs-reauth")
    after = world.stored(person)
    assert (after["sealed_token"], after["state"]) == (before["sealed_token"], "needs_reauth")
    assert world.asked() == ["POST /login/oauth/access_token"]


def test_expired_token_without_the_apps_credentials_is_refused(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.delenv("GITHUB_APP_CLIENT_SECRET")
        get_settings.cache_clear()
        person.client.get(LIST).expect_problem(409, "github-token-expired")
    get_settings.cache_clear()
    assert world.stored(person)["refresh_lease_until"] is None
