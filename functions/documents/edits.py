"""Edits in one place of a document: at its end, at its start, or of one passage."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from functions.documents.schemas import Content
from functions.documents.service import DocumentService
from shared.entities.base import Input, text
from shared.entities.documents import DocumentListItem

Mode = Literal["append", "prepend", "replace_passage"]
# What Postgres finds within a statement's time, wherever it is. The database has the same number.
MAX_PASSAGE_LENGTH = 4_000


def check_passage(passage: str | None, info: ValidationInfo) -> str | None:
    """A passage is what `replace_passage` replaces, and nothing else has one."""
    mode = info.data.get("mode")
    if mode == "replace_passage" and passage is None:
        raise ValueError("With `replace_passage` it is the passage to replace.")
    if mode in {"append", "prepend"} and passage is not None:
        raise ValueError("It goes with `replace_passage` only.")
    return passage


class DocumentEdit(Input):
    """A text to put behind a document, before it, or in the place of a passage that occurs once."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {
                    "properties": {
                        "mode": {"enum": ["append", "prepend"]},
                        "find": {"type": "null"},
                    },
                    "required": ["mode"],
                },
                {
                    "properties": {"mode": {"const": "replace_passage"}, "find": {"type": "string"}},
                    "required": ["mode", "find"],
                },
            ]
        }
    )

    mode: Mode = Field(examples=["append"])
    text: Annotated[Content, Field(description="Put there as it is: no line break is added.")]
    find: Annotated[
        Annotated[str, text(MAX_PASSAGE_LENGTH, min_length=1)] | None,
        Field(
            validate_default=True,
            description="With `replace_passage`: the passage to replace, to the letter.",
        ),
        AfterValidator(check_passage),
    ] = None


class Surroundings(BaseModel):
    """What the new text stands between now, up to 200 characters on each side."""

    before: str = Field(examples=["Call the "])
    after: str = Field(examples=[" first."])


class EditedDocument(DocumentListItem):
    """A document that was edited, without its content."""

    content_bytes: int = Field(ge=0, description="How long the content is now, in bytes of UTF-8.")
    around: Surroundings | None = Field(description="Of a passage that was replaced; else null.")


class EditService(DocumentService):
    """Edits documents of the caller."""

    def edit(self, document_id: UUID, body: DocumentEdit, versions: list[int] | None) -> EditedDocument:
        """Edit a document in one place. Raises `NotFound`, `Conflict` and `PreconditionFailed`."""
        arguments: Any = {
            "document_id": str(document_id),
            "edit_mode": body.mode,
            "new_text": body.text,
            "passage": body.find,
            "versions": versions,
        }
        rows: Any = self.supabase.rpc("edit_document", arguments).execute().data
        if not rows:
            raise self._missed(document_id, versions)
        around = {"before": rows[0].pop("before"), "after": rows[0].pop("after")}
        return EditedDocument.model_validate(
            rows[0] | {"around": around if body.mode == "replace_passage" else None}
        )
