"""The trash against a model of it in Python: random products, deletions, recreations, restores and purges."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.postgres import Postgres
from tests.database.actors import Actor, Connection, acting_as, make_account, one, person
from tests.database.world import insert

Row = dict[str, Any]
Rows = dict[str, dict[UUID, Row]]

TABLES = ("products", "repositories", "work_items", "app_info")
KEYS = ("PORT", "HOST")

# What happens, to the which-th of those that there are.
STEP = st.tuples(
    st.sampled_from(
        [
            *("product", "repository", "item", "linked item", "entry", "entry", "unlink"),
            *("delete product", "delete repository", "delete item", "delete entry", "delete entries"),
            *("fail", "fail", "skip", "rename", "purge"),
        ]
    ),
    st.integers(0, 7),
)

STATEMENTS: dict[str, LiteralString] = {
    "products": "delete from public.products where id = %s",
    "repositories": "delete from public.repositories where id = %s",
    "work_items": "delete from public.work_items where id = %s",
    "app_info": "delete from public.app_info where id = %s",
}
STORED: dict[str, LiteralString] = {
    "products": "select id, version from public.products where user_id = %s",
    "repositories": "select id, version, product_id from public.repositories where user_id = %s",
    "work_items": "select id, version, product_id, repository_id from public.work_items where user_id = %s",
    "app_info": "select id, version, product_id, key, value from public.app_info where user_id = %s",
}


class Refused(Exception):
    """What the model says to a restoration that cannot be; the hint of the database."""


def nothing() -> Rows:
    return {table: {} for table in TABLES}


@dataclass
class Set:
    """What one request has deleted."""

    rows: Rows
    links: dict[UUID, list[UUID]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        return {table: len(rows) for table, rows in self.rows.items() if rows}


@dataclass
class Model:
    """What there is, and what is in the trash."""

    rows: Rows = field(default_factory=nothing)
    trash: dict[UUID, Set] = field(default_factory=dict)

    def delete(self, table: str, ids: list[UUID]) -> Set:
        """A deletion and its cascade."""
        taken = Set(nothing())
        children = [child for child in TABLES if child != "products"] if table == "products" else []
        for row_id in ids:
            for child in children:
                for child_id in [c for c, row in self.rows[child].items() if row["product_id"] == row_id]:
                    taken.rows[child][child_id] = self.rows[child].pop(child_id)
            if table == "repositories":
                self._cut_links(row_id, taken)
            taken.rows[table][row_id] = self.rows[table].pop(row_id)
        return taken

    def _cut_links(self, repository: UUID, taken: Set) -> None:
        for item_id, item in self.rows["work_items"].items():
            if item["repository_id"] == repository:
                taken.links.setdefault(repository, []).append(item_id)
                item["repository_id"] = None
                item["version"] += 1

    def restore(self, set_id: UUID, mode: str) -> None:
        """A restoration. Raises `Refused`, and has changed nothing then."""
        kept = deepcopy(self.trash[set_id])
        products = {row["product_id"] for table in TABLES[1:] for row in kept.rows[table].values()}
        if products - self.rows["products"].keys() - kept.rows["products"].keys():
            raise Refused("trash_parent")
        if mode == "rename":
            for entry_id in self._taken(kept):
                kept.rows["app_info"][entry_id]["key"] += "_RESTORED"
        taken = self._taken(kept)
        if taken and mode != "skip":
            raise Refused("trash_conflict")
        left = {entry_id: kept.rows["app_info"].pop(entry_id) for entry_id in taken}
        self._put_back(kept)
        del self.trash[set_id]
        if left:
            self.trash[set_id] = Set({**nothing(), "app_info": left})

    def _put_back(self, kept: Set) -> None:
        for table in TABLES:
            for row_id, row in kept.rows[table].items():
                row["version"] += 1
                if table == "work_items" and row["repository_id"] not in self.rows["repositories"]:
                    row["repository_id"] = None
                self.rows[table][row_id] = row
        for repository, items in kept.links.items():
            for item in (self.rows["work_items"].get(item_id) for item_id in items):
                if item is not None and item["repository_id"] is None:
                    item["repository_id"] = repository
                    item["version"] += 1

    def _taken(self, kept: Set) -> list[UUID]:
        places = {(row["product_id"], row["key"]) for row in self.rows["app_info"].values()}
        return [
            entry_id
            for entry_id, row in kept.rows["app_info"].items()
            if (row["product_id"], row["key"]) in places
        ]


@dataclass
class Player:
    """Does each step in the database and in the model, and compares the two."""

    connection: Connection
    account: UUID
    model: Model = field(default_factory=Model)

    @property
    def actor(self) -> Actor:
        """Whose rows these are."""
        return person(self.account)

    def play(self, step: str, which: int) -> None:
        """One step, where there is something to do it to."""
        match step:
            case "product":
                self._create("products", {"name": "Havørn"})
            case "repository" | "item" | "entry" if self.model.rows["products"]:
                self._create_child(step, which)
            case "linked item" if repository := self._pick("repositories", which):
                product = self.model.rows["repositories"][repository]["product_id"]
                columns = {"product_id": product, "repository_id": repository}
                self._create("work_items", {"title": "Linked", **columns}, **columns)
            case "unlink" if item := self._pick("work_items", which):
                self._unlink(item)
            case "delete entries" if self.model.rows["app_info"]:
                self._delete("app_info", list(self.model.rows["app_info"]), "delete from public.app_info")
            case "purge" if self.model.trash:
                self._purge(pick(self.model.trash, which))
            case "fail" | "skip" | "rename" if self.model.trash:
                self._restore(pick(self.model.trash, which), step)
            case "delete product" | "delete repository" | "delete item" | "delete entry":
                table = dict(zip(("product", "repository", "item", "entry"), TABLES, strict=True))[
                    step.removeprefix("delete ")
                ]
                if row := self._pick(table, which):
                    self._delete(table, [row], STATEMENTS[table], row)
        self._compare()

    def _pick(self, table: str, which: int) -> UUID | None:
        return pick(self.model.rows[table], which) if self.model.rows[table] else None

    def _create_child(self, step: str, which: int) -> None:
        product = pick(self.model.rows["products"], which)
        where = {"product_id": product}
        if step == "repository":
            self._create("repositories", {"name": "havorn", **where}, **where)
        elif step == "item":
            self._create("work_items", {"title": "Alone", **where}, **where, repository_id=None)
        elif (product, KEYS[which % 2]) not in {
            (row["product_id"], row["key"]) for row in self.model.rows["app_info"].values()
        }:
            columns = {**where, "key": KEYS[which % 2], "value": str(which)}
            self._create("app_info", columns, **columns)

    def _create(self, table: str, columns: Row, **known: Any) -> None:
        with acting_as(self.connection, self.actor):
            row_id = insert(self.connection, table, **columns)
        self.model.rows[table][row_id] = {"version": 1, **known}

    def _unlink(self, item_id: UUID) -> None:
        item = self.model.rows["work_items"][item_id]
        with acting_as(self.connection, self.actor):
            self.connection.execute(
                "update public.work_items set repository_id = null where id = %s", (item_id,)
            )
        item["version"] += item["repository_id"] is not None
        item["repository_id"] = None

    def _delete(self, table: str, ids: list[UUID], statement: LiteralString, *parameters: Any) -> None:
        taken = self.model.delete(table, ids)
        with acting_as(self.connection, self.actor):
            self.connection.execute(statement, parameters)
        (made,) = self._stored_sets().keys() - self.model.trash.keys()
        self.model.trash[made] = taken

    def _purge(self, set_id: UUID) -> None:
        with acting_as(self.connection, self.actor):
            self.connection.execute("delete from public.trash where id = %s", (set_id,))
        del self.model.trash[set_id]

    def _restore(self, set_id: UUID, mode: str) -> None:
        said: str | None = None
        met: str | None = None
        try:
            self.model.restore(set_id, mode)
        except Refused as refused:
            said = str(refused)
        try:
            with acting_as(self.connection, self.actor):
                self.connection.execute("select public.restore_trash(%s, %s)", (set_id, mode))
        except psycopg.Error as error:
            met = error.diag.message_hint
        assert met == said

    def _stored_sets(self) -> dict[UUID, dict[str, int]]:
        rows = self.connection.execute(
            "select id, counts from public.trash where user_id = %s", (self.account,)
        )
        return dict(rows.fetchall())

    def _compare(self) -> None:
        for table, statement in STORED.items():
            columns = statement.removeprefix("select id, ").partition(" from")[0].split(", ")
            stored = {
                row_id: dict(zip(columns, values, strict=True))
                for row_id, *values in self.connection.execute(statement, (self.account,))
            }
            assert stored == self.model.rows[table]
        assert self._stored_sets() == {set_id: kept.counts() for set_id, kept in self.model.trash.items()}
        kept_rows = sum(sum(kept.counts().values()) for kept in self.model.trash.values())
        stored_rows = one(
            self.connection,
            "select count(*) from private.trash_rows where user_id = %s and entity = any (%s)",
            (self.account, list(TABLES)),
        )
        assert stored_rows == kept_rows


def pick(known: dict[UUID, Any], which: int) -> UUID:
    """The which-th that there is."""
    return list(known)[which % len(known)]


@pytest.fixture(scope="module")
def connection(postgres: Postgres) -> Iterator[Connection]:
    """A connection of which each step is a transaction, as a request is."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        yield connection


@given(steps=st.lists(STEP, min_size=8, max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_there_and_what_is_in_the_trash_is_what_the_model_says(
    connection: Connection, steps: list[tuple[str, int]]
) -> None:
    account = make_account(connection)
    player = Player(connection, account)
    try:
        for step, which in [("product", 0), ("repository", 0), ("linked item", 0), ("entry", 0), *steps]:
            player.play(step, which)
    finally:
        connection.execute("delete from auth.users where id = %s", (account,))
