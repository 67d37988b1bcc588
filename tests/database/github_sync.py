"""What the dispatcher and the worker do in the database, as the service role, and what GitHub tells them."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.actors import SERVICE, Connection, acting_as, one
from tests.database.world import Person

Json = dict[str, Any]

IMPORT_KEY = "g" * 43
LEASE_SECONDS = 300
SEALED: Json = {"v": 1, "key_id": None, "nonce": "bm9uY2U=", "ciphertext": "c2VhbGVk"}
SEALED_REFRESH: Json = {"v": 1, "key_id": None, "nonce": "bm9uY2U=", "ciphertext": "cmVmcmVzaA=="}


@dataclass(frozen=True)
class Message:
    """What is in a message of the queue."""

    user_id: UUID
    connection_id: UUID
    run_id: UUID

    def but(self, **ids: UUID) -> "Message":
        """The same message with some ids exchanged."""
        return replace(self, **ids)

    @property
    def ids(self) -> tuple[UUID, UUID, UUID]:
        """As the functions take them."""
        return (self.user_id, self.connection_id, self.run_id)


def item(number: int, **changes: Any) -> Json:
    """A repository as GitHub describes it."""
    return {
        "github_id": number,
        "node_id": f"R_{number}",
        "name": f"repo-{number}",
        "full_name": f"octo/repo-{number}",
        "description": None,
        "url": f"https://github.com/octo/repo-{number}",
        "default_branch": "main",
        "is_private": False,
        "language": "Python",
        "stars_count": 3,
        "forks_count": 1,
        "is_archived": False,
        "pushed_at": "2026-01-02T03:04:05Z",
        **changes,
    }


def found(number: int, **changes: Any) -> Json:
    """GitHub shows it."""
    return {"github_id": number, "seen": "found", "item": item(number, **changes)}


def seen(number: int, what: str, **more: Any) -> Json:
    """GitHub says something else of it."""
    return {"github_id": number, "seen": what, **more}


def know_import_key(connection: Connection) -> None:
    """The key of Forum's functions, beside those that a running stack may use."""
    connection.execute(
        "insert into private.import_keys (key_sha256) values (%s) on conflict do nothing",
        (sha256(IMPORT_KEY.encode()).digest(),),
    )


def import_items(
    connection: Connection, importer: Person, *items: Json, product: UUID | None = None
) -> dict[int, UUID]:
    """The rows' ids by GitHub id."""
    parameters = (product or importer.rows["products"], Jsonb(list(items)), IMPORT_KEY)
    with acting_as(connection, importer.actor):
        rows = connection.execute(
            "select github_id, id from public.import_repositories(%s, %s, %s)", parameters
        ).fetchall()
    return dict(rows)


def connection_as_sent(**changes: Any) -> Json:
    """A connection as the connection function sends it, but for its id."""
    return {
        "github_user_id": 583231,
        "github_login": "octocat",
        "token_kind": "app_user",
        "scopes": ["repo"],
        "sealed_token": SEALED,
        "sealed_refresh_token": SEALED_REFRESH,
        "token_expires_at": "2030-01-01T00:00:00+00:00",
        "refresh_token_expires_at": "2030-06-01T00:00:00+00:00",
        **changes,
    }


def connect(connection: Connection, owner: Person, **changes: Any) -> Json:
    """Stores a token for its owner, as the connection function does."""
    with acting_as(connection, owner.actor):
        connection_id = one(connection, "select public.get_github_connection_id()")
        sent = {"id": str(connection_id), **connection_as_sent(**changes)}
        answer: Json = one(
            connection, "select public.save_github_connection(%s, %s)", (Jsonb(sent), IMPORT_KEY)
        )
    return answer


def serve(connection: Connection, function: LiteralString, *arguments: Any) -> Any:
    """What one of the service role's functions answers."""
    call = sql.SQL("select to_jsonb(answer) from public.{}({}) as answer").format(
        sql.Identifier(function), sql.SQL(", ").join([sql.Placeholder()] * len(arguments))
    )
    with acting_as(connection, SERVICE):
        return one(connection, call, arguments)


def claim(connection: Connection, *owners: Person, most: int = 1000) -> list[Message]:
    """What the dispatcher claims of these owners; other tests may have something due as well."""
    with acting_as(connection, SERVICE):
        rows = connection.execute(
            "select user_id, connection_id, run_id from public.claim_due_github_connections(%s, %s)",
            (most, LEASE_SECONDS),
        ).fetchall()
    ids = {owner.id for owner in owners}
    return [Message(*row) for row in rows if row[0] in ids]


def begin(connection: Connection, message: Message) -> Json:
    """A worker takes the message."""
    answer: Json = serve(connection, "begin_github_sync", *message.ids, LEASE_SECONDS)
    return answer


def start(connection: Connection, owner: Person) -> Message:
    """A run that has begun."""
    make_due(connection, owner)
    (message,) = claim(connection, owner)
    assert begin(connection, message)["state"] == "running"
    return message


def next_chunk(connection: Connection, message: Message, size: int = 100) -> list[int]:
    """The GitHub ids to look at next."""
    with acting_as(connection, SERVICE):
        rows = connection.execute(
            "select github_id from public.next_github_sync_chunk(%s, %s, %s, %s)", (*message.ids, size)
        ).fetchall()
    return [github_id for (github_id,) in rows]


def apply(connection: Connection, message: Message, *observations: Json, **spent: Any) -> Json:
    """A chunk that took one request and one point."""
    cost = {"requests": 1, "points": 1, **spent}
    answer: Json = serve(
        connection, "apply_github_sync_chunk", *message.ids, Jsonb(list(observations)), Jsonb(cost)
    )
    return answer


def finish(connection: Connection, message: Message, state: str = "succeeded", **ending: Any) -> Json:
    """The run as it has ended."""
    answer: Json = serve(
        connection, "finish_github_sync", *message.ids, Jsonb({"state": state, "token_alive": True, **ending})
    )
    return answer


def sync(connection: Connection, owner: Person, *observations: Json, **spent: Any) -> Json:
    """A whole run with these observations."""
    message = start(connection, owner)
    apply(connection, message, *observations, **spent)
    return finish(connection, message)


def outcomes(run: Json) -> dict[int, str]:
    """A run's outcome by GitHub id."""
    return {result["github_id"]: result["outcome"] for result in run["results"]}


def make_due(connection: Connection, owner: Person) -> None:
    """Time has passed, and another test's claim has not taken this one along."""
    connection.execute(
        "update private.github_connections set next_sync_at = now() - interval '1 minute',"
        " paused_until = null, lease_until = null, lease_run_id = null, lease_length = null"
        " where user_id = %s",
        (owner.id,),
    )


def expire_lease(connection: Connection, owner: Person) -> None:
    """Whoever held it was killed, and its message is lost."""
    connection.execute(
        "update private.github_connections set lease_until = now() - interval '1 second',"
        " message_until = now() - interval '1 second',"
        " refresh_lease_until = refresh_lease_until - interval '1 hour' where user_id = %s",
        (owner.id,),
    )


def repository(connection: Connection, owner: Person, github_id: int) -> Json:
    """The only row of a GitHub repository."""
    row: Json = one(
        connection,
        "select to_jsonb(r) from public.repositories as r where user_id = %s and github_id = %s",
        (owner.id, github_id),
    )
    return row


def stored_connection(connection: Connection, owner: Person) -> Json:
    """The connection with all that nobody outside may see."""
    row: Json = one(
        connection, "select to_jsonb(c) from private.github_connections as c where user_id = %s", (owner.id,)
    )
    return row


def run_of(connection: Connection, message: Message) -> Json:
    """The run as it is in the table."""
    row: Json = one(
        connection, "select to_jsonb(r) from public.github_runs as r where id = %s", (message.run_id,)
    )
    return row


def everything_of(connection: Connection, owner: Person) -> list[str]:
    """All that the sync could write for a user, with the places of the rows: an update leaves a trace."""
    return [
        row
        for table in (
            "private.github_connections",
            "public.github_runs",
            "public.repositories",
            "public.activity",
        )
        for (row,) in connection.execute(
            sql.SQL("select (t.ctid, t.xmin, t)::text from {} as t where user_id = %s order by id").format(
                sql.SQL(table)
            ),
            (owner.id,),
        )
    ]
