"""What clients ask of an export."""

from pydantic import BaseModel, ConfigDict, Field


class ExportQuery(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(
        None, max_length=500, description="From the `Link` of the page before; the first page, unless given."
    )
