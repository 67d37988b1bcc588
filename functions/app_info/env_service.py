"""Whole files of environment variables into a product and out of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

from postgrest import APIError, SyncPostgrestClient

from functions.app_info.env_exports import Left, choose
from functions.app_info.env_files import CannotRead, CannotWrite, Line, read_env_file, write_env_file
from functions.app_info.schemas import EnvExportQuery, EnvImport, EnvImportReport, EnvLine, Outcome
from functions.app_info.stored_values import StoredValue, StoredValues, ValuePlace
from shared.auth.sign_in import Caller
from shared.database.client import SupabaseOrToken
from shared.database.errors import to_single_problem
from shared.errors import Conflict, FieldError, Invalid, NotFound, PreconditionFailed
from shared.http.answer_size import MAX_ANSWER_BYTES
from shared.runtime.metrics import Metric, count

# What the database writes in one call, well within its statement time-out.
MAX_ASSIGNMENTS = 1_000
# Short lines are what the parser is slow on: 20 microseconds each.
MAX_LINES = 20_000
# With room for the JSON around the file.
MAX_EXPORT_BYTES = MAX_ANSWER_BYTES - 16 * 1024
MAX_ERRORS = 100
# How often an export is read anew because somebody has changed a secret between reading and recording.
MAX_READINGS = 3

EXISTS = "a secret has this key already; whether its value is the same is never disclosed"


@dataclass(frozen=True, slots=True)
class EnvFile:
    """A product's values as a file, and the entries that are not in it."""

    content: str
    left_out: list[Left]


class EnvService:
    """The environment of the caller's products."""

    def __init__(self, caller: Caller, supabase: SyncPostgrestClient) -> None:
        self.values = StoredValues(caller.user_id, supabase)

    @classmethod
    async def for_caller_or_token(cls, supabase: SupabaseOrToken) -> Self:
        """The service of one request."""
        return cls(supabase.caller, supabase)

    def import_file(self, body: EnvImport) -> EnvImportReport:
        """Write what a file assigns, all or nothing. Raises `Invalid`, `NotFound` and `Conflict`."""
        lines = _read(body)
        keys = sorted({line.key for line in lines if line.key is not None})
        stored = {found.key: found for found in self.values.compare(body.product_id, keys)}
        last = {line.key: line for line in lines if line.value is not None}
        outcomes = [_compare(line, last.get(line.key), stored.get(line.key or ""), body) for line in lines]
        due = {"new", "changed", "exists"} if body.on_conflict == "overwrite" else {"new"}
        report = [
            EnvLine(
                line=line.number,
                key=line.key,
                outcome=outcome,
                written=outcome in due and not body.dry_run,
                reason=_explain(line, outcome, last.get(line.key)),
            )
            for line, outcome in zip(lines, outcomes, strict=True)
        ]
        if not body.dry_run:
            _check(report, body)
            due_lines = [line for line, each in zip(lines, report, strict=True) if each.written]
            items = [self._to_item(line, stored.get(line.key or ""), body) for line in due_lines]
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
                    self.values.record_export(query.product_id, secrets, refused_by=query.format)
                raise
            if not secrets or self.values.record_export(query.product_id, secrets):
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
            query.product_id, query.categories, include_secrets=query.include_secrets
        )
        return choose(found, query)

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
        raise _refuse_file([f"There are more than {MAX_LINES} lines."])
    try:
        lines = read_env_file(body.content, body.format)
    except CannotRead as error:
        raise _refuse_file([error.reason]) from error
    if len(lines) > MAX_ASSIGNMENTS:
        raise _refuse_file([f"There are more than {MAX_ASSIGNMENTS} assignments."])
    return lines


def _compare(line: Line, last: Line | None, found: StoredValue | None, body: EnvImport) -> Outcome:
    """What a line would do. A stored secret is not looked at: its value could be guessed from the answers."""
    if line.value is None:
        return "invalid"
    if line is not last:
        return "duplicate"
    if found is None:
        return "new"
    if found.is_secret:
        return "exists"
    # Overwriting makes a secret of a plain entry, though the value is no other.
    becomes_secret = body.on_conflict == "overwrite" and body.is_secret
    return "same" if found.value == line.value and not becomes_secret else "changed"


def _explain(line: Line, outcome: Outcome, last: Line | None) -> str | None:
    if outcome == "duplicate" and last is not None:
        return f"line {last.number} sets it again"
    reasons = [line.reason, EXISTS if outcome == "exists" else None, line.note]
    return "; ".join(reason for reason in reasons if reason is not None) or None


def _check(report: Sequence[EnvLine], body: EnvImport) -> None:
    """Let a file be written that is right as a whole, and that changes nothing against the caller's will."""
    invalid = [f"Line {each.line}: {each.reason}." for each in report if each.outcome == "invalid"]
    if invalid and body.on_invalid == "fail":
        raise _refuse_file(invalid)
    met = [each for each in report if each.outcome in {"changed", "exists"}]
    if met and body.on_conflict == "fail":
        raise Conflict(
            "Some keys have another value already, or are secrets. Nothing is written: choose `skip` or "
            "`overwrite`.",
            type="env-file-conflict",
            errors=[
                FieldError(
                    detail=f"Line {each.line}: {each.key} has another value."
                    if each.outcome == "changed"
                    else f"Line {each.line}: {each.key} is a secret that is there already.",
                    pointer="/content",
                )
                for each in met[:MAX_ERRORS]
            ],
        )


def _refuse_file(faults: Sequence[str]) -> Invalid:
    return Invalid(
        "The file cannot be imported. Nothing is written: see `errors`, or choose `skip` for `on_invalid`.",
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
