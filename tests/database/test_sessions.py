"""Whose token counts as a person, and which sessions are shown secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest

from local.postgres import Postgres
from local.supabase import Supabase
from shared.auth.sign_in import is_anonymous
from tests.database.actors import Connection, acting_as, person, refusal
from tests.database.rest import RestPerson, rest_client
from tests.database.secrets import APP_INFO_KEY, REVEAL, calls, know_app_info_key, make_secret
from tests.database.world import READABLE, Person, make_person

CLIENT = "9a55c1f1-3b1c-4f0e-9a51-6d5c9b7a1f10"
BEGUN_BY_A_CLIENT = [
    {"method": "totp", "timestamp": 2},
    {"method": "oauth_provider/authorization_code", "timestamp": 1},
]
"""Where GoTrue says how a session began: what is left of the client in a token of after its second factor."""
CALLS = ["write", "reveal", "export", "compare"]


@pytest.fixture
def keeper(database: Connection) -> Person:
    """Somebody with a secret entry, and a session whose id is the account's."""
    know_app_info_key(database)
    somebody = make_person(database)
    make_secret(database, somebody)
    return somebody


def claims_of(project: Supabase, owner: RestPerson, **claims: Any) -> str:
    """A token of the owner's that claims something more."""
    usual = {"iss": project.issuer, "aud": "authenticated", "role": "authenticated", "exp": 2**31}
    return project.sign({**usual, "sub": str(owner.user.id), **claims})


@pytest.mark.parametrize(
    ("claims", "hint"),
    [
        ({"client_id": CLIENT}, "oauth_client"),
        ({"client_id": CLIENT, "scope": "openid email"}, "oauth_client"),
        ({"client_id": None}, "oauth_client"),
        ({"aal": "aal2", "amr": BEGUN_BY_A_CLIENT}, "oauth_client"),
        ({"amr": ["oauth_provider/authorization_code"]}, "oauth_client"),
        ({"is_anonymous": True}, "anonymous_sign_in"),
        ({"is_anonymous": "true"}, "anonymous_sign_in"),
        ({"is_anonymous": 1}, "anonymous_sign_in"),
    ],
    ids=str,
)
def test_token_that_is_no_persons_is_refused_at_every_door_of_the_database(
    supabase: Supabase, owner: RestPerson, claims: dict[str, Any], hint: str
) -> None:
    with rest_client(supabase, claims_of(supabase, owner, **claims)) as client:
        answers = [client.get(table) for table in READABLE]
        answers += [
            client.post("products", json={"name": "Other"}),
            client.patch("products", json={"name": "Other"}),
            client.delete("products"),
            client.get("rpc/list_app_info_versions", params={"entry_id": owner.rows["app_info"]}),
            client.post("rpc/get_github_connection"),
            client.post("rpc/create_products", json={"items": [{"name": "Other"}]}),
            client.get(""),
        ]
    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert {answer.json()["hint"] for answer in answers} == {hint}
    for usual in (
        {"is_anonymous": False},
        {
            "amr": [{"method": "oauth", "timestamp": 1}],
            "user_metadata": {"is": "oauth_provider/authorization_code"},
        },
    ):
        with rest_client(supabase, claims_of(supabase, owner, **usual)) as client:
            assert [row["name"] for row in client.get("products").json()] == ["Havørn"]


@pytest.mark.parametrize("claim", [False, None, True, "false", 0, [], {}], ids=repr)
def test_claim_of_being_anonymous_means_the_same_at_both_doors(database: Connection, claim: object) -> None:
    with acting_as(database, person(uuid4(), is_anonymous=claim)):
        counts = database.execute("select private.is_session()").fetchone()
    assert counts == (not is_anonymous({"is_anonymous": claim}),)


def test_key_of_a_persons_request_is_not_told_to_who_is_no_person(
    database: Connection, keeper: Person
) -> None:
    """The claim of a key is looked at before the rules of the row are."""
    database.execute("""select set_config('request.headers', '{"idempotency-key": "k"}', true)""")
    insert: LiteralString = "insert into public.products (name) values ('Other')"
    with acting_as(database, keeper.actor):
        database.execute(insert)
    for more in ({"client_id": CLIENT}, {"is_anonymous": True}):
        refused = refusal(database, person(keeper.id, **more), insert)
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("42501", None)


def test_anonymous_user_is_let_in_where_the_setting_says_so(supabase: Supabase, owner: RestPerson) -> None:
    with (
        settings(supabase, allow_anonymous_sign_ins=True),
        rest_client(supabase, claims_of(supabase, owner, is_anonymous=True)) as client,
    ):
        assert len(client.get("products").raise_for_status().json()) == 1
    with rest_client(supabase, claims_of(supabase, owner, is_anonymous=True)) as client:
        assert client.get("products").status_code == 401


@contextmanager
def settings(project: Supabase, **values: Any) -> Iterator[None]:
    """A deployment with these settings."""
    with psycopg.connect(project.database_url, autocommit=True) as connection:
        save(connection, **values)
        try:
            yield
        finally:
            save(connection)


def save(connection: Connection, **values: Any) -> None:
    """As a deployment does, the other settings at their defaults."""
    defaults = {"allow_anonymous_sign_ins": False, "second_factor": "enrolled", "sign_in_minutes": None}
    connection.execute(
        "select private.save_settings(%(allow_anonymous_sign_ins)s, %(second_factor)s, %(sign_in_minutes)s)",
        {**defaults, **values},
    )


@pytest.mark.parametrize(
    "values",
    [
        {"second_factor": "sometimes"},
        {"second_factor": None},
        {"allow_anonymous_sign_ins": None},
        {"sign_in_minutes": 0},
    ],
    ids=str,
)
def test_setting_that_no_function_knows_is_refused(database: Connection, values: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.IntegrityError):
        save(database, **values)


def test_second_row_of_settings_is_refused(database: Connection) -> None:
    for single in (True, False):
        with pytest.raises(psycopg.errors.IntegrityError), database.transaction():
            database.execute("insert into private.settings (single) values (%s)", (single,))


@pytest.mark.parametrize(
    "ending",
    [
        "delete from auth.sessions where user_id = %s",
        "update auth.sessions set not_after = now() where user_id = %s",
        "update auth.users set banned_until = now() + interval '1 hour' where id = %s",
        "update auth.users set banned_until = 'infinity' where id = %s",
        "update auth.users set deleted_at = now() where id = %s",
    ],
    ids=["signed out", "timed out", "banned", "banned for ever", "deleted"],
)
@pytest.mark.parametrize("call", CALLS)
def test_token_whose_session_has_ended_is_shown_no_secret(
    database: Connection, keeper: Person, call: str, ending: LiteralString
) -> None:
    statement, parameters = calls(keeper)[call]
    assert refusal(database, keeper.actor, statement, parameters) is None
    database.execute(ending, (keeper.id,))
    refused = refusal(database, keeper.actor, statement, parameters)
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT401", "session_ended")


@pytest.mark.parametrize("call", CALLS)
def test_token_without_a_session_of_its_own_is_shown_no_secret(
    database: Connection, keeper: Person, call: str
) -> None:
    other = make_person(database)
    statement, parameters = calls(keeper)[call]
    for session_id in (None, "", "x", str(uuid4()), str(other.id), [str(keeper.id)], 7):
        refused = refusal(database, person(keeper.id, session_id=session_id), statement, parameters)
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("PT401", "session_ended")


def test_ban_and_time_out_that_do_not_hold_now_change_nothing(database: Connection, keeper: Person) -> None:
    database.execute(
        "update auth.users set banned_until = now() - interval '1 second' where id = %s", (keeper.id,)
    )
    database.execute(
        "update auth.sessions set not_after = now() + interval '1 hour' where user_id = %s", (keeper.id,)
    )
    assert why_not(database, keeper) is None


@pytest.mark.parametrize("call", CALLS)
def test_token_of_an_oauth_client_is_shown_no_secret_where_no_pre_request_is_called(
    database: Connection, keeper: Person, call: str
) -> None:
    statement, parameters = calls(keeper)[call]
    for claims in ({"client_id": CLIENT}, {"amr": BEGUN_BY_A_CLIENT}):
        refused = refusal(database, person(keeper.id, **claims), statement, parameters)
        assert refused is not None
        assert refused.sqlstate == "PT401"


@pytest.mark.parametrize("call", CALLS)
def test_session_of_an_oauth_client_is_shown_no_secret_whatever_its_token_says(
    database: Connection, keeper: Person, call: str
) -> None:
    """A project's hook may take the claims away, and verifying a second factor takes the client's."""
    statement, parameters = calls(keeper)[call]
    client = "update auth.sessions set oauth_client_id = %s, aal = 'aal2' where user_id = %s"
    database.execute(client, (CLIENT, keeper.id))
    refused = refusal(database, person(keeper.id, aal="aal2"), statement, parameters)
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT401", "session_ended")


def test_session_is_shown_its_secrets_where_supabase_auth_knows_no_clients(postgres: Postgres) -> None:
    """Before September 2025 its table has no such column."""
    with psycopg.connect(postgres.superuser_url) as connection:
        know_app_info_key(connection)
        keeper = make_keeper(connection)
        connection.execute("alter table auth.sessions drop column oauth_client_id")
        assert why_not(connection, keeper) is None
        connection.rollback()


def why_not(connection: Connection, keeper: Person, **claims: Any) -> tuple[str | None, str | None] | None:
    """Why somebody is not shown their secret; None if they are."""
    parameters = (keeper.rows["app_info"], None, APP_INFO_KEY)
    refused = refusal(connection, person(keeper.id, **claims), REVEAL, parameters)
    return None if refused is None else (refused.sqlstate, refused.message_hint)


MISSING_FACTOR = ("PT403", "second_factor_required")


def enrol(connection: Connection, somebody: Person, status: str = "verified") -> None:
    """A second factor of the account."""
    connection.execute(
        "insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at)"
        " values (gen_random_uuid(), %s, 'totp', %s, now(), now())",
        (somebody.id, status),
    )


def raise_level(connection: Connection, somebody: Person, level: str = "aal2") -> None:
    """What GoTrue writes when the second factor is verified."""
    connection.execute("update auth.sessions set aal = %s where user_id = %s", (level, somebody.id))


def test_account_with_a_second_factor_is_shown_secrets_after_it_alone(
    database: Connection, keeper: Person
) -> None:
    enrol(database, keeper, "unverified")
    assert why_not(database, keeper) is None
    enrol(database, keeper)
    assert why_not(database, keeper) == MISSING_FACTOR
    # A token of before the second step, and one of a session that has lost its factor.
    assert why_not(database, keeper, aal="aal2") == MISSING_FACTOR
    raise_level(database, keeper)
    for level in ("aal1", None, "", ["aal2"], "AAL2"):
        assert why_not(database, keeper, aal=level) == MISSING_FACTOR
    assert why_not(database, keeper, aal="aal2") is None
    # Another account's factor is not this one's.
    assert why_not(database, make_keeper(database)) is None


def make_keeper(connection: Connection) -> Person:
    """Somebody else with a secret."""
    somebody = make_person(connection)
    make_secret(connection, somebody)
    return somebody


def test_second_factor_is_asked_for_as_the_setting_says(database: Connection, keeper: Person) -> None:
    save(database, second_factor="always")
    assert why_not(database, keeper) == MISSING_FACTOR
    enrol(database, keeper)
    save(database, second_factor="never")
    assert why_not(database, keeper) is None


def test_sign_in_has_to_be_as_recent_as_the_setting_says(database: Connection, keeper: Person) -> None:
    database.execute(
        "update auth.sessions set created_at = now() - interval '60 minutes', refreshed_at = now()"
        " where user_id = %s",
        (keeper.id,),
    )
    assert why_not(database, keeper) is None
    save(database, sign_in_minutes=60)
    assert why_not(database, keeper) is None
    save(database, sign_in_minutes=59)
    assert why_not(database, keeper) == ("PT403", "recent_sign_in_required")


def test_no_client_changes_or_reads_the_settings(database: Connection, keeper: Person) -> None:
    for statement in (
        "select private.save_settings(true, 'never', null)",
        "select allow_anonymous_sign_ins from private.settings",
        "update private.settings set second_factor = 'never'",
    ):
        refused = refusal(database, keeper.actor, statement)
        assert refused is not None
        assert refused.sqlstate == "42501"


def test_claims_of_a_session_are_those_of_the_token_and_not_of_an_argument(
    database: Connection, keeper: Person
) -> None:
    other = make_person(database)
    with acting_as(database, other.actor):
        assert database.execute("select count(*) from public.app_info").fetchone() == (1,)
    assert why_not(database, Person(other.id, keeper.rows)) == ("PT404", "app_info")
