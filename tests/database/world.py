"""Two users with one row of everything each: the owner, whose rows are attacked, and a stranger."""

from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql

from tests.database.actors import Actor, Connection, acting_as, make_account, one, person

# What people write as a part of a row: test_app_info_overrides asks of these what the matrix asks of rows.
PARTS = ("app_info_overrides",)

CHILDREN = ("repositories", "work_items", "documents", "app_info")
OWNED = ("products", *CHILDREN)
READABLE = ("users", *OWNED, *PARTS, "activity", "document_revisions", "trash")
DELETABLE = (*OWNED, *PARTS, "trash")

# Of a document that is gone, so that those of the others count from 1. Clients cannot write one.
REVISION: LiteralString = """
insert into public.document_revisions
  (user_id, document_id, product_id, number, title, content, content_bytes, actor)
values (%s, gen_random_uuid(), %s, 1, 'Before', 'Before', 6, 'system')
returning id
"""

# Of another request, and without a row in it. Clients cannot write one.
TRASH: LiteralString = """
insert into public.trash (user_id, product_id, entity, title, actor, transaction_id)
values (%s, %s, 'work_items', 'Before', 'system', trunc(random() * 1e9)::text::xid8)
returning id
"""

# What a client may send to create a row, and a change that is one for each such row.
SAMPLES: dict[str, dict[str, Any]] = {
    "products": {"name": "Havørn", "description": "Charts", "icon": "boat", "color": "#1d6fa5"},
    "repositories": {"name": "havorn", "url": "https://example.com/havorn", "notes": "mine"},
    "work_items": {"title": "Show the forecast offline", "type": "feature", "priority": 2},
    "documents": {"title": "Forecasts", "content": "Fetched at the quay."},
    "app_info": {"key": "FORECAST_URL", "value": "https://example.com/v2", "category": "url"},
}
CHANGES: dict[str, dict[str, Any]] = {
    "users": {"github_username": "changed"},
    "products": {"name": "changed"},
    "repositories": {"notes": "changed"},
    "work_items": {"title": "changed"},
    "documents": {"content": "changed"},
    "app_info_overrides": {"value": "changed"},
    "app_info": {"value": "changed"},
    "activity": {"action": "deleted"},
}


@dataclass(frozen=True)
class Person:
    """A user and the ids of their rows by table."""

    id: UUID
    rows: dict[str, UUID]

    @property
    def actor(self) -> Actor:
        """This person, signed in."""
        return person(self.id)


@dataclass(frozen=True)
class World:
    """Who is in a test."""

    owner: Person
    stranger: Person


def make_world(connection: Connection) -> World:
    """Both with one row of everything, made with a client's own rights."""
    return World(make_person(connection), make_person(connection))


def make_person(connection: Connection) -> Person:
    """A user with a product and one child of each kind."""
    account = make_account(connection)
    rows = {"users": account}
    with acting_as(connection, person(account)):
        rows["products"] = insert(connection, "products", **SAMPLES["products"])
        for table in CHILDREN:
            rows[table] = insert(connection, table, product_id=rows["products"], **SAMPLES[table])
        rows["activity"] = one(connection, "select id from public.activity order by created_at limit 1")
    rows["document_revisions"] = one(connection, REVISION, (account, rows["products"]))
    rows["trash"] = one(connection, TRASH, (account, rows["products"]))
    rows["app_info_overrides"] = make_override(connection, rows["app_info"])
    return Person(account, rows)


def make_override(connection: Connection, entry: UUID | str) -> UUID:
    """One without a value, past the triggers by which its entry would be a changed one."""
    connection.execute("alter table public.app_info_overrides disable trigger user")
    row_id: UUID = one(
        connection,
        "insert into public.app_info_overrides (user_id, product_id, app_info_id, environment, is_secret)"
        " select user_id, product_id, id, 'production', is_secret from public.app_info where id = %s"
        " returning id",
        (entry,),
    )
    connection.execute("alter table public.app_info_overrides enable trigger user")
    return row_id


def insert(connection: Connection, table: str, **columns: Any) -> UUID:
    """A new row's id."""
    row_id: UUID = one(connection, insertion(table, columns) + sql.SQL(" returning id"), columns)
    return row_id


def insertion(table: str, columns: dict[str, Any]) -> sql.Composed:
    """An insert with named placeholders."""
    return sql.SQL("insert into public.{} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Placeholder, columns)),
    )


def change(table: str, columns: dict[str, Any]) -> sql.Composed:
    """An update of every row, with named placeholders."""
    return sql.SQL("update public.{} set {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in columns
        ),
    )


def rows_of(connection: Connection, account: UUID) -> dict[str, list[str]]:
    """Everything a user has, as text, so that two looks can be compared. Looks as the role postgres."""
    return {
        table: [
            row
            for (row,) in connection.execute(
                sql.SQL("select t::text from public.{} as t where {} = %s order by id").format(
                    sql.Identifier(table), sql.Identifier("id" if table == "users" else "user_id")
                ),
                (account,),
            )
        ]
        for table in READABLE
    }
