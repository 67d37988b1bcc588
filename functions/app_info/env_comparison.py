"""What the lines of a file would do to a product, and what is written for each."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from functions.app_info.drafts import Draft
from functions.app_info.env_files import Line
from functions.app_info.schemas import EnvImport, EnvLine, Outcome
from functions.app_info.stored_values import StoredValue
from shared.entities.app_info import Environment, EnvironmentValue
from shared.errors import Conflict, FieldError, Invalid

MAX_ERRORS = 100

EXISTS = "a secret has this key already; whether its value is the same is never disclosed"


def compare(line: Line, last: Line | None, found: StoredValue | None, body: EnvImport) -> Outcome:
    """What a line would do. A stored secret is not looked at: its value could be guessed from the answers."""
    if line.value is None:
        return "invalid"
    if line is not last:
        return "duplicate"
    if found is None:
        return "new"
    own = find_own(found, body.environment)
    if body.environment is not None and own is None and (found.is_secret or not body.is_secret):
        # Nothing of the environment is replaced. What a secret has elsewhere is not compared.
        return "same" if not found.is_secret and found.value == line.value else "new"
    if found.is_secret:
        return "exists"
    # Overwriting makes a secret of a plain entry, though the value is no other.
    becomes_secret = body.on_conflict == "overwrite" and body.is_secret
    held = found.value if own is None else own.value
    return "same" if held == line.value and not becomes_secret else "changed"


def find_own(found: StoredValue, environment: Environment | None) -> EnvironmentValue | None:
    """What an entry has in an environment, if that is not what it has everywhere."""
    return next((each for each in found.environments if each.environment == environment), None)


def draft_line(line: Line, found: StoredValue | None, body: EnvImport) -> Draft:
    """The line as the database writes it. A secret stays one, whatever the file is imported as."""
    value = line.value or ""
    item: dict[str, Any]
    if found is None:
        # Chosen here, since a secret is sealed for it.
        item = {"action": "create", "id": str(uuid4()), "product_id": str(body.product_id), "key": line.key}
    else:
        item = {"action": "change", "id": str(found.id), "versions": [found.version]}
    was_secret = found is not None and found.is_secret
    is_secret = body.is_secret or was_secret
    item["is_secret"] = is_secret
    if body.environment is not None:
        return _draft_override(item, value, found, body.environment)
    if not is_secret:
        return Draft(item | {"value": value})
    # Sealed with the entry, which was plain, and so was what it has in environments.
    plain = {} if found is None or was_secret else _list_plain(found)
    return Draft(item, value, plain)


def _draft_override(
    item: dict[str, Any], value: str, found: StoredValue | None, environment: Environment
) -> Draft:
    """A value for an environment: none where the entry has that value anyway, as far as that may be told."""
    if found is None or found.is_secret:
        if item["is_secret"]:
            return Draft(item, overrides={environment: value})
        return Draft(item | {"overrides": [{"environment": environment, "value": value}]})
    is_as_elsewhere = value == found.value
    removal = {"environment": environment, "removed": True}
    if not item["is_secret"]:
        override = removal if is_as_elsewhere else {"environment": environment, "value": value}
        return Draft(item | {"overrides": [override]})
    plain = _list_plain(found)
    if not is_as_elsewhere:
        return Draft(item | {"sealed": None}, found.value, plain | {environment: value})
    if plain.pop(environment, None) is not None:
        item = item | {"overrides": [removal]}
    return Draft(item | {"sealed": None}, found.value, plain)


def _list_plain(found: StoredValue) -> dict[Environment, str]:
    return {each.environment: each.value for each in found.environments if each.value is not None}


def explain(line: Line, outcome: Outcome, last: Line | None) -> str | None:
    """Why a line does not count, or what of it another reader would take otherwise."""
    if outcome == "duplicate" and last is not None:
        return f"line {last.number} sets it again"
    reasons = [line.reason, EXISTS if outcome == "exists" else None, line.note]
    return "; ".join(reason for reason in reasons if reason is not None) or None


def check(report: Sequence[EnvLine], body: EnvImport) -> None:
    """Let a file be written that is right as a whole, and that changes nothing against the caller's will."""
    invalid = [f"Line {each.line}: {each.reason}." for each in report if each.outcome == "invalid"]
    if invalid and body.on_invalid == "fail":
        raise refuse_file(invalid)
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


def refuse_file(faults: Sequence[str]) -> Invalid:
    """The problem of a file with mistakes."""
    return Invalid(
        "The file cannot be imported. Nothing is written: see `errors`, or choose `skip` for `on_invalid`.",
        type="env-file-invalid",
        errors=[FieldError(detail=fault, pointer="/content") for fault in faults[:MAX_ERRORS]],
    )
