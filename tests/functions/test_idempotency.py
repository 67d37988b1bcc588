"""Retries: the same Idempotency-Key makes one row and gives one answer."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.postgres import Postgres
from local.supabase import Supabase
from tests.database.actors import acting_as, person
from tests.functions.conftest import Client, in_own_loop
from tests.functions.events import Answer
from tests.functions.resources import Resource, every_resource


def make_body(resource: Resource, owner: Client) -> dict[str, Any]:
    """A body that creates a row of the resource."""
    row = resource.create(owner)
    body = {name: row[name] for name in ("product_id", resource.required) if name in row}
    return body | {resource.required: f"{resource.required}_{uuid4().hex}"}


def post(client: Client, path: str, body: Any, key: str) -> Answer:
    return client.post(path, body, headers={"Idempotency-Key": key})


def count(client: Client, path: str) -> int:
    total: int = client.get(f"{path}?total=true").expect(200)["total"]
    return total


@every_resource
def test_repeat_gets_the_first_result_and_makes_no_row(resource: Resource, owner: Client) -> None:
    body, key = make_body(resource, owner), str(uuid4())
    first = post(owner, resource.path, body, key)
    row = first.expect(201)
    assert "idempotency-replayed" not in first.headers
    before = count(owner, resource.path)
    owner.patch(f"{resource.path}/{row['id']}", resource.changes).expect(200)
    repeat = post(owner, resource.path, dict(reversed(body.items())), key)
    assert repeat.expect(201) == row, "the first result, not the row as it is by now"
    assert repeat.headers["idempotency-replayed"] == "true"
    assert repeat.headers["location"] == first.headers["location"]
    assert repeat.headers["etag"] == first.headers["etag"]
    assert count(owner, resource.path) == before


def test_fingerprint_of_a_request_that_can_hold_no_secret_depends_on_no_key_of_another_function(
    owner: Client, supabase: Supabase
) -> None:
    """APP_INFO_KEY is set here, and is app info's: a change of it changes no retry of another function."""
    key, body = str(uuid4()), {"name": "Atlas"}
    post(owner, "/api/products", body, key).expect(201)
    with psycopg.connect(supabase.database_url) as connection:
        find = "select fingerprint from private.idempotency_keys where key = %s"
        ((stored,),) = connection.execute(find, (key,)).fetchall()
    request = json.dumps(["POST", "/api/products", body], sort_keys=True).encode()
    assert stored == hashlib.sha256(request).hexdigest()


@every_resource
def test_same_key_with_another_body_is_422(resource: Resource, owner: Client) -> None:
    body, key = make_body(resource, owner), str(uuid4())
    post(owner, resource.path, body, key).expect(201)
    before = count(owner, resource.path)
    other = post(owner, resource.path, {**body, resource.required: "another"}, key)
    problem = other.expect_problem(422, "idempotency-key-reuse")
    assert problem["errors"][0]["parameter"] == "Idempotency-Key"
    assert count(owner, resource.path) == before


def test_same_key_for_another_resource_is_422(owner: Client) -> None:
    product = owner.create_product()["id"]
    key = str(uuid4())
    post(owner, "/api/work", {"product_id": product, "title": "x"}, key).expect(201)
    other = post(owner, "/api/docs", {"product_id": product, "title": "x"}, key)
    other.expect_problem(422, "idempotency-key-reuse")
    assert count(owner, "/api/docs") == 0


@every_resource
def test_identical_requests_at_once_make_one_row_and_give_one_answer(
    resource: Resource, owner: Client
) -> None:
    body, key = make_body(resource, owner), str(uuid4())
    before = count(owner, resource.path)
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(in_own_loop, lambda: post(owner, resource.path, body, key)) for _ in range(20)]
        answers = [call.result() for call in calls]
    made = [answer for answer in answers if answer.status == 201]
    for answer in answers:
        if answer.status != 201:
            answer.expect_problem(409, "idempotency-key-in-use")
            assert answer.headers["retry-after"] == "1"
    assert len({answer.text for answer in made}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
    assert post(owner, resource.path, body, key).text == made[0].text
    assert count(owner, resource.path) == before + 1


def test_repeats_of_a_request_under_way_keep_nobody_else_waiting(
    owner: Client, stranger: Client, anonymous: Client, postgres: Postgres
) -> None:
    assert owner.user is not None
    body, key = {"product_id": owner.create_product()["id"], "title": "x"}, str(uuid4())
    with psycopg.connect(postgres.url) as slow, ThreadPoolExecutor(24) as pool:
        slow.execute(
            "select set_config('request.headers', %s, true)", (json.dumps({"idempotency-key": key}),)
        )
        with acting_as(slow, person(owner.user.id)):
            slow.execute(
                "insert into public.work_items (product_id, title) values (%(product_id)s, 'x')", body
            )
        repeats = [pool.submit(in_own_loop, lambda: post(owner, "/api/work", body, key)) for _ in range(24)]
        stranger.create_product()
        anonymous.get("/health").expect(200)
        for repeat in repeats:
            problem = repeat.result()
            problem.expect_problem(409, "idempotency-key-in-use")
            assert problem.headers["retry-after"] == "1"
        slow.rollback()
    post(owner, "/api/work", body, key).expect(201)


def test_key_of_one_person_means_nothing_to_another(owner: Client, stranger: Client) -> None:
    key = str(uuid4())
    mine = post(owner, "/api/products", {"name": "Mine"}, key).expect(201)
    theirs = post(stranger, "/api/products", {"name": "Theirs"}, key).expect(201)
    assert mine["id"] != theirs["id"]
    assert theirs["name"] == "Theirs"


def test_refused_request_leaves_its_key_free(owner: Client) -> None:
    product, key = owner.create_product()["id"], str(uuid4())
    wrong = {"product_id": str(uuid4()), "title": "x"}
    post(owner, "/api/work", wrong, key).expect_problem(409, "reference")
    post(owner, "/api/work", {"product_id": product, "title": ""}, key).expect_problem(422, "invalid")
    answer = post(owner, "/api/work", {"product_id": product, "title": "x"}, key)
    answer.expect(201)
    assert "idempotency-replayed" not in answer.headers


def test_repeat_of_a_unique_key_is_a_replay_and_not_a_conflict(owner: Client) -> None:
    body = {"product_id": owner.create_product()["id"], "key": "PORT", "value": "1"}
    key = str(uuid4())
    first = post(owner, "/api/app-info", body, key).expect(201)
    assert post(owner, "/api/app-info", body, key).expect(201) == first
    owner.post("/api/app-info", body).expect_problem(409, "conflict")


def test_key_is_forgotten_after_a_day(owner: Client, postgres: Postgres) -> None:
    body, key = {"name": "Twice"}, str(uuid4())
    post(owner, "/api/products", body, key).expect(201)
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # triggers keep created_at as it is
        aged = connection.execute(
            "update private.idempotency_keys set created_at = created_at - interval '1 day' where key = %s",
            [key],
        )
        assert aged.rowcount == 1
    answer = post(owner, "/api/products", body, key)
    answer.expect(201)
    assert "idempotency-replayed" not in answer.headers
    assert count(owner, "/api/products") == 2


def test_bulk_repeat_gets_all_rows_of_the_first(owner: Client) -> None:
    body = {"items": [{"name": "one"}, {"name": "two"}, {"name": "three"}]}
    key = str(uuid4())
    first = post(owner, "/api/products/bulk", body, key).expect(201)
    repeat = post(owner, "/api/products/bulk", body, key)
    assert repeat.expect(201) == first
    assert repeat.headers["idempotency-replayed"] == "true"
    assert count(owner, "/api/products") == 3


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "a\tb"])
def test_key_that_is_none_is_422(key: str, owner: Client) -> None:
    problem = post(owner, "/api/products", {"name": "x"}, key).expect_problem(422, "invalid")
    assert problem["errors"][0]["parameter"].lower() == "idempotency-key"
    assert count(owner, "/api/products") == 0


@pytest.mark.parametrize("path", ["/api/products", "/api/products/bulk"])
def test_key_without_a_body_is_422_like_any_missing_body(path: str, owner: Client) -> None:
    problem = owner.post(path, headers={"Idempotency-Key": str(uuid4())}).expect_problem(422, "invalid")
    assert problem["errors"] == [{"detail": "Send a JSON object as the body.", "pointer": ""}]


@pytest.mark.parametrize("is_secret", [False, True])
def test_repeat_gets_long_texts_whole(*, is_secret: bool, owner: Client) -> None:
    product = owner.create_product()["id"]
    bodies = {
        "/api/work": {"product_id": product, "title": "x", "description": "ü" * 5_000},
        "/api/app-info": {
            "product_id": product,
            "key": "K",
            "value": "v" * 5_000,
            "description": "d" * 5_000,
        },
    }
    bodies["/api/app-info"]["is_secret"] = is_secret
    for path, body in bodies.items():
        key = str(uuid4())
        first = post(owner, path, body, key).expect(201)
        assert first["description"] == body["description"]
        assert post(owner, path, body, key).expect(201) == first


def test_request_with_a_new_key_is_one_request_to_supabase(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    post(owner, "/api/products", {"name": "x"}, str(uuid4())).expect(201)
    assert len(supabase_requests) == 1


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["one", "two"])), max_size=8))
def test_any_sequence_of_retries_makes_one_row_for_each_key(
    sent: list[tuple[str, str]], owner: Client
) -> None:
    run = str(uuid4())
    before = count(owner, "/api/products")
    first: dict[str, tuple[str, Any]] = {}
    for key, name in sent:
        answer = post(owner, "/api/products", {"name": name}, f"{run}-{key}")
        if key not in first:
            first[key] = (name, answer.expect(201))
        elif first[key][0] == name:
            assert answer.expect(201) == first[key][1]
        else:
            answer.expect_problem(422, "idempotency-key-reuse")
    assert count(owner, "/api/products") == before + len(first)
