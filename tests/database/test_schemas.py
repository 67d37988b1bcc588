"""supabase/schemas and supabase/migrations make the same database, and whatever differs is named."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from local.catalogue import Entry, compare, read_catalogue
from local.migrations import list_migrations
from local.ports import free_port
from local.postgres import POSTGRES_15, POSTGRES_17, run_postgres
from local.schemas import SCHEMAS, SchemaError, apply_schemas, list_schemas
from tests.conftest import WITHOUT_DURABILITY
from tests.database.actors import Connection
from tests.database.mutants import edited


@pytest.fixture(scope="module", params=[POSTGRES_15, POSTGRES_17], ids=["15", "17"])
def declared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[set[Entry]]:
    """What the schemas make of an empty database, on each major that hosted projects run."""
    with run_postgres(
        tmp_path_factory.mktemp("declared"),
        free_port(),
        binaries=request.param,
        settings=WITHOUT_DURABILITY,
    ) as server:
        apply_schemas(server.url)
        with psycopg.connect(server.url) as connection:
            yield read_catalogue(connection)


def test_schemas_and_migrations_make_the_same_database(database: Connection, declared: set[Entry]) -> None:
    assert [str(each) for each in compare(declared, read_catalogue(database))] == []


def test_names_tell_all_entries_apart(declared: set[Entry]) -> None:
    assert len({(entry.kind, entry.name) for entry in declared}) == len(declared) > 1000


MUTANTS: list[tuple[LiteralString, str]] = [
    (
        'alter policy "Owners can read their products" on public.products using (true)',
        'policy "Owners can read their products" on public.products: `permissive for r',
    ),
    (
        'drop policy "Owners can delete their documents" on public.documents',
        'policy "Owners can delete their documents" on public.documents: only in the schemas',
    ),
    (
        'create policy "More" on public.users for insert to authenticated with check (false)',
        'policy "More" on public.users: only in the migrations',
    ),
    (
        """revoke execute on function private.apply_github_sync_chunk(uuid, uuid, uuid, jsonb, jsonb)
        from service_role""",
        "grant execute on function private.apply_github_sync_chunk(uuid,uuid,uuid,jsonb,jsonb) to service_",
    ),
    (
        "grant update (is_secret) on public.app_info to authenticated",
        "grant update (is_secret) on table public.app_info to authenticated: only in the migrations",
    ),
    (
        "grant select on public.users to authenticated with grant option",
        "grant select on table public.users to authenticated: `` in the schemas, `with grant option`",
    ),
    (
        "grant usage on type public.excerpt to public",
        "grant usage on type public.excerpt to public: only in the migrations",
    ),
    (
        "alter default privileges in schema public grant select on tables to anon",
        "default privilege of postgres in public for r: only in the migrations",
    ),
    (
        edited("private.keep_owner()", "new.user_id := old.user_id;", "new.user_id := new.user_id;"),
        "function private.keep_owner(): `new.user_id := old.user_id;` in the schemas",
    ),
    (
        "alter function private.record_activity() security invoker",
        "function private.record_activity(): `SECURITY DEFINER` in the schemas",
    ),
    (
        "comment on column public.products.name is 'Another.'",
        "comment column public.products.name: `'What the product is called",
    ),
    (
        "comment on type public.excerpt is null",
        "comment type public.excerpt: only in the schemas",
    ),
    (
        "comment on policy \"Owners can read their runs\" on public.github_runs is 'Said.'",
        'comment policy "Owners can read their runs" on public.github_runs: only in the migrations',
    ),
    (
        "alter table public.documents disable trigger record_activity",
        "trigger record_activity on public.documents: `CREATE TRIGGER",
    ),
    (
        """create or replace trigger forum_account_changed after update on auth.users
        for each row execute function private.follow_account()""",
        "trigger forum_account_changed on auth.users: `CREATE TRIGGER",
    ),
    (
        "alter table public.app_info alter column value set statistics -1",
        "column public.app_info.value: `5 text statistics 0` in the schemas, `5 text` in the migrations",
    ),
    (
        "alter table public.products alter column color set default '#000000'",
        "column public.products.color: `6 text statistics 0` in the schemas",
    ),
    (
        "alter index public.activity_app_info_key_idx alter column 2 set statistics -1",
        "index public.activity_app_info_key_idx: `CREATE INDEX",
    ),
    (
        "alter table public.products drop constraint products_color_format",
        "constraint products_color_format on public.products: only in the schemas",
    ),
    (
        "alter table public.users no force row level security, disable row level security",
        "row level security public.users",
    ),
    (
        "alter table public.users replica identity full",
        "table public.users: `r p postgres replica identity d`",
    ),
    (
        "alter role authenticated set lock_timeout = '9s'",
        "setting authenticated lock_timeout: `lock_timeout=1s`",
    ),
    ("create publication changes for table public.products", "publication changes: only in the migrations"),
    ("create collation public.odd (locale = 'C')", "object collation public.odd: only in the migrations"),
]


@pytest.mark.parametrize(("statement", "named"), MUTANTS, ids=[statement[:60] for statement, _ in MUTANTS])
def test_whatever_differs_is_named(
    database: Connection, declared: set[Entry], statement: LiteralString, named: str
) -> None:
    database.execute(statement)
    (difference,) = compare(declared, read_catalogue(database))
    assert str(difference).startswith(named)


def test_reading_leaves_the_search_path_as_it_was(database: Connection) -> None:
    database.execute("set search_path = auth, public")
    read_catalogue(database)
    assert database.execute("show search_path").fetchone() == ("auth, public",)


def test_schema_that_does_not_apply_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "010_typo.sql").write_text("select 1;\ncreate tabel x ();\n")
    with (
        run_postgres(tmp_path / "postgres", free_port(), settings=WITHOUT_DURABILITY) as server,
        pytest.raises(SchemaError, match=r'(?s)010_typo\.sql: syntax error at or near "tabel".*LINE 2'),
    ):
        apply_schemas(server.url, tmp_path)


def test_each_object_is_defined_once_in_the_schemas() -> None:
    text = "\n".join(map(read, list_schemas()))
    defined = re.findall(
        r"^create (?:unique )?((?:table|type|function|index|policy) .+)$", text, re.MULTILINE
    )
    assert len(defined) > 200
    assert len(set(defined)) == len(defined)
    assert not re.search(r"create or replace|^drop |^alter function|^alter policy", text, re.MULTILINE)


def test_file_of_the_schemas_and_of_each_migration_says_what_it_is_for() -> None:
    for path in (*list_schemas(), *(migration.path for migration in list_migrations())):
        assert re.match(r"-- Purpose: \w[^…]*?\n-- Tables: \w[^…]*?\n-- Notes: ?", read(path)), path.name


def test_schemas_are_named_by_their_order_and_subject() -> None:
    names = [path.name for path in SCHEMAS.iterdir()]
    assert all(re.fullmatch(r"[0-9]{3}_[a-z_]+\.sql", name) for name in names)
    assert len({name[:3] for name in names}) == len(names)


def read(path: Path) -> str:
    return path.read_text()
