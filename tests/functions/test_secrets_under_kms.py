"""Secrets under AWS KMS: what it is asked, and that nothing is stored or lost while it refuses."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from moto import mock_aws
from psycopg.types.json import Jsonb

from local.supabase import Supabase
from shared.aws.clients import clear_clients, get_client
from shared.encryption import Place, get_vault
from tests.functions.conftest import Client
from tests.functions.secret_entries import CANARY, create_secret, forget_settings, read, reveal, reveals

REFUSALS = ["DisabledException", "ThrottlingException", "KMSInternalException", "AccessDeniedException"]


@pytest.fixture
def kms() -> Iterator[Any]:
    """The functions with a KMS key and no key of the environment."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        clear_clients()
        client = get_client("kms")
        environment.setenv("KMS_KEY_ID", client.create_key()["KeyMetadata"]["KeyId"])
        environment.delenv("ENCRYPTION_KEY")
        forget_settings()
        yield client
    clear_clients()
    forget_settings()


@contextmanager
def noting(kms: Any) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What KMS is asked."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        asked.append((model.name, params))

    kms.meta.events.register("provide-client-params.kms", note)
    yield asked
    kms.meta.events.unregister("provide-client-params.kms", note)


@contextmanager
def refusing(kms: Any, code: str) -> Iterator[None]:
    """KMS while it answers with an error. What was cached is forgotten, as in a new container."""

    def refuse(parsed: dict[str, Any], http_response: Any, **_: object) -> None:
        parsed["Error"] = {"Code": code, "Message": "not now"}
        http_response.status_code = 400

    get_vault.cache_clear()
    kms.meta.events.register("after-call.kms", refuse)
    yield
    kms.meta.events.unregister("after-call.kms", refuse)


def test_secrets_of_one_container_cost_kms_one_key_bound_to_what_it_is_for(owner: Client, kms: Any) -> None:
    with noting(kms) as asked:
        product = owner.create_product()["id"]
        entries = [create_secret(owner, f"value-{n}", product_id=product) for n in range(5)]
    assert Counter(name for name, _ in asked) == {"GenerateDataKey": 1}
    assert asked[0][1]["EncryptionContext"] == {"app": "forum", "purpose": "app_info"}
    get_vault.cache_clear()
    with noting(kms) as asked:
        assert [reveal(owner, entry) for entry in entries] == [f"value-{n}" for n in range(5)]
    assert Counter(name for name, _ in asked) == {"Decrypt": 1}
    assert asked[0][1]["EncryptionContext"] == {"app": "forum", "purpose": "app_info"}


def test_rename_of_a_secret_asks_kms_by_purpose_alone_and_its_values_open(owner: Client, kms: Any) -> None:
    """CloudTrail shows what KMS is asked: the name of a key is in none of it."""
    entry = create_secret(owner, "one")
    owner.patch(f"/api/app-info/{entry['id']}", {"value": "two"}).expect(200)
    get_vault.cache_clear()
    with noting(kms) as asked:
        owner.patch(f"/api/app-info/{entry['id']}", {"key": "RENAMED_CANARY"}).expect(200)
    assert Counter(name for name, _ in asked) == {"Decrypt": 1, "GenerateDataKey": 1}
    assert {tuple(params["EncryptionContext"]) for _, params in asked} == {("app", "purpose")}
    assert "CANARY" not in str(asked)
    assert reveal(owner, entry) == "two"
    assert owner.post(f"/api/app-info/{entry['id']}/versions/1/reveal").expect(200)["value"] == "one"


@pytest.mark.parametrize("code", REFUSALS)
def test_rename_and_restoration_change_nothing_while_kms_refuses(owner: Client, kms: Any, code: str) -> None:
    entry = create_secret(owner, "one")
    before = owner.patch(f"/api/app-info/{entry['id']}", {"value": "two"}).expect(200)
    with refusing(kms, code):
        owner.patch(f"/api/app-info/{entry['id']}", {"key": "RENAMED"}).expect_problem(503, "unavailable")
        restored = owner.post(f"/api/app-info/{entry['id']}/versions/1/restore")
        restored.expect_problem(503, "unavailable")
    assert owner.get(f"/api/app-info?key={entry['key']}").expect(200)["items"] == [before]
    assert reveal(owner, entry) == "two"


WRITES: dict[str, Callable[[Client, dict[str, Any]], Any]] = {
    "create": lambda client, entry: client.post(
        "/api/app-info",
        {"product_id": entry["product_id"], "key": "NEW", "value": CANARY, "is_secret": True},
    ),
    "bulk": lambda client, entry: client.post(
        "/api/app-info/bulk",
        {
            "items": [
                {"product_id": entry["product_id"], "key": "PLAIN", "value": "1"},
                {"product_id": entry["product_id"], "key": "NEW", "value": CANARY, "is_secret": True},
            ]
        },
    ),
    "import": lambda client, entry: client.post(
        "/api/app-info/import", {"product_id": entry["product_id"], "content": f"NEW={CANARY}"}
    ),
    "make secret": lambda client, entry: client.patch(f"/api/app-info/{entry['id']}", {"is_secret": True}),
    "make secret with a new value": lambda client, entry: client.patch(
        f"/api/app-info/{entry['id']}", {"is_secret": True, "value": CANARY}
    ),
}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_while_kms_refuses(
    owner: Client, kms: Any, code: str, write: str, supabase_requests: list[httpx.Request]
) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], value="plain")
    supabase_requests.clear()
    with refusing(kms, code):
        answer = WRITES[write](owner, entry)
    assert answer.expect_problem(503, "unavailable")
    assert answer.headers["retry-after"]
    assert CANARY not in answer.text
    assert not any(CANARY.encode() in request.content for request in supabase_requests)
    assert owner.get("/api/app-info").expect(200)["items"] == [entry]


@pytest.mark.parametrize("code", REFUSALS)
def test_secret_outlives_that_kms_refuses_to_open_it(
    owner: Client, supabase: Supabase, kms: Any, code: str
) -> None:
    entry = create_secret(owner)
    with refusing(kms, code):
        owner.post(f"/api/app-info/{entry['id']}/reveal").expect_problem(503, "unavailable")
        owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": False}).expect_problem(503, "unavailable")
        exported = f"/api/app-info/export?product_id={entry['product_id']}&include_secrets=true"
        owner.get(exported).expect_problem(503, "unavailable")
    assert read(owner, entry)["is_secret"] is True
    assert reveal(owner, entry) == CANARY
    # A reveal is recorded before the value is there to be shown: once too often rather than once too little.
    # An export and a change are recorded with what they do, and these did nothing.
    assert reveals(supabase, entry) == [1, 1]


def test_kms_that_cannot_be_reached_is_503_and_nothing_is_written(owner: Client, kms: Any) -> None:  # noqa: ARG001 - the key is set in there
    product = owner.create_product()["id"]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        clear_clients()
        get_vault.cache_clear()
        body = {"product_id": product, "key": "TOKEN", "value": CANARY, "is_secret": True}
        owner.post("/api/app-info", body).expect_problem(503, "unavailable")
    assert owner.get("/api/app-info").expect(200)["items"] == []


def test_value_that_was_sealed_for_another_purpose_does_not_open(
    owner: Client, supabase: Supabase, kms: Any
) -> None:
    """Somebody who can write to the database must not read a stored token through the app info of theirs."""
    entry = create_secret(owner)
    assert owner.user is not None
    sealed = get_vault().seal("token-canary", Place("github_token", owner.user.id, UUID(entry["id"])))
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute(
            "update private.app_info_values set sealed = %s where app_info_id = %s",
            (Jsonb(sealed), entry["id"]),
        )
    get_vault.cache_clear()
    with noting(kms) as asked:
        answer = owner.post(f"/api/app-info/{entry['id']}/reveal")
    answer.expect_problem(503, "secret-unreadable")
    assert "canary" not in answer.text
    assert [name for name, _ in asked] == ["Decrypt"]
