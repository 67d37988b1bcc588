"""Overrides of app info straight at the database: a browser's own, and nobody else's."""

from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from local.supabase import Supabase
from tests.database.actors import Connection, acting_as, one, refusal
from tests.database.rest import REPRESENTATION, RestPerson
from tests.database.secrets import (
    APP_INFO_KEY,
    WRITE,
    changed,
    know_app_info_key,
    make_secret,
    sealed,
    told,
)
from tests.database.world import Person, make_person

Json = dict[str, Any]
UPSERT = {
    "params": {"on_conflict": "user_id,app_info_id,environment"},
    "headers": {"prefer": "return=representation,resolution=merge-duplicates"},
}


@pytest.fixture
def person(database: Connection) -> Person:
    """Somebody with an entry and an override without a value."""
    know_app_info_key(database)
    return make_person(database)


def look(person: RestPerson) -> Json:
    """Their entry with its overrides, as a page reads it."""
    select = "version,environments:app_info_overrides(environment,value,has_value)"
    params = {"id": f"eq.{person.rows['app_info']}", "select": select}
    row: Json
    (row,) = person.client.get("app_info", params=params).raise_for_status().json()
    row["environments"] = {each["environment"]: each["value"] for each in row["environments"]}
    return row


def test_browser_writes_reads_and_deletes_values_for_environments(stranger: RestPerson) -> None:
    client, entry = stranger.client, stranger.rows["app_info"]
    row = {"app_info_id": entry, "environment": "preview", "value": "one"}
    (made,) = client.post("app_info_overrides", json=row, headers=REPRESENTATION).raise_for_status().json()
    assert (made["has_value"], made["is_secret"], made["version"]) == (True, False, 1)
    assert look(stranger) == {"version": 2, "environments": {"preview": "one", "production": None}}
    again = client.post("app_info_overrides", json={**row, "value": "two"}, **UPSERT)  # type: ignore[arg-type]  # of httpx's keywords
    assert [(each["id"], each["value"]) for each in again.raise_for_status().json()] == [(made["id"], "two")]
    one_row = {"id": f"eq.{made['id']}"}
    client.patch("app_info_overrides", params=one_row, json={"value": "three"}).raise_for_status()
    assert look(stranger) == {"version": 4, "environments": {"preview": "three", "production": None}}
    client.delete("app_info_overrides", params=one_row).raise_for_status()
    assert look(stranger) == {"version": 5, "environments": {"production": None}}


@pytest.mark.parametrize(
    "moved", [{"environment": "development"}, {"app_info_id": "another"}], ids=["environment", "entry"]
)
def test_override_that_moves_is_refused(stranger: RestPerson, moved: Json) -> None:
    client = stranger.client
    other = {"product_id": stranger.rows["products"], "key": "OTHER"}
    (another,) = client.post("app_info", json=other, headers=REPRESENTATION).raise_for_status().json()
    change = {name: another["id"] if value == "another" else value for name, value in moved.items()}
    params = {"id": f"eq.{stranger.rows['app_info_overrides']}"}
    answer = client.patch("app_info_overrides", params=params, json=change)
    assert (answer.status_code, answer.json()["hint"]) == (422, "override_place")
    assert look(stranger)["environments"] == {"production": None}


@pytest.mark.parametrize("column", ["user_id", "product_id", "is_secret", "secret_number", "version"])
def test_column_that_the_database_keeps_cannot_be_sent(
    owner: RestPerson, stranger: RestPerson, column: str
) -> None:
    values = {"user_id": str(owner.user.id), "product_id": owner.rows["products"], "is_secret": True}
    row = {"app_info_id": stranger.rows["app_info"], "environment": "preview", column: values.get(column, 7)}
    assert stranger.client.post("app_info_overrides", json=row).json()["code"] == "42501"
    params = {"id": f"eq.{stranger.rows['app_info_overrides']}"}
    change = {column: values.get(column, 7)}
    assert stranger.client.patch("app_info_overrides", params=params, json=change).json()["code"] == "42501"


def test_override_of_anothers_entry_is_refused_as_of_none(
    supabase: Supabase, owner: RestPerson, stranger: RestPerson
) -> None:
    answers = []
    for entry in (owner.rows["app_info"], str(uuid4())):
        for environment in ("preview", "production"):
            row = {"app_info_id": entry, "environment": environment, "value": "theirs"}
            for options in ({}, UPSERT):
                answer = stranger.client.post("app_info_overrides", json=row, **options)  # type: ignore[arg-type]  # of httpx's keywords
                answers.append((answer.status_code, answer.json()))
    assert len({str(answer) for answer in answers}) == 1, answers
    assert answers[0][0] == 404
    with psycopg.connect(supabase.database_url) as connection:
        count = one(
            connection,
            "select count(*) from public.app_info_overrides where app_info_id = %s",
            (owner.rows["app_info"],),
        )
    assert count == 1


def test_value_of_a_secret_is_not_taken_in_the_clear(database: Connection, person: Person) -> None:
    make_secret(database, person)
    insert = "insert into public.app_info_overrides (app_info_id, environment, value)"
    update = "update public.app_info_overrides set value = 'x' where id = %s"
    for statement, table in (
        (f"{insert} values (%s, 'preview', 'x')", "app_info"),
        (update, "app_info_overrides"),
    ):
        refused = refusal(database, person.actor, statement, (person.rows[table],))
        assert refused is not None
        assert refused.constraint_name == "app_info_overrides_value_secret"


def test_entry_that_becomes_secret_past_forum_leaves_no_plain_override(
    database: Connection, person: Person
) -> None:
    """An operator at a prompt is refused, and so is a statement of a function to come."""
    with acting_as(database, person.actor):
        database.execute("update public.app_info_overrides set value = 'plain'")
    with (
        pytest.raises(psycopg.errors.CheckViolation, match="app_info_overrides_value_secret"),
        database.transaction(),
    ):
        database.execute(
            "update public.app_info set is_secret = true, value = null where id = %s",
            (person.rows["app_info"],),
        )
    item = changed(person.rows["app_info"], is_secret=True, sealed=sealed("one"))
    assert told(database, person.actor, WRITE, (Jsonb([item]), APP_INFO_KEY))[3] == "bulk_item"


def test_override_and_entry_are_never_of_two_kinds(database: Connection, person: Person) -> None:
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation, match="app_info_overrides_entry_fkey"),
        database.transaction(),
    ):
        database.execute(
            "update public.app_info_overrides set is_secret = true where id = %s",
            (person.rows["app_info_overrides"],),
        )


def test_sealed_value_for_another_environment_or_number_is_refused(
    database: Connection, person: Person
) -> None:
    make_secret(database, person)
    entry = person.rows["app_info"]
    place = {"product_id": str(person.rows["products"]), "key": "FORECAST_URL", "number": 2}

    def item(**said: Any) -> Json:
        override = {"environment": "preview", "sealed": sealed("two", 2), "place": place | said}
        return changed(entry, overrides=[override])

    for said in ({}, {"environment": "production"}, {"environment": "preview", "number": 3}):
        answer = told(database, person.actor, WRITE, (Jsonb([item(**said)]), APP_INFO_KEY))
        assert '"hint": "app_info_place"' in str(answer[2]), said
    unsealed = changed(entry, overrides=[{"environment": "preview", "sealed": "canary"}])
    answer = told(database, person.actor, WRITE, (Jsonb([unsealed]), APP_INFO_KEY))
    assert '"hint": "sealed"' in str(answer[2])
    assert "canary" not in str(answer)
    right = item(environment="preview")
    assert told(database, person.actor, WRITE, (Jsonb([right]), APP_INFO_KEY)) == ((entry,),)


def test_two_environments_are_set_at_once_and_both_are_kept(stranger: RestPerson) -> None:
    client, entry = stranger.client, stranger.rows["app_info"]
    rows = [{"app_info_id": entry, "environment": name, "value": name} for name in ("development", "preview")]
    client.post("app_info_overrides", json=rows, headers=REPRESENTATION).raise_for_status()
    assert look(stranger)["environments"] == {
        "development": "development",
        "preview": "preview",
        "production": None,
    }
    twice: httpx.Response = client.post("app_info_overrides", json=rows[0])
    assert twice.json()["code"] == "23505"
