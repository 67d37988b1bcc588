"""What every resource does with its rows: list, read, create, change, delete.

A resource's service names its table and schemas and adds what is its own. Who may see or change which row is
decided by the database; what cannot be seen is not found.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, Self, TypeVar
from uuid import UUID

from postgrest import (
    APIError,
    CountMethod,
    SyncRPCFilterRequestBuilder,
)

from shared.auth.sign_in import Caller
from shared.aws.deployment_secrets import DeploymentSecret
from shared.database.client import Supabase, SupabaseOrToken
from shared.database.errors import OFFSET_PAST_THE_END, to_problem
from shared.database.excerpts import read_rows, unfold
from shared.database.rest_client import RestClient
from shared.database.selects import NESTED_LIMIT, get_nested_lists, get_select
from shared.entities.base import Input, Row
from shared.errors import NotFound, PreconditionFailed, Problem
from shared.resources.bulk import Bulk, Deletion
from shared.resources.cursors import Position, decode_cursor, encode_cursor
from shared.resources.filters import Select, SelectT, is_long, match, seek, seek_tied
from shared.resources.idempotency import Created, IdempotencyKey, Insert, complete, execute_once
from shared.resources.lists import ListQuery, Page, SearchQuery

RowT = TypeVar("RowT", bound=Row)
ItemT = TypeVar("ItemT", bound=Row)
DetailT = TypeVar("DetailT", bound=Row)


class ResourceService(Generic[RowT, ItemT, DetailT]):
    """The rows of one table, as the caller may see them."""

    table: ClassVar[str]
    noun: ClassVar[str]
    """What an error calls one row: "work item"."""
    product_column: ClassVar[str] = "product_id"
    """Which column says what product a row belongs to."""
    row: type[RowT]
    """A row by itself: the answer to what creates or changes it."""
    item: type[ItemT]
    """A row among many, in a list or a bulk answer: without what would be too much a hundred times."""
    page: type[Page[ItemT]]
    detail: type[DetailT]
    """A row with what is nested in it."""

    def __init__(self, caller: Caller, supabase: RestClient) -> None:
        self.caller = caller
        self.supabase = supabase

    @classmethod
    async def for_caller(cls, supabase: Supabase) -> Self:
        """The service of one request of a person.

        A coroutine: FastAPI would call a plain class in a worker thread.
        """
        return cls(supabase.caller, supabase)

    @classmethod
    async def for_caller_or_token(cls, supabase: SupabaseOrToken) -> Self:
        """The service of one request of a person or of an access token."""
        return cls(supabase.caller, supabase)

    def get_page(self, query: ListQuery) -> Page[ItemT]:
        """One page of the rows that match."""
        if query.cursor is None:
            found, total = self._read_from_start(query)
        else:
            position = decode_cursor(query.cursor, self._cursor_scope, query, self.item)
            found = self._read_behind(position, query)
            # PostgREST would count what lies behind the cursor only.
            total = self._count(query) if query.total else None
        rows: list[Any] = found[: query.limit]
        next_cursor = None
        if len(found) > query.limit:
            last = Position([rows[-1][column] for column, _ in query.order[:-1]], rows[-1]["id"])
            next_cursor = encode_cursor(last, self._cursor_scope, query)
        unfold(rows, self.item)
        return self.page.model_validate({"items": rows, "total": total, "next_cursor": next_cursor})

    def get(self, row_id: UUID) -> DetailT:
        """A row with what is nested in it. Raises `NotFound`."""
        select = self.supabase.table(self.table).select(get_select(self.detail)).eq("id", str(row_id))
        select = self._narrow(select)
        for nested in get_nested_lists(self.detail):
            select = select.order("created_at", desc=True, foreign_table=nested)
            select = select.order("id", desc=True, foreign_table=nested)
            select = select.limit(NESTED_LIMIT, foreign_table=nested)
        rows: Any = select.execute().data
        if not rows:
            raise self._not_found()
        (detail,) = read_rows(rows, self.detail)
        return detail

    def create(self, body: Input, key: IdempotencyKey | None) -> Created[RowT]:
        """A new row. Columns that the client leaves out get the database's defaults."""
        insert = self.supabase.table(self.table).insert(self.to_columns(get_sent(body)))
        rows, replayed = self._execute_once(insert.select(self._select_written(self.row)), key)
        sent = body.model_dump(mode="json")
        return Created([self.row.model_validate(complete(row, sent)) for row in rows], replayed)

    def create_many(self, bulk: Bulk[Any], key: IdempotencyKey | None) -> Created[ItemT]:
        """New rows, all or none. Raises the first item's problem."""
        items = self._to_items([get_sent(body) for body in bulk.items])
        rows, replayed = self._execute_once(self._call(f"create_{self.table}", items), key)
        whole = [complete(row, item) for row, item in zip(rows, items, strict=True)]
        return Created(read_rows(whole, self.item), replayed)

    def update(self, row_id: UUID, changes: Mapping[str, Any], versions: list[int] | None) -> RowT:
        """Change the columns that were sent, and no others. Raises `NotFound` and `PreconditionFailed`."""
        columns = self.to_columns(changes)
        if not columns:
            return self._get_unchanged(row_id, versions)
        update = self.supabase.table(self.table).update(columns).eq("id", str(row_id))
        if versions is not None:
            update = update.in_("version", versions)
        rows = update.select(self._select_written(self.row)).execute().data
        if not rows:
            raise self._missed(row_id, versions)
        return self.row.model_validate(rows[0])

    def update_many(self, bulk: Bulk[Any]) -> list[ItemT]:
        """Change rows, all or none. Raises the first item's problem."""
        update = self._call(f"update_{self.table}", self._to_items(bulk.items))
        with self._as_bulk():
            rows: Any = update.execute().data
        return read_rows(rows, self.item)

    def delete(self, row_id: UUID, versions: list[int] | None) -> None:
        """Delete a row and what belongs to it. Raises `NotFound` and `PreconditionFailed`."""
        delete = self.supabase.table(self.table).delete().eq("id", str(row_id))
        if versions is not None:
            delete = delete.in_("version", versions)
        if not delete.select("id").execute().data:
            raise self._missed(row_id, versions)

    def delete_many(self, bulk: Bulk[Deletion]) -> None:
        """Delete rows, all or none. Raises the problem of one item."""
        items = [{**item, "id": str(item["id"])} for item in bulk.items]
        delete = self.supabase.rpc(f"delete_{self.table}", {"items": items})
        with self._as_bulk():
            delete.execute()

    def to_columns(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a client sent, as columns of the table. Overridden where something else is stored."""
        return dict(values)

    @property
    def fingerprint_secret(self) -> DeploymentSecret | None:
        """What requests are fingerprinted under. Overridden where a body can hold a secret."""
        return None

    def _execute_once(self, insert: Insert, key: IdempotencyKey | None) -> tuple[list[Any], bool]:
        return execute_once(self.supabase, insert, key, self.fingerprint_secret)

    def _to_items(self, bodies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        items = []
        for index, body in enumerate(bodies):
            try:
                items.append(self.to_columns(body))
            except Problem as problem:
                raise problem.locate(index) from None
        return items

    @contextmanager
    def _as_bulk(self) -> Iterator[None]:
        """A write of many rows: where one of them has changed, the problem shows it as lists do."""
        try:
            yield
        except APIError as error:
            problem = to_problem(error)
            if "current" in problem.extensions:
                (current,) = read_rows([problem.extensions["current"]], self.item)
                problem.extensions["current"] = current.model_dump(mode="json")
            raise problem from error

    def _call(self, function: str, items: list[dict[str, Any]]) -> SyncRPCFilterRequestBuilder:
        arguments = {"items": items}
        return self.supabase.rpc(function, arguments).select(self._select_written(self.item))

    def _select_written(self, schema: type[Row]) -> str:
        """What is selected of rows that have just been written. Overridden where more than they changed."""
        return get_select(schema)

    @property
    def _cursor_scope(self) -> str:
        """What a cursor is good for: this list of this person."""
        return f"{self.table}:{self.caller.user_id}"

    def _read_from_start(self, query: ListQuery) -> tuple[list[Any], int | None]:
        """The rows of a page by `skip`, and one more; the total where it was asked for."""
        select = self._select_page(query, with_total=query.total)
        if query.skip:
            select = select.offset(query.skip)
        try:
            answer = select.execute()
        except APIError as error:
            if error.code != OFFSET_PAST_THE_END:
                raise
            return [], self._count(query)
        return list(answer.data), answer.count

    def _read_behind(self, position: Position, query: ListQuery) -> list[Any]:
        """The rows of a page behind a position, and one more."""
        if not is_long(position):
            return _get_data(seek(self._select_page(query), query, position))
        found: list[Any] = []
        for tied in reversed(range(len(query.order))):
            found += _get_data(seek_tied(self._select_page(query), query, position, tied))
            if len(found) > query.limit:
                break
        return found

    def _select_page(self, query: ListQuery, *, with_total: bool = False) -> Select:
        count = CountMethod.exact if with_total else None
        hidden = [column for column, _ in query.order if column in query.hidden_columns]
        columns = ",".join([get_select(self.item), *hidden, *query.columns_on_request])
        select = match(self._look_for(query, columns, count), query)
        # Row level security says so already, but not to the planner: with the caller named, an index can
        # serve the order, too.
        select = self._narrow(select.eq("user_id", str(self.caller.user_id)))
        for column, descending in query.order:
            select = select.order(column, desc=descending)
        # One row more than asked for tells whether there is a next page.
        return select.limit(query.limit + 1)

    def _count(self, query: ListQuery) -> int | None:
        # Of a function PostgREST filters by no column that is not selected.
        dated = [column for column, _, _ in query.date_filters]
        columns = ",".join(sorted({"id", self.product_column, *query.column_filters, *dated}))
        select = self._look_for(query, columns, CountMethod.exact).limit(1)
        return self._narrow(match(select, query)).execute().count

    def _look_for(self, query: ListQuery, columns: str, count: CountMethod | None) -> Select:
        """The rows that the filters of a list are for: all of the table, or those with the words of `q`.

        A function has these, since PostgREST has no operator that folds words as the database does.
        """
        if isinstance(query, SearchQuery) and query.q is not None:
            found = self.supabase.rpc(f"find_{self.table}", {"q": query.q}, count=count, get=True)
            return found.select(columns)
        return self.supabase.table(self.table).select(columns, count=count)

    def _narrow(self, select: SelectT) -> SelectT:
        """Name the only product that an access token is for.

        The token's policy says so, too, but joined to "or it is for all" by an OR, which no index serves.
        """
        if self.caller.product_id is None:
            return select
        return select.eq(self.product_column, str(self.caller.product_id))

    def _get_row(self, row_id: UUID) -> RowT:
        select = self.supabase.table(self.table).select(get_select(self.row)).eq("id", str(row_id))
        rows = select.execute().data
        if not rows:
            raise self._not_found()
        return self.row.model_validate(rows[0])

    def _get_unchanged(self, row_id: UUID, versions: list[int] | None) -> RowT:
        row = self._get_row(row_id)
        if versions is not None and row.version not in versions:
            raise self._changed(row)
        return row

    def _missed(self, row_id: UUID, versions: list[int] | None) -> NotFound | PreconditionFailed:
        """Why a change found no row: it is not there, or it has another version."""
        if versions is None:
            return self._not_found()
        return self._changed(self._get_row(row_id))

    def _not_found(self) -> NotFound:
        return NotFound(f"There is no such {self.noun}.")

    def _changed(self, row: RowT) -> PreconditionFailed:
        return PreconditionFailed(
            f"This {self.noun} has version {row.version} by now. Look at `current`, then send that version.",
            current=row.model_dump(mode="json"),
        )


def get_sent(body: Input) -> dict[str, Any]:
    """The fields that the client sent, and no default of ours."""
    return body.model_dump(mode="json", exclude_unset=True)


def _get_data(select: Select) -> list[Any]:
    rows: Any = select.execute().data
    return list(rows)
