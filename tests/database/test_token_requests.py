"""Access tokens through PostgREST: what they may do there, and what nobody talks them into.

What is denied is read from the database afterwards: PostgREST answers 204 to a PATCH that found no row.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from local.ports import LOOPBACK, free_port
from local.postgrest import run_postgrest
from local.supabase import Supabase
from tests.database.actors import Connection, acting_as, one, person
from tests.database.intended import EXECUTE
from tests.database.rest import MINIMAL, TLS, serialisable
from tests.database.token_world import (
    CHANGED,
    NEEDED,
    SCOPES,
    Scope,
    TokenWorld,
    count_rows,
    list_tables,
    look_at,
    make_token_world,
    row_to_create,
)
from tests.database.tokens import GRANTS, make_token, new_token, token_client
from tests.patience import PATIENCE_SECONDS

REVOKE = "select public.revoke_access_token(%s)"


@pytest.fixture
def committed(supabase: Supabase) -> Iterator[Connection]:
    """A connection as the role postgres that commits each statement, as PostgREST has to see it."""
    with psycopg.connect(supabase.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def world(committed: Connection) -> TokenWorld:
    """Rows in a token's scope, out of it and of somebody else."""
    return make_token_world(committed)


def make(connection: Connection, world: TokenWorld, scope: Scope) -> str:
    """The text of a token with this scope."""
    product_id = None if scope.is_for_all else world.product_id
    return make_token(connection, world.owner, product_id, *scope.grants)[0].text


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_token_does_through_postgrest_what_it_is_granted_and_nothing_else(
    supabase: Supabase, committed: Connection, world: TokenWorld, scope: Scope
) -> None:
    with token_client(supabase, make(committed, world, scope)) as client:
        for table in list_tables(committed):
            assert list(reads(client, world, scope, table)) == []
            assert list(creates(client, committed, world, scope, table)) == []
            assert list(writes(client, committed, world, scope, table)) == []


def reads(client: httpx.Client, world: TokenWorld, scope: Scope, table: str) -> Iterator[str]:
    """What is seen otherwise than it should be."""
    answer = client.get(table, params={"select": "id"})
    if answer.is_error:
        # As for somebody who has not signed in: that is how the request began.
        assert (answer.status_code, answer.json()["code"]) == (401, "42501")
    seen = [] if answer.is_error else [row["id"] for row in answer.json()]
    for name, target in world.targets.items():
        if (str(target.rows[table]) in seen) != scope.may("select", table, name):
            yield f"select of {table} {name}: {seen}"


def creates(
    client: httpx.Client, connection: Connection, world: TokenWorld, scope: Scope, table: str
) -> Iterator[str]:
    """What is made otherwise than it should be."""
    for target in world.targets.values():
        before = count_rows(connection, world, table)
        client.post(table, json=serialisable(row_to_create(table, target)), headers=MINIMAL)
        after = count_rows(connection, world, table)
        made = [name for name in world.targets if after[name] != before[name]]
        if made != ([target.name] if scope.may("insert", table, target.name) else []):
            yield f"insert into {table} {target.name}: {made}"


def writes(
    client: httpx.Client, connection: Connection, world: TokenWorld, scope: Scope, table: str
) -> Iterator[str]:
    """What is changed or deleted otherwise than it should be, by requests without a filter."""
    for verb, method in (("update", "PATCH"), ("delete", "DELETE")):
        before = look_at(connection, world, table)
        body = json.dumps(CHANGED[table]) if verb == "update" else None
        client.request(method, table, content=body, headers=MINIMAL | {"content-type": "application/json"})
        after = look_at(connection, world, table)
        for name in world.targets:
            if (after[name] != before[name]) != scope.may(verb, table, name):
                yield f"{verb} of {table} {name}: {after[name]}"


def test_every_table_of_the_api_has_an_answer_in_the_matrix(committed: Connection) -> None:
    assert set(list_tables(committed)) == NEEDED.keys()


def test_token_with_all_grants_calls_the_functions_that_are_listed_and_no_others(
    supabase: Supabase, committed: Connection, world: TokenWorld
) -> None:
    functions = committed.execute(
        """
        select p.oid::regprocedure::text, p.proname,
          array(select coalesce(name, '') from unnest(p.proargnames[1:p.pronargs]) as name)
        from pg_proc as p
        where p.pronamespace = 'public'::regnamespace
          -- Computed columns: their argument is a row, which a call cannot name.
          and not exists (
            select from pg_type as t join pg_class as c on c.oid = t.typrelid and c.relkind in ('r', 'v')
            where t.oid = any (p.proargtypes)
          )
        """
    ).fetchall()
    committed.execute("set search_path = ''")
    named = {name: f"public.{signature.removeprefix('public.')}" for signature, name, _ in functions}
    closed = set()
    with token_client(supabase, make(committed, world, Scope(GRANTS, is_for_all=True))) as client:
        for _, name, arguments in functions:
            answer = client.post(f"rpc/{name}", json=dict.fromkeys(arguments))
            assert answer.is_success or answer.json()["code"] != "PGRST202", name
            if answer.is_error and answer.json()["code"] == "42501":
                closed.add(name)
    opened = {name.partition("(")[0] for name, role in EXECUTE if role == "forum_agent"}
    assert {f"public.{name}" for name in named.keys() - closed} == {
        name for name in opened if name.removeprefix("public.") in named
    }


def test_token_is_dead_one_request_after_it_was_revoked(
    supabase: Supabase, committed: Connection, world: TokenWorld
) -> None:
    token, token_id = make_token(committed, world.owner, world.product_id)
    with token_client(supabase, token.text) as client:
        assert len(client.get("work_items").raise_for_status().json()) == 1
        with acting_as(committed, person(world.owner)):
            assert one(committed, REVOKE, (token_id,))
        answer = client.get("work_items")
    assert (answer.status_code, answer.json()["hint"]) == (401, "access_token")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_token_of_a_get_is_noted_only_when_the_client_says_so(
    supabase: Supabase, committed: Connection, world: TokenWorld
) -> None:
    token, token_id = make_token(committed, world.owner, None, "work")
    used = "select last_used_at from public.access_tokens where id = %s"
    with token_client(supabase, token.text) as client:
        client.get("work_items").raise_for_status()
        assert one(committed, used, (token_id,)) is None
        client.post("rpc/note_access_token_use").raise_for_status()
        first = one(committed, used, (token_id,))
        assert first is not None
        client.post("rpc/note_access_token_use").raise_for_status()
        assert one(committed, used, (token_id,)) == first
        committed.execute(
            "update public.access_tokens set last_used_at = now() - interval '601 seconds' where id = %s",
            (token_id,),
        )
        client.patch("work_items", json={"title": "changed"}).raise_for_status()
        assert one(committed, used, (token_id,)) > first


@pytest.mark.parametrize(
    "text",
    [
        *("", "a b", "fmt_", "null", "{}", "Bearer fmt_", "'; drop table public.access_tokens; --"),
        *('\\"x-forum-token\\"', '","x-forum-token":"', "fmt_" + "0" * 82, "fmt_" + "%" * 82, "*"),
        *("fmt_" + "a" * 30_000, "\u00e9".encode("latin-1").decode("latin-1")),
    ],
    ids=lambda text: f"{text[:24]!r} {len(text)}",
)
def test_header_that_is_no_token_is_refused_and_lends_nothing(supabase: Supabase, text: str) -> None:
    headers = [(b"apikey", supabase.anon_key.encode()), (b"x-forum-token", text.encode("latin-1"))]
    answer = httpx.get(f"{supabase.url}/rest/v1/work_items", headers=headers, verify=TLS)
    if text.isascii():
        assert (answer.status_code, answer.json()["hint"]) == (401, "access_token")
    else:
        # PostgREST 12 fails over what is not UTF-8, before it asks the database.
        assert answer.status_code in {401, 500}


def test_header_of_a_megabyte_is_refused(supabase: Supabase) -> None:
    headers = {"apikey": supabase.anon_key, "x-forum-token": "fmt_" + "a" * 1_000_000}
    try:
        answer = httpx.get(f"{supabase.url}/rest/v1/work_items", headers=headers, verify=TLS)
    except httpx.TransportError:
        # Whoever is in front has hung up while it was still being sent.
        return
    assert answer.status_code in {400, 401, 431}


def test_header_sent_twice_is_one_of_the_two_and_never_both(
    supabase: Supabase, committed: Connection, world: TokenWorld
) -> None:
    good, _ = make_token(committed, world.owner, world.product_id)
    bad = new_token(world.owner, world.product_id)
    seen = []
    for texts in ((good.text, bad.text), (bad.text, good.text), (good.text, "")):
        headers = [("apikey", supabase.anon_key), *(("x-forum-token", text) for text in texts)]
        answer = httpx.get(f"{supabase.url}/rest/v1/work_items", headers=headers, verify=TLS)
        assert answer.status_code in {200, 401}
        seen.append(len(answer.json()) if answer.is_success else 0)
    assert max(seen) <= 1
    assert 0 in seen


def test_token_beside_a_session_or_the_services_key_is_refused(
    supabase: Supabase, committed: Connection, world: TokenWorld
) -> None:
    token, _ = make_token(committed, world.owner, None, *GRANTS)
    session = supabase.sign(
        {"iss": supabase.issuer, "aud": "authenticated", "role": "authenticated", "exp": 2**31}
        | {"sub": str(world.owner)}
    )
    before = look_at(committed, world, "work_items")
    for headers in (
        {"apikey": supabase.anon_key, "authorization": f"Bearer {session}"},
        {"apikey": supabase.keys.service_role_key},
    ):
        for method in ("GET", "PATCH", "DELETE"):
            answer = httpx.request(
                method,
                f"{supabase.url}/rest/v1/work_items",
                headers=headers | {"x-forum-token": token.text},
                json={"title": "changed"} if method == "PATCH" else None,
                verify=TLS,
            )
            assert (answer.status_code, answer.json()["hint"]) == (400, "two_credentials")
    assert look_at(committed, world, "work_items") == before


def test_jwt_that_claims_the_role_of_tokens_is_refused(
    supabase: Supabase, committed: Connection, world: TokenWorld
) -> None:
    token, token_id = make_token(committed, world.owner, None, *GRANTS)
    scope: dict[str, Any] = {"token_id": str(token_id), "product_id": None, "grants": list(GRANTS)}
    claims = {"role": "forum_agent", "aud": "authenticated", "iss": supabase.issuer, "exp": 2**31}
    jwt = supabase.sign({**claims, **scope, "sub": str(world.owner)})
    headers = {"apikey": supabase.anon_key, "authorization": f"Bearer {jwt}"}
    for path in ("work_items", "rpc/get_current_access_token"):
        url = f"{supabase.url}/rest/v1/{path}"
        alone = httpx.get(url, headers=headers, verify=TLS)
        assert (alone.status_code, alone.json()["hint"]) == (401, "access_token")
        both = httpx.get(url, headers={**headers, "x-forum-token": token.text}, verify=TLS)
        assert (both.status_code, both.json()["hint"]) == (400, "two_credentials")


def test_claims_of_a_session_that_look_like_a_tokens_change_nothing(
    supabase: Supabase, committed: Connection, world: TokenWorld
) -> None:
    """A project's own hook may put such claims into tokens, and users some of them."""
    claims = {"iss": supabase.issuer, "aud": "authenticated", "role": "authenticated", "exp": 2**31}
    claims |= {"sub": str(world.owner), "token_id": str(world.token_id), "product_id": str(world.product_id)}
    claims |= {"user_metadata": {"role": "forum_agent"}}
    headers = {"apikey": supabase.anon_key, "authorization": f"Bearer {supabase.sign(claims)}"}
    url = f"{supabase.url}/rest/v1/work_items"
    assert len(httpx.get(url, headers=headers, verify=TLS).raise_for_status().json()) == 2
    httpx.patch(url, headers=headers, json={"title": "By a person"}, verify=TLS).raise_for_status()
    actors = committed.execute(
        "select distinct actor, actor_id from public.activity where user_id = %s", (world.owner,)
    ).fetchall()
    assert actors == [("person", world.owner)]


# What stands in the place of Forum's pre-request: none, one that fails, and one of another project.
PRE_REQUESTS = {
    "": None,
    "private.fail": "begin perform 1 / 0; end",
    "private.of_another_project": "begin perform set_config('app.seen', 'yes', true); end",
}


@pytest.mark.parametrize("name", PRE_REQUESTS, ids=lambda name: name or "none")
def test_token_opens_nothing_where_the_pre_request_is_not_forums(
    supabase: Supabase, committed: Connection, world: TokenWorld, tmp_path: Path, name: str
) -> None:
    body = PRE_REQUESTS[name]
    if body is not None:
        committed.execute(
            sql.SQL(
                "create or replace function {}() returns void language plpgsql set search_path = '' as {};"
                " grant execute on function {}() to anon"
            ).format(sql.SQL(name), sql.Literal(body), sql.SQL(name))
        )
    token, _ = make_token(committed, world.owner, None, *GRANTS)
    port, admin_port = free_port(), free_port()
    try:
        with run_postgrest(
            supabase.postgres,
            supabase.keys,
            port=port,
            admin_port=admin_port,
            log=tmp_path / "postgrest.log",
            settings={"PGRST_DB_CONFIG": "false", "PGRST_DB_PRE_REQUEST": name},
        ):
            answers = opens(f"http://{LOOPBACK}:{port}", token.text)
    finally:
        if body is not None:
            committed.execute(sql.SQL("drop function {}()").format(sql.SQL(name)))
    assert {answer.json()["code"] for answer in answers} == {"22012" if name == "private.fail" else "42501"}


def opens(url: str, token: str) -> list[httpx.Response]:
    """What PostgREST answers to a token that asks for this and that."""
    with httpx.Client(
        base_url=url, headers={"x-forum-token": token}, timeout=PATIENCE_SECONDS, verify=TLS
    ) as client:
        row: dict[str, Any] = {"name": "Made"}
        return [
            client.get("work_items"),
            client.post("products", json=row),
            client.patch("work_items", json={"title": "changed"}),
            client.get("rpc/get_current_access_token"),
            client.post("rpc/note_access_token_use"),
        ]
