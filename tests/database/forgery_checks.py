"""Who somebody is, is what their token's subject says: nothing else that a client can send or set counts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from tests.database.actors import Connection, acting_as, make_account, one, person, undone
from tests.database.world import OWNED, SAMPLES, Person, World, insert, make_world


def what_clients_send_decides_nothing(connection: Connection) -> Iterator[str]:
    """Owner, actor and email come from the account, whatever claims and headers say of another one."""
    world = make_world(connection)
    owner, forger = world.owner, world.stranger
    with undone(connection):
        with forging(connection, forger, owner):
            rows = {"products": insert(connection, "products", **SAMPLES["products"])}
            for table in OWNED[1:]:
                row = {**SAMPLES[table], "product_id": rows["products"]}
                rows[table] = insert(connection, table, **row)
        for table, row_id in rows.items():
            actors = set(
                connection.execute(
                    "select user_id, actor, actor_id from public.activity"
                    " where entity = %s and entity_id = %s",
                    (table, row_id),
                )
            )
            if actors != {(forger.id, "person", forger.id)}:
                yield f"{table}: the history names {actors} for a row that {forger.id} has made"
    yield from emails_are_the_accounts(connection, world)


def emails_are_the_accounts(connection: Connection, world: World) -> Iterator[str]:
    """Neither the claims of the first call nor the metadata that a user edits decide about the email."""
    forged = {"email": "owner@example.com", "preferred_email": "owner@example.com"}
    with undone(connection):
        account = make_account(connection, email="own@example.com", raw_user_meta_data=json.dumps(forged))
        if email_of(connection, account) != "own@example.com":
            yield "the email of a new account comes from its metadata"
        connection.execute(
            "update auth.users set raw_user_meta_data = %s where id = %s",
            (json.dumps({**forged, "user_name": "renamed"}), account),
        )
        if email_of(connection, account) != "own@example.com":
            yield "the email of a changed account comes from its metadata"
        connection.execute("delete from public.users where id = %s", (account,))
        with forging(connection, Person(account, {}), world.owner):
            insert(connection, "products", name="first")
        if email_of(connection, account) != "own@example.com":
            yield "the email of an account that is met for the first time comes from its token"


def email_of(connection: Connection, account: UUID) -> str:
    """The email that Forum has of an account."""
    email: str = one(connection, "select email from public.users where id = %s", (account,))
    return email


@contextmanager
def forging(connection: Connection, forger: Person, victim: Person) -> Iterator[None]:
    """The forger's own token, with everything else about it saying that they are the victim."""
    other = str(victim.id)
    names = {
        "sub": other,
        "id": other,
        "user_id": other,
        "email": "owner@example.com",
        "role": "service_role",
    }
    claims = {
        "sub": str(forger.id),
        "role": "authenticated",
        "aud": "authenticated",
        "email": "owner@example.com",
        "user_id": other,
        "actor_id": other,
        "user_metadata": names,
        "app_metadata": names,
    }
    headers = {f"x-{name.replace('_', '-')}": value for name, value in names.items()} | {
        "x-user": other,
        "x-actor": "sync",
        "x-forwarded-user": other,
        "user-agent": other,
    }
    with acting_as(connection, person(forger.id)):
        for setting, value in {
            "request.jwt.claims": json.dumps(claims),
            "request.headers": json.dumps(headers),
            "request.cookies": json.dumps(names),
            "app.user_id": other,
            "forum.user_id": other,
        }.items():
            connection.execute("select set_config(%s, %s, true)", (setting, value))
        yield
        for setting in ("request.headers", "request.cookies", "app.user_id", "forum.user_id"):
            connection.execute("select set_config(%s, '', true)", (setting,))
