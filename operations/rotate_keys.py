"""Put everything that is sealed under the new key: `make rotate-keys stage=production`.

Without a stage, for whoever runs Forum without AWS, the settings are those of the environment: DATABASE_URL,
ENCRYPTION_KEY and ENCRYPTION_KEY_PREVIOUS. docs/operations.md has the steps before and after.

Data keys are wrapped anew, each once; what they seal stays as it is. Only secrets that were sealed before a
value was bound to its product, key and number are opened, and sealed for that. Forum may run meanwhile, and
this may be killed at any time: each batch is a transaction, a row that has changed since it was read is left
alone, and a second run finds what the first has not come to. What cannot be renewed is named and left alone.
"""

import json
import os
import sys
from argparse import ArgumentParser
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from operations.deploy import read_stage
from operations.rewrapping import KmsRewrapping, LocalRewrapping, Rewrapping, RotationStopped, connect_kms
from operations.tools import DeployError
from shared.encryption import BOUND_TO_ROW, Place, Purpose, SealBroken, Sealed, Vault, locate_secret
from shared.encryption.errors import KeyUnusable
from shared.encryption.wrapping import WrappedKey

# A sealed value may be as long as 90 KB.
BATCH_ROWS = 200
# Rows that somebody has locked or changed in the moment of their batch are met again.
PASSES = 3

# A batch takes milliseconds. A migration that waits for the table, and everybody behind it, must not wait for
# this; and rows must not stay locked for a machine that has gone.
LIMITS = sql.SQL(
    "set local lock_timeout = '2s';"
    " set local statement_timeout = '30s';"
    " set local idle_in_transaction_session_timeout = '30s'"
)

# Whose a secret's value is, and what it is called: what it is sealed for.
PLACE = sql.SQL(
    "(select jsonb_build_array(entry.user_id, entry.id, entry.product_id, entry.key, stored.number,"
    " stored.environment)"
    " from public.app_info as entry"
    " where entry.user_id = stored.user_id and entry.id = stored.app_info_id)"
)
OWNER = sql.SQL(
    "join public.app_info as entry on entry.user_id = stored.user_id and entry.id = stored.app_info_id"
)
NO_PLACE = sql.SQL("null::jsonb")
NO_OWNER = sql.SQL("")

Connection = psycopg.Connection[tuple[Any, ...]]
Json = dict[str, Any]


@dataclass(frozen=True)
class SealedColumn:
    """Where sealed values are, and what for. The tables have an `id uuid` as their primary key."""

    table: str
    name: str
    purpose: Purpose
    has_places: bool = False
    """Whether a value is bound to more than its row: those that are not yet are sealed anew."""

    def __str__(self) -> str:
        return f"private.{self.table}.{self.name}"


COLUMNS = (
    SealedColumn("github_connections", "sealed_token", "github_token"),
    SealedColumn("github_connections", "sealed_refresh_token", "github_refresh_token"),
    SealedColumn("app_info_values", "sealed", "app_info", has_places=True),
    # What is bound to its row alone stays so here, and is sealed for its place after it has been restored.
    SealedColumn("trash_rows", "sealed", "app_info"),
)


@dataclass
class Outcome:
    """What has become of a column."""

    column: SealedColumn
    rewrapped: int = 0
    resealed: int = 0
    left: int = 0
    refused: dict[UUID, str] = field(default_factory=dict)
    """The rows whose value can be neither wrapped nor sealed anew, and why."""


@dataclass(frozen=True)
class Row:
    """A value under another key than the new one, or bound to less than its place, as it was read."""

    id: UUID
    sealed: str = field(repr=False)
    place: str | None = field(repr=False)
    """Whose it is and what its entry is called, as JSON."""


class Rotation:
    """The rotation of one column. No two have data keys in common: each key is bound to a purpose."""

    def __init__(
        self, connection: Connection, rewrapping: Rewrapping, column: SealedColumn, batch_rows: int
    ) -> None:
        self._connection = connection
        self._rewrapping = rewrapping
        self._column = column
        self._batch_rows = batch_rows
        self._asked: dict[WrappedKey, WrappedKey | SealBroken] = {}
        self._vault = Vault(rewrapping)
        self._names = {
            "table": sql.Identifier("private", column.table),
            "column": sql.Identifier(column.name),
            "place": PLACE if column.has_places else NO_PLACE,
            "owner": OWNER if column.has_places else NO_OWNER,
        }

    def run(self) -> Outcome:
        """Wrap and seal anew what can be. Raises `RotationStopped` and `psycopg.Error`."""
        outcome = Outcome(self._column)
        for _ in range(PASSES):
            outcome.refused.clear()
            missed = sum(self._renew(batch, outcome) for batch in self._read_batches())
            if not missed:
                break
        outcome.left = sum(len(batch) for batch in self._read_batches())
        return outcome

    def _renew(self, batch: Sequence[Row], outcome: Outcome) -> int:
        """How many values of a batch were changed by somebody else in this moment."""
        rewrapped: dict[Row, Json] = {}
        resealed: dict[Row, Json] = {}
        for row in batch:
            try:
                sealed = _read(row.sealed)
                if self._column.has_places and sealed.v == BOUND_TO_ROW:
                    resealed[row] = self._reseal(row)
                else:
                    rewrapped[row] = _to_json(self._rewrap(WrappedKey(sealed.key_id, sealed.wrapped_key)))
            except SealBroken as broken:
                outcome.refused[row.id] = str(broken)
        written = self._write({**rewrapped, **resealed})
        outcome.rewrapped += len(written & {row.id for row in rewrapped})
        outcome.resealed += len(written & {row.id for row in resealed})
        return len(rewrapped) + len(resealed) - len(written)

    def _rewrap(self, wrapped: WrappedKey) -> WrappedKey:
        if wrapped not in self._asked:
            try:
                self._asked[wrapped] = self._rewrapping.rewrap(wrapped, self._column.purpose)
            except SealBroken as broken:
                self._asked[wrapped] = broken
        answer = self._asked[wrapped]
        if isinstance(answer, SealBroken):
            raise answer
        return answer

    def _reseal(self, row: Row) -> Json:
        """The value sealed for its place, under a new data key: that of before opens what somebody kept."""
        place = _read_place(row)
        return self._vault.seal(self._vault.open(json.loads(row.sealed), place), place)

    def _read_batches(self) -> Iterator[list[Row]]:
        """What is due. Each statement looks at a batch of rows, whatever is done already."""
        statement = sql.SQL(
            "select id,"
            " case when {column} ->> 'key_id' is distinct from %(key_id)s or {column} ->> 'v' = %(old)s"
            " then {column}::text end,"
            " {place}::text"
            " from {table} as stored where {after} order by id limit %(rows)s"
        )
        parameters: dict[str, Any] = {
            "key_id": self._rewrapping.key_id,
            "old": str(BOUND_TO_ROW) if self._column.has_places else None,
            "rows": self._batch_rows,
        }
        after = sql.SQL("true")
        while True:
            with self._transaction():
                found = self._connection.execute(
                    statement.format(**self._names, after=after), parameters
                ).fetchall()
            yield [Row(row_id, sealed, place) for row_id, sealed, place in found if sealed is not None]
            if len(found) < self._batch_rows:
                return
            after, parameters = sql.SQL("id > %(after)s"), {**parameters, "after": found[-1][0]}

    def _write(self, fresh: Mapping[Row, Json]) -> set[UUID]:
        """The rows that are stored with what is new of them."""
        if not fresh:
            return set()
        with self._transaction():
            # Never waiting for a row, this is never part of a deadlock, which could hit a request as well.
            # With the entry locked nobody renames it: what is sealed for its key is stored under it.
            locked = self._connection.execute(
                sql.SQL(
                    "select stored.id from {table} as stored {owner}"
                    " where stored.id = any(%s) for no key update skip locked"
                ).format(**self._names),
                [[row.id for row in fresh]],
            ).fetchall()
            ids = {row_id for (row_id,) in locked}
            rows = [row for row in fresh if row.id in ids]
            updated = self._connection.execute(
                # Compared with all of what was read: a value that was sealed since is not this one.
                sql.SQL(
                    "update {table} as stored set {column} = stored.{column} || fresh.sealed"
                    " from unnest(%(ids)s::uuid[], %(read)s::text[], %(places)s::text[], %(fresh)s::jsonb[])"
                    " as fresh (id, read, place, sealed)"
                    " where stored.id = fresh.id and stored.{column} = fresh.read::jsonb"
                    " and {place} is not distinct from fresh.place::jsonb"
                    " returning stored.id"
                ).format(**self._names),
                {
                    "ids": [row.id for row in rows],
                    "read": [row.sealed for row in rows],
                    "places": [row.place for row in rows],
                    "fresh": [Jsonb(fresh[row]) for row in rows],
                },
            )
            return {row_id for (row_id,) in updated.fetchall()}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._connection.transaction():
            self._connection.execute(LIMITS)
            yield


def _read(sealed: str) -> Sealed:
    """A stored value. Raises `SealBroken`."""
    try:
        return Sealed.model_validate_json(sealed)
    except ValidationError:
        raise SealBroken from None


def _read_place(row: Row) -> Place:
    """Where a secret's value belongs. Raises `SealBroken` for one whose entry is gone."""
    if row.place is None:
        raise SealBroken
    user_id, entry_id, product_id, key, number, environment = json.loads(row.place)
    return locate_secret(
        UUID(user_id), UUID(entry_id), UUID(product_id), key, number, environment=environment
    )


def _to_json(wrapped: WrappedKey) -> Json:
    """The part of a stored value that a rotation puts in another's place."""
    return {"key_id": wrapped.key_id, "wrapped_key": b64encode(wrapped.ciphertext).decode()}


def rotate(
    connection: Connection,
    rewrapping: Rewrapping,
    columns: Sequence[SealedColumn] = COLUMNS,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[Outcome]:
    """Wraps anew what is in the columns, one after the other. The connection commits by itself."""
    for column in columns:
        yield Rotation(connection, rewrapping, column, batch_rows).run()


def read_settings(stage: str | None) -> dict[str, str]:
    """Those of a stage, or of the environment. Raises `DeployError` and `RotationStopped`."""
    here = {name: value for name, value in os.environ.items() if value}
    if stage is not None:
        # Nothing else of the environment: a key that is set for another Forum is none of the stage's.
        return {name: value for name, value in here.items() if name == "AWS_REGION"} | read_stage(stage)
    if "DATABASE_URL" not in here:
        raise RotationStopped("set DATABASE_URL, or say which stage: make rotate-keys stage=production")
    return here


def choose_rewrapping(settings: Mapping[str, str], stage: str | None) -> Rewrapping:
    """Between the keys that the settings name. Raises `RotationStopped` and `KeyUnusable`."""
    kms_key_id = settings.get("KMS_KEY_ID")
    if stage is not None:
        # Without one of its own, a stage has the one of its stack (infrastructure/secrets_key.yml).
        kms_key_id = kms_key_id or f"alias/forum-{stage}"
    key = settings.get("ENCRYPTION_KEY")
    if key is not None and kms_key_id is not None:
        raise RotationStopped("set ENCRYPTION_KEY or KMS_KEY_ID, not both")
    if kms_key_id is not None:
        # As serverless.yml has it, and not by AWS_DEFAULT_REGION.
        kms = connect_kms(settings.get("AWS_REGION", "eu-central-1"))
        return KmsRewrapping(kms, kms_key_id, settings.get("KMS_KEY_ID_PREVIOUS"))
    if key is not None:
        return LocalRewrapping(key, settings.get("ENCRYPTION_KEY_PREVIOUS"))
    raise RotationStopped("set the new key: KMS_KEY_ID, or ENCRYPTION_KEY without AWS")


def tell(outcome: Outcome) -> None:
    """Prints what has become of a column."""
    for row_id, why in outcome.refused.items():
        print(f"{outcome.column}, row {row_id}: {why}", file=sys.stderr)
    resealed = f"{outcome.resealed} sealed anew, " if outcome.column.has_places else ""
    print(
        f"{outcome.column}: {outcome.rewrapped} wrapped anew, {resealed}{outcome.left} left under another key"
    )


def stop(why: str) -> int:
    """Says why it is not done. Returns the exit code."""
    print(why, file=sys.stderr)
    return 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = ArgumentParser(
        prog="python -m operations.rotate_keys",
        description="Put everything that is sealed under the new key.",
    )
    parser.add_argument("stage", nargs="?", help="without one, the environment has the settings")
    stage: str | None = parser.parse_args(arguments).stage
    left = 0
    try:
        settings = read_settings(stage)
        rewrapping = choose_rewrapping(settings, stage)
        with psycopg.connect(
            settings["DATABASE_URL"], autocommit=True, application_name="forum rotate-keys"
        ) as connection:
            for outcome in rotate(connection, rewrapping):
                tell(outcome)
                left += outcome.left
    except (DeployError, KeyUnusable, RotationStopped) as error:
        return stop(str(error))
    except psycopg.Error as error:
        # Not its details, which can quote a row.
        return stop(f"The database: {error.diag.message_primary or error}")
    if left:
        return stop(
            f"{left} values are left under another key: do not take one away. See docs/operations.md."
        )
    print(f"Everything is under {rewrapping.key_id}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
