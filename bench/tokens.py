"""What an access token costs whoever uses one, and what looking for one costs everybody else."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

import httpx
import psycopg

from bench.line import Line
from bench.timing import compare
from local.supabase import Supabase, User
from shared.auth.access_tokens import compose_access_token

ROWS = 60
TIMES = 600
BOUND_OF_A_TOKEN = 1.3
BOUND_OF_A_SESSION = 1.05

# The pre-request as if there were no tokens.
WITHOUT_TOKENS: LiteralString = """
do $do$
declare
  becomes text := pg_get_functiondef('private.check_request()'::regprocedure);
begin
  becomes := replace(becomes, 'private.check_request()', 'private.check_request_of_sessions()');
  becomes := replace(becomes, $x$headers like '%"x-forum-token"%'$x$, 'false');
  execute becomes;
  grant execute on function private.check_request_of_sessions() to authenticated;
end;
$do$
"""
LIST: LiteralString = (
    "select id, title, status, priority, created_at, updated_at, version from public.work_items"
    " where product_id = %s order by created_at desc, id desc limit 50"
)


def measure_tokens(supabase: Supabase, user: User) -> Iterator[Line]:
    """Both, on a product with some work items."""
    session = {"apikey": supabase.anon_key, "Authorization": f"Bearer {user.access_token}"}
    with httpx.Client(base_url=f"{supabase.url}/rest/v1/", headers=session) as rest:
        product_id = create(rest, "products", {"name": "Atlas"})
        items = [{"product_id": product_id, "title": f"Item {number}"} for number in range(ROWS)]
        rest.post("work_items", json=items).raise_for_status()
        token = make_token(rest, user, product_id)
        yield measure_list(supabase, rest, token, product_id)
    yield measure_check(supabase, user, product_id)


def create(rest: httpx.Client, table: str, row: dict[str, Any]) -> str:
    """A new row's id."""
    answer = rest.post(table, json=row, headers={"prefer": "return=representation"})
    return str(answer.raise_for_status().json()[0]["id"])


def make_token(rest: httpx.Client, user: User, product_id: str) -> str:
    """An access token for the product, as the function makes it."""
    token = compose_access_token(user.id, UUID(product_id), 1)
    arguments = {
        "name": "Bench",
        "product_id": product_id,
        "grants": [],
        "expires_in_days": 1,
        "sha256": hashlib.sha256(token.text.encode()).hexdigest(),
        "hint": token.hint,
    }
    rest.post("rpc/create_access_token", json=arguments).raise_for_status()
    return token.text


def measure_list(supabase: Supabase, rest: httpx.Client, token: str, product_id: str) -> Line:
    """The same list, asked for by the owner and by their token."""
    # As Forum's functions ask: with the only product of the token in the query.
    query = {"product_id": f"eq.{product_id}", "order": "created_at.desc,id.desc", "limit": "50"}
    headers = {"apikey": supabase.anon_key, "x-forum-token": token}
    with httpx.Client(base_url=rest.base_url, headers=headers) as agent:
        compared = compare(
            lambda: agent.get("work_items", params=query).raise_for_status(),
            lambda: rest.get("work_items", params=query).raise_for_status(),
            TIMES,
        )
    return Line(
        "an access token's list of 50",
        "the owner's own list",
        str(compared),
        f"{BOUND_OF_A_TOKEN}",
        compared.ratio <= BOUND_OF_A_TOKEN,
    )


def measure_check(supabase: Supabase, user: User, product_id: str) -> Line:
    """A session's list in the database, with a pre-request that looks for a token and with another."""
    claims = json.dumps({"sub": str(user.id), "role": "authenticated"})
    headers = json.dumps({"accept": "*/*", "apikey": supabase.anon_key, "user-agent": "bench" * 10})
    with psycopg.connect(supabase.postgres.superuser_url, autocommit=True) as connection:
        connection.execute(WITHOUT_TOKENS)

        def ask(check: LiteralString) -> None:
            with connection.transaction():
                connection.execute(
                    "select set_config('request.jwt.claims', %s, true),"
                    " set_config('request.headers', %s, true), set_config('role', 'authenticated', true)",
                    (claims, headers),
                    prepare=True,
                )
                connection.execute(check, prepare=True)
                connection.execute(LIST, (product_id,), prepare=True).fetchall()

        compared = compare(
            lambda: ask("select private.check_request()"),
            lambda: ask("select private.check_request_of_sessions()"),
            TIMES,
        )
    return Line(
        "a session's list of 50, looked over for an access token",
        "the same, not looked over",
        str(compared),
        f"{BOUND_OF_A_SESSION}",
        compared.ratio <= BOUND_OF_A_SESSION,
    )
