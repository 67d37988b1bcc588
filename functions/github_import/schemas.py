"""What clients send and get of GitHub's repositories and their import."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.entities.base import WHOLE_NUMBER, Input, StrictBool, text, written_as
from shared.entities.products import ProductLink
from shared.entities.repositories import BranchName, FullName, Language, RepositoryName, RepositoryUrl
from shared.github.client import GitHubSort
from shared.resources.lists import Page, SearchText

# What is read and written within one request.
MAX_AT_ONCE = 1_000
MAX_IMPORT = 10_000
# Each is a request to GitHub.
MAX_NAMES = 100

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

# How many repositories lie before the page.
ListingCursor = Annotated[str, *written_as("^(0|[1-9][0-9]{0,6})$", "It has to be a `next_cursor`.")]
Owner = Annotated[str, text(100, min_length=1)]
# As far as every reader of JSON counts exactly (RFC 8259 section 6).
GitHubId = Annotated[int, Field(strict=True, gt=0, lt=2**53, examples=[1296269]), WHOLE_NUMBER]


# An account's name and the repository's, which is neither . nor ..: a path may not lead elsewhere.
FullNameOnGitHub = Annotated[
    str,
    *written_as(
        r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{0,99}[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$",
        "It has to be an owner and a name, as in octocat/atlas-web.",
    ),
    Field(examples=["octocat/atlas-web"]),
]


def _refuse_repeats(chosen: list[Any]) -> list[Any]:
    if len(set(chosen)) < len(chosen):
        raise ValueError("Each repository can be named once only.")
    return chosen


class GitHubRepositoryQuery(BaseModel):
    """Which part of the listing. Filters look through up to 500 repositories a request."""

    model_config = ConfigDict(extra="forbid")

    skip: int = Field(0, ge=0, le=1_000_000, description="Repositories to pass over before any filter.")
    limit: int = Field(50, ge=1, le=100)
    cursor: ListingCursor | None = Field(
        None, description="`next_cursor` of the page before, with the same filters and sort."
    )
    total: bool = Field(
        False,
        description="Count all repositories, whatever the filters, for one more request to GitHub.",
    )
    q: SearchText | None = Field(
        None, description="Words, each of which is in the full name or the description."
    )
    owner: list[Owner] = Field([], max_length=100, description="Logins of users and organisations.")
    is_imported: bool | None = Field(None, description="Whether one of your products has it.")
    is_archived: bool | None = None
    is_fork: bool | None = None
    is_private: bool | None = None
    sort: GitHubSort = "-created_at"

    @model_validator(mode="after")
    def refuse_skip_with_cursor(self) -> Self:
        """A cursor already says where the page starts."""
        if self.cursor is not None and self.skip:
            raise ValueError("`skip` and `cursor` cannot be combined.")
        return self

    @property
    def has_filters(self) -> bool:
        """Whether only some of the repositories are asked for."""
        flags = (self.is_imported, self.is_archived, self.is_fork, self.is_private)
        return self.q is not None or bool(self.owner) or any(flag is not None for flag in flags)

    @property
    def position(self) -> int:
        """How many repositories of the listing lie before the first one to look at."""
        return self.skip if self.cursor is None else int(self.cursor)


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
    is_fork: bool
    pushed_at: datetime | None
    products: list[ProductLink]


class GitHubRepositoryPage(Page[GitHubRepositoryRead]):
    """One page of the caller's repositories on GitHub.

    With filters it may have fewer than `limit`, even none, while `next_cursor` leads on.
    """

    withheld_organizations: list[int] = Field(
        description="Organisations, by GitHub's id, that hide theirs until their SSO knows the token."
    )
    unreadable: int = Field(
        description="How many repositories near these GitHub has described in a way that cannot be read."
    )


class Import(Input):
    """The repositories to bring into a product, by GitHub's ids or by their names. Nothing else is taken from
    the client.

    More than 1,000 ids are imported in the background, with the stored token of `/api/github/connection`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["github_ids"]}, {"required": ["full_names"]}],
            "examples": [{"product_id": "7d9f1c4e-2b5a-4c8e-9a57-3f1f6f0f8f01", "github_ids": [1296269]}],
        }
    )

    product_id: UUID
    github_ids: Annotated[
        list[GitHubId],
        Field(min_length=1, max_length=MAX_IMPORT, json_schema_extra={"uniqueItems": True}),
        AfterValidator(_refuse_repeats),
    ] = Field(default_factory=list)
    full_names: Annotated[
        list[FullNameOnGitHub],
        Field(min_length=1, max_length=MAX_NAMES, json_schema_extra={"uniqueItems": True}),
        AfterValidator(_refuse_repeats),
    ] = Field(default_factory=list)
    dry_run: StrictBool = Field(
        False,
        description="Read from GitHub, write nothing, and tell what would become of each. "
        "For up to 1,000 repositories.",
    )

    @model_validator(mode="after")
    def refuse_none_at_all(self) -> Self:
        """An import of nothing is a mistake."""
        if not self.github_ids and not self.full_names:
            raise ValueError("Name the repositories by `github_ids` or by `full_names`.")
        return self

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
