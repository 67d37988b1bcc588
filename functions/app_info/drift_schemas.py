"""What clients get of how a product's keys differ from the examples in its repositories."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.entities.app_info import AppInfoKey

# So many of each kind: a hundred repositories have to fit into one answer.
MAX_KEYS = 200

DriftState = Literal[
    "read",
    "no_file",
    "no_keys",
    "not_text",
    "too_large",
    "no_permission",
    "missing",
    "sso_required",
    "forbidden",
    "unavailable",
]


class DriftQuery(BaseModel):
    """Of which product."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID


class MissingKey(BaseModel):
    """A key that the example names and the product does not have."""

    key: AppInfoKey
    has_default: bool = Field(description="Whether the example has a value for it: then it is optional.")


class RepositoryDrift(BaseModel):
    """How the product's keys differ from the example in one of its repositories."""

    repository_id: UUID
    full_name: Annotated[str, Field(examples=["octocat/atlas"])] | None
    state: DriftState = Field(
        description="`read`, or why nothing can be said: the repository has no such file, or one without a"
        " key; it is no text (a binary file, a folder, a submodule) or longer than 64 KiB or 2,000 lines;"
        " the token may not read contents; or GitHub does not show the repository."
    )
    reason: str | None = Field(description="GitHub's own words about a refusal.")
    url: str | None = Field(description="Where to authorise the token for the organisation's single sign-on.")
    file: Annotated[str, Field(examples=[".env.example"])] | None = Field(
        description="The first of `.env.example`, `.env.sample` and `.env.template` that is there."
    )
    oid: Annotated[str, Field(examples=["e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"])] | None = Field(
        description="What git calls this version of the file."
    )
    missing: list[MissingKey] = Field(description="By name, the first 200.")
    missing_count: int
    unused: list[AppInfoKey] = Field(
        description="Environment variables of the product that neither this example nor that of another"
        " repository of the product names, not in a comment either; by name, the first 200. None where an"
        " example could not be read."
    )
    unused_count: int
    read_at: datetime


class DriftReport(BaseModel):
    """How the keys of a product differ from the examples in its repositories. Names only, never a value."""

    items: list[RepositoryDrift]
    left_out: int = Field(description="How many repositories there are beyond the 100 oldest.")
