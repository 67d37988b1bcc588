"""The maintenance as the schedule calls it, over a real Supabase."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from functions.maintenance import handler as maintenance
from functions.maintenance.service import MaintenanceFailed
from local.supabase import Supabase
from shared.settings import get_settings
from tests.functions.conftest import Client

# Of the trash two sets of one row.
DUE = {"idempotency_keys": 3, "trash": 4, "document_revisions": 2, "access_tokens": 1}
# Of these nothing is due.
DUE |= dict.fromkeys(("writes", "activity", "closed_accounts", "usage", "key_renewals"), 0)


@dataclass
class Context:
    """Lambda's context: the function has time for so many calls."""

    calls: int = 1_000

    def __post_init__(self) -> None:
        self.asked = count(1)

    def get_remaining_time_in_millis(self) -> int:
        return 120_000 if next(self.asked) <= self.calls else 12_000


@pytest.fixture
def database(supabase: Supabase) -> Iterator[psycopg.Connection]:
    """What people and operators do, committed at once."""
    with psycopg.connect(supabase.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def secret_key(supabase: Supabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the function has beside the others."""
    monkeypatch.setenv("SUPABASE_SECRET_KEY", supabase.keys.service_role_key)
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def tidy(secret_key: None) -> None:  # noqa: ARG001 - with its key
    """Nothing that other tests have left is due."""
    call()


@pytest.fixture
def due(tidy: None, owner: Client, supabase: Supabase) -> Client:  # noqa: ARG001 - counts what is due
    """Somebody of whom the maintenance removes what `DUE` says."""
    product = owner.create_product()["id"]
    for _ in range(3):
        owner.post("/api/products", {"name": "Kept"}, headers={"idempotency-key": uuid4().hex}).expect(201)
    document = owner.create_document(product)["id"]
    owner.patch(f"/api/docs/{document}", {"content": "One"}).expect(200)
    for _ in range(2):
        gone = owner.create_document(product)["id"]
        owner.patch(f"/api/docs/{gone}", {"content": "One"}).expect(200)
        owner.delete(f"/api/docs/{gone}").expect(204)
    token = owner.create_token()
    owner.create_token()
    assert owner.user is not None
    with psycopg.connect(supabase.postgres.superuser_url) as superuser:
        # Nobody else may say when a key was sent.
        superuser.execute("set local session_replication_role = replica")
        superuser.execute(
            "update private.idempotency_keys set created_at = created_at - interval '25 hours'"
            " where user_id = %s",
            (owner.user.id,),
        )
        superuser.execute("update public.trash set expires_at = now() where user_id = %s", (owner.user.id,))
        superuser.execute(
            "update public.access_tokens set revoked_at = now() - interval '100 days' where id = %s",
            (token.get("/api/tokens/current").expect(200)["id"],),
        )
    return owner


def call(context: Context | None = None) -> dict[str, int]:
    """One call of the schedule."""
    return maintenance.handler({}, context or Context())


def log(capsys: pytest.CaptureFixture[str], message: str) -> list[dict[str, Any]]:
    """The lines of this event."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line.get("message") == message]


def test_what_has_had_its_time_is_gone_and_all_else_is_there(due: Client) -> None:
    before = [due.get(path).expect(200) for path in ("/api/products", "/api/docs")]
    assert call() == DUE
    assert [due.get(path).expect(200) for path in ("/api/products", "/api/docs")] == before
    (document,) = before[1]["items"]
    assert len(due.get(f"/api/docs/{document['id']}/revisions").expect(200)["items"]) == 1
    assert len(due.get("/api/tokens").expect(200)["items"]) == 1


def test_second_call_has_nothing_to_do(due: Client) -> None:  # noqa: ARG001 - what is due
    call()
    assert call() == dict.fromkeys(DUE, 0)


def test_time_that_is_over_leaves_the_rest_to_the_next_hour(
    due: Client,  # noqa: ARG001 - what is due
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(Context(calls=3)) == {**DUE, "access_tokens": 0}
    (line,) = log(capsys, "maintenance_done")
    assert line["left"] == ["writes", "access_tokens", "activity", "closed_accounts", "usage", "key_renewals"]
    assert call() == {**dict.fromkeys(DUE, 0), "access_tokens": 1}


def test_much_to_do_for_one_step_keeps_nothing_from_the_others(
    due: Client,  # noqa: ARG001 - what is due
    database: psycopg.Connection,
) -> None:
    change = "update private.maintenance_steps set batch_size = %s where name = 'idempotency_keys'"
    database.execute(change, (1,))
    try:
        assert call(Context(calls=9)) == {**DUE, "idempotency_keys": 1}
        assert call(Context(calls=10))["idempotency_keys"] == 2
    finally:
        database.execute(change, (100,))


def test_step_that_fails_keeps_nothing_from_the_others_and_is_told(
    due: Client,  # noqa: ARG001 - what is due
    database: psycopg.Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    database.execute(
        "insert into private.maintenance_steps (name, place, batch_size) values ('unknown', 1, 1)"
    )
    try:
        with pytest.raises(MaintenanceFailed, match="unknown"):
            call()
    finally:
        database.execute("delete from private.maintenance_steps where name = 'unknown'")
    out = capsys.readouterr().out
    lines = {line["message"]: line for line in map(json.loads, out.splitlines()) if "message" in line}
    # case_not_found
    assert (lines["maintenance_step_failed"]["step"], lines["maintenance_step_failed"]["reason"]) == (
        "unknown",
        "20000",
    )
    assert lines["maintenance_done"]["removed"] == {"unknown": 0, **DUE}
    assert lines["maintenance_done"]["failed"] == ["unknown"]


def test_database_that_cannot_be_reached_fails_the_call(
    secret_key: None,  # noqa: ARG001 - with its key
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUPABASE_URL", "http://127.0.0.1:9")
    get_settings.cache_clear()
    with pytest.raises(Exception, match="ConnectError"):
        call()
