"""What clients send and get of an import."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.entities.base import Input

MAX_LINES = 500
ImportedEntity = Literal["products", "repositories", "work_items", "documents", "app_info"]
ImportOutcome = Literal["created", "same", "updated", "skipped", "conflict", "invalid"]


def refuse_nul(value: Any) -> Any:
    """The value, if Postgres can store its texts."""
    found = [value]
    while found:
        each = found.pop()
        if isinstance(each, str) and "\0" in each:
            raise ValueError("The character U+0000 cannot be stored.")
        if isinstance(each, dict):
            found.extend([*each.keys(), *each.values()])
        elif isinstance(each, list):
            found.extend(each)
    return value


class AccountImportLine(Input):
    """A row, as an export has it."""

    type: ImportedEntity
    row: Annotated[dict[str, Any], AfterValidator(refuse_nul)] = Field(
        description="With its `id` as it was. What is not known here is left out.",
        examples=[{"id": "7d9f1c4e-0d5b-4d0e-9f36-2b8f4f1c9a10", "name": "Atlas"}],
    )


class AccountImport(Input):
    """Rows to bring along, what they belong to before them."""

    lines: Annotated[list[AccountImportLine], Field(min_length=1, max_length=MAX_LINES)]
    mode: Literal["preview", "apply"] = Field(
        "preview", description="`preview` only says what would become of each."
    )
    on_conflict: Literal["skip", "update", "fail"] = Field(
        "fail", description="What becomes of a row that is there and is another one by now."
    )


class AccountImportedLine(BaseModel):
    """What became of a row."""

    model_config = ConfigDict(extra="ignore")

    outcome: ImportOutcome = Field(
        description="`same`: it is there as it is. `skipped`, `conflict`: it is there as another, or another "
        "has its place. `invalid`: it can be no row here."
    )
    id: UUID | None = Field(None, description="The id that the row has in this account.")
    reason: str | None = Field(
        None,
        description="`changed`, `taken`, `parent`, `type`, `no_row`, or the rule that it breaks.",
        examples=["taken"],
    )
    taken_by: UUID | None = Field(None, description="The row that has its place.")


class AccountImportReport(BaseModel):
    """What became of the rows, in their order."""

    items: list[AccountImportedLine]
