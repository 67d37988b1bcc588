"""Whole files of environment variables into a product and out of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from postgrest import APIError

from functions.app_info.drafts import Draft, seal
from functions.app_info.env_comparison import MAX_ERRORS, check, compare, draft_line, explain, refuse_file
from functions.app_info.env_exports import Left, choose
from functions.app_info.env_files import CannotRead, CannotWrite, Line, read_env_file, write_env_file
from functions.app_info.schemas import EnvExportQuery, EnvImport, EnvImportReport, EnvLine
from functions.app_info.stored_values import EntryPlaces, StoredValue, StoredValues
from shared.auth.sign_in import Caller
from shared.database.client import SupabaseOrToken
from shared.database.errors import to_single_problem
from shared.database.rest_client import RestClient
from shared.errors import Conflict, FieldError, NotFound, PreconditionFailed
from shared.http.answer_size import MAX_ANSWER_BYTES
from shared.runtime.metrics import Metric, count

# What the database writes in one call, well within its statement time-out.
MAX_ASSIGNMENTS = 1_000
# Short lines are what the parser is slow on: 20 microseconds each.
MAX_LINES = 20_000
# With room for the JSON around the file.
MAX_EXPORT_BYTES = MAX_ANSWER_BYTES - 16 * 1024
# How often an export is read anew because somebody has changed a secret between reading and recording.
MAX_READINGS = 3


@dataclass(frozen=True, slots=True)
class EnvFile:
    """A product's values as a file, and the entries that are not in it."""

    content: str
    left_out: list[Left]


class EnvService:
    """The environment of the caller's products."""

    def __init__(self, caller: Caller, supabase: RestClient) -> None:
        self.values = StoredValues(caller.user_id, supabase)

    @classmethod
    async def for_caller_or_token(cls, supabase: SupabaseOrToken) -> Self:
        """The service of one request."""
        return cls(supabase.caller, supabase)

    def import_file(self, body: EnvImport) -> EnvImportReport:
        """Write what a file assigns, all or nothing. Raises `Invalid`, `NotFound` and `Conflict`."""
        lines = _read(body)
        keys = sorted({line.key for line in lines if line.key is not None})
        found = self.values.compare(body.product_id, keys)
        stored = {each.key: each for each in found}
        last = {line.key: line for line in lines if line.value is not None}
        outcomes = [compare(line, last.get(line.key), stored.get(line.key or ""), body) for line in lines]
        due = {"new", "changed", "exists"} if body.on_conflict == "overwrite" else {"new"}
        report = [
            EnvLine(
                line=line.number,
                key=line.key,
                outcome=outcome,
                written=outcome in due and not body.dry_run,
                reason=explain(line, outcome, last.get(line.key)),
            )
            for line, outcome in zip(lines, outcomes, strict=True)
        ]
        if not body.dry_run:
            check(report, body)
            due_lines = [line for line, each in zip(lines, report, strict=True) if each.written]
            drafts = [draft_line(line, stored.get(line.key or ""), body) for line in due_lines]
            items = seal(drafts, _list_places(drafts, found, body), self.values)
            self._write(
                body, items, [each for each in report if each.outcome not in {"invalid", "duplicate"}]
            )
        return EnvImportReport(dry_run=body.dry_run, items=report)

    def export(self, query: EnvExportQuery) -> EnvFile:
        """A product's values as a file. Raises `NotFound`, and `Conflict` if the format cannot hold them.

        Secrets leave only once they are on the record, and get there only once it is sure that they leave.
        """
        for _ in range(MAX_READINGS):
            chosen, left_out = self._choose(query)
            secrets = [each for each in chosen if each.is_secret]
            try:
                content = self._write_file(chosen, query)
            except Conflict:
                if secrets:
                    # The refusal discloses something of them: that they are long, or have more than one line.
                    self._record(query, secrets, refused_by=query.format)
                raise
            if not secrets or self._record(query, secrets):
                count(Metric.REVEALS, len(secrets))
                return EnvFile(content, left_out)
        raise Conflict(
            "The product's entries keep changing. Nothing is shown: ask again.", type="entries-changed"
        )

    def find_left_out(self, query: EnvExportQuery) -> list[Left]:
        """The entries that are not in the file. Opens no secret. Raises `NotFound`."""
        return self._choose(query)[1]

    def _choose(self, query: EnvExportQuery) -> tuple[list[StoredValue], list[Left]]:
        found = self.values.read_export(
            query.product_id,
            query.categories,
            query.environment,
            include_secrets=query.include_secrets,
        )
        return choose(found, query)

    def _record(
        self, query: EnvExportQuery, secrets: Sequence[StoredValue], *, refused_by: str | None = None
    ) -> bool:
        return self.values.record_export(query.product_id, secrets, query.environment, refused_by=refused_by)

    def _write_file(self, chosen: Sequence[StoredValue], query: EnvExportQuery) -> str:
        values = {
            each.key: value for each in chosen if (value := self.values.open_uncounted(each)) is not None
        }
        try:
            content = write_env_file(values, query.format)
        except CannotWrite as refused:
            raise _refuse_export(query, refused) from refused
        # As it travels: Lambda puts the body into JSON, in which a quotation mark or a newline is two bytes.
        if len(json.dumps(content, ensure_ascii=False).encode()) > MAX_EXPORT_BYTES:
            raise Conflict(
                "The file would be longer than the 6 MB that Lambda delivers. "
                "Export fewer entries, by `category`.",
                type="export-too-large",
            )
        return content

    def _write(self, body: EnvImport, items: Sequence[dict[str, Any]], ordered: Sequence[EnvLine]) -> None:
        """Write the items, and give all keys of the file its order, those that are not written as well."""
        if not ordered:
            return
        keys = [each.key for each in ordered if each.key is not None]
        try:
            self.values.importing(body.product_id, items, keys).execute()
        except APIError as error:
            problem = to_single_problem(error)
            if isinstance(problem, Conflict | NotFound | PreconditionFailed):
                raise Conflict(
                    "The product's entries have just changed. Nothing is written: send the file again.",
                    type="entries-changed",
                ) from error
            raise problem from error


def _read(body: EnvImport) -> list[Line]:
    if len(body.content.splitlines()) > MAX_LINES:
        raise refuse_file([f"There are more than {MAX_LINES} lines."])
    try:
        lines = read_env_file(body.content, body.format)
    except CannotRead as error:
        raise refuse_file([error.reason]) from error
    if len(lines) > MAX_ASSIGNMENTS:
        raise refuse_file([f"There are more than {MAX_ASSIGNMENTS} assignments."])
    return lines


def _list_places(
    drafts: Sequence[Draft], found: Sequence[StoredValue], body: EnvImport
) -> dict[UUID, EntryPlaces]:
    """Where the values of the entries go: of a new one the first."""
    next_numbers = {each.id: each.next_number for each in found}
    keys = {each.id: each.key for each in found}
    return {
        draft.entry_id: EntryPlaces(
            id=draft.entry_id,
            product_id=body.product_id,
            key=keys.get(draft.entry_id) or draft.item["key"],
            next_number=next_numbers.get(draft.entry_id, 1),
            values=[],
        )
        for draft in drafts
    }


def _refuse_export(query: EnvExportQuery, refused: CannotWrite) -> Conflict:
    return Conflict(
        f"{query.format} cannot carry every value: see `errors`. Take another format, or fewer categories.",
        type="format-cannot-carry",
        errors=[
            FieldError(detail=f"{refusal.key}: {refusal.reason}.", parameter="format")
            for refusal in refused.refusals[:MAX_ERRORS]
        ],
    )
