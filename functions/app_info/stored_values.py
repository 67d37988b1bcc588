"""The database's functions about secret values, which know Forum by a key, and what they hand out, opened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from postgrest import SyncPostgrestClient, SyncRPCFilterRequestBuilder
from pydantic import BaseModel, ConfigDict, Field

from shared.deployment_secrets import read_secret
from shared.encryption import Place, SealBroken, get_vault
from shared.errors import Unavailable
from shared.log import logger
from shared.settings import get_settings


class StoredValue(BaseModel):
    """The value of an entry as the database has it: plain, sealed, or none."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: UUID
    key: str
    version: int = 0
    is_secret: bool = False
    number: int | None = None
    set_at: datetime | None = None
    value: str | None = Field(None, repr=False)
    sealed: dict[str, Any] | None = Field(None, repr=False)


class StoredValues:
    """The values of one caller's entries. Everything that is sealed is sealed for them."""

    def __init__(self, user_id: UUID, supabase: SyncPostgrestClient) -> None:
        self._user_id = user_id
        self._supabase = supabase

    def seal(self, value: str, entry_id: UUID) -> dict[str, Any]:
        """A value as it may be stored with this entry. Raises `EncryptionUnavailable`."""
        return get_vault().seal(value, Place("app_info", self._user_id, entry_id))

    def open(self, stored: StoredValue) -> str | None:
        """The value, however it is stored. Raises `Unavailable` where this deployment cannot open it."""
        try:
            return self.open_unless_broken(stored)
        except SealBroken as error:
            logger.exception("secret_unreadable", app_info_id=str(stored.id))
            raise Unavailable(
                f"The value of {stored.key} does not open with the keys that this deployment has. "
                "The operator has to look.",
                type="secret-unreadable",
            ) from error

    def open_unless_broken(self, stored: StoredValue) -> str | None:
        """The value. Raises `SealBroken` and `EncryptionUnavailable`."""
        if stored.sealed is None:
            return stored.value
        return get_vault().open(stored.sealed, Place("app_info", self._user_id, stored.id))

    def writing(self, items: Sequence[dict[str, Any]]) -> SyncRPCFilterRequestBuilder:
        """A call that creates and changes entries, all or none."""
        return self._calling("write_app_info", items=items)

    def reveal(self, entry_id: UUID, number: int | None = None) -> StoredValue:
        """What an entry holds, or held under this number; recorded as a reveal if it is secret."""
        call = self._calling("reveal_app_info", entry_id=str(entry_id), value_number=number)
        return StoredValue.model_validate(call.execute().data)

    def export(
        self, product_id: UUID, categories: Sequence[str], *, include_secrets: bool
    ) -> list[StoredValue]:
        """What a product's entries hold, by key; secrets only if asked for, and then recorded as reveals."""
        call = self._calling(
            "export_app_info",
            target_product_id=str(product_id),
            categories=categories,
            include_secrets=include_secrets,
        )
        return _read(call.execute().data)

    def compare(self, product_id: UUID, keys: Sequence[str]) -> list[StoredValue]:
        """What a product's entries with these keys hold, to be compared with a file and not to be shown."""
        call = self._calling("compare_app_info", target_product_id=str(product_id), keys=keys)
        return _read(call.execute().data)

    def _calling(self, function: str, **arguments: Any) -> SyncRPCFilterRequestBuilder:
        # JSON in truth: the annotation of the client is too narrow.
        sent = cast("dict[str, str]", arguments | {"app_info_key": read_secret(get_settings().app_info_key)})
        return self._supabase.rpc(function, sent)


def _read(found: Any) -> list[StoredValue]:
    return [StoredValue.model_validate(row) for row in found]
