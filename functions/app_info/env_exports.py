"""Which entries an export holds, and what it says of those that it leaves out."""

from collections.abc import Sequence
from typing import Literal, NamedTuple
from urllib.parse import quote

from functions.app_info.env_files import find_name_fault
from functions.app_info.schemas import EnvExportQuery
from functions.app_info.stored_values import StoredValue

LEFT_OUT = "Forum-Left-Out"
LEFT_OUT_COUNT = "Forum-Left-Out-Count"
# API Gateway delivers 10,240 bytes of headers.
MAX_HEADER_LENGTH = 4_000

Reason = Literal["category", "key", "secret", "no-value"]


class Left(NamedTuple):
    """An entry that is not in the file."""

    key: str
    reason: Reason


def choose(found: Sequence[StoredValue], query: EnvExportQuery) -> tuple[list[StoredValue], list[Left]]:
    """The entries of the file, and those that are left out of the categories that were named, or of all."""
    chosen: list[StoredValue] = []
    left_out: list[Left] = []
    for each in found:
        if query.category and each.category not in query.category:
            continue
        reason = _find_reason(each, query)
        if reason is None:
            chosen.append(each)
        else:
            left_out.append(Left(each.key, reason))
    return chosen, left_out


def _find_reason(each: StoredValue, query: EnvExportQuery) -> Reason | None:
    if each.category not in query.categories:
        return "category"
    is_asked_for = bool(query.category) or each.category == "env_var"
    if not is_asked_for and find_name_fault(each.key) is not None:
        return "key"
    if not each.has_value:
        return "no-value"
    return "secret" if each.is_secret and not query.include_secrets else None


def describe(left_out: Sequence[Left]) -> dict[str, str]:
    """The headers that say what is not in the file: how many, and which, as far as there is room."""
    described: list[str] = []
    length = 0
    for key, reason in left_out:
        # Percent-encoded: a key may hold any letter, and what would end a header.
        item = f"{quote(key, safe='')};reason={reason}"
        length += len(item) + len(", ")
        if length > MAX_HEADER_LENGTH:
            break
        described.append(item)
    headers = {LEFT_OUT_COUNT: str(len(left_out))}
    return headers | ({LEFT_OUT: ", ".join(described)} if described else {})
