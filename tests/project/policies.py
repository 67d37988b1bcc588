"""IAM's policies, read as IAM reads them, as far as Forum's use it."""

from fnmatch import fnmatchcase
from typing import Any

JSON = dict[str, Any]
ACCOUNT = "123456789012"
# What each operator compares with each of the values that a condition names.
OPERATORS = {
    "StringEquals": lambda found, wanted: found == wanted,
    "StringLike": fnmatchcase,
    "ArnLike": fnmatchcase,
}


def as_list(value: str | list[str]) -> list[str]:
    """IAM takes one without a list around it."""
    return [value] if isinstance(value, str) else value


def allows(policy: JSON, action: str, resource: str, context: dict[str, str] | None = None) -> bool:
    """Whether a policy of permissions alone lets somebody do this to that, under these circumstances."""
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}
    return any(
        any(fnmatchcase(action, each) for each in as_list(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in as_list(statement["Resource"]))
        and holds(statement.get("Condition", {}), context or {})
        for statement in policy["Statement"]
    )


def holds(condition: JSON, context: dict[str, str]) -> bool:
    """Whether each part of a condition does: what the request does not say is not what it has to be."""
    return all(
        name in context and any(OPERATORS[operator](context[name], each) for each in as_list(wanted))
        for operator, parts in condition.items()
        for name, wanted in parts.items()
    )
