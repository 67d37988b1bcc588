"""What clients send and get of app info."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Required
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from functions.app_info.env_files import Format as EnvFormat
from functions.app_info.env_files.entries import MAX_VALUE_BYTES
from shared.entities.app_info import (
    WHEN_IT_EXPIRES,
    AppInfoCategory,
    AppInfoKey,
    AppInfoRead,
    AppInfoValue,
    Environment,
    RotateEvery,
)
from shared.entities.base import Description, Embedded, Input, StrictBool, Version, text
from shared.entities.products import ProductLink
from shared.entities.visible_names import TRIMMED_LINE
from shared.resources.lists import SearchQuery, Time, sort_by

Key = Annotated[AppInfoKey, text(255, min_length=1)]
NewKey = Annotated[
    Key,
    *TRIMMED_LINE,
    Field(description="Of category `env_var` a name that every format of an export can carry."),
]


def check_value_size(value: str) -> str:
    """Refuse more than 64 KiB, as UTF-8 and as the database count it."""
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise ValueError("It is longer than 64 KiB in UTF-8.")
    return value


Value = Annotated[AppInfoValue, text(MAX_VALUE_BYTES), AfterValidator(check_value_size)]


NewExpiresAt = Annotated[Time, WHEN_IT_EXPIRES]


class AppInfoCreate(Input):
    """A new entry. Keys are unique in a product. The value of a secret is encrypted before it is stored."""

    product_id: UUID
    key: NewKey
    value: Value | None = None
    category: AppInfoCategory = "env_var"
    is_secret: StrictBool = False
    description: Description | None = None
    expires_at: NewExpiresAt | None = None
    rotate_every: RotateEvery | None = None


@with_config(ConfigDict(extra="forbid"))
class AppInfoUpdate(TypedDict, total=False):
    """The fields to change. Null clears a field that may be empty."""

    product_id: UUID
    key: NewKey
    value: Value | None
    category: AppInfoCategory
    is_secret: StrictBool
    description: Description | None
    expires_at: NewExpiresAt | None
    rotate_every: RotateEvery | None


class AppInfoChange(AppInfoUpdate, total=False):
    """One change of a bulk request. With `version`, that version only."""

    id: Required[UUID]
    version: Version


class EnvironmentSet(Input):
    """What an entry is to hold in an environment. Null: nothing there, whatever it holds elsewhere."""

    value: Value | None


class AppInfoReadFull(AppInfoRead):
    """An entry with its product."""

    product: Annotated[ProductLink, Embedded("products")]


class AppInfoVersion(BaseModel):
    """A former value of an entry, which `reveal` shows and `restore` brings back."""

    number: int = Field(ge=1)
    environment: Environment | None = Field(
        description="The environment that had it; null for the entry's own value."
    )
    set_at: datetime = Field(description="When the entry got this value.")
    is_secret: bool


class AppInfoVersions(BaseModel):
    """The former values of an entry, newest first: the last 20 are kept."""

    items: list[AppInfoVersion]


class RevealQuery(BaseModel):
    """Which of an entry's values."""

    model_config = ConfigDict(extra="forbid")

    environment: Environment | None = Field(
        None, description="The one of this environment: the entry's own where it has none of its own there."
    )


class RevealedValue(BaseModel):
    """A value, in the clear."""

    id: UUID
    key: AppInfoKey
    number: int | None = Field(description="Which of the entry's values it is; null for a plain one.")
    environment: Environment | None = Field(
        description="The environment that it is for; null for the entry's own value, which counts where an "
        "environment has none."
    )
    set_at: datetime | None
    value: AppInfoValue | None


class EnvImport(Input):
    """A file of environment variables, and what to do with it."""

    product_id: UUID
    content: Annotated[
        str, text(1024 * 1024), Field(examples=["# Ports\nPORT=8080\nGREETING='Hello, world'\n"])
    ]
    format: EnvFormat = Field("dotenv", description="How the file is written: as `export` writes it.")
    on_conflict: Literal["skip", "overwrite", "fail"] = Field(
        "fail",
        description="What becomes of a key that has another value already, or is a secret: whether that has "
        "the same value is never disclosed, so that `overwrite` writes it in any case.",
    )
    on_invalid: Literal["fail", "skip"] = Field(
        "fail", description="What becomes of the other lines if some are invalid."
    )
    is_secret: StrictBool = Field(
        True, description="Whether the values are secrets. What is a secret already stays one."
    )
    environment: Environment | None = Field(
        None,
        description="The environment that the values are for: those that differ from the entries' own. A new "
        "key has a value in it alone. What an environment has none of its own of is not replaced, so that "
        "`on_conflict` is about the values that it has. With `is_secret` a plain entry becomes a secret with "
        "all its values.",
    )
    dry_run: StrictBool = Field(False, description="Only say what each line would do.")


Outcome = Literal["new", "changed", "same", "exists", "duplicate", "invalid"]


class EnvLine(BaseModel):
    """What a line of the file is to the product. No value is shown, neither the new one nor the old one."""

    line: int = Field(ge=1)
    key: AppInfoKey | None = Field(description="Null where none could be read.")
    outcome: Outcome = Field(
        description="`new`: there is no such key, or the environment has no value of its own for it. "
        "`exists`: a secret has this key, and whether it has the same value is never disclosed. "
        "`duplicate`: a later line sets the same key, and that one counts."
    )
    written: bool
    reason: str | None = Field(
        description="Why the line is invalid or does not count; or what of its value is kept as it stands, "
        "which another reader would take otherwise.",
        examples=["${NAME} is kept as it stands: nothing is replaced"],
    )


class EnvImportReport(BaseModel):
    """Every assignment of the file, in its order."""

    dry_run: bool
    items: list[EnvLine]


class EnvExportQuery(BaseModel):
    """Which entries, and as what."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID
    format: EnvFormat = "dotenv"
    environment: Environment | None = Field(
        None,
        description="The values of this environment: where it has none of its own, the entries'. Without one "
        "only the entries'.",
    )
    include_secrets: bool = Field(False, description="Show secrets, too. Each is recorded as revealed.")
    category: list[AppInfoCategory] = Field(
        [],
        description="Only these, and all of them. If none is named: `env_var`, and those of `credential` and "
        "`url` whose key is a name that every format can carry.",
    )

    @property
    def categories(self) -> list[AppInfoCategory]:
        """The categories whose values are looked at."""
        return self.category or ["env_var", "credential", "url"]


# When nothing is due, as Postgres says it.
DueAt = datetime | Literal["infinity"]


class AppInfoQuery(SearchQuery):
    """Which entries, in which order. `q` looks at keys and descriptions, never at values."""

    hidden_columns: ClassVar[dict[str, Any]] = {"due_at": DueAt}

    product_id: list[UUID] = Field([], max_length=100)
    category: list[AppInfoCategory] = []
    key: list[Key] = Field([], max_length=100)
    expires_before: Time | None = Field(
        None, description="Expired, or to be rotated, before this time: whichever comes first."
    )
    sort: Annotated[str, *sort_by("created_at", "updated_at", "key", "position", "due_at")] = "-created_at"

    @property
    def column_filters(self) -> dict[str, list[Any]]:
        """The values asked for, by column: the end is no value."""
        filters = super().column_filters
        filters.pop("expires_before", None)
        return filters

    @property
    def date_filters(self) -> list[tuple[str, str, datetime]]:
        """The ends of the date ranges asked for, what is due among them."""
        if self.expires_before is None:
            return super().date_filters
        return [*super().date_filters, ("due_at", "lt", self.expires_before)]

    @property
    def columns_on_request(self) -> list[str]:
        """What is filtered by: of a search PostgREST filters by no column that is not selected."""
        is_asked = self.expires_before is not None and ("due_at" not in dict(self.order))
        return ["due_at"] if is_asked else []
