"""The text of a migration that makes of one catalogue another, as far as it follows from the schemas."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from local.catalogue import Difference

WRITTEN = ("function", "policy", "trigger", "grant", "comment")
WIDTH = 118
GRANT = re.compile(r"(?P<privilege>\w+)(?: \((?P<column>.+?)\))? on (?P<target>.+) to (?P<role>\w+)")

HEADER = """\
-- Purpose: …
-- Tables: {tables}.
-- Notes:
--   * …

set local lock_timeout = '4s';
set local statement_timeout = '5s';
"""

BY_HAND = """\
-- What alters tables is not written for you. Write it here in place of these lines, and say in the notes what
-- becomes of the rows that are there. These differ:
{differences}
"""


def compose(differences: list[Difference], statements: Mapping[tuple[str, str], str]) -> str:
    """The whole file."""
    gone = {f"{each.kind} {each.name}" for each in differences if each.declared is None}
    # What belongs to an object goes with it.
    kept = [each for each in differences if not owners_of(each) & gone]
    by_hand = [each for each in differences if each.kind not in WRITTEN]
    order = {key: place for place, key in enumerate(statements)}

    def of(kind: str) -> list[Difference]:
        found = [each for each in kept if each.kind == kind]
        return sorted(found, key=lambda each: order.get((kind, each.name), -1))

    # The order: what a policy or a trigger calls is there before it, and nothing goes that is still called.
    sections = {
        "by hand": [BY_HAND.format(differences="\n".join(f"--   {each}" for each in by_hand)).rstrip()]
        if by_hand
        else [],
        "functions": [
            statement for each in of("function") for statement in change_function(each, statements)
        ],
        "policies": [statement for each in of("policy") for statement in change_policy(each, statements)],
        "triggers": [change_trigger(each, statements) for each in of("trigger")],
        "functions that are gone": [
            f"drop function {each.name};" for each in of("function") if each.declared is None
        ],
        "grants": ["\n".join(change_grants(of("grant")))],
        "comments": ["\n".join(change_comment(each) for each in of("comment"))],
    }
    text = HEADER.format(tables=", ".join(sorted(tables_of(differences))) or "none")
    for title, written in sections.items():
        if any(written):
            text += f"\n-- {title} ".ljust(WIDTH + 1, "-") + "\n\n" + "\n\n".join(written) + "\n"
    return text


def change_function(difference: Difference, statements: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """The function's new text; those that are gone go later."""
    if difference.declared is None:
        return
    text = statements["function", difference.name]
    if difference.migrated is not None and not is_made_anew(difference):
        yield f"{text.replace('create function', 'create or replace function', 1)};"
        return
    if difference.migrated is not None:
        yield f"drop function {difference.name};"
    yield f"{text};"
    yield f"revoke all on function {difference.name} from public, anon, authenticated, service_role;"


def change_policy(difference: Difference, statements: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """The policy is dropped and made anew."""
    if difference.migrated is not None:
        yield f"drop policy {difference.name};"
    if difference.declared is not None:
        yield f"{statements['policy', difference.name]};"


def change_trigger(difference: Difference, statements: Mapping[tuple[str, str], str]) -> str:
    """The trigger's new text, or its end."""
    if difference.declared is None:
        return f"drop trigger {difference.name};"
    text = statements["trigger", difference.name]
    return f"{text.replace('create trigger', 'create or replace trigger', 1)};"


def change_grants(differences: Iterable[Difference]) -> Iterator[str]:
    """Grants and revocations, those of several columns of a table together."""
    changes = []
    for _, name, declared, _ in differences:
        if grant := GRANT.fullmatch(name):
            privilege, column, target, role = grant.groups()
            change = f"revoke {{}} on {target} from {role};"
            if declared is not None:
                change = f"grant {{}} on {target} to {role} {declared}".rstrip() + ";"
            changes.append((change, privilege, column))
    for (change, privilege), same in groupby(sorted(changes, key=str), lambda each: each[:2]):
        columns = [column for _, _, column in same if column]
        yield change.format(f"{privilege} ({', '.join(columns)})" if columns else privilege)


def change_comment(difference: Difference) -> str:
    """What is said of an object now."""
    line = f"comment on {difference.name} is {difference.declared or 'null'};"
    return line if len(line) <= WIDTH else line.replace(" is ", " is\n  ", 1)


def tables_of(differences: list[Difference]) -> set[str]:
    """The tables whose names stand in the differences of what belongs to a table."""
    names = set()
    for kind, name, _, _ in differences:
        if kind in ("policy", "trigger", "constraint"):
            names.add(name.rpartition(" on ")[2])
        elif kind == "table":
            names.add(name)
        elif kind == "column":
            names.add(name.rpartition(".")[0])
    return names


def is_made_anew(difference: Difference) -> bool:
    """Whether an object has to be dropped to be changed, with the grants and comments that it has.

    `create or replace` keeps a function's arguments and result, and no statement changes all of a policy.
    """
    kind, _, declared, migrated = difference
    if declared is None or migrated is None:
        return False
    if kind == "function":
        return declared.partition("\n LANGUAGE")[0] != migrated.partition("\n LANGUAGE")[0]
    return kind == "policy"


def target_of(name: str) -> str:
    """The object that a grant or a comment is about."""
    grant = GRANT.fullmatch(name)
    return grant["target"] if grant else name


def owners_of(difference: Difference) -> set[str]:
    """What an object cannot be without."""
    kind, name, _, _ = difference
    match kind:
        case "policy" | "trigger":
            return {f"table {name.rpartition(' on ')[2]}"}
        case "comment":
            return {name}
        case "grant":
            grant = GRANT.fullmatch(name)
            column = grant and grant["column"]
            return {target_of(name), f"{target_of(name).replace('table', 'column', 1)}.{column}"}
        case _:
            return set()
