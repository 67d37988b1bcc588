"""Secret entries for tests: made, read back, and looked for in the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from local.supabase import Supabase
from shared.encryption import get_vault
from shared.settings import get_settings
from tests.functions.conftest import Client

CANARY = "s3cr3t-canary"


def create_secret(client: Client, value: str | None = CANARY, **values: Any) -> dict[str, Any]:
    """A secret entry in a product of its own."""
    product = values.pop("product_id", None) or client.create_product()["id"]
    return client.create_app_info(product, value=value, is_secret=True, **values)


def reveal(client: Client, entry: dict[str, Any]) -> str | None:
    """The value of an entry."""
    value: str | None = client.post(f"/api/app-info/{entry['id']}/reveal").expect(200)["value"]
    return value


def read(client: Client, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry as it is now."""
    found: dict[str, Any] = client.get(f"/api/app-info/{entry['id']}").expect(200)
    return found


def history(supabase: Supabase, entry: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What happened to an entry, in order."""
    with psycopg.connect(supabase.database_url) as connection:
        return connection.execute(
            "select action, changes from public.activity where entity_id = %s order by created_at",
            (entry["id"],),
        ).fetchall()


def reveals(supabase: Supabase, entry: dict[str, Any]) -> list[int]:
    """Which of an entry's values were shown."""
    told = history(supabase, entry)
    return [changes["value"]["number"] for action, changes in told if action == "revealed"]


def everything_stored(supabase: Supabase, entry: dict[str, Any]) -> str:
    """Every row of the database in which an entry is named, as text."""
    with psycopg.connect(supabase.database_url) as connection:
        rows = connection.execute(
            "select to_jsonb(t)::text from public.app_info as t where id = %(id)s"
            " union all select to_jsonb(t)::text from public.app_info_overrides as t"
            "   where app_info_id = %(id)s"
            " union all select to_jsonb(t)::text from public.activity as t where entity_id = %(id)s"
            " union all select to_jsonb(t)::text from private.app_info_values as t where app_info_id = %(id)s"
            " union all select to_jsonb(t)::text from private.trash_rows as t where entity_id = %(id)s"
            " union all select to_jsonb(t)::text from private.idempotency_rows as t"
            "   where content ->> 'id' = %(id)s::text",
            {"id": entry["id"]},
        ).fetchall()
    return "\n".join(row for (row,) in rows)


@contextmanager
def deployed_with(**environment: str) -> Iterator[None]:
    """The functions with other settings."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        forget_settings()
        yield
    forget_settings()


def forget_settings() -> None:
    """Let the functions read their environment anew."""
    get_settings.cache_clear()
    get_vault.cache_clear()
