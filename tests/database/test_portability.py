"""The migrations on what hosted projects run: both majors, both worlds of default privileges."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from local.catalogue import read_catalogue
from local.migrations import apply_migrations, list_migrations
from local.ports import free_port
from local.postgres import POSTGRES_15, POSTGRES_17, DefaultGrants, Postgres, run_postgres
from tests.database.actors import Connection, make_account
from tests.database.behaviour_checks import BEHAVIOUR_CHECKS
from tests.database.catalog_checks import CATALOG_CHECKS

CHECKS = (*CATALOG_CHECKS, *BEHAVIOUR_CHECKS)


class Project(NamedTuple):
    """A hosted project that was there before Forum, and its first account."""

    server: Postgres
    account: UUID


def run_project(directory: Path, binaries: Path, default_grants: DefaultGrants) -> Iterator[Project]:
    """Migrates a project that has an account already."""
    with run_postgres(
        directory, free_port(), binaries=binaries, default_grants=default_grants, settings={"fsync": "off"}
    ) as server:
        with psycopg.connect(server.url) as connection:
            metadata = Jsonb({"user_name": "octo", "avatar_url": "x" * 5000})
            account = make_account(connection, email="old@example.com", raw_user_meta_data=metadata)
        assert apply_migrations(server.url) == [migration.version for migration in list_migrations()]
        yield Project(server, account)


@pytest.fixture(scope="module")
def before_2026(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Postgres 17 where everything new in public was granted to the API's roles."""
    yield from run_project(tmp_path_factory.mktemp("before-2026"), POSTGRES_17, "old")


@pytest.fixture(scope="module")
def postgres_15(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The oldest major that hosted projects run. Fails where its npm package is not to be had."""
    yield from run_project(tmp_path_factory.mktemp("postgres-15"), POSTGRES_15, "old")


@pytest.fixture(params=["before_2026", "postgres_15"])
def project(request: pytest.FixtureRequest) -> Project:
    """Each of them."""
    found: Project = request.getfixturevalue(request.param)
    return found


def test_servers_are_of_the_majors_they_stand_for(
    database: Connection, before_2026: Project, postgres_15: Project
) -> None:
    majors = [database.info.server_version // 10000]
    for server, _ in (before_2026, postgres_15):
        with psycopg.connect(server.url) as connection:
            majors.append(connection.info.server_version // 10000)
    assert majors == [17, 17, 15]


def test_migrations_make_the_same_catalog_everywhere(database: Connection, project: Project) -> None:
    expected = read_catalogue(database)
    with psycopg.connect(project.server.url) as connection:
        assert read_catalogue(connection) ^ expected == set()
    assert {kind for kind, _, _ in expected} == {
        *("schema", "extension", "table", "row level security", "column", "constraint", "index", "sequence"),
        *(
            "type",
            "cast",
            "function",
            "trigger",
            "policy",
            "grant",
            "default privilege",
            "comment",
            "view",
            "setting",
        ),
    }


def test_checks_hold_everywhere(project: Project) -> None:
    with psycopg.connect(project.server.url) as connection:
        connection.execute("set local search_path = ''")
        assert [fault for check in CHECKS for fault in check(connection)] == []
        connection.rollback()


def test_new_tables_and_functions_of_later_migrations_are_granted_to_nobody(project: Project) -> None:
    with psycopg.connect(project.server.url) as connection:
        before = read_catalogue(connection)
        connection.execute("create table public.later (id uuid primary key, place bigserial)")
        connection.execute("create function public.later() returns int language sql as 'select 1'")
        connection.execute("create function private.later() returns int language sql as 'select 1'")
        new = read_catalogue(connection) - before
        connection.rollback()
    assert {kind for kind, _, _ in new} == {
        *("table", "row level security", "column", "constraint", "index", "sequence", "function")
    }


def test_accounts_older_than_forum_have_their_rows(project: Project) -> None:
    with psycopg.connect(project.server.url) as connection:
        rows = connection.execute(
            "select email, github_username, avatar_url from public.users where id = %s", (project.account,)
        ).fetchall()
    assert rows == [("old@example.com", "octo", None)]


def test_migrations_are_applied_by_a_role_that_is_no_superuser(project: Project) -> None:
    with psycopg.connect(project.server.url) as connection:
        rows = connection.execute(
            "select current_user::text, rolsuper from pg_roles where rolname = current_user"
        ).fetchall()
    assert rows == [("postgres", False)]
