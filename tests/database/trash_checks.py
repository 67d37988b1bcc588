"""What is deleted comes back as it was, with what hung on it."""

from collections.abc import Iterator
from typing import LiteralString

from psycopg import sql

from tests.database.actors import Connection, acting_as, one
from tests.database.secrets import know_app_info_key, make_secret, sealed, write
from tests.database.world import OWNED, Person, make_world

# Beside what a restoration changes.
ROWS = "select (to_jsonb(t) - array['version', 'updated_at', 'position'])::text from public.{} as t"
VALUES: LiteralString = "select (to_jsonb(v) - 'version')::text from private.app_info_values as v"


def deletions_lose_nothing(connection: Connection) -> Iterator[str]:
    """A product with all that is in it comes back as it was, and so does a repository with its links."""
    know_app_info_key(connection)
    owner = make_world(connection).owner
    entry = make_secret(connection, owner, "one")
    write(connection, owner.actor, {"action": "change", "id": str(entry), "sealed": sealed("two")})
    with acting_as(connection, owner.actor):
        for table in ("work_items", "documents"):
            link = sql.SQL("update public.{} set repository_id = %s").format(sql.Identifier(table))
            connection.execute(link, (owner.rows["repositories"],))
        connection.execute("update public.work_items set status = 'in_progress'")
    before = everything(connection, owner)
    for table in ("repositories", "products"):
        statement = sql.SQL("delete from public.{}").format(sql.Identifier(table))
        with acting_as(connection, owner.actor):
            connection.execute(statement)
        if everything(connection, owner)[table]:
            yield f"{table}: nothing is deleted"
        set_id = one(
            connection,
            "select set_id from private.trash_rows where user_id = %s and entity_id = %s and entity = %s",
            (owner.id, owner.rows[table], table),
        )
        with acting_as(connection, owner.actor):
            connection.execute("select public.restore_trash(%s)", (set_id,))
        after = everything(connection, owner)
        for name, rows in before.items():
            if after[name] != rows:
                yield f"{name}: after {table} were deleted and restored {after[name]} is there, not {rows}"


def everything(connection: Connection, owner: Person) -> dict[str, list[str]]:
    """The rows of somebody and the values of their secrets."""
    statements = {table: sql.SQL(ROWS).format(sql.Identifier(table)) for table in OWNED}
    statements["values"] = sql.SQL(VALUES).format()
    return {
        table: [
            row
            for (row,) in connection.execute(
                statement + sql.SQL(" where user_id = %s order by id"), (owner.id,)
            )
        ]
        for table, statement in statements.items()
    }
