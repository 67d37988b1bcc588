"""Everybody by every operation by every table, straight through PostgREST.

Denial is read from the database afterwards: PostgREST answers 204 to a PATCH that found no row.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from local.supabase import Supabase
from tests.database.behaviour_checks import CLIENT_CHANGES
from tests.database.intended import EXECUTE, GRANTS
from tests.database.rest import MINIMAL, REPRESENTATION, RestPerson, create, rest_client, serialisable
from tests.database.world import CHANGES, DELETABLE, OWNED, READABLE, SAMPLES, rows_of


@pytest.fixture(scope="module")
def outsiders(supabase: Supabase) -> Iterator[dict[str, httpx.Client]]:
    """Those without an account: a token that names nobody, none at all, and the service's."""
    claims = {"aud": "authenticated", "role": "authenticated", "iss": supabase.issuer, "exp": 2**31}
    with (
        rest_client(supabase, supabase.sign(claims)) as nobody,
        rest_client(supabase, None) as anonymous,
        rest_client(supabase, supabase.sign({**claims, "role": "service_role"})) as service,
    ):
        yield {"nobody": nobody, "anonymous": anonymous, "service": service}


@pytest.fixture
def attackers(outsiders: dict[str, httpx.Client], stranger: RestPerson) -> dict[str, httpx.Client]:
    """Everybody through whom the API could be asked, but the owner."""
    return {"stranger": stranger.client, **outsiders}


def everything_of(supabase: Supabase, person: RestPerson) -> dict[str, list[str]]:
    """All that is stored of a person."""
    with psycopg.connect(supabase.database_url) as connection:
        return rows_of(connection, person.user.id)


def this_row(person: RestPerson, table: str) -> dict[str, str]:
    """The query of a request that means one row."""
    return {"id": f"eq.{person.rows[table]}"}


def by_id_and_unfiltered(person: RestPerson, table: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    """The queries and preferences of requests that write: without a filter no select policy is asked."""
    queries: list[dict[str, str]] = [this_row(person, table), {}]
    return [(query, prefer) for query in queries for prefer in (MINIMAL, REPRESENTATION)]


@pytest.mark.parametrize("table", READABLE)
def test_select_by_anybody_else_shows_none_of_the_owners_rows(
    owner: RestPerson, attackers: dict[str, httpx.Client], table: str
) -> None:
    seen = {row["id"] for row in owner.client.get(table, params={"select": "id"}).raise_for_status().json()}
    assert owner.rows[table] in seen
    for name, client in attackers.items():
        for query in ({"select": "*"}, {"select": "*", "id": f"eq.{owner.rows[table]}"}):
            answer = client.get(table, params=query)
            if answer.is_success:
                assert seen.isdisjoint(row["id"] for row in answer.json()), name
            else:
                assert answer.json()["code"] == "42501", name


@pytest.mark.parametrize("table", CLIENT_CHANGES)
def test_update_by_anybody_else_leaves_the_owners_rows(
    supabase: Supabase, owner: RestPerson, attackers: dict[str, httpx.Client], table: str
) -> None:
    before = everything_of(supabase, owner)
    for name, client in attackers.items():
        for query, prefer in by_id_and_unfiltered(owner, table):
            client.patch(table, params=query, json=CHANGES[table], headers=prefer)
            assert everything_of(supabase, owner) == before, name


@pytest.mark.parametrize("table", READABLE)
def test_delete_by_anybody_else_leaves_the_owners_rows(
    supabase: Supabase, owner: RestPerson, attackers: dict[str, httpx.Client], table: str
) -> None:
    before = everything_of(supabase, owner)
    for name, client in attackers.items():
        for query, prefer in by_id_and_unfiltered(owner, table):
            client.delete(table, params=query, headers=prefer)
            assert everything_of(supabase, owner) == before, name


@pytest.mark.parametrize("table", CLIENT_CHANGES)
def test_update_by_the_owner_changes_the_row(stranger: RestPerson, table: str) -> None:
    query = this_row(stranger, table)
    ((name, value),) = CHANGES[table].items()
    for body in ({name: "twice"}, CHANGES[table]):
        answer = stranger.client.patch(table, params=query, json=body, headers=REPRESENTATION)
        answer.raise_for_status()
    (row,) = stranger.client.get(table, params=query).json()
    assert (row[name], row["version"]) == (value, 3)


@pytest.mark.parametrize("table", DELETABLE)
def test_delete_by_the_owner_takes_the_row(supabase: Supabase, stranger: RestPerson, table: str) -> None:
    stranger.client.delete(table, params=this_row(stranger, table)).raise_for_status()
    assert everything_of(supabase, stranger)[table] == []


@pytest.mark.parametrize("table", OWNED)
def test_delete_without_a_filter_takes_all_of_ones_own_rows(
    supabase: Supabase, stranger: RestPerson, table: str
) -> None:
    stranger.client.delete(table).raise_for_status()
    assert everything_of(supabase, stranger)[table] == []


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_activity_written_by_its_owner_is_refused(
    supabase: Supabase, stranger: RestPerson, method: str
) -> None:
    before = everything_of(supabase, stranger)
    body = {"action": "deleted", "entity": "products", "entity_id": str(uuid4()), "actor": "system"}
    answer = stranger.client.request(method, "activity", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "42501")
    assert everything_of(supabase, stranger) == before


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_user_row_made_or_deleted_by_its_owner_is_refused(stranger: RestPerson, method: str) -> None:
    answer = stranger.client.request(method, "users", json={"email": "other@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (403, "42501")


@pytest.mark.parametrize("table", OWNED)
def test_insert_by_anybody_else_makes_nothing_of_the_owners(
    supabase: Supabase, owner: RestPerson, attackers: dict[str, httpx.Client], table: str
) -> None:
    before = everything_of(supabase, owner)
    parent = {} if table == "products" else {"product_id": owner.rows["products"]}
    row = {**SAMPLES[table], **parent, **({"key": "OTHER"} if table == "app_info" else {})}
    for name, client in attackers.items():
        answer = client.post(table, json={**row, "user_id": str(owner.user.id)}, headers=MINIMAL)
        assert answer.json()["code"] == "42501", name
        if parent:
            answer = client.post(table, json=row, headers=MINIMAL)
            assert answer.json()["code"] == ("23503" if name == "stranger" else "42501"), name
        assert everything_of(supabase, owner) == before, name


@pytest.mark.parametrize("table", OWNED)
def test_upsert_over_the_owners_row_is_refused_like_one_over_none(
    supabase: Supabase, owner: RestPerson, stranger: RestPerson, table: str
) -> None:
    before = everything_of(supabase, owner)
    parent = {} if table == "products" else {"product_id": stranger.rows["products"]}
    told = []
    for row_id in (owner.rows[table], str(uuid4())):
        row = {**SAMPLES[table], **CHANGES[table], **parent, "id": row_id}
        for resolution in ("merge-duplicates", "ignore-duplicates"):
            answer = stranger.client.post(table, json=row, headers={"prefer": f"resolution={resolution}"})
            told.append((answer.status_code, answer.json()))
    assert all(each == told[0] for each in told)
    assert told[0][1]["code"] == "42501"
    assert everything_of(supabase, owner) == before


def test_upsert_of_app_info_by_its_key_changes_ones_own_and_never_the_owners(
    supabase: Supabase, owner: RestPerson, stranger: RestPerson
) -> None:
    before = everything_of(supabase, owner)
    merge = {"prefer": "resolution=merge-duplicates,return=representation"}
    query = {"on_conflict": "user_id,product_id,key"}
    row = {**SAMPLES["app_info"], "value": "changed"}
    own = stranger.client.post(
        "app_info", params=query, json={**row, "product_id": stranger.rows["products"]}, headers=merge
    ).raise_for_status()
    assert [(entry["id"], entry["version"]) for entry in own.json()] == [(stranger.rows["app_info"], 2)]
    foreign = stranger.client.post(
        "app_info", params=query, json={**row, "product_id": owner.rows["products"]}, headers=merge
    )
    assert (foreign.status_code, foreign.json()["code"]) == (409, "23503")
    assert everything_of(supabase, owner) == before


@pytest.mark.parametrize("column", ["id", "user_id", "created_at", "updated_at", "version"])
@pytest.mark.parametrize("table", OWNED)
def test_write_of_a_column_that_the_database_owns_is_refused(
    stranger: RestPerson, table: str, column: str
) -> None:
    values: dict[str, Any] = {"id": uuid4(), "user_id": uuid4(), "version": 9}
    forged = serialisable({column: values.get(column, "2001-01-01T00:00:00Z")})
    parent = {} if table == "products" else {"product_id": stranger.rows["products"]}
    for answer in (
        stranger.client.patch(table, json=forged),
        stranger.client.post(table, json={**SAMPLES[table], **parent, **forged}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "42501")


@pytest.mark.parametrize("table", [table for table in OWNED if table != "products"])
def test_move_to_a_foreign_product_is_refused_like_one_to_a_missing_product(
    owner: RestPerson, stranger: RestPerson, table: str
) -> None:
    told = []
    for product_id in (owner.rows["products"], str(uuid4())):
        query = {"id": f"eq.{stranger.rows[table]}"}
        moved = stranger.client.patch(table, params=query, json={"product_id": product_id})
        made = stranger.client.post(table, json={**SAMPLES[table], "product_id": product_id})
        told.append([(answer.status_code, answer.json()) for answer in (moved, made)])
    assert told[0] == told[1]
    for status, body in told[0]:
        assert (status, body["code"]) == (409, "23503")
        assert f'"{table}_product_fkey"' in body["message"]


@pytest.mark.parametrize("table", ["work_items", "documents"])
def test_link_to_a_foreign_repository_is_refused_like_one_to_a_missing_one(
    owner: RestPerson, stranger: RestPerson, table: str
) -> None:
    other = create(stranger.client, "products", name="Other")
    elsewhere = create(stranger.client, "repositories", name="elsewhere", product_id=other)
    told = []
    for repository_id in (owner.rows["repositories"], elsewhere, str(uuid4())):
        query = {"id": f"eq.{stranger.rows[table]}"}
        answer = stranger.client.patch(table, params=query, json={"repository_id": repository_id})
        told.append((answer.status_code, answer.json()))
    assert told == [told[0]] * 3
    assert (told[0][0], told[0][1]["code"]) == (409, "23503")
    assert f'"{table}_repository_fkey"' in told[0][1]["message"]


def test_embedding_shows_a_stranger_nothing_of_the_owners(owner: RestPerson, stranger: RestPerson) -> None:
    select = "id,repositories(id),work_items(id),documents(id),app_info(id),activity:users(activity(id))"
    own = owner.client.get("products", params={"select": select}).raise_for_status().json()
    assert [row["id"] for row in own[0]["repositories"]] == [owner.rows["repositories"]]
    seen = stranger.client.get("products", params={"select": select}).raise_for_status().text
    assert stranger.rows["repositories"] in seen
    assert not any(row_id in seen for row_id in owner.rows.values())


def test_root_of_the_api_lists_what_is_granted_and_nothing_else(stranger: RestPerson) -> None:
    paths = set(stranger.client.get("").raise_for_status().json()["paths"])
    # Computed columns are granted and not listed: their argument is a row, which a call cannot name.
    functions = {
        name.partition("(")[0].removeprefix("public.")
        for name, role in EXECUTE
        if role == "authenticated" and name.startswith("public.") and "(public." not in name
    }
    tables = {
        name.removeprefix("public.")
        for name, role, privilege in GRANTS
        if (role, privilege) == ("authenticated", "SELECT")
    }
    assert paths == {"/", *(f"/{table}" for table in tables), *(f"/rpc/{name}" for name in functions)}


def test_root_of_the_api_lists_only_ping_to_anonymous(outsiders: dict[str, httpx.Client]) -> None:
    assert set(outsiders["anonymous"].get("").raise_for_status().json()["paths"]) == {"/", "/rpc/ping"}


def test_ping_without_a_sign_in_is_answered(supabase: Supabase) -> None:
    with rest_client(supabase, None) as anonymous:
        assert anonymous.get("rpc/ping").raise_for_status().json() == "ok"
