"""The bootstrapped cluster against what is known of a hosted project."""

import psycopg


def test_postgres_role_is_not_a_superuser_but_passes_row_level_security(database: psycopg.Connection) -> None:
    row = database.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
    ).fetchone()
    assert row == (False, True, True, True)
