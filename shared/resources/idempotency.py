"""Retries that make no duplicates: the first answer under an `Idempotency-Key` answers every repeat.

The keys live in Postgres, claimed by triggers in the transaction of the insert, so that they hold across
containers and for a browser that goes straight to PostgREST. They are kept for 24 hours.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Header, Request, Response
from postgrest import (
    APIError,
    SyncQueryRequestBuilder,
    SyncRPCFilterRequestBuilder,
)

from shared.aws.deployment_secrets import DeploymentSecret, read_secret
from shared.database.rest_client import RestClient
from shared.entities.base import Row, written_as
from shared.errors import Conflict, FieldError, Invalid
from shared.http.etags import with_etag

RowT = TypeVar("RowT", bound=Row)

# A table's insert, or a function that inserts.
Insert = SyncQueryRequestBuilder | SyncRPCFilterRequestBuilder

REPLAY = "idempotency_replay"


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's key, and the request it was sent with: the same key for another request is a mistake."""

    key: str
    request: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Created(Generic[RowT]):
    """New rows, or those that an earlier request with the same key has made."""

    rows: list[RowT]
    replayed: bool


async def read_idempotency_key(
    request: Request,
    idempotency_key: Annotated[
        Annotated[
            str, *written_as(r"^[\x21-\x7e]+$", "It has to be printable ASCII characters without a blank.")
        ]
        | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            description="Any text of yours, such as a UUID. A repeat within 24 hours gets the first result.",
        ),
    ] = None,
) -> IdempotencyKey | None:
    """The key of the request, where it has one."""
    if idempotency_key is None:
        return None
    # The body as a value, not as bytes: a retry may write the same JSON in another way. That there is none is
    # for the endpoint to refuse.
    value = json.loads(await request.body() or b"null")
    canonical = json.dumps([request.method, request.url.path, value], sort_keys=True)
    return IdempotencyKey(idempotency_key, canonical.encode())


def _take_fingerprint(request: bytes, secret: DeploymentSecret | None) -> str:
    """What the database keeps of a request."""
    key = read_secret(secret)
    if key is None:
        return hashlib.sha256(request).hexdigest()
    return hmac.new(key.encode(), request, hashlib.sha256).hexdigest()


Idempotency = Annotated[IdempotencyKey | None, Depends(read_idempotency_key)]


def execute_once(
    supabase: RestClient,
    insert: Insert,
    key: IdempotencyKey | None,
    fingerprint_secret: DeploymentSecret | None,
) -> tuple[list[Any], bool]:
    """Run an insert under a key: its rows, or those of the request that came first; whether it is a replay.

    Raises `Invalid` for a key that was used with another request.
    """
    if key is None:
        return _get_rows(insert), False
    fingerprint = _take_fingerprint(key.request, fingerprint_secret)
    insert.request.headers["Idempotency-Key"] = key.key
    insert.request.headers["Idempotency-Fingerprint"] = fingerprint
    try:
        return _get_rows(insert), False
    except APIError as error:
        if error.hint != REPLAY:
            raise
    answers = _get_rows(supabase.rpc("get_idempotent_answer", {"idempotency_key": key.key}))
    if not answers:
        raise Conflict(
            "This Idempotency-Key has just expired. Send a new one.", type="idempotency-key-expired"
        )
    if answers[0]["fingerprint"] != fingerprint:
        message = "This Idempotency-Key was sent before, with another request. Send a new one."
        raise Invalid(
            message,
            type="idempotency-key-reuse",
            errors=[FieldError(detail=message, parameter="Idempotency-Key")],
        )
    return answers[0]["rows"], True


def complete(row: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """A new row, whole. For a replay the start of a long text is kept, and the rest is in its own body."""
    known = {
        name: value
        for name, value in row.items()
        if not name.endswith("_truncated") and not row.get(f"{name}_truncated")
    }
    return {**sent, **known}


def _get_rows(insert: Insert) -> list[Any]:
    rows: Any = insert.execute().data
    return list(rows)


def created_response(response: Response, prefix: str, created: Created[RowT]) -> RowT:
    """Say where a new row is, which version it has and whether this is a replay. Returns the row."""
    (row,) = created.rows
    response.headers["Location"] = f"{prefix}/{row.id}"
    note_replay(response, created)
    return with_etag(response, row)


def note_replay(response: Response, created: Created[RowT]) -> None:
    """Tell the client where a replay is one."""
    if created.replayed:
        response.headers["Idempotency-Replayed"] = "true"
