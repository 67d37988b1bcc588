"""Somebody who talks to PostgREST through the gateway, as a browser would, past all functions."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg

from local.supabase import Supabase, User
from tests.database.actors import one
from tests.database.world import CHILDREN, REVISION, SAMPLES, TRASH, make_override
from tests.patience import PATIENCE_SECONDS

# Made once: loading the certificates that nobody here uses takes longer than a request.
TLS = ssl.create_default_context()

MINIMAL = {"prefer": "return=minimal"}
REPRESENTATION = {"prefer": "return=representation"}


@contextmanager
def rest_client(supabase: Supabase, token: str | None) -> Iterator[httpx.Client]:
    """A client with this token, or with the publishable key alone."""
    headers = {"apikey": supabase.anon_key}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    with httpx.Client(
        base_url=f"{supabase.url}/rest/v1/", headers=headers, timeout=PATIENCE_SECONDS, verify=TLS
    ) as client:
        yield client


@dataclass(frozen=True)
class RestPerson:
    """A signed-up user, their client and the ids of their rows by table."""

    user: User
    client: httpx.Client
    rows: Mapping[str, str]


def make_rows(supabase: Supabase, client: httpx.Client, user: User) -> dict[str, str]:
    """One row of everything, made as a client makes them; what none can make, as the database does."""
    rows = {"users": str(user.id), "products": create(client, "products", **SAMPLES["products"])}
    for table in CHILDREN:
        rows[table] = create(client, table, product_id=rows["products"], **SAMPLES[table])
    rows["activity"] = client.get("activity", params={"limit": 1}).raise_for_status().json()[0]["id"]
    with psycopg.connect(supabase.database_url) as connection:
        rows["document_revisions"] = str(one(connection, REVISION, (user.id, rows["products"])))
        rows["trash"] = str(one(connection, TRASH, (user.id, rows["products"])))
        rows["app_info_overrides"] = str(make_override(connection, rows["app_info"]))
    return rows


def create(client: httpx.Client, table: str, **columns: Any) -> str:
    """A new row's id."""
    answer = client.post(table, json=serialisable(columns), headers=REPRESENTATION).raise_for_status()
    row_id: str = answer.json()[0]["id"]
    return row_id


def serialisable(columns: dict[str, Any]) -> dict[str, Any]:
    """The columns as JSON can hold them."""
    return {name: str(value) if isinstance(value, UUID) else value for name, value in columns.items()}
