"""Secrets while the key that wraps their data keys is rotated: read and written all the time."""

from base64 import b64encode
from uuid import UUID

import psycopg

from local.supabase import Supabase
from operations.rewrapping import LocalRewrapping
from operations.rotate_keys import COLUMNS, rotate
from tests.functions.conftest import Client
from tests.functions.secret_entries import create_secret, deployed_with, read, reveal

NEW_KEY = b64encode(bytes(range(32))).decode()
OF_APP_INFO = [column for column in COLUMNS if column.purpose == "app_info"]


def count_keys(connection: psycopg.Connection, entries: list[str]) -> int:
    """How many keys wrap what these entries hold and held."""
    statement = """
        select count(distinct sealed ->> 'key_id')
        from (
          select sealed, app_info_id as entry from private.app_info_values
          union all
          select sealed, entity_id from private.trash_rows where sealed is not null
        ) as held
        where entry = any (%s)
    """
    ((count,),) = connection.execute(statement, ([UUID(entry) for entry in entries],)).fetchall()
    return int(count)


def test_secrets_and_former_values_open_before_during_and_after_a_rotation(
    owner: Client, supabase: Supabase
) -> None:
    old_key = supabase.keys.encryption_key
    old = create_secret(owner, "old")
    owner.patch(f"/api/app-info/{old['id']}", {"value": "older no more"}).expect(200)
    path = f"/api/app-info/{old['id']}/environments/production"
    owner.request("PUT", path, {"value": "in production"}).expect(200)
    before = read(owner, old)
    deleted = create_secret(owner, "deleted", product_id=old["product_id"])
    owner.delete(f"/api/app-info/{deleted['id']}").expect(204)
    with (
        deployed_with(ENCRYPTION_KEY=NEW_KEY, ENCRYPTION_KEY_PREVIOUS=old_key),
        psycopg.connect(supabase.database_url, autocommit=True) as connection,
    ):
        new = create_secret(owner, "new", product_id=old["product_id"])
        entries = [old["id"], new["id"], deleted["id"]]
        assert [reveal(owner, entry) for entry in (old, new)] == ["older no more", "new"]
        assert count_keys(connection, entries) == 2
        outcome, _ = rotate(connection, LocalRewrapping(NEW_KEY, old_key), OF_APP_INFO, batch_rows=1)
        # What other tests have sealed under keys of their own is left, and is not looked at here.
        assert outcome.rewrapped >= 3
        assert count_keys(connection, entries) == 1
        again = list(rotate(connection, LocalRewrapping(NEW_KEY, old_key), OF_APP_INFO))
        assert [outcome.rewrapped for outcome in again] == [0, 0]
    with deployed_with(ENCRYPTION_KEY=NEW_KEY):
        assert [reveal(owner, entry) for entry in (old, new)] == ["older no more", "new"]
        former = owner.post(f"/api/app-info/{old['id']}/versions/1/reveal").expect(200)
        assert former["value"] == "old"
        shown = owner.post(f"/api/app-info/{old['id']}/reveal?environment=production").expect(200)
        assert shown["value"] == "in production"
        kept = owner.get(f"/api/trash?entity_id={deleted['id']}").expect(200)["items"][0]
        owner.post(f"/api/trash/{kept['id']}/restore", {}).expect(200)
        assert reveal(owner, deleted) == "deleted"
        after = read(owner, old)
    assert (after["version"], after["updated_at"]) == (before["version"], before["updated_at"])
    with (
        deployed_with(ENCRYPTION_KEY=old_key, ENCRYPTION_KEY_PREVIOUS=NEW_KEY),
        psycopg.connect(supabase.database_url, autocommit=True) as connection,
    ):
        # Back again, for the tests beside this one.
        list(rotate(connection, LocalRewrapping(old_key, NEW_KEY), OF_APP_INFO))
        assert [reveal(owner, entry) for entry in (old, new)] == ["older no more", "new"]
