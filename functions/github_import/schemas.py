"""What clients send and get of GitHub's repositories and their import."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.entities.base import WHOLE_NUMBER, Input, StrictBool
from shared.entities.products import ProductLink
from shared.entities.repositories import BranchName, FullName, Language, RepositoryName, RepositoryUrl
from shared.resources.lists import Page

# What is read and written within one request.
MAX_AT_ONCE = 1_000
MAX_IMPORT = 10_000

Outcome = Literal[
    "imported",
    "updated",
    "unchanged",
    "not_found",
    "forbidden",
    "sso_required",
    "blocked",
    "rate_limited",
    "unavailable",
]

# As far as every reader of JSON counts exactly (RFC 8259 section 6).
GitHubId = Annotated[int, Field(strict=True, gt=0, lt=2**53, examples=[1296269]), WHOLE_NUMBER]


def _refuse_repeats(ids: list[int]) -> list[int]:
    if len(set(ids)) < len(ids):
        raise ValueError("Each repository can be named once only.")
    return ids


class GitHubRepositoryQuery(BaseModel):
    """Which part of the listing."""

    model_config = ConfigDict(extra="forbid")

    skip: int = Field(0, ge=0, le=1_000_000)
    limit: int = Field(50, ge=1, le=100)
    total: bool = Field(False, description="Count all repositories, too, for one more request to GitHub.")


class GitHubRepositoryRead(BaseModel):
    """A repository as GitHub shows it to the caller, and the caller's products that have it already."""

    github_id: GitHubId
    node_id: Annotated[str, Field(examples=["R_kgDOABPHjQ"])]
    name: RepositoryName
    full_name: FullName
    description: str | None
    url: RepositoryUrl
    default_branch: BranchName
    is_private: bool
    language: Language | None
    stars_count: int
    forks_count: int
    is_archived: bool
    pushed_at: datetime | None
    products: list[ProductLink]


class GitHubRepositoryPage(Page[GitHubRepositoryRead]):
    """One page of the caller's repositories on GitHub, newest first. It has no cursor: use `skip`."""

    withheld_organizations: list[int] = Field(
        description="Organisations, by GitHub's id, that hide theirs until their SSO knows the token."
    )
    unreadable: int = Field(
        description="How many repositories near these GitHub has described in a way that cannot be read."
    )


class Import(Input):
    """The repositories to bring into a product, by GitHub's ids. Nothing else is taken from the client.

    More than 1,000 are imported in the background, with the stored token of `/api/github/connection`.
    """

    product_id: UUID
    github_ids: Annotated[
        list[GitHubId],
        Field(min_length=1, max_length=MAX_IMPORT, json_schema_extra={"uniqueItems": True}),
        AfterValidator(_refuse_repeats),
    ]
    dry_run: StrictBool = Field(
        False,
        description="Read from GitHub, write nothing, and tell what would become of each. "
        "For up to 1,000 repositories.",
    )

    @property
    def is_large(self) -> bool:
        """Whether it is more than one request can do."""
        return len(self.github_ids) > MAX_AT_ONCE


class ImportResult(BaseModel):
    """What became of one repository."""

    github_id: GitHubId
    outcome: Outcome
    repository_id: UUID | None = Field(None, description="Forum's id of it, where it is in the product now.")
    reason: str | None = Field(None, description="Why it was not imported, for people.")
    url: str | None = Field(None, description="Where to authorise the token, or the notice of a takedown.")
    retry_at: datetime | None = Field(None, description="When GitHub's rate limit ends.")


class ImportReport(BaseModel):
    """What became of each repository, in the order in which they were named."""

    run_id: UUID | None = Field(description="The run that keeps this report. Null for a dry run.")
    results: list[ImportResult]
    counts: dict[Outcome, int]
