"""What has to hold of access tokens, as functions that yield a line for each fault they find.

Each sends requests as PostgREST does: the header, the role anon, the pre-request, then the statement.
"""

from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.errors import Diagnostic
from psycopg.types.json import Jsonb

from tests.database.actors import Actor, Connection, acting_as, make_account, one, person, refusal, undone
from tests.database.secrets import APP_INFO_KEY, WRITE, changed, know_app_info_key
from tests.database.token_definer_checks import (
    definers_ask_for_the_grant,
    definers_hold_tokens_to_their_product,
)
from tests.database.token_world import (
    CHANGED,
    IN_SCOPE,
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
from tests.database.tokens import (
    CREATE,
    GRANTS,
    agent,
    make_token,
    new_token,
    requesting_with,
    take_sha256,
)
from tests.database.world import change, insertion

Statement = LiteralString | sql.Composed


def why_refused(
    connection: Connection, token: str, statement: Statement = "select 1", parameters: Any = ()
) -> Diagnostic | None:
    """Why a request with a token is refused, undone; None if it is not."""
    try:
        with undone(connection), requesting_with(connection, token):
            connection.execute(statement, parameters)
    except psycopg.Error as error:
        return error.diag
    return None


def tokens_are_good_while_their_owner_says_so(connection: Connection) -> Iterator[str]:
    """Unknown, expired, revoked, of nobody any more: each is refused alike, and any other one is not."""
    owner = make_account(connection)
    token, token_id = make_token(connection, owner)
    if why_refused(connection, token.text) is not None:
        yield "a token that is good is refused"
    ends: dict[str, LiteralString] = {
        "is revoked": "update public.access_tokens set revoked_at = now() where id = %s",
        "ends in this moment": "update public.access_tokens set created_at = now() - interval '1 day',"
        " expires_at = now() where id = %s",
        "lacks its hash": "delete from private.access_token_hashes where id = %s",
        "has a hash that begins like it": "update private.access_token_hashes"
        " set sha256 = set_byte(sha256, 31, get_byte(sha256, 31) # 1) where id = %s",
        "has a hash that ends like it": "update private.access_token_hashes"
        " set sha256 = set_byte(sha256, 0, get_byte(sha256, 0) # 1) where id = %s",
        "has a banned owner": "update auth.users set banned_until = now() + interval '1 hour'"
        " where id = (select user_id from public.access_tokens where id = %s)",
        "has an owner that is deleted": "update auth.users set deleted_at = now()"
        " where id = (select user_id from public.access_tokens where id = %s)",
    }
    told = set()
    for end, statement in ends.items():
        with undone(connection):
            # One of them keeps created_at.
            connection.execute("alter table public.access_tokens disable trigger user")
            connection.execute(statement, (token_id,))
            refused = why_refused(connection, token.text)
        if refused is None:
            yield f"a token that {end} is accepted"
        else:
            told.add(
                (refused.sqlstate, refused.message_primary, refused.message_detail, refused.message_hint)
            )
    for text in (new_token(owner).text, token.text[:-1], token.text + "0", "", "fmt_", f"{token.text} "):
        refused = why_refused(connection, text)
        if refused is None:
            yield f"a token that nobody has made is accepted, of {len(text)} characters"
        else:
            told.add(
                (refused.sqlstate, refused.message_primary, refused.message_detail, refused.message_hint)
            )
    if {(sqlstate, hint) for sqlstate, _, _, hint in told} != {("PT401", "access_token")} or len(told) != 1:
        yield f"what is wrong with a token is told: {told}"


def tokens_are_revoked_for_good(connection: Connection) -> Iterator[str]:
    """Its owner alone revokes a token, and a row that comes back from a backup makes it no token again."""
    owner, stranger = make_account(connection), make_account(connection)
    token, token_id = make_token(connection, owner)
    revoke = "select public.revoke_access_token(%s)"
    with acting_as(connection, person(stranger)):
        if one(connection, revoke, (token_id,)):
            yield "a stranger revokes a token"
    if why_refused(connection, token.text) is not None:
        yield "a token is refused that a stranger has tried to revoke"
    with acting_as(connection, person(owner)):
        if not one(connection, revoke, (token_id,)):
            yield "its owner does not revoke a token"
    if why_refused(connection, token.text) is None:
        yield "a token that was revoked is accepted"
    first = one(connection, "select revoked_at from public.access_tokens where id = %s", (token_id,))
    if first is None:
        yield "a token that was revoked does not say so"
    connection.execute("update public.access_tokens set revoked_at = null where id = %s", (token_id,))
    if why_refused(connection, token.text) is None:
        yield "a token is good again when its row is restored"


def requests_with_a_token_are_the_tokens(connection: Connection) -> Iterator[str]:
    """The role, the claims, the time-outs, the history and the time of use are those of the token."""
    owner = make_account(connection)
    token, token_id = make_token(connection, owner, None, "work")
    with acting_as(connection, person(owner)):
        product_id = one(connection, "insert into public.products (name) values ('Atlas') returning id")
    try:
        with requesting_with(connection, token.text):
            role = one(connection, "select current_user::text")
    except psycopg.errors.InsufficientPrivilege as error:
        yield f"a request with a token is refused: {error}"
        return
    if role != "forum_agent":
        yield f"a request with a token has the role {role}"
        return
    with requesting_with(connection, token.text):
        found = connection.execute(
            "select private.token_id(), private.caller_id(), current_setting('statement_timeout'),"
            " current_setting('lock_timeout')"
        ).fetchone()
        connection.execute(
            "insert into public.work_items (product_id, title) values (%s, 'By a token')", (product_id,)
        )
    if found != (token_id, owner, "8s", "1s"):
        yield f"a request with a token is {found}"
    line = connection.execute(
        "select actor, actor_id from public.activity where user_id = %s and entity = 'work_items'", (owner,)
    ).fetchall()
    if line != [("token", token_id)]:
        yield f"the history of a token's change is {line}"
    if one(connection, "select last_used_at from public.access_tokens where id = %s", (token_id,)) is None:
        yield "nobody knows that the token was used"
    if one(connection, "select version from public.access_tokens where id = %s", (token_id,)) != 1:
        yield "its use changes the version of a token"


def tokens_come_alone(connection: Connection) -> Iterator[str]:
    """Beside a session or the service's key a token is refused, and so is a JWT that claims its role."""
    owner = make_account(connection)
    token, token_id = make_token(connection, owner)
    for role in ("authenticated", "service_role", "forum_agent"):
        claims = {"sub": str(owner), "token_id": str(token_id), "grants": list(GRANTS)}
        try:
            with undone(connection), requesting_with(connection, token.text, Actor(role, None, claims)):
                yield f"a token beside the role {role} is accepted"
        except psycopg.Error as error:
            if error.diag.message_hint != "two_credentials":
                yield f"a token beside the role {role} is refused as {error.diag.message_hint}"
    claimed = agent(owner, token_id, None, *GRANTS)
    refused = refusal(connection, claimed, "select private.check_request()")
    if refused is None or refused.message_hint != "access_token":
        yield "a JWT that claims the role of tokens passes"


def tokens_do_what_they_are_granted(connection: Connection) -> Iterator[str]:
    """Every table, verb, grant and scope, on rows in the scope, out of it and of somebody else."""
    world = make_token_world(connection)
    tables = list_tables(connection)
    for table in sorted(set(tables) ^ NEEDED.keys()):
        yield f"{table} is a table of the API, or in token_world, not both"
    for table in [known for known in tables if known in NEEDED]:
        rows, counts = look_at(connection, world, table), count_rows(connection, world, table)
        for scope in SCOPES:
            product_id = None if scope.is_for_all else world.product_id
            actor = agent(world.owner, world.token_id, product_id, *scope.grants)
            yield from reads(connection, world, actor, scope, table)
            for target in world.targets.values():
                row = row_to_create(table, target)
                with undone(connection):
                    attempt(connection, actor, insertion(table, row), row)
                    after = count_rows(connection, world, table)
                made = [name for name in world.targets if after[name] != counts[name]]
                if made != ([target.name] if scope.may("insert", table, target.name) else []):
                    yield f"{scope}: insert into {table} {target.name} makes {made}"
            for verb, statement in (("update", change(table, CHANGED[table])), ("delete", deletion(table))):
                with undone(connection):
                    attempt(connection, actor, statement, CHANGED[table])
                    found = look_at(connection, world, table)
                for name in world.targets:
                    if (found[name] != rows[name]) != scope.may(verb, table, name):
                        yield f"{scope}: {verb} of {table} {name} makes {found[name]}"


def reads(connection: Connection, world: TokenWorld, actor: Actor, scope: Scope, table: str) -> Iterator[str]:
    """What a token sees of a table."""
    everything = sql.SQL("select id from public.{}").format(sql.Identifier(table))
    seen: set[UUID] = set()
    try:
        with undone(connection), acting_as(connection, actor):
            seen = {row_id for (row_id,) in connection.execute(everything)}
    except psycopg.errors.InsufficientPrivilege:
        pass
    for name, target in world.targets.items():
        if (target.rows[table] in seen) != scope.may("select", table, name):
            yield f"{scope}: select of {table} {name} is {target.rows[table] in seen}"


def attempt(connection: Connection, actor: Actor, statement: Statement, parameters: Any) -> None:
    """A statement that may be refused. What it does stays."""
    try:
        with acting_as(connection, actor):
            connection.execute(statement, parameters)
    except psycopg.Error:
        pass


def deletion(table: str) -> sql.Composed:
    """A delete of every row."""
    return sql.SQL("delete from public.{}").format(sql.Identifier(table))


def tokens_move_nothing_out_of_their_scope(connection: Connection) -> Iterator[str]:
    """Not by a plain change, not by a bulk one and not by the function that seals."""
    know_app_info_key(connection)
    world = make_token_world(connection)
    token, _ = make_token(connection, world.owner, world.product_id, *GRANTS)
    inside = world.targets[IN_SCOPE]
    for name, target in world.targets.items():
        for table in ("work_items", "documents", "app_info"):
            # Each product has an entry with the key of the others.
            moved = {"product_id": target.product_id, **({"key": "MOVED"} if table == "app_info" else {})}
            item = changed(inside.rows[table], **moved | {"product_id": str(target.product_id)})
            bulk = sql.SQL("select id from public.{}(%s)").format(sql.Identifier(f"update_{table}"))
            # Without a filter: with one the policy of select is asked as well.
            moves: list[tuple[Statement, Any]] = [
                (change(table, moved), moved),
                (bulk, (Jsonb([{column: item[column] for column in ("id", *moved)}]),)),
            ]
            if table == "app_info":
                moves.append((WRITE, (Jsonb([item]), APP_INFO_KEY)))
            for statement, parameters in moves:
                refused = why_refused(connection, token.text, statement, parameters)
                if (refused is None) != (name == IN_SCOPE):
                    yield f"{table}: whether a row is moved to a product {name} is {refused is None}"


def keys_are_their_tokens(connection: Connection) -> Iterator[str]:
    """An Idempotency-Key of a token is another one than the same text of its owner or of another token."""
    world = make_token_world(connection)
    tokens = [make_token(connection, world.owner, None, "work")[0].text for _ in range(2)]
    made: LiteralString = "insert into public.work_items (product_id, title) values (%s, %s) returning id"
    answer: LiteralString = "select rows from public.get_idempotent_answer('key')"
    for number, token in enumerate(tokens):
        with requesting_with(connection, token, idempotency_key="key"):
            row_id = one(connection, made, (world.product_id, f"By token {number}"))
        # All that a test does is one transaction, and what comes later in one is the same request.
        connection.execute("update private.idempotency_keys set transaction_id = '1'")
        with requesting_with(connection, token):
            shown = [row["id"] for (rows,) in connection.execute(answer).fetchall() for row in rows]
        if shown != [str(row_id)]:
            yield f"a token that repeats its request is shown {shown}"
        try:
            with undone(connection), requesting_with(connection, token, idempotency_key="key"):
                connection.execute(made, (world.product_id, "Once more"))
                yield "a token makes a second row under one key"
        except psycopg.Error as error:
            if error.diag.message_hint != "idempotency_replay":
                yield f"a token that repeats its request is refused as {error.diag.message_hint}"
    with acting_as(connection, person(world.owner)):
        if connection.execute(answer).fetchall():
            yield "the owner is shown what a token has made under a key"


def tokens_are_made_by_living_sessions(connection: Connection) -> Iterator[str]:
    """A session that has ended makes none, and one that may not see secrets none that does."""
    owner = make_account(connection)
    ended: LiteralString = "delete from auth.sessions where user_id = %s"
    enrolled: LiteralString = (
        "insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at)"
        " values (gen_random_uuid(), %s, 'totp', 'verified', now(), now())"
    )
    for grants, event, expected in (
        (["work"], None, None),
        (["reveal"], None, None),
        ([], ended, "session_ended"),
        (["work", "docs", "keys", "delete"], enrolled, None),
        (["reveal"], enrolled, "second_factor_required"),
    ):
        token = new_token(owner)
        with undone(connection):
            if event is not None:
                connection.execute(event, (owner,))
            asked = ("Agent", None, grants, 30, take_sha256(token.text), token.hint)
            refused = refusal(connection, person(owner), CREATE, asked)
        hint = None if refused is None else refused.message_hint
        if hint != expected:
            yield f"a token with {grants} is made after {event}: {hint}"


def tokens_are_made_as_asked(connection: Connection) -> Iterator[str]:
    """With the grants that were named and no others, for a while, and not more than fifty of them."""
    owner = make_account(connection)
    for grants in ([], ["docs"], ["work", "docs", "work"], list(GRANTS)):
        _, token_id = make_token(connection, owner, None, *grants)
        given = one(connection, "select grants from public.access_tokens where id = %s", (token_id,))
        if given != sorted(set(grants)):
            yield f"a token that was made with {grants} has {given}"
    for days in (0, -1, 367):
        token = new_token(owner)
        asked: tuple[Any, ...] = ("Agent", None, [], days, take_sha256(token.text), token.hint)
        if refusal(connection, person(owner), CREATE, asked) is None:
            yield f"a token is made for {days} days"
    for _ in range(46):
        make_token(connection, owner, None, days=366)
    with undone(connection):
        token = new_token(owner)
        asked = ("Agent", None, [], 30, take_sha256(token.text), token.hint)
        refused = refusal(connection, person(owner), CREATE, asked)
        if refused is None or refused.message_hint != "too_many_tokens":
            yield "an account has more than fifty tokens"
        connection.execute(
            "update public.access_tokens set revoked_at = now() where id ="
            " (select id from public.access_tokens where user_id = %s limit 1)",
            (owner,),
        )
        if refusal(connection, person(owner), CREATE, asked) is not None:
            yield "a token that was revoked counts"


def tokens_go_with_their_product_and_their_owner(connection: Connection) -> Iterator[str]:
    """Nothing is left of a token whose product or whose account is deleted."""
    world = make_token_world(connection)
    of_product, _ = make_token(connection, world.owner, world.product_id)
    of_all, _ = make_token(connection, world.owner)
    with acting_as(connection, person(world.owner)):
        connection.execute("delete from public.products where id = %s", (world.product_id,))
    if why_refused(connection, of_product.text) is None:
        yield "a token of a product that is deleted is accepted"
    if why_refused(connection, of_all.text) is not None:
        yield "a token for all products is refused when one is deleted"
    connection.execute("delete from auth.users where id = %s", (world.owner,))
    if why_refused(connection, of_all.text) is None:
        yield "a token of an account that is deleted is accepted"
    if one(connection, "select count(*) from private.access_token_hashes where user_id = %s", (world.owner,)):
        yield "hashes are left of an account that is deleted"


TOKEN_CHECKS = (
    tokens_are_good_while_their_owner_says_so,
    tokens_are_revoked_for_good,
    requests_with_a_token_are_the_tokens,
    tokens_come_alone,
    tokens_do_what_they_are_granted,
    tokens_move_nothing_out_of_their_scope,
    keys_are_their_tokens,
    tokens_are_made_by_living_sessions,
    tokens_are_made_as_asked,
    tokens_go_with_their_product_and_their_owner,
    definers_hold_tokens_to_their_product,
    definers_ask_for_the_grant,
)
