"""The whole way with the deployment's secrets in Parameter Store, as on AWS."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.aws.clients import get_client
from shared.aws.deployment_secrets import SecretUnavailable, get_provider
from shared.settings import get_settings
from tests.sync.world import Calls, World

CONNECTION = "/api/github/connection"
LIST = "/api/github/repos"


class ParameterStore:
    """moto's, with every secret of the functions in it."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        self.ssm = get_client("ssm")
        settings = get_settings()
        secrets = {
            "SUPABASE_SECRET_KEY": settings.supabase_secret_key,
            "GITHUB_IMPORT_KEY": settings.github_import_key,
            "GITHUB_APP_CLIENT_SECRET": settings.github_app_client_secret,
        }
        for name, secret in secrets.items():
            assert secret is not None
            place = f"/forum/test/{name}"
            self.ssm.put_parameter(Name=place, Value=secret.read(), Type="SecureString", Overwrite=True)
            environment.setenv(name, f"ssm:{place}")
        get_settings.cache_clear()

    def refuse(self) -> None:
        """Let nobody read any more, in a container that has read nothing yet."""
        self.ssm.meta.events.register("after-call.ssm.GetParameter", self._refuse)
        get_provider.cache_clear()

    def recover(self) -> None:
        """Answer again."""
        self.ssm.meta.events.unregister("after-call.ssm.GetParameter", self._refuse)

    @staticmethod
    def _refuse(parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
        parsed["Error"] = {"Code": "AccessDeniedException", "Message": "not yours"}
        http_response.status_code = 400


@pytest.fixture
def store(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[ParameterStore]:  # noqa: ARG001 - AWS is mocked in there
    get_provider.cache_clear()
    store = ParameterStore(monkeypatch)
    yield store
    store.recover()
    monkeypatch.undo()
    get_settings.cache_clear()
    get_provider.cache_clear()


@pytest.mark.usefixtures("store")
def test_connection_import_and_re_sync_work_with_secrets_that_are_fetched(world: World) -> None:
    person = world.add_person(2, uses_app=True)
    world.sync(person)
    assert world.last_run(person)["state"] == "succeeded"


def test_worker_without_its_key_gets_the_message_again_and_then_does_it(
    world: World, store: ParameterStore
) -> None:
    person = world.add_person(2)
    message = world.start(person)
    store.refuse()
    assert world.work(message) == [0]
    assert world.asked() == []
    store.recover()
    assert world.work(message) == []
    assert world.last_run(person)["state"] == "succeeded"


def test_dispatcher_without_its_key_fails_as_an_invocation_and_leaves_everything_due(
    world: World, store: ParameterStore
) -> None:
    person = world.add_person(1)
    world.make_due(person)
    store.refuse()
    # Which Lambda calls again, as the schedule asks.
    with pytest.raises(SecretUnavailable):
        world.dispatch()
    store.recover()
    assert world.dispatch() == {"claimed": 1, "sent": 1}


def test_requests_that_need_the_import_key_are_told_to_try_again_and_others_are_answered(
    world: World, store: ParameterStore
) -> None:
    person = world.add_person(1)
    store.refuse()
    person.client.get(LIST).expect_problem(503, "unavailable")
    person.client.request("PUT", CONNECTION, {"token": person.token}).expect_problem(503, "unavailable")
    person.client.get(CONNECTION).expect(200)
    person.client.get("/api/products").expect(200)
    store.recover()
    person.client.get(LIST).expect(200)


def test_expired_token_is_not_claimed_for_renewal_before_the_keys_are_there(
    world: World, store: ParameterStore, calls: Calls
) -> None:
    """A refresh token works once: the pair that it brings could not be saved."""
    person = world.add_person(1, uses_app=True)
    world.connection.execute(
        "update private.github_connections set token_expires_at = now() - interval '1 second'"
        " where user_id = %s",
        (person.id,),
    )
    store.refuse()
    person.client.get(LIST).expect_problem(503, "unavailable")
    assert "claim_own_token_refresh" not in calls.made
    store.recover()
    person.client.get(LIST).expect(200)
