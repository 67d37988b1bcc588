"""Who does something in SQL: the role and the token's claims, set as PostgREST sets them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Actor:
    """A role, and the account of its token if it has one."""

    role: str
    user_id: UUID | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """Claims beside the usual ones, or instead of them."""

    @property
    def claims(self) -> str:
        """What PostgREST makes of the token."""
        return json.dumps({"role": self.role, **self.subject, **self.more})

    @property
    def subject(self) -> dict[str, Any]:
        """The account, in the session that `make_account` has begun for it, just now."""
        if self.user_id is None:
            return {}
        steps = [{"method": "password", "timestamp": int(time.time())}]
        return {"sub": str(self.user_id), "session_id": str(self.user_id), "aal": "aal1", "amr": steps}


ANONYMOUS = Actor("anon")
NOBODY = Actor("authenticated")
"""Signed in by a token without a subject."""
SERVICE = Actor("service_role")


def person(user_id: UUID, **claims: Any) -> Actor:
    """Somebody who is signed in."""
    return Actor("authenticated", user_id, claims)


@contextmanager
def acting_as(connection: Connection, actor: Actor) -> Iterator[None]:
    """Statements inside run as this actor; an error undoes them all and leaves the connection usable."""
    with connection.transaction():
        connection.execute("select set_config('request.jwt.claims', %s, true)", (actor.claims,))
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(actor.role)))
        yield
        connection.execute("reset role")
        connection.execute("select set_config('request.jwt.claims', '', true)")


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """What is done inside is undone at the end, errors included."""
    with connection.transaction(force_rollback=True):
        yield


def refusal(
    connection: Connection, actor: Actor, statement: LiteralString | sql.Composed, parameters: Any = ()
) -> psycopg.errors.Diagnostic | None:
    """Tries a statement, undoes it, and returns why it was refused, or None if it was not."""
    try:
        with undone(connection), acting_as(connection, actor):
            connection.execute(statement, parameters)
    except psycopg.Error as error:
        return error.diag
    return None


def refused_code(
    connection: Connection, actor: Actor, statement: LiteralString | sql.Composed, parameters: Any = ()
) -> str | None:
    """The SQLSTATE of the refusal."""
    refused = refusal(connection, actor, statement, parameters)
    return None if refused is None else refused.sqlstate


def one(connection: Connection, statement: LiteralString | sql.Composed, parameters: Any = ()) -> Any:
    """The only column of the only row."""
    ((value,),) = connection.execute(statement, parameters).fetchall()
    return value


def make_account(connection: Connection, **columns: Any) -> UUID:
    """A new account as GoTrue makes it, and its session, which has the same id."""
    values = {"id": uuid4(), "email": f"{uuid4().hex}@example.com", **columns}
    connection.execute(
        sql.SQL("insert into auth.users ({}) values ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(map(sql.Placeholder, values))
        ),
        values,
    )
    account: UUID = values["id"]
    connection.execute(
        "insert into auth.sessions (id, user_id, created_at, updated_at, aal)"
        " values (%(id)s, %(id)s, now(), now(), 'aal1')",
        {"id": account},
    )
    return account
