"""Secret values as Forum's function sends them, in SQL."""

from base64 import b64encode
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tests.database.actors import Actor, Connection, acting_as, one, refusal
from tests.database.world import Person

Json = dict[str, Any]

APP_INFO_KEY = "a" * 43

WRITE = "select id from public.write_app_info(%s, %s)"
REVEAL = "select public.reveal_app_info(%s, %s, %s)"
IMPORT = "select public.import_app_info(%s, %s, %s, %s)"
EXPORT = "select public.read_app_info_export(%s, %s, %s, %s)"
RECORD = "select public.record_app_info_export(%s, %s, %s, %s)"
PLACES = "select public.read_app_info_places(%s, %s, %s)"
COMPARE = "select public.compare_app_info(%s, %s, %s)"
VERSIONS = "select public.list_app_info_versions(%s)"
RESTORE = "select id from public.restore_app_info(%s, %s, null)"


def know_app_info_key(connection: Connection) -> None:
    """The key of Forum's function, beside those that a running stack may use."""
    connection.execute(
        "insert into private.app_info_keys (key_sha256) values (%s) on conflict do nothing",
        (sha256(APP_INFO_KEY.encode()).digest(),),
    )


def sealed(word: str, bound: int = 1) -> Json:
    """What stands in for a sealed value. The database cannot open one, and looks at its shape only."""
    ciphertext = b64encode(word.encode()).decode()
    return {
        "v": bound,
        "key_id": "local:0",
        "wrapped_key": "a2V5",
        "nonce": "bm9uY2U=",
        "ciphertext": ciphertext,
    }


def write(connection: Connection, actor: Actor, *items: Json) -> list[UUID]:
    """The ids of what was created and changed."""
    with acting_as(connection, actor):
        return [row_id for (row_id,) in connection.execute(WRITE, (Jsonb(list(items)), APP_INFO_KEY))]


def new(person: Person, key: str, word: str, row_id: UUID, **values: Any) -> Json:
    """A new secret entry of a person."""
    product = {"product_id": str(person.rows["products"]), "key": key}
    return {
        "action": "create",
        "id": str(row_id),
        **product,
        "is_secret": True,
        "sealed": sealed(word),
        **values,
    }


def changed(row_id: UUID, **values: Any) -> Json:
    """A change of an entry."""
    return {"action": "change", "id": str(row_id), **values}


def make_secret(connection: Connection, person: Person, word: str = "one") -> UUID:
    """Their entry, as a secret."""
    row_id = person.rows["app_info"]
    write(connection, person.actor, changed(row_id, is_secret=True, sealed=sealed(word)))
    return row_id


def placed(connection: Connection, row_id: UUID, word: str, **changes: Any) -> Json:
    """A change of an entry with a new value that is sealed for the place that it gets."""
    found = connection.execute(
        "select product_id::text, key, private.next_value_number(e) from public.app_info as e where id = %s",
        (row_id,),
    ).fetchone()
    assert found is not None
    place = dict(zip(("product_id", "key", "number"), found, strict=True))
    return changed(row_id, sealed=sealed(word, 2), place=place | changes)


def held(connection: Connection, row_id: UUID) -> list[tuple[int, str | None, Json | None]]:
    """All values of an entry, oldest first."""
    return connection.execute(
        "select number, value, sealed from private.app_info_values where app_info_id = %s order by number",
        (row_id,),
    ).fetchall()


def calls(person: Person, key: str | None = APP_INFO_KEY) -> dict[str, tuple[Any, Any]]:
    """Each function about a person's secrets that needs the key, called about theirs."""
    entry, product = person.rows["app_info"], person.rows["products"]
    change = changed(entry, is_secret=True, sealed=sealed("forged"))
    return {
        "write": (WRITE, (Jsonb([change]), key)),
        "reveal": (REVEAL, (entry, None, key)),
        "import": (IMPORT, (product, Jsonb([change]), ["FORECAST_URL"], key)),
        "export": (EXPORT, (product, ["url"], True, key)),
        "record": (RECORD, (product, Jsonb([{"id": str(entry), "version": 2}]), None, key)),
        "compare": (COMPARE, (product, ["FORECAST_URL"], key)),
    }


def told(connection: Connection, actor: Actor, statement: Any, parameters: Any) -> tuple[Any, ...]:
    """Why a call is refused, as PostgREST would tell it, or what it gives."""
    refused = refusal(connection, actor, statement, parameters)
    if refused is not None:
        return (refused.sqlstate, refused.message_primary, refused.message_detail, refused.message_hint)
    with acting_as(connection, actor):
        return tuple(connection.execute(statement, parameters).fetchall())


def count_reveals(connection: Connection, row_id: UUID) -> int:
    """How many reveals of an entry are in the history."""
    count: int = one(
        connection,
        "select count(*) from public.activity where entity_id = %s and action = 'revealed'",
        (row_id,),
    )
    return count
