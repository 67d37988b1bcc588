"""Values of app info for environments: written, shown, sealed, revealed, taken back, and lost on no way."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from local.supabase import Supabase
from tests.functions.conftest import Client, in_own_loop
from tests.functions.events import Answer
from tests.functions.limits import save_limits
from tests.functions.secret_entries import (
    CANARY,
    create_secret,
    everything_stored,
    history,
    read,
    reveals,
)
from tests.functions.test_app_info_versions import restore, reveal_version, versions
from tests.functions.test_secrets_in_place import select_sealed
from tests.functions.test_secrets_racing import WRITE, meanwhile

Json = dict[str, Any]
ENVIRONMENTS = ("development", "preview", "production")


def put(client: Client, entry: Json, environment: str, value: str | None, **headers: str) -> Answer:
    """The answer to a value for an environment."""
    path = f"/api/app-info/{entry['id']}/environments/{environment}"
    return client.request("PUT", path, {"value": value}, headers=headers)


def take_away(client: Client, entry: Json, environment: str, **headers: str) -> Answer:
    """The answer to an environment that is to have no value of its own."""
    return client.delete(f"/api/app-info/{entry['id']}/environments/{environment}", headers=headers)


def reveal_in(client: Client, entry: Json, environment: str) -> tuple[str | None, str | None]:
    """What an entry holds in an environment, and whose value that is."""
    shown = client.post(f"/api/app-info/{entry['id']}/reveal?environment={environment}").expect(200)
    return shown["value"], shown["environment"]


def values(entry: Json) -> dict[str, str | None]:
    """The values for environments that an answer shows."""
    return {each["environment"]: each["value"] for each in entry["environments"]}


def create_plain(client: Client, value: str | None = "base") -> Json:
    """An entry that is no secret, in a product of its own."""
    return client.create_app_info(client.create_product()["id"], value=value)


def with_environments(client: Client, entry: Json, **held: str) -> Json:
    """An entry after it has got these values."""
    for environment, value in held.items():
        entry = put(client, entry, environment, value).expect(200)
    return entry


Create = Callable[[Client, str | None], Json]
either_kind = pytest.mark.parametrize("create", [create_secret, create_plain])


def test_value_for_an_environment_stands_beside_the_entrys_own_in_every_answer(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    entry = create_plain(owner)
    assert entry["environments"] == []
    answer = put(owner, entry, "production", "prod")
    first = answer.expect(200)
    assert (first["value"], values(first), first["version"]) == ("base", {"production": "prod"}, 2)
    assert answer.headers["etag"] == '"2"'
    (shown,) = first["environments"]
    assert (shown["has_value"], shown["value_changed_at"]) == (True, first["updated_at"])
    second = put(owner, entry, "development", "dev").expect(200)
    assert list(values(second)) == ["development", "production"]
    supabase_requests.clear()
    (listed,) = owner.get(f"/api/app-info?product_id={entry['product_id']}").expect(200)["items"]
    detail = read(owner, entry)
    (nested,) = owner.get(f"/api/products/{entry['product_id']}").expect(200)["app_info"]
    assert len(supabase_requests) == 3
    assert listed["environments"] == detail["environments"] == nested["environments"]
    assert detail["environments"] == second["environments"]
    changed = owner.patch(f"/api/app-info/{entry['id']}", {"description": "What for"}).expect(200)
    assert changed["environments"] == second["environments"]
    items = {"items": [{"id": entry["id"], "description": "Else"}]}
    (of_bulk,) = owner.patch("/api/app-info/bulk", items).expect(200)["items"]
    assert of_bulk["environments"] == second["environments"]


@either_kind
def test_value_that_is_no_other_changes_a_plain_entry_not_at_all(owner: Client, create: Create) -> None:
    entry = with_environments(owner, create(owner, "base"), preview="same")
    again = put(owner, entry, "preview", "same").expect(200)
    # Of a secret nobody is told.
    assert again["version"] == entry["version"] + entry["is_secret"]


@either_kind
def test_version_is_the_entrys(owner: Client, create: Create) -> None:
    entry = create(owner, "base")
    put(owner, entry, "preview", "mine", **{"if-match": '"1"'}).expect(200)
    stale = [
        put(owner, entry, "preview", "stale", **{"if-match": '"1"'}),
        take_away(owner, entry, "preview", **{"if-match": '"1"'}),
        owner.patch(f"/api/app-info/{entry['id']}", {"value": "stale"}, headers={"if-match": '"1"'}),
    ]
    for answer in stale:
        current = answer.expect_problem(412, "version-mismatch")["current"]
        assert current["version"] == 2
        assert values(current) == {"preview": None if entry["is_secret"] else "mine"}
    assert reveal_in(owner, entry, "preview") == ("mine", "preview")
    take_away(owner, entry, "preview", **{"if-match": '"2"'}).expect(204)
    assert (read(owner, entry)["version"], values(read(owner, entry))) == (3, {})


def test_value_that_is_not_there_cannot_be_taken_away(owner: Client, stranger: Client) -> None:
    entry = with_environments(owner, create_plain(owner), preview="mine")
    for client, missing in ((owner, entry), (stranger, entry), (owner, {"id": str(uuid4())})):
        take_away(client, missing, "production").expect_problem(404, "not-found")
    assert take_away(owner, entry, "staging").status == 422
    assert put(owner, entry, "Production", "x").status == 422
    assert values(read(owner, entry)) == {"preview": "mine"}


def test_entry_of_somebody_else_is_as_good_as_none(owner: Client, stranger: Client) -> None:
    entry = with_environments(owner, create_secret(owner), production=CANARY)
    told = []
    for row_id in (entry["id"], str(uuid4())):
        foreign = {"id": row_id}
        path = f"/api/app-info/{row_id}/reveal?environment=production"
        answers = [put(stranger, foreign, "preview", "x"), take_away(stranger, foreign, "production")]
        told.append(
            [answer.expect_problem(404, "not-found")["detail"] for answer in [*answers, stranger.post(path)]]
        )
    assert told[0] == told[1]
    assert values(read(owner, entry)) == {"production": None}


def test_secret_for_an_environment_is_in_nothing_that_is_stored_and_revealed_on_the_record(
    owner: Client, supabase: Supabase
) -> None:
    entry = with_environments(owner, create_secret(owner, "base"), production=CANARY)
    assert entry["environments"][0]["value"] is None
    assert CANARY not in everything_stored(supabase, entry)
    assert reveal_in(owner, entry, "production") == (CANARY, "production")
    assert reveal_in(owner, entry, "development") == ("base", None)
    told = [changes["value"] for action, changes in history(supabase, entry) if action == "revealed"]
    assert told == [
        {"revealed": True, "number": 2, "environment": "production"},
        {"revealed": True, "number": 1},
    ]
    assert read(owner, entry)["version"] == entry["version"]


def test_environment_may_have_no_value_though_the_entry_has(owner: Client) -> None:
    entry = put(owner, create_plain(owner), "preview", None).expect(200)
    (shown,) = entry["environments"]
    assert (shown["value"], shown["has_value"], shown["value_changed_at"]) == (None, False, None)
    assert reveal_in(owner, entry, "preview") == (None, "preview")


@pytest.mark.parametrize("change", [{"is_secret": True}, {"is_secret": True, "value": CANARY}], ids=str)
def test_turning_secrecy_on_leaves_no_plain_copy(owner: Client, supabase: Supabase, change: Json) -> None:
    entry = create_plain(owner, CANARY)
    for environment in ENVIRONMENTS:
        put(owner, entry, environment, f"{CANARY}-former").expect(200)
        put(owner, entry, environment, f"{CANARY}-{environment}").expect(200)
    take_away(owner, entry, "preview").expect(204)
    assert CANARY in everything_stored(supabase, entry)
    secret = owner.patch(f"/api/app-info/{entry['id']}", change).expect(200)
    assert values(secret) == {"development": None, "production": None}
    assert CANARY not in everything_stored(supabase, entry)
    assert reveal_in(owner, entry, "production") == (f"{CANARY}-production", "production")
    assert reveal_in(owner, entry, "development") == (f"{CANARY}-development", "development")
    assert reveal_in(owner, entry, "preview") == (CANARY, None)
    environments = [
        changes["value"]["environment"]
        for action, changes in history(supabase, entry)
        if action == "updated" and "environment" in changes["value"]
    ]
    assert environments == [*sorted(ENVIRONMENTS * 2, key=ENVIRONMENTS.index), "preview"]


@pytest.mark.parametrize("change", [{"is_secret": False}, {"is_secret": False, "value": "other"}], ids=str)
def test_turning_secrecy_off_shows_every_value_on_the_record(
    owner: Client, supabase: Supabase, change: Json
) -> None:
    entry = with_environments(owner, create_secret(owner, "base"), development="dev", production="prod")
    before = select_sealed(supabase, entry)
    plain = owner.patch(f"/api/app-info/{entry['id']}", change).expect(200)
    assert values(plain) == {"development": "dev", "production": "prod"}
    own = [] if "value" in change else [1]
    assert sorted(reveals(supabase, entry)) == [*own, 2, 3]
    # What was sealed stays among the former values and is nobody's current one.
    with psycopg.connect(supabase.database_url) as connection:
        numbers = connection.execute(
            "select secret_number from public.app_info_overrides where app_info_id = %s", (entry["id"],)
        ).fetchall()
    assert numbers == [(None,), (None,)]
    assert [version["number"] for version in versions(owner, entry)] == sorted(before, reverse=True)


def test_secrecy_on_off_and_on_again_gives_no_number_twice(owner: Client, supabase: Supabase) -> None:
    entry = with_environments(owner, create_plain(owner), preview="one")
    for is_secret in (True, False, True):
        owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": is_secret}).expect(200)
    put(owner, entry, "preview", "two").expect(200)
    assert reveal_in(owner, entry, "preview") == ("two", "preview")
    assert sorted(select_sealed(supabase, entry)) == [1, 2, 3, 4, 5]


def test_many_entries_are_not_shown_at_once(owner: Client, supabase: Supabase) -> None:
    entry = with_environments(owner, create_secret(owner, "base"), preview="one")
    items = {"items": [{"id": entry["id"], "is_secret": False, "value": "other"}]}
    owner.patch("/api/app-info/bulk", items).expect_problem(409, "reveal-one-at-a-time")
    assert reveals(supabase, entry) == []
    sealed = owner.patch("/api/app-info/bulk", {"items": [{"id": entry["id"], "value": "new"}]}).expect(200)
    assert values(sealed["items"][0]) == {"preview": None}
    plain = with_environments(owner, create_plain(owner), preview="one")
    items = {"items": [{"id": plain["id"], "is_secret": True}]}
    assert values(owner.patch("/api/app-info/bulk", items).expect(200)["items"][0]) == {"preview": None}
    assert reveal_in(owner, plain, "preview") == ("one", "preview")


SET = "update public.app_info_overrides set value = %s where app_info_id = %s"
ADD = """
insert into public.app_info_overrides (user_id, app_info_id, environment, value)
select user_id, id, 'production', %s from public.app_info where id = %s
"""
REMOVE = "delete from public.app_info_overrides where %s::text is not null and app_info_id = %s"


@pytest.mark.parametrize("statement", [SET, ADD, REMOVE], ids=["changed", "added", "removed"])
@pytest.mark.parametrize("change", [{"is_secret": True}, {"is_secret": True, "value": "new"}], ids=str)
def test_value_that_changes_while_its_entry_becomes_secret_is_not_lost(
    owner: Client, supabase: Supabase, statement: str, change: Json
) -> None:
    entry = with_environments(owner, create_plain(owner, "old"), preview="one")
    with meanwhile(supabase, *WRITE, statement, "meanwhile", entry["id"]):
        answer = owner.patch(f"/api/app-info/{entry['id']}", change)
    current = answer.expect_problem(412, "version-mismatch")["current"]
    assert (current["is_secret"], current["value"]) == (False, "old")
    assert values(current) == values(read(owner, entry))
    assert ("meanwhile" in values(current).values()) == (statement is not REMOVE)


def test_first_value_that_comes_while_its_entry_becomes_secret_is_not_left_plain(
    owner: Client, supabase: Supabase
) -> None:
    """An entry without overrides is sealed without a look at its version; the database looks itself."""
    entry = create_plain(owner, "old")
    with meanwhile(supabase, *WRITE, ADD, CANARY, entry["id"]):
        answer = owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": True, "value": "new"})
    answer.expect_problem(409, "secrecy-changed")
    now = read(owner, entry)
    assert (now["is_secret"], now["value"], values(now)) == (False, "old", {"production": CANARY})


MAKE_SECRET = (
    "update public.app_info set is_secret = true, value = null where %s::text is not null and id = %s"
)


def test_plain_value_for_an_entry_that_has_become_secret_is_refused(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_plain(owner, "old")
    with meanwhile(supabase, *WRITE, MAKE_SECRET, "", entry["id"]):
        answer = put(owner, entry, "production", CANARY)
    answer.expect_problem(409, "secrecy-changed")
    assert CANARY not in everything_stored(supabase, entry)
    assert values(put(owner, entry, "production", CANARY).expect(200)) == {"production": None}


def test_secret_that_was_sealed_for_a_number_that_is_taken_is_sealed_anew(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "one")
    owner.patch(f"/api/app-info/{entry['id']}", {"value": None}).expect(200)
    put(owner, entry, "preview", CANARY).expect(200)
    assert reveal_in(owner, entry, "preview") == (CANARY, "preview")
    assert sorted(select_sealed(supabase, entry)) == [1, 2]


def test_entry_that_is_renamed_and_moved_keeps_its_values(owner: Client) -> None:
    for entry in (create_secret(owner, "base"), create_plain(owner)):
        with_environments(owner, entry, development="dev", production="prod")
        moved = {"key": f"MOVED_{uuid4().hex}", "product_id": owner.create_product()["id"]}
        after = owner.patch(f"/api/app-info/{entry['id']}", moved).expect(200)
        assert list(values(after)) == ["development", "production"]
        assert [reveal_in(owner, entry, name)[0] for name in ENVIRONMENTS] == ["dev", "base", "prod"]
        assert values(read(owner, entry)) == values(after)


@either_kind
def test_former_value_comes_back_where_it_was(owner: Client, create: Create) -> None:
    entry = with_environments(owner, create(owner, "base"), preview="one")
    put(owner, entry, "preview", "two").expect(200)
    take_away(owner, entry, "preview").expect(204)
    former = versions(owner, entry)
    assert [version["environment"] for version in former] == ["preview", "preview"]
    numbers = [version["number"] for version in former]
    assert [reveal_version(owner, entry, number) for number in numbers] == ["two", "one"]
    back = restore(owner, entry, numbers[1])
    assert list(values(back)) == ["preview"]
    assert reveal_in(owner, entry, "preview") == ("one", "preview")
    assert reveal_in(owner, entry, "production") == ("base", None)


def test_twenty_former_values_are_kept_and_none_that_counts_goes(owner: Client, supabase: Supabase) -> None:
    entry = with_environments(owner, create_secret(owner, "base"), production="prod")
    for number in range(25):
        put(owner, entry, "preview", f"{number}").expect(200)
    assert len(versions(owner, entry)) == 20
    assert [reveal_in(owner, entry, name)[0] for name in ENVIRONMENTS] == ["base", "24", "prod"]
    assert len(select_sealed(supabase, entry)) == 23


@either_kind
def test_entry_comes_out_of_the_trash_with_its_values(
    owner: Client, supabase: Supabase, create: Create
) -> None:
    entry = with_environments(owner, create(owner, "base"), development="dev", production="prod")
    put(owner, entry, "production", "prod-2").expect(200)
    before = read(owner, entry)
    lines = len(history(supabase, entry))
    owner.delete(f"/api/app-info/{entry['id']}").expect(204)
    (kept,) = owner.get(f"/api/trash?entity_id={entry['id']}").expect(200)["items"]
    assert kept["counts"] == {"app_info": 1}
    restored = owner.post(f"/api/trash/{kept['id']}/restore", {"on_conflict": "fail"}).expect(200)
    assert restored == {"restored": {"app_info": 1}, "skipped": []}
    after = read(owner, entry)
    assert after["environments"] == before["environments"]
    assert after["version"] == before["version"] + 1
    assert [reveal_in(owner, entry, name)[0] for name in ENVIRONMENTS] == ["dev", "base", "prod-2"]
    assert [action for action, _ in history(supabase, entry)][lines : lines + 2] == ["deleted", "restored"]
    assert len(versions(owner, entry)) == 1
    with psycopg.connect(supabase.database_url) as connection:
        left = connection.execute(
            "select count(*) from private.trash_rows where entity_id = %s", (entry["id"],)
        ).fetchone()
    assert left == (0,)


def test_plain_values_of_a_deleted_entry_go_when_its_key_becomes_a_secret(
    owner: Client, supabase: Supabase
) -> None:
    entry = with_environments(owner, create_plain(owner, CANARY), production=CANARY)
    put(owner, entry, "production", f"{CANARY}-2").expect(200)
    owner.delete(f"/api/app-info/{entry['id']}").expect(204)
    assert CANARY in everything_stored(supabase, entry)
    create_secret(owner, CANARY, product_id=entry["product_id"], key=entry["key"])
    assert CANARY not in everything_stored(supabase, entry)


EXCHANGE_SEALED = """
update private.app_info_values as one set sealed = other.sealed
from private.app_info_values as other
where one.app_info_id = %(id)s and other.app_info_id = %(id)s
  and one.environment = 'development' and other.environment = 'production'
"""
CALL_IT_PRODUCTION = """
update private.app_info_values set environment = 'production'
where app_info_id = %(id)s and environment = 'development'
"""
TAKE_ITS_NUMBER = """
update public.app_info_overrides as one set secret_number = other.secret_number
from public.app_info_overrides as other
where one.app_info_id = %(id)s and other.app_info_id = %(id)s
  and one.environment = 'production' and other.environment = 'development'
"""
TAKE_FOR_THE_ENTRYS_OWN = """
update public.app_info as entry set secret_number = other.secret_number
from public.app_info_overrides as other
where entry.id = %(id)s and other.app_info_id = %(id)s and other.environment = 'production'
"""


@pytest.mark.parametrize(
    ("attack", "environment"),
    [
        ([EXCHANGE_SEALED], "development"),
        ([CALL_IT_PRODUCTION, TAKE_ITS_NUMBER], "production"),
        ([TAKE_FOR_THE_ENTRYS_OWN], "preview"),
    ],
    ids=["values exchanged", "another environment's number", "the entry's own"],
)
def test_value_of_one_environment_does_not_open_as_anothers(
    owner: Client, supabase: Supabase, attack: list[str], environment: str
) -> None:
    entry = with_environments(
        owner, create_secret(owner, "base"), development="canary-1", production="canary-2"
    )
    with psycopg.connect(supabase.database_url) as connection:
        for table in ("app_info", "app_info_overrides"):
            connection.execute(f"alter table public.{table} disable trigger user".encode())
        for statement in attack:
            connection.execute(statement.encode(), {"id": entry["id"]})
        for table in ("app_info", "app_info_overrides"):
            connection.execute(f"alter table public.{table} enable trigger user".encode())
    answer = owner.post(f"/api/app-info/{entry['id']}/reveal?environment={environment}")
    answer.expect_problem(503, "secret-unreadable")
    assert "canary" not in answer.text
    path = f"/api/app-info/export?product_id={entry['product_id']}"
    exported = owner.get(f"{path}&include_secrets=true&environment={environment}")
    exported.expect_problem(503, "secret-unreadable")


def test_token_sees_and_does_what_its_grants_say(owner: Client, supabase: Supabase) -> None:
    plain = with_environments(owner, create_plain(owner), production="prod")
    product = {"product_id": plain["product_id"]}
    secret = with_environments(owner, create_secret(owner, **product), production=CANARY)
    reader, writer = owner.create_token(), owner.create_token("keys", **product)
    elsewhere = owner.create_token("keys", "reveal", product_id=owner.create_product()["id"])
    listed = reader.get("/api/app-info").expect(200)["items"]
    assert {entry["id"]: values(entry) for entry in listed} == {
        plain["id"]: {"production": "prod"},
        secret["id"]: {"production": None},
    }
    for answer in (put(reader, plain, "preview", "x"), take_away(reader, plain, "production")):
        assert answer.expect_problem(403, "token-scope")["required"] == "keys"
    for client in (reader, writer):
        shown = client.post(f"/api/app-info/{secret['id']}/reveal?environment=production")
        assert shown.expect_problem(403, "token-scope")["required"] == "reveal"
    put(writer, secret, "preview", "new").expect(200)
    put(writer, plain, "preview", "new").expect(200)
    take_away(writer, plain, "preview").expect(204)
    for change in ({"is_secret": False}, {"is_secret": False, "value": "other"}):
        refused = writer.patch(f"/api/app-info/{secret['id']}", change)
        assert refused.expect_problem(403, "token-scope")["required"] == "reveal"
    for answer in (put(elsewhere, plain, "preview", "x"), take_away(elsewhere, plain, "production")):
        answer.expect_problem(404, "not-found")
    path = f"/api/app-info/{secret['id']}/reveal?environment=production"
    elsewhere.post(path).expect_problem(404, "not-found")
    assert reveals(supabase, secret) == []
    assert reveal_in(owner.create_token("reveal", **product), secret, "production")[0] == CANARY


@pytest.fixture
def two_entries(supabase: Supabase) -> Iterator[None]:
    """An account may hold two entries of app info."""
    save_limits(supabase, app_info=2)
    yield
    save_limits(supabase)


@pytest.mark.usefixtures("two_entries")
def test_value_for_an_environment_counts_as_an_entry(owner: Client) -> None:
    entry = create_plain(owner)
    put(owner, entry, "preview", "one").expect(200)
    put(owner, entry, "preview", "two").expect(200)
    refused = put(owner, entry, "production", "one").expect_problem(403, "account-limit")
    assert (refused["limit"], refused["most"]) == ("app_info", 2)
    body = {"product_id": entry["product_id"], "key": "SECRET", "value": "x", "is_secret": True}
    owner.post("/api/app-info", body).expect_problem(403, "account-limit")
    take_away(owner, entry, "preview").expect(204)
    put(owner, entry, "production", "one").expect(200)
    usage = owner.get("/api/account").expect(200)["usage"]
    assert usage["app_info"] == 2


def test_history_says_in_words_which_environment(owner: Client) -> None:
    entry = with_environments(owner, create_plain(owner), production="prod")
    take_away(owner, entry, "production").expect(204)
    put(owner, entry, "preview", "one").expect(200)
    owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": True}).expect(200)
    reveal_in(owner, entry, "preview")
    lines = owner.get(f"/api/activity?entity_id={entry['id']}").expect(200)["items"]
    subject = f"app info “{entry['key']}”"
    assert [line["summary"] for line in lines] == [
        f"Revealed the preview value of {subject}",
        f"Changed the secret and value of {subject}",
        f"Changed the preview value of {subject}",
        f"Removed the production value of {subject}",
        f"Changed the production value of {subject}",
        f"Created {subject}",
    ]


def test_long_value_is_cut_in_a_list(owner: Client) -> None:
    entry = with_environments(owner, create_plain(owner), production="x" * 1_001, preview="y" * 1_000)
    (listed,) = owner.get(f"/api/app-info?product_id={entry['product_id']}").expect(200)["items"]
    preview, production = listed["environments"]
    assert (preview["value"], "value_truncated" in preview) == ("y" * 1_000, False)
    assert (production["value"], production["value_truncated"]) == ("x" * 1_000, True)
    assert values(read(owner, entry))["production"] == "x" * 1_001


def test_deleted_account_leaves_no_value(owner: Client, supabase: Supabase) -> None:
    assert owner.user is not None
    with_environments(owner, create_secret(owner), production=CANARY)
    with_environments(owner, create_plain(owner), production=CANARY)
    left = """
        select count(*) from (
          select user_id from public.app_info_overrides
          union all select user_id from private.app_info_values
          union all select user_id from private.trash_rows
        ) as held where user_id = %s
    """
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute("delete from auth.users where id = %s", (owner.user.id,))
        assert connection.execute(left, (owner.user.id,)).fetchone() == (0,)


def test_secrecy_that_turns_while_a_browser_writes_leaves_no_plain_value(
    owner: Client, supabase: Supabase
) -> None:
    """Whoever comes second finds what the first has left, or is refused: each statement as a whole."""
    assert owner.user is not None
    entry = with_environments(owner, create_plain(owner, CANARY), production=CANARY, preview=CANARY)
    headers = {"apikey": supabase.anon_key, "authorization": f"Bearer {owner.user.access_token}"}
    path = f"/api/app-info/{entry['id']}"

    def turn(number: int) -> int:
        return in_own_loop(lambda: owner.patch(path, {"is_secret": number % 2 == 0})).status

    def write(number: int) -> int:
        query = {"app_info_id": f"eq.{entry['id']}", "environment": "eq.preview"}
        body = {"value": f"{CANARY}-{number}"}
        url = f"{supabase.url}/rest/v1/app_info_overrides"
        return httpx.patch(url, params=query, json=body, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(2) as pool:
        written = pool.map(write, range(20))
        turned = list(pool.map(turn, range(20)))
        told = {*written}
    assert 200 in turned
    # Refused as a secret's, or 500 of a deadlock, which PostgREST has no status for.
    assert {*turned} <= {200, 409, 412, 503}, turned
    assert told <= {200, 204, 400, 500}, told
    owner.patch(path, {"is_secret": True}).expect(200)
    assert CANARY not in everything_stored(supabase, entry)
    assert {reveal_in(owner, entry, name)[0] or "" for name in ENVIRONMENTS} >= {CANARY}
