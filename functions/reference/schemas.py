"""What /openapi.json answers."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class OpenApiDocument(BaseModel):
    """An OpenAPI document, as https://spec.openapis.org/oas/v3.1.0 describes it."""

    model_config = ConfigDict(extra="allow")

    openapi: str = Field(examples=["3.1.0"])
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
