"""App info of the caller.

An entry without secrets goes the way of every resource: written as the caller, by row level security. A
secret's value is sealed here, before it leaves for the database, and written by a function that knows Forum.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4

from postgrest import APIError, SyncRPCFilterRequestBuilder

from functions.app_info.drafts import Draft, is_misplaced, open_stored, read_entries, seal
from functions.app_info.schemas import AppInfoCreate, AppInfoReadFull, AppInfoVersions, RevealedValue
from functions.app_info.secrecy import (
    ValueChange,
    find_value_change,
    moves_stored,
    needs_no_lookup,
    shows,
)
from functions.app_info.stored_entries import StoredEntry
from functions.app_info.stored_values import EntryPlaces, StoredValues, ValuePlace
from shared.auth.sign_in import Caller
from shared.aws.deployment_secrets import DeploymentSecret
from shared.database.errors import to_single_problem
from shared.database.excerpts import read_rows
from shared.database.rest_client import RestClient
from shared.database.selects import get_select
from shared.entities.app_info import OVERRIDES, AppInfoListItem, AppInfoRead, Environment
from shared.entities.base import Row
from shared.errors import Conflict, FieldError, NotFound
from shared.resources.bulk import Bulk
from shared.resources.idempotency import Created, IdempotencyKey, Insert, complete
from shared.resources.lists import Page
from shared.resources.service import ResourceService, get_sent
from shared.runtime.metrics import Metric, count
from shared.settings import get_settings

Values = Mapping[str, Any]
EntryT = TypeVar("EntryT", bound=AppInfoRead)

# How often a change is sealed anew for an entry that others change at the same time.
ATTEMPTS = 3


class AppInfoService(ResourceService[AppInfoRead, AppInfoListItem, AppInfoReadFull]):
    """Reads and changes app info. A secret's value comes out by `reveal` alone."""

    table = "app_info"
    noun = "entry"
    row = AppInfoRead
    item = AppInfoListItem
    page = Page[AppInfoListItem]
    detail = AppInfoReadFull

    def __init__(self, caller: Caller, supabase: RestClient) -> None:
        super().__init__(caller, supabase)
        self.values = StoredValues(caller.user_id, supabase)

    @property
    def fingerprint_secret(self) -> DeploymentSecret | None:
        """A key that the database does not have: from a plain hash a short secret could be guessed."""
        return get_settings().app_info_key

    def to_columns(self, values: Values) -> dict[str, Any]:
        """What the caller may write by themselves: nobody marks a secret by hand."""
        return {name: value for name, value in values.items() if name != "is_secret"}

    def create(self, body: AppInfoCreate, key: IdempotencyKey | None) -> Created[AppInfoRead]:  # type: ignore[override]  # the body that this resource has
        """A new entry."""
        if not body.is_secret:
            return super().create(body, key)
        with self._as_single():
            return self._write_once([self._to_new_item(body)], key, self.row)

    def create_many(self, bulk: Bulk[AppInfoCreate], key: IdempotencyKey | None) -> Created[AppInfoListItem]:
        """New entries, all or none. Raises the first item's problem."""
        if not any(body.is_secret for body in bulk.items):
            return super().create_many(bulk, key)
        return self._write_once([self._to_new_item(body) for body in bulk.items], key, self.item)

    def update(self, row_id: UUID, changes: Values, versions: list[int] | None) -> AppInfoRead:
        """Change the fields that were sent. Raises `NotFound` and `PreconditionFailed`.

        Whether a value has to be sealed depends on the entry, which is looked at unless the change says it.
        """
        entry = None if needs_no_lookup(changes) else self._look(row_id, versions)
        if entry is not None and versions is not None:
            # Of all that the client accepts, the one that was looked at.
            versions = [entry.version]
        value_change = find_value_change(changes, entry)
        if value_change is ValueChange.PLAIN:
            try:
                return super().update(row_id, changes, versions)
            except APIError as error:
                if not is_misplaced(error):
                    raise
        draft = self._draft(value_change, row_id, changes, entry, versions)
        with self._as_single():
            places = (
                None if entry is None or value_change is ValueChange.PLAIN else {row_id: entry.guess_places()}
            )
            (row,) = self._write([draft], places, self.row)
        if opened := draft.count_opened():
            count(Metric.REVEALS, opened)
        return row

    def update_many(self, bulk: Bulk[Any]) -> list[AppInfoListItem]:
        """Change entries, all or none. Raises the first item's problem."""
        entries = self._get_entries([changes["id"] for changes in bulk.items if not needs_no_lookup(changes)])
        value_changes = [find_value_change(changes, entries.get(changes["id"])) for changes in bulk.items]
        for index, changes in enumerate(bulk.items):
            if shows(value_changes[index], entries.get(changes["id"])):
                raise _refuse_to_open_many().locate(index)
        guessed: dict[UUID, EntryPlaces] | None = {
            entry.id: entry.guess_places() for entry in entries.values()
        }
        if set(value_changes) == {ValueChange.PLAIN}:
            guessed = None
            try:
                return super().update_many(bulk)
            except Conflict as refused:
                if not isinstance(refused.__cause__, APIError) or not is_misplaced(refused.__cause__):
                    raise
        drafts = [
            self._draft(
                value_change,
                changes["id"],
                changes,
                entries.get(changes["id"]),
                [changes["version"]] if "version" in changes else None,
            )
            for value_change, changes in zip(value_changes, bulk.items, strict=True)
        ]
        with self._as_bulk():
            return self._write(drafts, guessed, self.item)

    def reveal(
        self, row_id: UUID, number: int | None = None, environment: Environment | None = None
    ) -> RevealedValue:
        """The value of an entry, in an environment if one is named, or a former one. Raises `NotFound`."""
        found = self.values.reveal(row_id, number, environment)
        value = self.values.open(found)
        return RevealedValue(
            id=found.id,
            key=found.key,
            number=found.number,
            environment=found.environment,
            set_at=found.set_at,
            value=value,
        )

    def get_versions(self, row_id: UUID) -> AppInfoVersions:
        """The former values of an entry, without the values themselves. Raises `NotFound`."""
        found: Any = self.supabase.rpc("list_app_info_versions", {"entry_id": str(row_id)}).execute().data
        if found is None:
            raise self._not_found()
        return AppInfoVersions.model_validate({"items": found})

    def restore(self, row_id: UUID, number: int, versions: list[int] | None) -> AppInfoRead:
        """Give an entry a former value back. Raises `NotFound`, `Conflict` and `PreconditionFailed`."""
        arguments: Any = {"entry_id": str(row_id), "value_number": number, "versions": versions}
        try:
            (row,) = self._read(self.supabase.rpc("restore_app_info", arguments), self.row)
        except APIError as error:
            if error.hint == "version":
                raise self._missed(row_id, versions) from error
            if not is_misplaced(error):
                raise
            return self._restore_secret(row_id, number, versions)
        return row

    def _restore_secret(self, row_id: UUID, number: int, versions: list[int] | None) -> AppInfoRead:
        """A former value of a secret, sealed for the number that it has from now on. It is not shown."""
        entry = self.values.read_places([row_id], with_values=True).get(row_id)
        if entry is None:
            raise self._not_found()
        former = next((held for held in entry.values if held.number == number), None)
        if former is None:
            raise NotFound("This entry has no such version.")
        item = {"action": "change", "id": str(row_id), "versions": versions}
        secret = self.values.open_stored(former.sealed, row_id, entry.locate(former))
        if former.environment is None:
            draft = Draft(item, secret)
        else:
            draft = Draft(item, overrides={former.environment: secret})
        with self._as_single():
            (row,) = self._write([draft], {row_id: entry}, self.row)
        return row

    def _look(self, row_id: UUID, versions: list[int] | None) -> StoredEntry:
        """An entry before a change. Raises `NotFound` and `PreconditionFailed`."""
        entry = self._get_entries([row_id]).get(row_id)
        if entry is None:
            raise self._not_found()
        if versions is not None and entry.version not in versions:
            raise self._changed(entry.to_read())
        return entry

    def _get_entries(self, ids: Sequence[UUID]) -> dict[UUID, StoredEntry]:
        if not ids:
            return {}
        select = self.supabase.table(self.table).select(get_select(StoredEntry))
        rows = select.in_("id", [str(each) for each in ids]).execute().data
        return {entry.id: entry for entry in map(StoredEntry.model_validate, rows)}

    def _to_new_item(self, body: AppInfoCreate) -> dict[str, Any]:
        item = {"action": "create", **get_sent(body)}
        value = item.pop("value", None)
        if value is None or not body.is_secret:
            return item | {"value": value}
        # It is sealed for its entry's id, so that the id has to be there first.
        entry_id = uuid4()
        place = ValuePlace(product_id=body.product_id, key=body.key, number=1)
        return item | {"id": str(entry_id)} | self.values.seal(value, entry_id, place)

    def _draft(
        self,
        value_change: ValueChange,
        row_id: UUID,
        changes: Values,
        entry: StoredEntry | None,
        versions: list[int] | None,
    ) -> Draft:
        item = self.to_columns(changes) | {"action": "change", "id": str(row_id)}
        item.pop("version", None)
        item["versions"] = _expect(value_change, entry, versions)
        if entry is None or value_change is ValueChange.PLAIN:
            return Draft(item)
        if value_change in {ValueChange.UNSEAL, ValueChange.OPEN_STORED}:
            opened: dict[str, Any] = {}
            if shows(value_change, entry):
                is_own_shown = value_change is ValueChange.OPEN_STORED
                opened = open_stored(entry, self.values, with_own=is_own_shown)
            return Draft(item | {"is_secret": False} | opened)
        value = item.pop("value", entry.value)
        item["sealed"] = None
        # Only if it was asked for: an entry that has ceased to be a secret in this moment must not become one
        # again by itself. The database refuses the sealed value then.
        if "is_secret" in changes:
            item["is_secret"] = True
        # What is stored for environments is plain as long as the entry is.
        return Draft(item, value, entry.plain_overrides)

    def _write(
        self, drafts: Sequence[Draft], entries: Mapping[UUID, EntryPlaces] | None, schema: type[EntryT]
    ) -> list[EntryT]:
        """Write changes, each value sealed for its place. Looks again where that has become another."""
        for _ in range(ATTEMPTS - 1):
            if entries is not None:
                try:
                    return self._read(self.values.write_call(seal(drafts, entries, self.values)), schema)
                except APIError as error:
                    if not is_misplaced(error):
                        raise
            entries = read_entries(drafts, self.values)
        return self._read(self.values.write_call(seal(drafts, entries or {}, self.values)), schema)

    def _read(self, call: SyncRPCFilterRequestBuilder, schema: type[EntryT]) -> list[EntryT]:
        rows: Any = call.select(self._select_written(schema)).execute().data
        return read_rows(rows, schema)

    def _select_written(self, schema: type[Row]) -> str:
        # An embedded table is read as it was before the statement.
        return get_select(schema).replace(f"{OVERRIDES.table}(", "environments_now(")

    def _execute_once(self, insert: Insert, key: IdempotencyKey | None) -> tuple[list[Any], bool]:
        rows, replayed = super()._execute_once(insert, key)
        # A new entry has none, and what is kept of one for a repeat says nothing of them.
        return [{"environments": [], **row} for row in rows], replayed

    def _write_once(
        self, items: list[dict[str, Any]], key: IdempotencyKey | None, schema: type[EntryT]
    ) -> Created[EntryT]:
        call = self.values.write_call(items).select(self._select_written(schema))
        rows, replayed = self._execute_once(call, key)
        whole = [complete(row, item) for row, item in zip(rows, items, strict=True)]
        return Created(read_rows(whole, schema), replayed)

    @contextmanager
    def _as_single(self) -> Iterator[None]:
        """A write of one entry: a problem that it meets has no index, though it is sent as a list of one."""
        try:
            yield
        except APIError as error:
            problem = to_single_problem(error)
            if "current" in problem.extensions:
                problem = self._changed(self.row.model_validate(problem.extensions["current"]))
            raise problem from error


def _expect(
    value_change: ValueChange, entry: StoredEntry | None, versions: list[int] | None
) -> list[int] | None:
    """The versions that a change is good for: a stored value is moved only if it is still what was read."""
    if versions is None and entry is not None and moves_stored(value_change, entry):
        return [entry.version]
    return versions


def _refuse_to_open_many() -> Conflict:
    message = "Turn `is_secret` off one entry at a time: it shows the value."
    return Conflict(
        message, type="reveal-one-at-a-time", errors=[FieldError(detail=message, pointer="/is_secret")]
    )
