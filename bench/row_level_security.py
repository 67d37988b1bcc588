"""The 50 newest work items of a product among 1,000,000 rows: under row level security, and without it."""

import json
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg

from bench.line import Line
from bench.million_items import PRODUCT, ROWS, USER
from bench.timing import compare
from local.postgres import Postgres

TIMES = 1_000
BOUND = 1.3

# As PostgREST asks for a client, who names no user: the policy does.
UNDER_POLICY: LiteralString = (
    "select id, title, status, priority, created_at, updated_at, version from public.work_items"
    " where product_id = %(product)s order by created_at desc, id desc limit 50"
)
WITHOUT_POLICY: LiteralString = UNDER_POLICY.replace("where", "where user_id = %(user)s and")
VALUES = {"product": PRODUCT, "user": USER}


def measure_row_level_security(postgres: Postgres) -> Line:
    """Asks as a signed-in user, and as somebody for whom there are no policies. The items are there."""
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
