"""The whole way with KMS in place of a key of the environment."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from shared.aws.clients import get_client
from shared.encryption import get_vault
from shared.settings import get_settings
from tests.sync.world import World


@pytest.fixture
def kms(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: ARG001 - AWS is mocked in there
    client = get_client("kms")
    monkeypatch.setenv("KMS_KEY_ID", client.create_key()["KeyMetadata"]["KeyId"])
    monkeypatch.delenv("ENCRYPTION_KEY")
    get_settings.cache_clear()
    get_vault.cache_clear()
    yield client
    monkeypatch.undo()
    get_settings.cache_clear()
    get_vault.cache_clear()


def test_ten_users_cost_kms_one_key_and_one_decryption(world: World, kms: Any) -> None:
    asked: Counter[str] = Counter()

    def note(model: Any, **_: object) -> None:
        asked[model.name] += 1

    kms.meta.events.register("before-call.kms", note)
    people = [world.add_person(1) for _ in range(10)]
    # Another process: nothing is cached there.
    get_vault.cache_clear()
    world.sync()
    kms.meta.events.unregister("before-call.kms", note)

    assert {world.last_run(person)["state"] for person in people} == {"succeeded"}
    # Ten users at once may all find the cache empty, and none does a second time.
    assert asked["GenerateDataKey"] == 1
    assert 1 <= asked["Decrypt"] <= 10
    asked.clear()
    world.sync()
    assert asked == Counter()


def test_kms_that_does_not_answer_fails_the_message_and_breaks_nothing(world: World, kms: Any) -> None:
    person = world.add_person(2)
    message = world.start(person)
    get_vault.cache_clear()

    def refuse(parsed: dict[str, Any], http_response: Any, **_: object) -> None:
        parsed["Error"] = {"Code": "ThrottlingException", "Message": "slow down"}
        http_response.status_code = 400

    kms.meta.events.register("after-call.kms", refuse)
    assert world.work(message) == [0]
    assert world.asked() == []
    assert world.work(message, received=5) == [0]
    kms.meta.events.unregister("after-call.kms", refuse)

    run = world.last_run(person)
    assert (run["state"], run["error"]) == ("failed", "encryption_unavailable")
    assert world.stored(person)["state"] == "active"
    world.sync()
    assert world.last_run(person)["state"] == "succeeded"
