"""Idempotency-Key, straight through PostgREST: what is made once stays made once."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from local.supabase import Supabase
from tests.database.actors import Connection, acting_as, one, person
from tests.database.callers import (
    Caller,
    Json,
    MakeCaller,
    as_owner,
    as_superuser,
    callers_of,
    run_project_on_15,
    sample,
)
from tests.database.world import CHANGES, CHILDREN, OWNED
from tests.patience import PATIENCE_SECONDS

FINGERPRINT = "0123456789abcdef" * 4
KEPT_TABLES = ("private.idempotency_keys", "private.idempotency_rows")


@pytest.fixture(scope="module", params=["17", "15"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supabase]:
    """A Supabase on each major."""
    if request.param == "17":
        running: Supabase = request.getfixturevalue("supabase")
        yield running
        return
    with run_project_on_15(tmp_path_factory.mktemp("postgres-15")) as running:
        yield running


@pytest.fixture
def make_caller(project: Supabase) -> Iterator[MakeCaller]:
    """Makes people."""
    with callers_of(project) as make:
        yield make


@pytest.fixture
def caller(make_caller: MakeCaller) -> Caller:
    """Somebody with nothing in Forum yet."""
    return make_caller()


@pytest.fixture
def product_id(caller: Caller) -> str:
    """A product of the caller."""
    identifier: str = caller.create("products", name="Atlas")["id"]
    return identifier


@pytest.fixture
def key() -> str:
    """A key that nobody has used."""
    return uuid4().hex


def work_item(product_id: str) -> Json:
    """What most of these requests send."""
    return {"product_id": product_id, "title": "Ship it"}


def assert_replay(answer: httpx.Response) -> None:
    """The refusal by which a client knows that its request had been answered."""
    assert answer.status_code == 409
    assert answer.json() == {
        "code": "PT409",
        "message": "this idempotency key was used",
        "details": None,
        "hint": "idempotency_replay",
    }


def kept_of(project: Supabase, user_id: UUID) -> tuple[int, int]:
    """How many claims and how many rows are kept of a user."""
    with as_owner(project) as connection:
        return (
            one(connection, "select count(*) from private.idempotency_keys where user_id = %s", (user_id,)),
            one(connection, "select count(*) from private.idempotency_rows where user_id = %s", (user_id,)),
        )


def age(project: Supabase, user_id: UUID, by: str) -> None:
    """Makes all claims of a user older. As superuser without triggers: created_at is kept otherwise."""
    with as_superuser(project) as connection:
        connection.execute("set local session_replication_role = replica")
        connection.execute(
            "update private.idempotency_keys set created_at = created_at - %s::interval where user_id = %s",
            (by, user_id),
        )


@pytest.mark.parametrize("table", ["products", "work_items"])
def test_twenty_identical_requests_at_once_make_one_row(
    caller: Caller, product_id: str, key: str, table: str
) -> None:
    before = len(caller.rows(table))
    start = Barrier(20)

    def send(_: int) -> httpx.Response:
        start.wait(timeout=PATIENCE_SECONDS)
        return caller.insert(table, sample(table, product_id), idempotency_key=key)

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(send, range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    for answer in answers:
        if answer.status_code == 409 and answer.json()["hint"] != "idempotency_under_way":
            assert_replay(answer)
    (created,) = [answer.json()[0] for answer in answers if answer.status_code == 201]
    assert len(caller.rows(table)) == before + 1
    assert [row["id"] for row in caller.answer(key)[0]["rows"]] == [created["id"]]


def as_kept(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without a text that is too long to be kept twice, and without what is made of their texts."""
    return [{name: row[name] for name in row.keys() - {"content", "search", "terms"}} for row in rows]


@pytest.mark.parametrize("table", OWNED)
def test_answer_is_the_row_as_it_was_created_without_content(
    caller: Caller, product_id: str, key: str, table: str
) -> None:
    headers = {"idempotency_key": key, "idempotency_fingerprint": FINGERPRINT}
    created = caller.insert(table, sample(table, product_id), **headers).raise_for_status().json()
    assert_replay(caller.insert(table, sample(table, product_id), **headers))
    # As it was: neither a change nor a deletion after it is a part of the first answer.
    this_row = {"id": f"eq.{created[0]['id']}"}
    caller.client.patch(table, params=this_row, json=CHANGES[table]).raise_for_status()
    caller.client.delete(table, params=this_row).raise_for_status()
    expected = as_kept(created)
    assert caller.answer(key) == [{"fingerprint": FINGERPRINT, "entity": table, "rows": expected}]
    assert_replay(caller.insert(table, sample(table, product_id), **headers))


def test_several_rows_of_one_request_are_one_claim_in_their_order(
    caller: Caller, product_id: str, key: str
) -> None:
    rows = [{"product_id": product_id, "title": str(number)} for number in range(50)]
    created = caller.insert("work_items", rows, idempotency_key=key).raise_for_status().json()
    assert_replay(caller.insert("work_items", rows, idempotency_key=key))
    assert caller.answer(key) == [{"fingerprint": None, "entity": "work_items", "rows": as_kept(created)}]
    assert kept_of(caller.project, caller.user.id) == (1, 50)


def test_key_means_nothing_to_another_user(make_caller: MakeCaller, key: str) -> None:
    first, second = make_caller(), make_caller()
    made = [person_.insert("products", {"name": "Atlas"}, idempotency_key=key) for person_ in (first, second)]
    assert [answer.status_code for answer in made] == [201, 201]
    for someone, answer in zip((first, second), made, strict=True):
        assert someone.answer(key)[0]["rows"] == as_kept(answer.json())
    assert make_caller().answer(key) == []


def test_key_of_another_table_is_a_replay_too(caller: Caller, product_id: str, key: str) -> None:
    caller.insert("work_items", work_item(product_id), idempotency_key=key).raise_for_status()
    assert_replay(caller.insert("documents", {"product_id": product_id, "title": "x"}, idempotency_key=key))
    assert caller.rows("documents") == []


@contextmanager
def held_insert(caller: Caller, product_id: str, key: str) -> Iterator[Connection]:
    """A request under a key that is still under way."""
    with psycopg.connect(caller.project.database_url) as first:
        headers = json.dumps({"idempotency-key": key})
        first.execute("select set_config('request.headers', %s, true)", (headers,))
        with acting_as(first, person(caller.user.id)):
            first.execute("insert into public.work_items (product_id, title) values (%s, 'x')", (product_id,))
        yield first


def count_waiting(first: Connection, project: Supabase) -> int:
    """How many wait for what a transaction holds."""
    with as_owner(project) as onlooker:
        waiting = "select count(*) from pg_stat_activity where %s = any (pg_blocking_pids(pid))"
        return int(one(onlooker, waiting, (first.info.backend_pid,)))


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_repeats_of_a_request_under_way_are_refused_and_wait_for_nothing(
    make_caller: MakeCaller, caller: Caller, product_id: str, key: str, ending: str
) -> None:
    other = make_caller()
    with held_insert(caller, product_id, key) as first, ThreadPoolExecutor(24) as threads:
        repeats = [
            threads.submit(caller.insert, "work_items", work_item(product_id), idempotency_key=key)
            for _ in range(24)
        ]
        assert other.insert("products", {"name": "Atlas"}, idempotency_key=key).status_code == 201
        refused = [repeat.result() for repeat in repeats]
        # The first is still under way: whoever had waited for it would have no answer.
        assert count_waiting(first, caller.project) == 0
        assert {(answer.status_code, answer.json()["hint"]) for answer in refused} == {
            (409, "idempotency_under_way")
        }
        bulk = caller.bulk("create_work_items", work_item(product_id), idempotency_key=key)
        assert (bulk.status_code, bulk.json()["hint"]) == (409, "idempotency_under_way")
        getattr(first, ending)()
    last = caller.insert("work_items", work_item(product_id), idempotency_key=key)
    if ending == "commit":
        assert_replay(last)
    else:
        assert last.status_code == 201
    assert len(caller.rows("work_items")) == 1


def test_changes_of_a_locked_row_are_refused_while_it_is_locked(
    make_caller: MakeCaller, caller: Caller, product_id: str
) -> None:
    other = make_caller()
    with psycopg.connect(caller.project.database_url) as first, ThreadPoolExecutor(24) as threads:
        first.execute("select from public.products where id = %s for update", (product_id,))
        changes = [
            threads.submit(
                caller.client.patch, "products", params={"id": f"eq.{product_id}"}, json={"icon": str(number)}
            )
            for number in range(24)
        ]
        assert other.insert("products", {"name": "Atlas"}).status_code == 201
        # Answered although the lock is not given up.
        assert {change.result().json()["code"] for change in changes} == {"55P03"}
        first.rollback()
    assert caller.client.patch("products", params={"id": f"eq.{product_id}"}, json={"icon": "x"}).is_success


def test_failed_attempt_leaves_its_key_free(caller: Caller, product_id: str, key: str) -> None:
    wrong = {"product_id": product_id, "title": "", "status": "todo"}
    assert caller.insert("work_items", wrong, idempotency_key=key).json()["code"] == "23514"
    assert caller.answer(key) == []
    assert kept_of(caller.project, caller.user.id) == (0, 0)
    assert caller.insert("work_items", work_item(product_id), idempotency_key=key).status_code == 201
    assert_replay(caller.insert("work_items", work_item(product_id), idempotency_key=key))


def test_replay_is_told_before_a_unique_key(caller: Caller, product_id: str, key: str) -> None:
    entry = {"product_id": product_id, "key": "REGION", "value": "eu"}
    caller.insert("app_info", entry, idempotency_key=key).raise_for_status()
    assert_replay(caller.insert("app_info", entry, idempotency_key=key))
    assert caller.insert("app_info", entry, idempotency_key=f"{key}-2").json()["code"] == "23505"


def test_requests_without_the_header_and_changes_with_it_claim_nothing(
    caller: Caller, product_id: str, key: str
) -> None:
    for table in CHILDREN:
        row = caller.create_sample(table, product_id)
        this_row = {"id": f"eq.{row['id']}"}
        headers = {"idempotency-key": key}
        caller.client.patch(table, params=this_row, json={}, headers=headers).raise_for_status()
        caller.client.delete(table, params=this_row, headers=headers).raise_for_status()
    # The name in a value is not the header.
    tricky = {"x-note": 'say "idempotency-key" twice, "idempotency-key"'}
    caller.insert("work_items", work_item(product_id), **tricky).raise_for_status()
    assert kept_of(caller.project, caller.user.id) == (0, 0)


@pytest.mark.parametrize(
    ("headers", "calls"),
    [
        ({}, {}),
        ({"idempotency-key": "k"}, {"claim_idempotency_key": 1, "record_idempotent_row": 3}),
    ],
)
def test_triggers_are_called_only_with_the_header(
    caller: Caller, product_id: str, headers: dict[str, str], calls: dict[str, int]
) -> None:
    with as_superuser(caller.project) as connection:
        connection.execute("set local track_functions = 'all'")
        connection.execute("select set_config('request.headers', %s, true)", (json.dumps(headers),))
        with acting_as(connection, person(caller.user.id)):
            connection.execute(
                "insert into public.work_items (product_id, title) select %s, 'x' from generate_series(1, 3)",
                (product_id,),
            )
        counted = connection.execute(
            "select funcname, calls from pg_stat_xact_user_functions where funcname like '%idempoten%'"
        )
        assert dict(counted.fetchall()) == calls
        connection.rollback()


def test_key_expires_after_a_day(caller: Caller, product_id: str, key: str) -> None:
    first = caller.insert("work_items", work_item(product_id), idempotency_key=key).json()
    age(caller.project, caller.user.id, "23 hours 59 minutes")
    assert_replay(caller.insert("work_items", work_item(product_id), idempotency_key=key))
    assert caller.answer(key)[0]["rows"] == as_kept(first)
    age(caller.project, caller.user.id, "1 minute")
    assert caller.answer(key) == []
    second = caller.insert("work_items", work_item(product_id), idempotency_key=key)
    assert second.status_code == 201
    assert caller.answer(key)[0]["rows"] == as_kept(second.json())
    assert kept_of(caller.project, caller.user.id) == (1, 1)


def test_expired_key_sent_twenty_times_at_once_makes_one_more_row(
    caller: Caller, product_id: str, key: str
) -> None:
    caller.insert("work_items", work_item(product_id), idempotency_key=key).raise_for_status()
    age(caller.project, caller.user.id, "25 hours")
    start = Barrier(20)

    def send(_: int) -> int:
        start.wait(timeout=PATIENCE_SECONDS)
        answer = caller.insert("work_items", work_item(product_id), idempotency_key=key)
        return answer.status_code

    with ThreadPoolExecutor(20) as threads:
        assert Counter(threads.map(send, range(20))) == {201: 1, 409: 19}
    assert len(caller.rows("work_items")) == 2


def test_claim_takes_a_few_expired_ones_of_anybody_away(make_caller: MakeCaller) -> None:
    idle, busy = make_caller(), make_caller()
    for number in range(12):
        idle.insert("products", {"name": "x"}, idempotency_key=str(number)).raise_for_status()
    # Older than what other tests may have left.
    age(idle.project, idle.user.id, "10 years")
    busy.insert("products", {"name": "x"}, idempotency_key="1").raise_for_status()
    assert kept_of(idle.project, idle.user.id) == (2, 2)
    # A replay takes nothing away, the next claim does.
    assert_replay(busy.insert("products", {"name": "x"}, idempotency_key="1"))
    assert kept_of(idle.project, idle.user.id) == (2, 2)
    busy.insert("products", {"name": "x"}, idempotency_key="2").raise_for_status()
    assert kept_of(idle.project, idle.user.id) == (0, 0)
    assert kept_of(busy.project, busy.user.id) == (2, 2)


def test_deleting_an_account_takes_its_claims_along(caller: Caller, product_id: str, key: str) -> None:
    rows = [work_item(product_id)] * 3
    caller.insert("work_items", rows, idempotency_key=key).raise_for_status()
    assert kept_of(caller.project, caller.user.id) == (1, 3)
    with psycopg.connect(caller.project.postgres.url_of("supabase_auth_admin")) as auth:
        auth.execute("delete from auth.users where id = %s", (caller.user.id,))
    assert kept_of(caller.project, caller.user.id) == (0, 0)
    # The token outlives the account, and the refusal is the same as without a key.
    for table, code in (("products", "PT401"), ("work_items", "23503")):
        answer = caller.insert(table, sample(table, product_id), idempotency_key=key)
        assert answer.json()["code"] == code
    assert kept_of(caller.project, caller.user.id) == (0, 0)


def test_first_product_of_an_account_without_a_users_row_is_claimed(caller: Caller, key: str) -> None:
    with as_owner(caller.project) as connection:
        connection.execute("delete from public.users where id = %s", (caller.user.id,))
    assert caller.insert("products", {"name": "Atlas"}, idempotency_key=key).status_code == 201
    assert_replay(caller.insert("products", {"name": "Atlas"}, idempotency_key=key))
    assert len(caller.rows("products")) == 1


@pytest.mark.parametrize("given", ["k", "k" * 255, "".join(map(chr, range(0x21, 0x7F)))])
def test_key_of_printable_ascii_is_taken(caller: Caller, given: str) -> None:
    assert caller.insert("products", {"name": "Atlas"}, idempotency_key=given).status_code == 201
    assert_replay(caller.insert("products", {"name": "Atlas"}, idempotency_key=given))
    assert caller.answer(given)[0]["entity"] == "products"


@pytest.mark.parametrize(
    ("headers", "hint"),
    [
        ({"idempotency-key": b""}, "idempotency_key"),
        ({"idempotency-key": b"k" * 256}, "idempotency_key"),
        ({"idempotency-key": "n\u00f8kkel".encode()}, "idempotency_key"),
        ({"idempotency-key": b"a\tb"}, "idempotency_key"),
        ({"idempotency-key": b"k", "idempotency-fingerprint": b""}, "idempotency_fingerprint"),
        ({"idempotency-key": b"k", "idempotency-fingerprint": b"F" * 64}, "idempotency_fingerprint"),
    ],
)
def test_other_keys_and_fingerprints_are_refused(
    caller: Caller, headers: dict[str, bytes], hint: str
) -> None:
    # As bytes: httpx would refuse to encode some.
    sent = [(name.encode(), value) for name, value in headers.items()]
    answer = caller.client.post("products", json={"name": "Atlas"}, headers=sent)
    assert (answer.status_code, answer.json()["hint"]) == (422, hint)
    assert caller.rows("products") == []


def test_import_claims_nothing_and_is_not_disturbed(caller: Caller, product_id: str, key: str) -> None:
    item: Json = {"github_id": 1, "node_id": "R_1", "name": "atlas", "full_name": "octo/atlas"}
    item |= {"url": "https://github.com/octo/atlas", "is_private": False, "is_archived": False}
    item |= {"stars_count": 0, "forks_count": 0}
    arguments = {
        "target_product_id": product_id,
        "items": [item],
        "import_key": caller.project.import_key,
    }
    for outcome in ("imported", "unchanged"):
        answer = caller.call("import_repositories", arguments, idempotency_key=key)
        assert [row["outcome"] for row in answer.raise_for_status().json()] == [outcome]
    assert kept_of(caller.project, caller.user.id) == (0, 0)
    assert caller.insert("work_items", work_item(product_id), idempotency_key=key).status_code == 201


def test_operator_and_a_token_without_a_user_claim_nothing(caller: Caller, product_id: str) -> None:
    with as_owner(caller.project) as connection:
        connection.execute("select set_config('request.headers', %s, true)", ('{"idempotency-key": "k"}',))
        insert_for(connection, caller.user.id, product_id)
        insert_for(connection, caller.user.id, product_id)
    assert kept_of(caller.project, caller.user.id) == (0, 0)
    claims = {"aud": "authenticated", "role": "authenticated", "iss": caller.project.issuer, "exp": 2**31}
    nobody = {"authorization": f"Bearer {caller.project.sign(claims)}", "idempotency_key": "k"}
    assert caller.insert("products", {"name": "Atlas"}, **nobody).json()["code"] == "42501"


def insert_for(connection: Connection, user_id: UUID, product_id: str) -> None:
    """A work item of somebody, as an operator makes it."""
    connection.execute(
        "insert into public.work_items (user_id, product_id, title) values (%s, %s, 'x')",
        (user_id, product_id),
    )


def test_value_that_becomes_a_secret_leaves_no_copy(caller: Caller, product_id: str, key: str) -> None:
    entries = [{"product_id": product_id, "key": name, "value": f"plain-{name}"} for name in ("A", "B")]
    created = caller.insert("app_info", entries, idempotency_key=key).raise_for_status().json()
    with as_owner(caller.project) as connection:
        connection.execute(
            "update public.app_info set is_secret = true, value = null where id = %s", (created[0]["id"],)
        )
        for table in KEPT_TABLES:
            ((held,),) = connection.execute(
                psycopg.sql.SQL("select count(*) from {} as kept where kept::text like %s").format(
                    psycopg.sql.Identifier(*table.split("."))
                ),
                ("%plain-A%",),
            )
            assert held == 0
    rows = caller.answer(key)[0]["rows"]
    assert [row["value"] for row in rows] == [None, "plain-B"]


@pytest.mark.parametrize("table", OWNED)
def test_bulk_under_a_key_is_one_claim_with_all_rows(
    caller: Caller, product_id: str, key: str, table: str
) -> None:
    items: list[Any] = [sample(table, product_id) for _ in range(3)]
    if table == "app_info":
        items = [item | {"key": f"K{number}"} for number, item in enumerate(items)]
    created = caller.bulk(f"create_{table}", *items, idempotency_key=key).raise_for_status().json()
    assert_replay(caller.bulk(f"create_{table}", *items, idempotency_key=key))
    expected = as_kept(created)
    assert caller.answer(key) == [{"fingerprint": None, "entity": table, "rows": expected}]
    assert kept_of(caller.project, caller.user.id) == (1, 3)


def test_failed_bulk_leaves_its_key_free(caller: Caller, product_id: str, key: str) -> None:
    items = [work_item(product_id), {**work_item(product_id), "priority": 9}]
    assert caller.bulk("create_work_items", *items, idempotency_key=key).status_code == 400
    assert caller.bulk("create_work_items", *items, 1, idempotency_key=key).status_code == 422
    assert kept_of(caller.project, caller.user.id) == (0, 0)
    assert caller.bulk("create_work_items", items[0], idempotency_key=key).status_code == 200


def test_bulk_with_a_bad_key_is_refused_for_the_key(caller: Caller, product_id: str) -> None:
    answer = caller.bulk("create_work_items", work_item(product_id), idempotency_key="")
    assert (answer.status_code, answer.json()["hint"]) == (422, "idempotency_key")


def test_bulk_update_with_a_key_claims_nothing(caller: Caller, product_id: str, key: str) -> None:
    row = caller.create_sample("work_items", product_id)
    for title in ("one", "two"):
        answer = caller.bulk("update_work_items", {"id": row["id"], "title": title}, idempotency_key=key)
        assert answer.raise_for_status().json()[0]["title"] == title
    assert kept_of(caller.project, caller.user.id) == (0, 0)
