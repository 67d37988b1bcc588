"""The bootstrapped cluster against what is known of a hosted project, and its start after bad ends."""

import os
import shutil
import signal
from pathlib import Path

import psycopg
import pytest

from local.part import PartError
from local.ports import free_port
from local.postgres import POSTGRES_15, POSTGRES_17, DefaultGrants, Postgres, run_postgres
from tests.conftest import WITHOUT_DURABILITY


def test_postgres_role_is_no_superuser_but_passes_row_level_security(database: psycopg.Connection) -> None:
    row = database.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
    ).fetchone()
    assert row == (False, True, True, True)


@pytest.mark.parametrize(
    ("role", "rights", "timeout"),
    [
        ("anon", [], ["statement_timeout=3s"]),
        # Forum's migrations add the last of each.
        ("authenticated", [], ["statement_timeout=8s", "lock_timeout=1s"]),
        (
            "authenticator",
            [],
            ["statement_timeout=8s", "lock_timeout=8s", "pgrst.db_pre_request=private.check_request"],
        ),
        ("service_role", ["rolbypassrls"], None),
    ],
)
def test_roles_of_the_api_have_the_rights_and_time_outs_of_hosted_ones(
    database: psycopg.Connection, role: str, rights: list[str], timeout: list[str] | None
) -> None:
    names = ["rolsuper", "rolbypassrls", "rolinherit", "rolcreaterole"]
    row = database.execute(
        f"select {', '.join(names)}, rolconfig from pg_roles where rolname = %s",  # noqa: S608 - names above
        (role,),
    ).fetchone()
    assert row is not None
    assert [name for name, has in zip(names, row, strict=False) if has] == rights
    assert row[-1] == timeout


def test_authenticator_may_become_the_roles_of_the_api_and_no_other(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url_of("authenticator"), autocommit=True) as connection:
        for role in ("anon", "authenticated", "service_role"):
            connection.execute(f"set role {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("set role postgres")


def test_postgres_owns_public_and_extends_auth_without_creating_in_it(database: psycopg.Connection) -> None:
    database.execute("create schema elsewhere")
    database.execute(
        "create table public.profile (id uuid primary key references auth.users on delete cascade)"
    )
    database.execute(
        "create trigger t after insert on auth.users for each row"
        " execute function suppress_redundant_updates_trigger()"
    )
    database.execute("grant select on public.profile to anon, authenticated, service_role")
    database.execute("select extensions.digest('x', 'sha256')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute("create table auth.mine ()")


def test_users_of_the_api_cannot_read_auth(database: psycopg.Connection) -> None:
    database.execute("set local role authenticated")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute("select * from auth.users")


def test_the_claims_of_a_request_are_read_and_an_empty_setting_is_nobody(
    database: psycopg.Connection,
) -> None:
    nobody = "select auth.uid(), auth.role(), auth.email(), auth.jwt()"
    database.execute("select set_config('request.jwt.claims', '', true)")
    assert database.execute(nobody).fetchone() == (None, None, None, None)
    database.execute(
        """select set_config('request.jwt.claims', '{
          "sub": "00000000-0000-0000-0000-000000000001", "role": "authenticated", "email": "a@example.com"
        }', true)"""
    )
    assert database.execute(
        "select auth.uid()::text, auth.role(), auth.email(), auth.jwt() ->> 'role'"
    ).fetchone() == (
        "00000000-0000-0000-0000-000000000001",
        "authenticated",
        "a@example.com",
        "authenticated",
    )


@pytest.mark.parametrize(
    ("binaries", "default_grants", "open_to"),
    [(POSTGRES_15, "old", ["anon", "authenticated", "service_role"]), (POSTGRES_17, "new", [])],
)
def test_a_new_table_is_open_to_the_api_under_the_old_defaults_only(
    tmp_path: Path, binaries: Path, default_grants: DefaultGrants, open_to: list[str]
) -> None:
    with (
        run_postgres(
            tmp_path,
            free_port(),
            binaries=binaries,
            default_grants=default_grants,
            settings=WITHOUT_DURABILITY,
        ) as server,
        psycopg.connect(server.url) as connection,
    ):
        connection.execute("create table public.open ()")
        rows = connection.execute(
            """
            select role from unnest(array['anon', 'authenticated', 'service_role']) role
            where has_table_privilege(role, 'public.open', 'truncate')
            """
        ).fetchall()
    assert [role for (role,) in rows] == open_to


def test_a_start_after_a_kill_keeps_the_data_though_the_process_id_is_in_use_again(tmp_path: Path) -> None:
    port = free_port()
    with run_postgres(tmp_path, port) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("create table public.kept ()")
        lock = tmp_path / "data" / "postmaster.pid"
        content = lock.read_text()
        os.kill(server.part.process.pid, signal.SIGKILL)
        server.part.process.wait()
    # Another program, this one, now has the id in the lock file of the killed server.
    lock.write_text(content.replace(str(server.part.process.pid), str(os.getpid()), 1))
    with run_postgres(tmp_path, port) as server, psycopg.connect(server.url) as connection:
        connection.execute("select * from public.kept")


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with run_postgres(tmp_path, free_port(), settings=WITHOUT_DURABILITY):
        second = run_postgres(tmp_path, free_port())
        with pytest.raises(PartError, match="already running"), second:
            pass


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    broken = run_postgres(tmp_path, free_port(), settings={"shared_buffers": "nonsense"})
    with pytest.raises(PartError, match='invalid value for parameter "shared_buffers"'), broken:
        pass


def test_binaries_in_a_place_that_only_its_owner_may_enter_are_run(tmp_path: Path) -> None:
    # As root this takes more than it seems: Postgres runs as somebody else then.
    private = tmp_path / "only mine"
    private.mkdir(mode=0o700)
    shutil.copytree(POSTGRES_17.parent, private / "native", symlinks=True)
    with (
        run_postgres(
            private / "data", free_port(), binaries=private / "native" / "bin", settings=WITHOUT_DURABILITY
        ) as server,
        psycopg.connect(server.url) as connection,
    ):
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_missing_installation_is_named(tmp_path: Path) -> None:
    missing = run_postgres(tmp_path, free_port(), binaries=tmp_path)
    with pytest.raises(PartError, match="npm install"), missing:
        pass
