"""What PostgREST says when the database refuses, word for word: shared.database.errors reads it.

None of them repeats a value, and none tells another user's row from a missing one.
"""

from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from local.supabase import Supabase
from tests.database.rest import RestPerson, create, rest_client


def body(
    code: str, message: str, details: str | None = None, hint: str | None = None
) -> dict[str, str | None]:
    """An error as PostgREST puts it."""
    return {"code": code, "message": message, "details": details, "hint": hint}


def violation(table: str, constraint: str) -> str:
    """Postgres' words for a violated check."""
    return f'new row for relation "{table}" violates check constraint "{constraint}"'


def told(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    """Status and body of an answer."""
    return answer.status_code, answer.json()


def test_refused_transition_is_409_and_names_the_allowed_statuses(stranger: RestPerson) -> None:
    query = {"id": f"eq.{stranger.rows['work_items']}"}
    answer = stranger.client.patch("work_items", params=query, json={"status": "done"})
    assert told(answer) == (
        409,
        body("PT409", "work item cannot move from todo to done", "in_progress", "work_item_transition"),
    )
    stranger.client.patch("work_items", params=query, json={"status": "in_progress"}).raise_for_status()
    stranger.client.patch("work_items", params=query, json={"status": "todo"}).raise_for_status()
    stranger.client.patch("work_items", params=query, json={"status": "in_progress"}).raise_for_status()
    stranger.client.patch("work_items", params=query, json={"status": "done"}).raise_for_status()
    answer = stranger.client.patch("work_items", params=query, json={"status": "in_progress"})
    assert told(answer) == (
        409,
        body("PT409", "work item cannot move from done to in_progress", "todo", "work_item_transition"),
    )


def test_work_item_started_as_done_is_409(stranger: RestPerson) -> None:
    row = {"product_id": stranger.rows["products"], "title": "t", "status": "done"}
    assert told(stranger.client.post("work_items", json=row)) == (
        409,
        body("PT409", "work item cannot start as done", "todo", "work_item_transition"),
    )


def test_githubs_columns_changed_by_a_client_are_409_and_named(
    supabase: Supabase, stranger: RestPerson
) -> None:
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute(
            "update public.repositories set github_id = 1, sync_state = 'active' where id = %s",
            (stranger.rows["repositories"],),
        )
    change = {"name": "x", "url": "https://example.com/x", "notes": "mine"}
    answer = stranger.client.patch(
        "repositories", params={"id": f"eq.{stranger.rows['repositories']}"}, json=change
    )
    assert told(answer) == (
        409,
        body(
            "PT409",
            "these columns come from GitHub and change only through import and re-sync",
            "name,url",
            "github_owned_column",
        ),
    )


@pytest.mark.parametrize("table", ["repositories", "work_items", "documents", "app_info"])
def test_missing_product_is_23503_naming_the_key(stranger: RestPerson, table: str) -> None:
    query = {"id": f"eq.{stranger.rows[table]}"}
    answer = stranger.client.patch(table, params=query, json={"product_id": str(uuid4())})
    constraint = f'insert or update on table "{table}" violates foreign key constraint "{table}_product_fkey"'
    details = 'Key is not present in table "products".'
    assert told(answer) == (409, body("23503", constraint, details))


def test_missing_repository_is_23503_naming_the_key(stranger: RestPerson) -> None:
    query = {"id": f"eq.{stranger.rows['documents']}"}
    answer = stranger.client.patch("documents", params=query, json={"repository_id": str(uuid4())})
    constraint = (
        'insert or update on table "documents" violates foreign key constraint "documents_repository_fkey"'
    )
    details = 'Key is not present in table "repositories".'
    assert told(answer) == (409, body("23503", constraint, details))


def test_repository_moved_away_from_what_points_at_it_is_23503(stranger: RestPerson) -> None:
    link = {"repository_id": stranger.rows["repositories"]}
    query = {"id": f"eq.{stranger.rows['work_items']}"}
    stranger.client.patch("work_items", params=query, json=link).raise_for_status()
    other = create(stranger.client, "products", name="Other")
    answer = stranger.client.patch(
        "repositories", params={"id": f"eq.{stranger.rows['repositories']}"}, json={"product_id": other}
    )
    message = (
        'update or delete on table "repositories" violates foreign key constraint'
        ' "work_items_repository_fkey" on table "work_items"'
    )
    details = 'Key is still referenced from table "work_items".'
    assert told(answer) == (409, body("23503", message, details))


def test_key_used_twice_in_a_product_is_23505(stranger: RestPerson) -> None:
    row = {"product_id": stranger.rows["products"], "key": "FORECAST_URL"}
    message = 'duplicate key value violates unique constraint "app_info_product_key_unique"'
    assert told(stranger.client.post("app_info", json=row)) == (409, body("23505", message))


def test_value_outside_a_closed_set_is_23514(stranger: RestPerson) -> None:
    row = {"product_id": stranger.rows["products"], "title": "t", "status": "later"}
    assert told(stranger.client.post("work_items", json=row)) == (
        400,
        body("23514", violation("work_items", "work_items_status_values")),
    )


def test_missing_name_is_23502(stranger: RestPerson) -> None:
    message = 'null value in column "name" of relation "products" violates not-null constraint'
    assert told(stranger.client.post("products", json={})) == (400, body("23502", message))


def test_column_without_a_grant_is_42501(stranger: RestPerson) -> None:
    answer = stranger.client.patch("app_info", json={"is_secret": True})
    assert told(answer) == (403, body("42501", "permission denied for table app_info"))


def test_anonymous_caller_is_401_with_42501(supabase: Supabase) -> None:
    with rest_client(supabase, None) as anonymous:
        answer = anonymous.get("products")
    assert told(answer) == (401, body("42501", "permission denied for table products"))


def test_token_without_a_subject_cannot_create_a_product(supabase: Supabase) -> None:
    token = supabase.sign({"role": "authenticated", "exp": 2**31})
    with rest_client(supabase, token) as nobody:
        answer = nobody.post("products", json={"name": "p"})
    message = 'new row violates row-level security policy for table "products"'
    assert told(answer) == (403, body("42501", message))


def test_subject_that_is_no_uuid_is_22p02(supabase: Supabase) -> None:
    token = supabase.sign({"role": "authenticated", "exp": 2**31, "sub": "somebody"})
    with rest_client(supabase, token) as somebody:
        answer = somebody.get("products")
    # The message repeats the caller's own subject; Forum's functions verify that it is a UUID before.
    assert (answer.status_code, answer.json()["code"]) == (400, "22P02")


def test_account_that_is_gone_is_401(supabase: Supabase) -> None:
    claims = {"aud": "authenticated", "role": "authenticated", "exp": 2**31, "sub": str(uuid4())}
    with rest_client(supabase, supabase.sign(claims)) as gone:
        answer = gone.post("products", json={"name": "p"})
    assert told(answer) == (
        401,
        body("PT401", "the account of this token no longer exists", None, "account_gone"),
    )


def test_nul_in_text_is_22p05(stranger: RestPerson) -> None:
    answer = stranger.client.post("products", content=b'{"name": "a\\u0000b"}')
    assert (answer.status_code, answer.json()["code"]) == (400, "22P05")


@pytest.mark.parametrize(
    ("key", "status", "code", "hint"),
    [(None, 403, "PT403", "import_key"), ("forged" * 8, 403, "PT403", "import_key")],
    ids=["none", "forged"],
)
def test_import_without_the_key_is_403(
    stranger: RestPerson, key: str | None, status: int, code: str, hint: str
) -> None:
    call: dict[str, Any] = {"target_product_id": stranger.rows["products"], "items": [], "import_key": key}
    answer = stranger.client.post("rpc/import_repositories", json=call)
    message = "this is for Forum's functions only"
    assert told(answer) == (status, body(code, message, None, hint))


def test_import_into_a_foreign_product_is_404_like_one_into_a_missing_product(
    supabase: Supabase, owner: RestPerson, stranger: RestPerson
) -> None:
    for product_id in (owner.rows["products"], str(uuid4())):
        call = {"target_product_id": product_id, "items": [], "import_key": supabase.import_key}
        answer = stranger.client.post("rpc/import_repositories", json=call)
        assert told(answer) == (404, body("PT404", "there is no such product", None, "product"))


@pytest.mark.parametrize(
    ("items", "message", "details"),
    [
        ({}, "items must be an array", None),
        ([{}] * 1001, "at most 1000 items can be imported at once", None),
        ([{"github_id": "1"}], "an item has not the shape of a repository", "0/github_id"),
    ],
    ids=["no array", "too many", "wrong type"],
)
def test_import_of_what_is_no_list_of_repositories_is_422(
    supabase: Supabase, stranger: RestPerson, items: object, message: str, details: str | None
) -> None:
    call = {
        "target_product_id": stranger.rows["products"],
        "items": items,
        "import_key": supabase.import_key,
    }
    answer = stranger.client.post("rpc/import_repositories", json=call)
    assert told(answer) == (422, body("PT422", message, details, "items"))
