"""docs/restoring.md: its commands, from one database into another."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import POSTGRES_15, POSTGRES_17, Postgres, run_postgres
from local.supabase import PASSWORD, Supabase, User, Users, run_supabase
from tests.conftest import WITHOUT_DURABILITY
from tests.patience import PATIENCE_SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "restoring.md").read_text()
MISSING = (
    "No pg_dump and psql of Postgres 15 or newer were found, which docs/restoring.md takes."
    " Install them: `apt-get install postgresql-client` on Debian, `brew install libpq` on macOS"
)
# GoTrue's sessions stay behind: everybody signs in anew.
STAYING = {"auth.sessions", "auth.refresh_tokens"}


def read_commands() -> list[str]:
    """The page's blocks for a shell, without the indent of their list."""
    blocks = re.findall(r"^( *)```sh\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in blocks]


def find_binaries() -> Path:
    """The server of this machine's pg_dump: a newer one writes what an older server does not read."""
    program = shutil.which("pg_dump")
    assert program is not None, MISSING
    assert shutil.which("psql") is not None, MISSING
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - found above
    found = re.search(r"\) (\d+)", said)
    assert found is not None, said
    major = int(found[1])
    assert major >= 15, MISSING
    return POSTGRES_17 if major >= 17 else POSTGRES_15


@contextmanager
def run_project(folder: Path, keys: Path) -> Iterator[Supabase]:
    """A project with Forum's migrations, and the keys of the stage."""
    settings = {**WITHOUT_DURABILITY}
    with run_postgres(
        folder / "postgres", free_port(), binaries=find_binaries(), settings=settings
    ) as server:
        apply_migrations(server.url)
        ports = (free_port(), free_port())
        with run_supabase(
            server, port=free_port(), postgrest_ports=ports, keys=keys, logs=folder / "logs"
        ) as supabase:
            yield supabase


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Supabase, Supabase]]:
    """The old one and the new one, of one stage's keys."""
    folder = tmp_path_factory.mktemp("restoring")
    with ExitStack() as stack:
        old, new = (
            stack.enter_context(run_project(folder / name, folder / "keys")) for name in ("old", "new")
        )
        yield old, new


def call(supabase: Supabase, user: User, method: str, path: str, row: dict[str, Any] | None = None) -> Any:
    """What PostgREST answers to a user."""
    headers = {"apikey": supabase.anon_key, "Authorization": f"Bearer {user.access_token}"}
    headers["Prefer"] = "return=representation"
    answer = httpx.request(method, f"{supabase.url}/rest/v1/{path}", headers=headers, json=row)
    return answer.raise_for_status().json()


def fill(supabase: Supabase) -> User:
    """A user with something of each kind that a browser may make, and a token."""
    user = Users(supabase.url, supabase.anon_key).create("ada@example.com")
    (product,) = call(supabase, user, "POST", "products", {"name": "Atlas'; \\ é"})
    of = {"product_id": product["id"]}
    for number in range(3):
        call(supabase, user, "POST", "work_items", {**of, "title": f"Item {number}", "type": "fix"})
    (document,) = call(
        supabase, user, "POST", "documents", {**of, "title": "Plan", "content": "\t\\N 'é' $$"}
    )
    call(supabase, user, "PATCH", f"documents?id=eq.{document['id']}", {"content": "\\.\n日本"})
    call(supabase, user, "POST", "app_info", {**of, "key": "URL", "value": "x\ty", "category": "url"})
    with psycopg.connect(supabase.postgres.superuser_url) as connection:
        connection.execute(
            "insert into auth.identities (provider_id, user_id, identity_data, provider)"
            " values ('1', %s, '{}', 'github')",
            [user.id],
        )
        connection.execute(
            "insert into public.access_tokens (user_id, name, hint, expires_at)"
            " values (%s, 'CI', 'abcd', now() + interval '1 day')",
            [user.id],
        )
    return user


def read_tables(server: Postgres) -> dict[str, Any]:
    """Every table of Forum's and of GoTrue's, its rows as a hash of their text."""
    with psycopg.connect(server.superuser_url) as connection:
        names = connection.execute(
            """
            select nspname, relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
            where relkind in ('r', 'p') and nspname in ('auth', 'private', 'public')
            """
        ).fetchall()
        return {
            f"{schema}.{table}": connection.execute(
                sql.SQL(
                    "select count(*), md5(coalesce(string_agg(row::text, '|' order by row::text), ''))"
                    " from {} as row"
                ).format(sql.Identifier(schema, table))
            ).fetchone()
            for schema, table in names
        }


def restore(old: Supabase, new: Supabase, folder: Path) -> None:
    """What the page says: out of the one, into the other."""
    environment = {
        **os.environ,
        "DATABASE_URL": old.postgres.url,
        "NEW_DATABASE_URL": new.postgres.superuser_url,
        "PGSSLMODE": "disable",
    }
    dump, load, _ = read_commands()
    for command in (dump, load):
        subprocess.run(  # noqa: S603 - our own page
            ["bash", "-euo", "pipefail", "-c", command],  # noqa: S607 - where bash lives differs between systems
            cwd=folder,
            env=environment,
            check=True,
            timeout=PATIENCE_SECONDS,
        )


def test_every_row_of_every_table_is_in_the_new_project(
    projects: tuple[Supabase, Supabase], tmp_path: Path
) -> None:
    old, new = projects
    user = fill(old)
    # What a new project has by then, and what does not belong to the old one.
    Users(new.url, new.anon_key).create("smoke-test@example.com")
    with psycopg.connect(new.postgres.superuser_url) as connection:
        connection.execute("delete from auth.users")
    before = read_tables(old.postgres)
    restore(old, new, tmp_path)

    restored = read_tables(new.postgres)
    assert read_tables(old.postgres) == before
    assert {table for table in before if restored[table] != before[table]} == STAYING
    filled = {table for table, (rows, _) in before.items() if rows}
    assert filled >= {
        *(
            "auth.users",
            "auth.identities",
            "private.app_info_keys",
            "private.import_keys",
            "private.settings",
        ),
        *("public.users", "public.products", "public.work_items", "public.documents", "public.app_info"),
        *("public.activity", "public.access_tokens", "public.document_revisions"),
    }
    sign_in_and_go_on(new, user)
    revoke_what_came_back(new)


def sign_in_and_go_on(new: Supabase, user: User) -> None:
    """The password of before opens what there was, triggers run again, and nobody else sees it."""
    answer = httpx.post(
        f"{new.url}/auth/v1/token?grant_type=password",
        headers={"apikey": new.anon_key},
        json={"email": user.email, "password": PASSWORD},
    )
    signed_in = User(user.id, user.email, answer.raise_for_status().json()["access_token"])
    (product,) = call(new, signed_in, "GET", "products?select=id,name,version")
    assert (product["name"], product["version"]) == ("Atlas'; \\ é", 1)
    (document,) = call(new, signed_in, "GET", "documents?select=content")
    assert document["content"] == "\\.\n日本"
    seen = call(new, signed_in, "GET", "activity?select=id")
    (changed,) = call(new, signed_in, "PATCH", f"products?id=eq.{product['id']}", {"name": "Boreas"})
    assert changed["version"] == 2
    assert len(call(new, signed_in, "GET", "activity?select=id")) == len(seen) + 1
    stranger = Users(new.url, new.anon_key).create()
    assert call(new, stranger, "GET", "products") == []


def revoke_what_came_back(new: Supabase) -> None:
    """As the page says of access tokens."""
    subprocess.run(  # noqa: S603 - our own page
        ["bash", "-euo", "pipefail", "-c", read_commands()[2]],  # noqa: S607 - where bash lives differs between systems
        env={**os.environ, "NEW_DATABASE_URL": new.postgres.superuser_url, "PGSSLMODE": "disable"},
        capture_output=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    with psycopg.connect(new.postgres.superuser_url) as connection:
        valid = connection.execute("select count(*) from public.access_tokens where revoked_at is null")
        assert valid.fetchone() == (0,)
