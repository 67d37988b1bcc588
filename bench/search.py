"""A search among 1,000,000 work items: what the processor of the database does for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from bench.line import Line
from bench.million_items import PLANTED_PAIR, USER, USER_OF_FEW, spell
from local.postgres import Postgres

TIMES = 10
BOUND_MS = 10.0

SEARCH: LiteralString = "select * from public.search(%s, want => 21)"
# By the ranks of words: the tenth is in a quarter of the items, the 45th in a fifteenth.
KINDS = {
    "a rare word": spell(15_000) + "a",
    "a word in 6 %": spell(45),
    "a word in 25 %": spell(10),
    "two words": f"{spell(12)} {spell(45)}",
    "two characters of Chinese": PLANTED_PAIR,
    "nothing to be found": "zzzz",
    "the beginning of a word": spell(129)[:2],
}


def measure_search(postgres: Postgres) -> Iterator[Line]:
    """Each kind of query, by somebody who has 100,000 items and by somebody who has 900."""
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        for kind, asked in KINDS.items():
            few, many = (measure_cpu_ms(connection, user, asked) for user in (USER_OF_FEW, USER))
            yield Line(
                f"search for {kind}, 20 hits",
                "CPU in Postgres, of 100,000 items and of 900",
                f"{many:.1f} ms and {few:.1f} ms",
                f"{BOUND_MS:.0f} ms",
                max(few, many) <= BOUND_MS,
            )


def measure_cpu_ms(connection: psycopg.Connection[Any], user: object, asked: str) -> float:
    """The least that one search has taken: what else the machine does comes on top."""
    claims = json.dumps({"sub": str(user), "role": "authenticated"})
    connection.execute("select set_config('request.jwt.claims', %s, false)", (claims,))
    connection.execute("set role authenticated")
    least = float("inf")
    for _ in range(TIMES):
        before = read_cpu_ns(connection)
        connection.execute(SEARCH, (asked,), prepare=True).fetchall()
        least = min(least, (read_cpu_ns(connection) - before) / 1e6)
    connection.execute("reset role")
    return least


def read_cpu_ns(connection: psycopg.Connection[Any]) -> int:
    """What the server's process of this session has used of a processor, as Linux counts it."""
    counted = Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text(encoding="ascii")
    return int(counted.split()[0])
