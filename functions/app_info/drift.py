"""What the examples of a product's repositories say of its keys. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from functions.app_info.drift_schemas import MAX_KEYS, DriftState, MissingKey, RepositoryDrift
from functions.app_info.env_files.examples import Example, read_example
from shared.entities.app_info import AppInfoCategory
from shared.github.env_examples import EnvExample

# Of what else nobody knows which keys it wants: of a file without a key, too, which may be a symbolic link.
KNOWN: frozenset[DriftState] = frozenset({"read", "no_file"})


class KnownKey(BaseModel):
    """A key of the product."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    key: str
    category: AppInfoCategory


class Asked(BaseModel):
    """A repository that GitHub is asked about."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    full_name: str | None
    node_id: str
    env_example_oid: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a repository. The text of its file is gone by now."""

    state: DriftState
    file: str | None = None
    oid: str | None = None
    reason: str | None = None
    example: Example = field(default_factory=lambda: Example({}, frozenset()))


def look(found: EnvExample) -> Look:
    """Read what GitHub has answered for a repository, names only."""
    if found.state != "found":
        state = "unavailable" if found.state == "unknown" else found.state
        return Look(state, found.file, found.oid, found.reason)
    example = read_example(found.text or "")
    if example is None:
        return Look("too_large", found.file, found.oid)
    # Of a symbolic link GitHub shows where it leads, which is no key either.
    return Look("read" if example.names else "no_keys", found.file, found.oid, example=example)


def compare(
    asked: Sequence[Asked],
    looks: Mapping[str, Look],
    keys: Sequence[KnownKey],
    sso_url: str | None,
    read_at: datetime,
) -> list[RepositoryDrift]:
    """Each repository's part of the report.

    A key that another repository of the product names is not unused. Nor can it be said of one while an
    example could not be read: a wrong alarm is worse than none.
    """
    known = {each.key for each in keys}
    is_all_known = all(each.state in KNOWN for each in looks.values())
    named = frozenset[str]().union(*(each.example.names for each in looks.values()))
    unused = sorted(each.key for each in keys if each.category == "env_var" and each.key not in named)
    report = []
    for repository in asked:
        seen = looks[repository.node_id]
        missing = [
            MissingKey(key=key, has_default=has_default)
            for key, has_default in sorted(seen.example.defaults.items())
            if key not in known
        ]
        shown = unused if seen.state == "read" and is_all_known else []
        report.append(
            RepositoryDrift(
                repository_id=repository.id,
                full_name=repository.full_name,
                state=seen.state,
                reason=seen.reason,
                url=sso_url if seen.state == "sso_required" else None,
                file=seen.file,
                oid=seen.oid,
                missing=missing[:MAX_KEYS],
                missing_count=len(missing),
                unused=shown[:MAX_KEYS],
                unused_count=len(shown),
                read_at=read_at,
            )
        )
    return report
