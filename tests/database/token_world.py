"""Rows in a token's scope, of its owner and out of it, and of somebody else; what a token may do with each.

Every table of the API is here. One that is not fails the tests that go through the catalogue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

from psycopg import sql

from tests.database.actors import Connection, acting_as, make_account, one, person
from tests.database.tokens import GRANTS, make_token
from tests.database.world import CHANGES, CHILDREN, SAMPLES, TRASH, insert, make_override

IN_SCOPE, OUT_OF_SCOPE, FOREIGN = "in scope", "out of scope", "foreign"

# What a token needs for each verb on each table, spelled out once more. What is not here is possible to none.
NEEDED: dict[str, dict[str, str]] = {
    # Of a product only what comes next.
    "products": {"select": "read", "update": "work"},
    "repositories": {"select": "read"},
    "work_items": {"select": "read", "insert": "work", "update": "work", "delete": "delete"},
    "documents": {"select": "read", "insert": "docs", "update": "docs", "delete": "delete"},
    "app_info": {"select": "read", "insert": "keys", "update": "keys", "delete": "delete"},
    # One value less is a change of an entry.
    "app_info_overrides": {"select": "read", "insert": "keys", "update": "keys", "delete": "keys"},
    "activity": {"select": "read"},
    "activity_lines": {"select": "read"},
    "document_revisions": {"select": "read"},
    "github_runs": {"select": "read"},
    "trash": {},
    "visits": {"select": "read"},
    "users": {},
    "access_tokens": {},
}
# What each table is asked to become, whether or not somebody may change it.
CHANGED: dict[str, dict[str, Any]] = {
    **CHANGES,
    "products": {"next_note": "changed"},
    "activity_lines": CHANGES["activity"],
    "visits": {"seen_at": "2026-01-01T00:00:00Z"},
    "document_revisions": {"title": "changed"},
    "github_runs": {"error": "changed"},
    "access_tokens": {"name": "changed"},
    "trash": {"title": "changed"},
}
CREATED: dict[str, dict[str, Any]] = {
    **SAMPLES,
    "app_info": {**SAMPLES["app_info"], "key": "MADE_BY_A_TOKEN"},
    "app_info_overrides": {"environment": "preview", "value": "made"},
    "activity": {"actor": "system", "action": "created", "entity": "products"},
    "activity_lines": {"actor": "system", "action": "created", "entity": "products"},
    "document_revisions": {
        "title": "Made",
        "content": "",
        "content_bytes": 0,
        "actor": "system",
        "number": 7,
    },
    "github_runs": {"trigger": "import"},
    "users": {"email": "made@example.com"},
    "trash": {"title": "Made", "entity": "products", "actor": "system"},
    "visits": {"seen_at": "2026-01-01T00:00:00Z"},
    "access_tokens": {"name": "Made", "hint": "abcd", "expires_at": "2027-01-01T00:00:00Z"},
}
WITHOUT_PRODUCT = {"products", "users"}
# What names the row above it, and has its product from there.
WITH_PARENT = {"app_info_overrides": ("app_info_id", "app_info")}


@dataclass(frozen=True)
class Target:
    """A product and a row of everything that belongs to it."""

    name: str
    user_id: UUID
    rows: Mapping[str, UUID]

    @property
    def product_id(self) -> UUID:
        """The product."""
        return self.rows["products"]


@dataclass(frozen=True)
class TokenWorld:
    """The owner of tokens, what is in the scope of one for a product, and what is not."""

    owner: UUID
    token_id: UUID
    targets: Mapping[str, Target]

    @property
    def product_id(self) -> UUID:
        """The product of a token that is for one."""
        return self.targets[IN_SCOPE].product_id


@dataclass(frozen=True)
class Scope:
    """What a token is made with."""

    grants: tuple[str, ...]
    is_for_all: bool

    def __str__(self) -> str:
        return f"{'+'.join(self.grants) or 'read'} on {'all products' if self.is_for_all else 'one product'}"

    def may(self, verb: str, table: str, target: str) -> bool:
        """Whether a token with this scope may do this."""
        needed = NEEDED[table].get(verb)
        is_granted = needed == "read" or needed in self.grants
        return is_granted and (target == IN_SCOPE or (self.is_for_all and target == OUT_OF_SCOPE))


SCOPES = [
    Scope(grants, is_for_all)
    for grants, is_for_all in product([(), *((grant,) for grant in GRANTS), GRANTS], [False, True])
]
"""No grant, each by itself and all of them, for one product and for all."""


def make_token_world(connection: Connection) -> TokenWorld:
    """Two products of one account, and one of another's."""
    owner, stranger = make_account(connection), make_account(connection)
    targets = [
        make_target(connection, IN_SCOPE, owner),
        make_target(connection, OUT_OF_SCOPE, owner),
        make_target(connection, FOREIGN, stranger),
    ]
    token_id = targets[0].rows["access_tokens"]
    return TokenWorld(owner, token_id, {target.name: target for target in targets})


def make_target(connection: Connection, name: str, account: UUID) -> Target:
    """A product with one row of each table."""
    rows = {"users": account}
    with acting_as(connection, person(account)):
        rows["products"] = insert(connection, "products", **SAMPLES["products"])
        for table in CHILDREN:
            rows[table] = insert(connection, table, product_id=rows["products"], **SAMPLES[table])
    rows["activity"] = one(
        connection, "select id from public.activity where entity_id = %s", (rows["work_items"],)
    )
    rows["activity_lines"] = rows["activity"]
    with acting_as(connection, person(account)):
        connection.execute(
            "update public.documents set content = 'edited' where id = %s", (rows["documents"],)
        )
    rows["document_revisions"] = one(
        connection, "select id from public.document_revisions where document_id = %s", (rows["documents"],)
    )
    rows["github_runs"] = one(
        connection,
        "insert into public.github_runs (user_id, product_id, trigger, state, ended_at)"
        " values (%s, %s, 'import', 'succeeded', now()) returning id",
        (account, rows["products"]),
    )
    rows["trash"] = one(connection, TRASH, (account, rows["products"]))
    with acting_as(connection, person(account)):
        connection.execute("select public.mark_seen(%s)", (rows["products"],))
    rows["visits"] = one(
        connection, "select id from public.visits where product_id = %s", (rows["products"],)
    )
    rows["access_tokens"] = make_token(connection, account, rows["products"])[1]
    rows["app_info_overrides"] = make_override(connection, rows["app_info"])
    return Target(name, account, rows)


def list_tables(connection: Connection) -> list[str]:
    """Every table of the API, from the catalogue."""
    rows = connection.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p', 'v', 'm', 'f') order by relname desc"
    )
    return [name for (name,) in rows]


def row_to_create(table: str, target: Target) -> dict[str, Any]:
    """What is sent to make a row that belongs to a target."""
    belongs = {} if table in WITHOUT_PRODUCT else {"product_id": target.product_id}
    if table in WITH_PARENT:
        column, parent = WITH_PARENT[table]
        belongs = {column: target.rows[parent]}
    return {**CREATED[table], **belongs}


def look_at(connection: Connection, world: TokenWorld, table: str) -> dict[str, str | None]:
    """The row of each target as it is now; None where it has gone."""
    ids = {target.rows[table]: name for name, target in world.targets.items()}
    gone: dict[str, str | None] = dict.fromkeys(world.targets)
    look = sql.SQL("select t.id, t::text from public.{} as t where t.id = any (%s)")
    found = connection.execute(look.format(sql.Identifier(table)), (list(ids),)).fetchall()
    return gone | {ids[row_id]: row for row_id, row in found}


def count_rows(connection: Connection, world: TokenWorld, table: str) -> dict[str, int]:
    """How many rows of a table belong to each target."""
    if table in WITHOUT_PRODUCT:
        total = sql.SQL("select count(*) from public.{}").format(sql.Identifier(table))
        return dict.fromkeys(world.targets, one(connection, total))
    of_product = sql.SQL("select count(*) from public.{} where product_id = %s").format(sql.Identifier(table))
    return {name: one(connection, of_product, (target.product_id,)) for name, target in world.targets.items()}
