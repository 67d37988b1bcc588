"""A repository as GitHub describes it, reduced to what Forum keeps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

Int64 = Annotated[int, Field(gt=0, lt=2**63)]
Count = Annotated[int, Field(ge=0, lt=2**31)]

# In the bounds of the table: one repository that cannot be stored must not cost its page or its import. And
# Postgres cannot even read U+0000.
WITHOUT_NUL = r"^[^\x00]*$"
Identifier = Annotated[str, Field(min_length=1, max_length=255, pattern=WITHOUT_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=WITHOUT_NUL)]
LongName = Annotated[str, Field(min_length=1, max_length=300, pattern=WITHOUT_NUL)]
WebAddress = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s[:cntrl:]]+$")]


class GitHubRepository(BaseModel):
    """Made from REST's JSON by GitHub's names. Strict on these fields, blind to all others.

    The values never show in an error: a private repository's description has no place in a log.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)

    github_id: Annotated[Int64, Field(validation_alias="id")]
    node_id: Identifier
    name: Name
    full_name: LongName
    description: str | None
    url: Annotated[WebAddress, Field(validation_alias="html_url")]
    default_branch: Identifier
    is_private: Annotated[bool, Field(validation_alias="private")]
    language: Annotated[str, Field(pattern=WITHOUT_NUL)] | None
    stars_count: Annotated[Count, Field(validation_alias="stargazers_count")]
    forks_count: Count
    is_archived: Annotated[bool, Field(validation_alias="archived")]
    is_fork: Annotated[bool, Field(validation_alias="fork")]
    pushed_at: datetime | None

    def to_item(self) -> dict[str, Any]:
        """As the database takes it, which clips what is too long: one refused value refuses all."""
        return self.model_dump(mode="json", exclude={"is_fork"}) | {
            "description": without_nul(self.description)
        }


def without_nul(text: str | None) -> str | None:
    """The text as Postgres can read it."""
    return text and text.replace("\x00", "")


REPOSITORY = TypeAdapter(GitHubRepository)
LISTING: TypeAdapter[list[Any]] = TypeAdapter(list[Any])


def read_listed(listed: Sequence[Any]) -> list[GitHubRepository]:
    """Those that can be read: one item that cannot says nothing about the others of its page."""
    items = []
    for item in listed:
        try:
            items.append(GitHubRepository.model_validate_json(to_json(item)))
        except ValidationError:
            continue
    return items
