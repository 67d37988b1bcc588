"""Access tokens: made as their owner makes them, and used as PostgREST sees them."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx

from local.supabase import Supabase
from shared.auth.access_tokens import SECRETS, AccessToken, compose_access_token
from tests.database.actors import ANONYMOUS, Actor, Connection, acting_as, one, person
from tests.database.rest import TLS
from tests.patience import PATIENCE_SECONDS

GRANTS = ("work", "docs", "keys", "reveal", "delete")

CREATE = "select id from public.create_access_token(%s, %s, %s, %s, %s, %s)"


def new_token(user_id: UUID, product_id: UUID | None = None) -> AccessToken:
    """A token that the database does not know yet."""
    return compose_access_token(user_id, product_id, secrets.randbelow(SECRETS))


def take_sha256(text: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(text.encode()).hexdigest()


def make_token(
    connection: Connection, owner: UUID, product_id: UUID | None = None, *grants: str, days: int = 30
) -> tuple[AccessToken, UUID]:
    """A new token and its id."""
    token = new_token(owner, product_id)
    given = ("Agent", product_id, list(grants), days, take_sha256(token.text), token.hint)
    with acting_as(connection, person(owner)):
        token_id: UUID = one(connection, CREATE, given)
    return token, token_id


def agent(owner: UUID, token_id: UUID, product_id: UUID | None = None, *grants: str) -> Actor:
    """A request with a token, after check_request."""
    scope = None if product_id is None else str(product_id)
    claims = {"sub": str(owner), "token_id": str(token_id), "product_id": scope, "grants": list(grants)}
    return Actor("forum_agent", None, claims)


@contextmanager
def requesting_with(
    connection: Connection, token: str, actor: Actor = ANONYMOUS, **headers: str
) -> Iterator[None]:
    """Statements inside run as PostgREST runs those of a request with this header; undone by an error.

    `idempotency_key="x"` is sent as `idempotency-key: x`.
    """
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"x-forum-token": token}
    with acting_as(connection, actor):
        connection.execute("select set_config('request.headers', %s, true)", (json.dumps(sent),))
        connection.execute("select private.check_request()")
        yield
        connection.execute("select set_config('request.headers', '', true)")


@contextmanager
def token_client(supabase: Supabase, token: str) -> Iterator[httpx.Client]:
    """Somebody with a token at /rest/v1."""
    headers = {"apikey": supabase.anon_key, "x-forum-token": token}
    with httpx.Client(
        base_url=f"{supabase.url}/rest/v1/", headers=headers, timeout=PATIENCE_SECONDS, verify=TLS
    ) as client:
        yield client
