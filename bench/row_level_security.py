"""The 50 newest work items of a product among 1,000,000 rows: under row level security, and without it."""

import json
from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from bench.line import Line
from bench.timing import compare
from local.postgres import Postgres

USERS, ROWS, ROWS_OF_ONE, PRODUCTS = 1_000, 1_000_000, 100_000, 10
TIMES = 1_000
BOUND = 1.3

# Ids that say whose they are: the kind, the user, the number.
USER = UUID("10000000-0000-4000-8000-000100000000")
PRODUCT = UUID("20000000-0000-4000-8000-000100000001")

# As PostgREST asks for a client, who names no user: the policy does.
UNDER_POLICY: LiteralString = (
    "select id, title, status, priority, created_at, updated_at, version from public.work_items"
    " where product_id = %(product)s order by created_at desc, id desc limit 50"
)
WITHOUT_POLICY: LiteralString = UNDER_POLICY.replace("where", "where user_id = %(user)s and")
MAKE_ID: LiteralString = """
create function pg_temp.make_id(kind text, u integer, n integer) returns uuid language sql immutable as
$$ select (kind || '0000000-0000-4000-8000-' || lpad(to_hex(u), 4, '0') || lpad(to_hex(n), 8, '0'))::uuid $$
"""
INSERT_USERS: LiteralString = """
insert into public.users (id)
select pg_temp.make_id('1', u, 0) from generate_series(1, %(users)s::integer) as u
"""
INSERT_PRODUCTS: LiteralString = """
insert into public.products (id, user_id, name)
select pg_temp.make_id('2', u, n), pg_temp.make_id('1', u, 0), 'Product ' || n
from generate_series(1, %(users)s::integer) as u, generate_series(0, %(products)s::integer - 1) as n
"""
# Everybody's rows lie between those of the others, as they are made: the newest last.
INSERT_WORK_ITEMS: LiteralString = """
insert into public.work_items (user_id, product_id, title, created_at)
select
  pg_temp.make_id('1', u, 0),
  pg_temp.make_id('2', u, n %% %(products)s::integer),
  'Item ' || n,
  now() - n * interval '1 minute'
from
  generate_series(1, %(users)s::integer) as u,
  lateral generate_series(1, case when u = 1 then %(most)s::integer else %(each)s::integer end) as n
order by n desc
limit %(rows)s
"""
VALUES = {"product": PRODUCT, "user": USER}


def measure_row_level_security(postgres: Postgres) -> Line:
    """Asks as a signed-in user, and as somebody for whom there are no policies."""
    fill(postgres)
    with (
        psycopg.connect(postgres.superuser_url, autocommit=True) as client,
        psycopg.connect(postgres.superuser_url, autocommit=True) as superuser,
    ):
        claims = json.dumps({"sub": str(USER), "role": "authenticated"})
        client.execute("select set_config('request.jwt.claims', %s, false)", (claims,))
        client.execute("set role authenticated")
        plans = (explain(client, UNDER_POLICY), explain(superuser, WITHOUT_POLICY))
        compared = compare(
            lambda: client.execute(UNDER_POLICY, VALUES, prepare=True).fetchall(),
            lambda: superuser.execute(WITHOUT_POLICY, VALUES, prepare=True).fetchall(),
            TIMES,
        )
    is_same = plans[0] == plans[1]
    same = "same plan and buffers" if is_same else f"{plans[0]} instead of {plans[1]}"
    return Line(
        f"50 newest of {ROWS:,} rows under row level security",
        "the same query without",
        f"{compared}, {same}",
        f"{BOUND}, same plan and buffers",
        compared.ratio <= BOUND and is_same,
    )


def fill(postgres: Postgres) -> None:
    """A tenth of all rows is one user's; the others have the rest in equal parts."""
    each = (ROWS - ROWS_OF_ONE) // (USERS - 1) + 1
    numbers = {"users": USERS, "products": PRODUCTS, "rows": ROWS, "most": ROWS_OF_ONE, "each": each}
    with psycopg.connect(postgres.superuser_url) as connection:
        # No triggers: what they write, such as the history, is not asked for here.
        connection.execute("set local session_replication_role = replica")
        connection.execute(MAKE_ID)
        for insert in (INSERT_USERS, INSERT_PRODUCTS, INSERT_WORK_ITEMS):
            connection.execute(insert, numbers)
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze) public.users, public.products, public.work_items")


def explain(connection: psycopg.Connection, query: LiteralString) -> list[tuple[Any, ...]]:
    """The nodes of a plan that read tables, each with its index, its rows and the buffers it has used."""
    explained: LiteralString = f"explain (analyze, buffers, timing off, format json) {query}"
    # What is looked up in the catalog the first time is no part of it.
    connection.execute(explained, VALUES)
    ((answer,),) = connection.execute(explained, VALUES).fetchall()
    plan: dict[str, Any] = answer[0]["Plan"]
    return [
        (
            node["Node Type"],
            node.get("Index Name"),
            node["Actual Rows"],
            node["Shared Hit Blocks"] + node["Shared Read Blocks"],
        )
        for node in iterate_nodes(plan)
        # A Result is what is found out once: who asks.
        if node["Node Type"] != "Result"
    ]


def iterate_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, the root first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from iterate_nodes(child)
