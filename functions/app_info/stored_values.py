"""The database's functions about secret values, which know Forum by a key, and what they hand out, opened."""

import ipaddress
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from postgrest import APIError, SyncRPCFilterRequestBuilder
from pydantic import BaseModel, ConfigDict, Field

from shared.aws.deployment_secrets import read_secret
from shared.database.rest_client import RestClient
from shared.encryption import Place, SealBroken, get_vault, locate_secret
from shared.entities.app_info import AppInfoCategory, Environment, EnvironmentValue
from shared.errors import Unavailable
from shared.runtime.log import logger
from shared.runtime.metrics import Metric, count
from shared.runtime.request_log import get_source_address
from shared.settings import get_settings

SOURCE_ADDRESS = "Forum-Source-Address"
# The hint of the database where what was read has changed meanwhile.
ENTRIES_CHANGED = "app_info_changed"


class ValuePlace(BaseModel):
    """Which value of an entry it is, and what the entry is called: a sealed value opens as no other."""

    model_config = ConfigDict(frozen=True)

    product_id: UUID
    key: str
    number: int
    environment: Environment | None = None


class StoredValue(BaseModel):
    """The value of an entry as the database has it: plain, sealed or none; its environment, if it has one."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: UUID
    product_id: UUID
    key: str
    category: AppInfoCategory = "env_var"
    version: int = 0
    is_secret: bool = False
    has_value: bool = False
    number: int | None = None
    environment: Environment | None = None
    environments: list[EnvironmentValue] = []
    next_number: int = 1
    set_at: datetime | None = None
    value: str | None = Field(None, repr=False)
    sealed: dict[str, Any] | None = Field(None, repr=False)


class NumberedValue(BaseModel):
    """One of the sealed values of an entry."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    number: int
    environment: Environment | None = None
    sealed: dict[str, Any] = Field(repr=False)


class EntryPlaces(BaseModel):
    """Where the values of an entry are: the next one, and those that it has."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: UUID
    product_id: UUID
    key: str
    next_number: int
    values: list[NumberedValue]

    def locate(self, held: NumberedValue) -> ValuePlace:
        """Where one of its values is."""
        return ValuePlace(
            product_id=self.product_id, key=self.key, number=held.number, environment=held.environment
        )


class StoredValues:
    """The values of one caller's entries. Everything that is sealed is sealed for them."""

    def __init__(self, user_id: UUID, supabase: RestClient) -> None:
        self._user_id = user_id
        self._supabase = supabase

    def seal(self, value: str, entry_id: UUID, place: ValuePlace) -> dict[str, Any]:
        """What an item of `writing` says of a secret's value. Raises `EncryptionUnavailable`."""
        sealed = get_vault().seal(value, self._locate(entry_id, place))
        return {"sealed": sealed, "place": place.model_dump(mode="json", exclude_none=True)}

    def reseal(self, entry: EntryPlaces, product_id: UUID, key: str) -> list[NumberedValue]:
        """An entry's values for when its key or product changes. Shows none of them.

        Raises `Unavailable` where one of them does not open: under another key it never would again.
        """
        resealed = []
        for held in entry.values:
            was = entry.locate(held)
            becomes = was.model_copy(update={"product_id": product_id, "key": key})
            sealed = self.seal(self.open_stored(held.sealed, entry.id, was), entry.id, becomes)
            resealed.append(held.model_copy(update={"sealed": sealed["sealed"]}))
        return resealed

    def open(self, stored: StoredValue) -> str | None:
        """The value, to be shown, which is counted of a secret. Raises `Unavailable` where it stays shut."""
        value = self.open_uncounted(stored)
        if stored.sealed is not None:
            count(Metric.REVEALS)
        return value

    def open_uncounted(self, stored: StoredValue) -> str | None:
        """The value, which may not be shown in the end. Raises `Unavailable` where it stays shut."""
        if stored.sealed is None:
            return stored.value
        return self.open_stored(stored.sealed, stored.id, _get_place(stored))

    def open_stored(self, sealed: dict[str, Any], entry_id: UUID, place: ValuePlace) -> str:
        """A sealed value, to be written again. Raises `Unavailable` where this deployment cannot open it."""
        try:
            return get_vault().open(sealed, self._locate(entry_id, place))
        except SealBroken as error:
            logger.exception("secret_unreadable", app_info_id=str(entry_id), number=place.number)
            raise Unavailable(
                f"The value of {place.key} does not open with the keys that this deployment has, "
                "or it was not sealed for this entry. The operator has to look.",
                type="secret-unreadable",
            ) from error

    def write_call(self, items: Sequence[dict[str, Any]]) -> SyncRPCFilterRequestBuilder:
        """A call that creates and changes entries, all or none."""
        return self._rpc("write_app_info", items=items)

    def read_places(self, entry_ids: Sequence[UUID], *, with_values: bool) -> dict[UUID, EntryPlaces]:
        """Where the entries' next values belong, and on request the sealed values that they have."""
        ids = [str(entry_id) for entry_id in entry_ids]
        call = self._rpc("read_app_info_places", entry_ids=ids, with_values=with_values)
        found: Any = call.execute().data
        return {entry.id: entry for entry in map(EntryPlaces.model_validate, found)}

    def reveal(
        self, entry_id: UUID, number: int | None = None, environment: Environment | None = None
    ) -> StoredValue:
        """What an entry holds, or held under this number; recorded as a reveal if it is secret."""
        call = self._rpc(
            "reveal_app_info", entry_id=str(entry_id), value_number=number, environment=environment
        )
        return StoredValue.model_validate(call.execute().data)

    def compare(self, product_id: UUID, keys: Sequence[str]) -> list[StoredValue]:
        """A product's entries with these keys, to compare: of secrets only that they are there."""
        call = self._rpc("compare_app_info", target_product_id=str(product_id), keys=keys)
        return _read(call.execute().data)

    def importing(
        self, product_id: UUID, items: Sequence[dict[str, Any]], keys: Sequence[str]
    ) -> SyncRPCFilterRequestBuilder:
        """A call that writes what a file assigns, all or nothing, and gives these keys their order."""
        return self._rpc("import_app_info", target_product_id=str(product_id), items=items, keys=keys)

    def read_export(
        self,
        product_id: UUID,
        categories: Sequence[str],
        environment: Environment | None,
        *,
        include_secrets: bool,
    ) -> list[StoredValue]:
        """A product's entries in their order, those of the categories with what they hold.

        No secret among them may be handed out before `record_export` has it on the record.
        """
        call = self._rpc(
            "read_app_info_export",
            target_product_id=str(product_id),
            categories=categories,
            include_secrets=include_secrets,
            environment=environment,
        )
        return _read(call.execute().data)

    def record_export(
        self,
        product_id: UUID,
        secrets: Sequence[StoredValue],
        environment: Environment | None,
        *,
        refused_by: str | None = None,
    ) -> bool:
        """Record that these secrets leave, or that this format has refused them.

        False where one of them is another by now, and then nothing is recorded.
        """
        call = self._rpc(
            "record_app_info_export",
            target_product_id=str(product_id),
            secrets=[{"id": str(each.id), "version": each.version} for each in secrets],
            refused_by=refused_by,
            environment=environment,
        )
        try:
            call.execute()
        except APIError as error:
            if error.hint == ENTRIES_CHANGED:
                return False
            raise
        return True

    def _locate(self, entry_id: UUID, place: ValuePlace) -> Place:
        return locate_secret(
            self._user_id,
            entry_id,
            place.product_id,
            place.key,
            place.number,
            environment=place.environment,
        )

    def _rpc(self, function: str, **arguments: Any) -> SyncRPCFilterRequestBuilder:
        sent = arguments | {"app_info_key": read_secret(get_settings().app_info_key)}
        call = self._supabase.rpc(function, sent)
        if (address := _read_address(get_source_address())) is not None:
            # For the record of a reveal. The database believes it of whoever knows the key.
            call.request.headers[SOURCE_ADDRESS] = address
        return call


def _get_place(stored: StoredValue) -> ValuePlace:
    # A sealed value has a number. Without one it opens nowhere.
    return ValuePlace(
        product_id=stored.product_id,
        key=stored.key,
        number=stored.number or 0,
        environment=stored.environment,
    )


def _read_address(address: str | None) -> str | None:
    """An address as Postgres takes it: of IPv6 without a zone, which is the gateway's own."""
    try:
        return str(ipaddress.ip_address((address or "").partition("%")[0]))
    except ValueError:
        return None


def _read(found: Any) -> list[StoredValue]:
    return [StoredValue.model_validate(row) for row in found]
