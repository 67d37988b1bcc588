"""Whole `.env` files into a product and out of it."""

from collections.abc import Sequence
from typing import Any, Self
from uuid import uuid4

from postgrest import APIError, SyncPostgrestClient

from functions.app_info.env_files import CannotWrite, Line, read_env_file, write_env_file
from functions.app_info.schemas import EnvExportQuery, EnvImport, EnvImportReport, EnvLine, Outcome
from functions.app_info.stored_values import StoredValue, StoredValues, ValuePlace
from shared.database_errors import to_single_problem
from shared.encryption import SealBroken
from shared.errors import Conflict, FieldError, Invalid, NotFound, PreconditionFailed
from shared.sign_in import Caller
from shared.supabase import Supabase

# What the database writes in one call, well within its statement time-out.
MAX_ASSIGNMENTS = 1_000
# Short lines are what the parser is slow on: 20 microseconds each.
MAX_LINES = 20_000
# Of the 6 MB that Lambda can answer, with room for how the answer is wrapped.
MAX_EXPORT_BYTES = 5 * 1024 * 1024
MAX_ERRORS = 100


class EnvService:
    """The environment of the caller's products."""

    def __init__(self, caller: Caller, supabase: SyncPostgrestClient) -> None:
        self.values = StoredValues(caller.user_id, supabase)

    @classmethod
    async def for_caller(cls, supabase: Supabase) -> Self:
        """The service of one request."""
        return cls(supabase.caller, supabase)

    def import_file(self, body: EnvImport) -> EnvImportReport:
        """Write what a file assigns, all or nothing. Raises `Invalid`, `NotFound` and `Conflict`."""
        if len(body.content.splitlines()) > MAX_LINES:
            raise _refuse_file([f"There are more than {MAX_LINES} lines."])
        lines = read_env_file(body.content)
        if len(lines) > MAX_ASSIGNMENTS:
            raise _refuse_file([f"There are more than {MAX_ASSIGNMENTS} assignments."])
        keys = sorted({line.key for line in lines if line.key is not None})
        stored = {found.key: found for found in self.values.compare(body.product_id, keys)}
        last = {line.key: line.number for line in lines}
        outcomes = [self._compare(line, last[line.key], stored.get(line.key or ""), body) for line in lines]
        due = {"new", "changed"} if body.on_conflict == "overwrite" else {"new"}
        report = [
            EnvLine(
                line=line.number,
                key=line.key,
                outcome=outcome,
                written=outcome in due and not body.dry_run,
                reason=f"line {last[line.key]} sets it again" if outcome == "duplicate" else line.reason,
            )
            for line, outcome in zip(lines, outcomes, strict=True)
        ]
        if not body.dry_run:
            _check(report, body)
            written = [line for line, told in zip(lines, report, strict=True) if told.written]
            self._write([self._to_item(line, stored.get(line.key or ""), body) for line in written])
        return EnvImportReport(dry_run=body.dry_run, items=report)

    def export(self, query: EnvExportQuery) -> str:
        """A product's values as a file. Raises `NotFound`, and `Conflict` if the format cannot hold them."""
        found = self.values.export(query.product_id, query.categories, include_secrets=query.include_secrets)
        values = {each.key: value for each in found if (value := self.values.open(each)) is not None}
        try:
            content = write_env_file(values, query.format)
        except CannotWrite as refused:
            raise _refuse_export(query, refused) from refused
        if len(content.encode()) > MAX_EXPORT_BYTES:
            raise Conflict(
                "The file would be longer than 5 MiB. Export fewer entries, by `category`.",
                type="export-too-large",
            )
        return content

    def _compare(self, line: Line, last: int, found: StoredValue | None, body: EnvImport) -> Outcome:
        """What a line would do. A stored secret is opened for this, and shown to nobody."""
        if line.value is None:
            return "invalid"
        if line.number != last:
            return "duplicate"
        if found is None:
            return "new"
        try:
            is_same = self.values.open_unless_broken(found) == line.value
        except SealBroken:
            # What cannot be read any more is not the same, and can be overwritten.
            is_same = False
        # Overwriting makes a secret of a plain entry, though the value is no other.
        becomes_secret = body.on_conflict == "overwrite" and body.is_secret and not found.is_secret
        return "same" if is_same and not becomes_secret else "changed"

    def _to_item(self, line: Line, found: StoredValue | None, body: EnvImport) -> dict[str, Any]:
        """The line as the database writes it. A secret stays one, whatever the file is imported as."""
        value = line.value or ""
        item: dict[str, Any]
        if found is None:
            entry_id, number = uuid4(), 1
            item = {"action": "create", "product_id": str(body.product_id), "key": line.key}
        else:
            entry_id, number = found.id, found.next_number
            item = {"action": "change", "versions": [found.version]}
        is_secret = body.is_secret or (found is not None and found.is_secret)
        place = ValuePlace(product_id=body.product_id, key=line.key or "", number=number)
        kept = self.values.seal(value, entry_id, place) if is_secret else {"value": value}
        return item | kept | {"id": str(entry_id), "is_secret": is_secret}

    def _write(self, items: Sequence[dict[str, Any]]) -> None:
        if not items:
            return
        try:
            self.values.writing(items).select("id").execute()
        except APIError as error:
            problem = to_single_problem(error)
            if isinstance(problem, Conflict | NotFound | PreconditionFailed):
                raise Conflict(
                    "The product's entries have just changed. Nothing is written: send the file again.",
                    type="entries-changed",
                ) from error
            raise problem from error


def _check(report: Sequence[EnvLine], body: EnvImport) -> None:
    """Let a file be written that is right as a whole, and that changes nothing against the caller's will."""
    invalid = [f"Line {told.line}: {told.reason}." for told in report if told.outcome == "invalid"]
    if invalid:
        raise _refuse_file(invalid)
    changed = [told for told in report if told.outcome == "changed"]
    if changed and body.on_conflict == "fail":
        raise Conflict(
            "Some keys have another value already. Nothing is written: choose `skip` or `overwrite`.",
            type="env-file-conflict",
            errors=[
                FieldError(detail=f"Line {told.line}: {told.key} has another value.", pointer="/content")
                for told in changed[:MAX_ERRORS]
            ],
        )


def _refuse_file(faults: Sequence[str]) -> Invalid:
    return Invalid(
        "The file cannot be imported. Nothing is written: see `errors`.",
        type="env-file-invalid",
        errors=[FieldError(detail=fault, pointer="/content") for fault in faults[:MAX_ERRORS]],
    )


def _refuse_export(query: EnvExportQuery, refused: CannotWrite) -> Conflict:
    return Conflict(
        f"{query.format} cannot carry every value: see `errors`. Take another format, or fewer categories.",
        type="format-cannot-carry",
        errors=[
            FieldError(detail=f"{refusal.key}: {refusal.reason}.", parameter="format")
            for refusal in refused.refusals[:MAX_ERRORS]
        ],
    )
