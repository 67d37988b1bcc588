"""What is going on in 50 products with 10,000 work items: the answer's CPU in Postgres, and its length."""

import json
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import psycopg

from bench.line import Line
from local.postgres import Postgres

PRODUCTS, ITEMS = 50, 10_000
TIMES = 40
MOST_MILLISECONDS, MOST_KILOBYTES = 25, 64

USER = UUID("70000000-0000-4000-8000-000000000001")
# Every fifth product is parked, without a note and with nothing in progress. The others have up to three
# items in progress; each has a third of its work to do, up to two pinned documents, four repositories and
# twenty keys, of which every tenth product has five that are due.
FILL: tuple[LiteralString, ...] = (
    "insert into public.users (id) values (%(user)s)",
    """
    insert into public.products (user_id, name, commitment, next_note)
    select %(user)s, 'Product ' || n, (array['must', 'support', 'want', 'parked', null])[1 + n %% 5],
      case when n %% 5 <> 3 then 'Move the cron jobs to the new runner, then see why the export is empty.' end
    from generate_series(1, %(products)s::integer) as n
    """,
    """
    insert into public.work_items (user_id, product_id, title, status, priority, urgency, created_at)
    select %(user)s, product.id, 'Show the forecast of the day offline ' || n,
      case
        when product.next_note is not null and n <= right(product.name, 1)::integer %% 4 then 'in_progress'
        when n %% 3 = 0 then 'todo'
        else 'done'
      end,
      n %% 5, (n + 4) %% 5, now() - n * interval '1 hour'
    from public.products as product,
      generate_series(1, %(items)s::integer / %(products)s::integer) as n
    where product.user_id = %(user)s
    """,
    """
    insert into public.documents (user_id, product_id, title, is_pinned)
    select %(user)s, product.id, 'How the forecast gets from the quay into the app ' || n,
      n <= right(product.name, 1)::integer %% 3
    from public.products as product, generate_series(1, 10) as n
    where product.user_id = %(user)s
    """,
    """
    insert into public.app_info (user_id, product_id, key, due_at, expires_at)
    select %(user)s, product.id, 'FORECAST_TOKEN_' || n, made.due_at, made.due_at
    from public.products as product, generate_series(1, 20) as n,
      lateral (
        select now()
          + case when right(product.name, 1) = '0' and n <= 5 then '1 day' else '1 year' end::interval
      ) as made (due_at)
    where product.user_id = %(user)s
    """,
    """
    insert into public.repositories (user_id, product_id, name)
    select %(user)s, product.id, 'repository-' || n
    from public.products as product, generate_series(1, 4) as n
    where product.user_id = %(user)s
    """,
    """
    insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
    select %(user)s, 'person', %(user)s, 'created', 'work_items', item.id, item.product_id,
      jsonb_build_object('title', jsonb_build_object('old', null, 'new', item.title))
    from public.work_items as item where item.user_id = %(user)s
    """,
    """
    insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
    select %(user)s, 'person', %(user)s, 'updated', 'products', product.id, product.id,
      jsonb_build_object('next_note', jsonb_build_object('old', null, 'new', product.next_note))
    from public.products as product where product.user_id = %(user)s
    """,
)


def measure_resume(postgres: Postgres) -> Line:
    """Asks as a signed-in user, again and again; the least that the server's process has computed counts."""
    with psycopg.connect(postgres.superuser_url) as connection:
        # No triggers: what they write, such as the history, is written here.
        connection.execute("set local session_replication_role = replica")
        for statement in FILL:
            connection.execute(statement, {"user": USER, "products": PRODUCTS, "items": ITEMS})
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(
            "vacuum (analyze)"
            " public.products, public.work_items, public.documents, public.app_info, public.activity"
        )
    with psycopg.connect(postgres.superuser_url, autocommit=True) as client:
        claims = json.dumps({"sub": str(USER), "role": "authenticated"})
        client.execute("select set_config('request.jwt.claims', %s, false)", (claims,))
        client.execute("set role authenticated")
        answers = [ask(client) for _ in range(TIMES)]
    least = min(milliseconds for milliseconds, _ in answers)
    _, answer = answers[-1]
    kilobytes = len(answer.encode()) / 1024
    return Line(
        f"resume of {PRODUCTS} products and {ITEMS:,} work items",
        "",
        f"1 request, {least:.1f} ms of CPU, {kilobytes:.0f} KB",
        f"1 request, {MOST_MILLISECONDS} ms of CPU in Postgres, {MOST_KILOBYTES} KB",
        least <= MOST_MILLISECONDS
        and kilobytes <= MOST_KILOBYTES
        and json.loads(answer)["total"] == PRODUCTS,
    )


def ask(client: psycopg.Connection) -> tuple[float, str]:
    """The answer, and how many milliseconds the server's process has computed for it."""
    before = read_cpu_milliseconds(client.info.backend_pid)
    ((answer,),) = client.execute("select public.resume()::text").fetchall()
    return read_cpu_milliseconds(client.info.backend_pid) - before, answer


def read_cpu_milliseconds(process: int) -> float:
    """What a process has computed since it began, as Linux counts it: in nanoseconds."""
    nanoseconds, *_ = Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()
    return int(nanoseconds) / 1_000_000
