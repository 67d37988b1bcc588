"""The outside checkers find nothing, and would find something."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from local.postgres import Postgres
from tests.database.advisors import ask_pgrls, ask_squawk, ask_supabase_advisors


@pytest.fixture
def url_with_a_hole(postgres: Postgres) -> Iterator[str]:
    """A table without row level security, in a database of its own."""
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute("create database hole owner postgres")
        url = postgres.url.removesuffix("/postgres") + "/hole"
        with psycopg.connect(url) as inside:
            inside.execute("create schema private")
            inside.execute("create table public.products (id uuid primary key, user_id uuid)")
            inside.execute("grant select on public.products to authenticated")
        yield url
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier("hole")))


def test_supabase_advisors_find_nothing(postgres: Postgres) -> None:
    assert ask_supabase_advisors(postgres.url) == []


def test_supabase_advisors_find_a_hole(url_with_a_hole: str) -> None:
    assert any("rls_disabled_in_public" in finding for finding in ask_supabase_advisors(url_with_a_hole))


def test_supabase_advisors_that_cannot_connect_are_a_fault() -> None:
    assert ask_supabase_advisors("postgresql://postgres:postgres@127.0.0.1:1/postgres") != []


def test_pgrls_finds_nothing(postgres: Postgres) -> None:
    assert ask_pgrls(postgres.url) == []


def test_pgrls_finds_a_hole(url_with_a_hole: str) -> None:
    assert any("SEC001" in finding for finding in ask_pgrls(url_with_a_hole))


def test_squawk_finds_nothing() -> None:
    assert ask_squawk() == []
