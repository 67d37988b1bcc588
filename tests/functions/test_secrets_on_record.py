"""Each way out of a secret is counted, and recorded with the session and the address that asked."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest

from local.supabase import Supabase
from tests.functions.conftest import HANDLERS, Client
from tests.functions.events import Answer, make_event
from tests.functions.resources import Resource, every_resource
from tests.functions.secret_entries import create_secret, deployed_with, forget_settings
from tests.functions.test_app_info_versions import change

Json = dict[str, Any]
# The address of every event of these tests.
ADDRESS = "203.0.113.7"


def count_shown(capsys: pytest.CaptureFixture[str]) -> float:
    """How many secrets the metric says were shown since the last look."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return sum(float(number) for line in lines for number in line.get("Reveals", []))


def look_up_reveals(supabase: Supabase, entry: Json) -> list[tuple[str | None, str | None]]:
    """The session and the address of each reveal of an entry."""
    with psycopg.connect(supabase.database_url) as connection:
        return connection.execute(
            "select session_id::text, host(source_address) from public.activity"
            " where entity_id = %s and action = 'revealed' order by created_at",
            (entry["id"],),
        ).fetchall()


def get_session(client: Client) -> str:
    """The session of a person's token."""
    assert client.token is not None
    session: str = jwt.decode(client.token, options={"verify_signature": False})["session_id"]
    return session


Act = Callable[[Client, Json], Answer]

SHOWN: dict[str, tuple[Act, int]] = {
    "reveal": (lambda client, entry: client.post(f"/api/app-info/{entry['id']}/reveal"), 1),
    "reveal of a former value": (
        lambda client, entry: client.post(f"/api/app-info/{entry['id']}/versions/1/reveal"),
        1,
    ),
    "export": (
        lambda client, entry: client.get(
            f"/api/app-info/export?product_id={entry['product_id']}&include_secrets=true&format=json"
        ),
        3,
    ),
    "turning it plain": (
        lambda client, entry: client.patch(f"/api/app-info/{entry['id']}", {"is_secret": False}),
        1,
    ),
}
HIDDEN: dict[str, Act] = {
    "read": lambda client, entry: client.get(f"/api/app-info/{entry['id']}"),
    "export without secrets": lambda client, entry: client.get(
        f"/api/app-info/export?product_id={entry['product_id']}"
    ),
    "restore": lambda client, entry: client.post(f"/api/app-info/{entry['id']}/versions/1/restore"),
    "rename": lambda client, entry: client.patch(f"/api/app-info/{entry['id']}", {"key": "RENAMED"}),
    "another value": lambda client, entry: client.patch(f"/api/app-info/{entry['id']}", {"value": "x"}),
    "turning it plain with another value": lambda client, entry: client.patch(
        f"/api/app-info/{entry['id']}", {"is_secret": False, "value": "x"}
    ),
    "export without its body": lambda client, entry: client.head(
        f"/api/app-info/export?product_id={entry['product_id']}&include_secrets=true&format=json"
    ),
    "turning it plain under a key that is taken": lambda client, entry: client.patch(
        f"/api/app-info/{entry['id']}",
        {"is_secret": False, "key": client.create_app_info(entry["product_id"])["key"]},
    ),
    "turning it plain in another product": lambda client, entry: client.patch(
        f"/api/app-info/{entry['id']}", {"is_secret": False, "product_id": str(uuid4())}
    ),
    "list of versions": lambda client, entry: client.get(f"/api/app-info/{entry['id']}/versions"),
}


def create_three(client: Client) -> Json:
    """A secret that has a former value, beside two other ones and a plain entry."""
    entry = create_secret(client, "one")
    change(client, entry, "two")
    for _ in range(2):
        create_secret(client, product_id=entry["product_id"])
    client.create_app_info(entry["product_id"])
    return entry


@pytest.mark.parametrize("act", SHOWN)
def test_way_out_of_a_secret_is_counted_and_recorded_with_its_session_and_address(
    owner: Client, supabase: Supabase, capsys: pytest.CaptureFixture[str], act: str
) -> None:
    entry = create_three(owner)
    perform, number = SHOWN[act]
    count_shown(capsys)
    perform(owner, entry).expect(200)
    assert count_shown(capsys) == number
    assert look_up_reveals(supabase, entry) == [(get_session(owner), ADDRESS)]


@pytest.mark.parametrize("act", HIDDEN)
def test_what_shows_no_secret_is_not_counted_and_not_recorded_as_a_reveal(
    owner: Client, supabase: Supabase, capsys: pytest.CaptureFixture[str], act: str
) -> None:
    entry = create_three(owner)
    count_shown(capsys)
    HIDDEN[act](owner, entry)
    assert count_shown(capsys) == 0
    assert look_up_reveals(supabase, entry) == []


def test_export_without_its_body_says_what_it_would_leave_out(owner: Client) -> None:
    entry = create_three(owner)
    owner.create_app_info(entry["product_id"], key="how to", category="note")
    url = f"/api/app-info/export?product_id={entry['product_id']}&include_secrets=true"
    head = owner.head(url)
    whole = owner.get(url)
    assert (head.status, head.text) == (200, "")
    assert "content-length" not in head.headers
    for name in ("content-type", "cache-control", "forum-left-out", "forum-left-out-count"):
        assert head.headers[name] == whole.headers[name]


def test_secret_that_does_not_open_is_not_turned_plain_and_not_on_the_record(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner)
    with deployed_with(ENCRYPTION_KEY=b64encode(bytes(32)).decode()):
        answer = owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": False})
        answer.expect_problem(503, "secret-unreadable")
    forget_settings()
    assert look_up_reveals(supabase, entry) == []


def test_reveal_of_a_plain_value_and_of_one_that_does_not_open_is_not_counted(
    owner: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = create_secret(owner)
    plain = owner.create_app_info(entry["product_id"])
    count_shown(capsys)
    owner.post(f"/api/app-info/{plain['id']}/reveal").expect(200)
    with deployed_with(ENCRYPTION_KEY=b64encode(bytes(32)).decode()):
        owner.post(f"/api/app-info/{entry['id']}/reveal").expect_problem(503, "secret-unreadable")
    forget_settings()
    assert count_shown(capsys) == 0


# Where it came from


def reveal_from(client: Client, entry: Json, source: Any, **headers: str) -> None:
    """A reveal that API Gateway says comes from there."""
    sent = {"authorization": f"Bearer {client.token}", **headers}
    event = make_event("POST", f"/api/app-info/{entry['id']}/reveal", sent, None)
    event["requestContext"]["http"]["sourceIp"] = source
    answer = HANDLERS["/api/app-info"](event, None)  # type: ignore[arg-type]  # Forum reads nothing of the context
    assert answer["statusCode"] == 200


@pytest.mark.parametrize(
    ("source", "recorded"),
    [
        ("198.51.100.4", "198.51.100.4"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        (None, None),
        ("unknown", None),
        ("10.0.0.1, 10.0.0.2", None),
    ],
)
def test_address_of_a_reveal_is_the_gateways_whatever_the_client_sends(
    owner: Client, supabase: Supabase, source: Any, recorded: str | None
) -> None:
    entry = create_secret(owner)
    forged = {"x-forwarded-for": "192.0.2.66", "forum-source-address": "192.0.2.66"}
    reveal_from(owner, entry, source, **forged)
    assert look_up_reveals(supabase, entry) == [(get_session(owner), recorded)]


def test_browser_names_no_address_and_reads_its_own_record_only(
    owner: Client, stranger: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner)
    reveal_from(owner, entry, ADDRESS)
    headers = {"apikey": supabase.anon_key, "Authorization": f"Bearer {owner.token}"}
    forged = httpx.post(
        f"{supabase.url}/rest/v1/rpc/reveal_app_info",
        json={"entry_id": entry["id"], "value_number": None, "app_info_key": "k" * 43},
        headers={**headers, "Forum-Source-Address": "192.0.2.66"},
    )
    assert forged.status_code == 403
    find = {"select": "session_id,source_address", "entity_id": f"eq.{entry['id']}", "action": "eq.revealed"}
    url = f"{supabase.url}/rest/v1/activity"
    own = httpx.get(url, params=find, headers=headers).json()
    assert own == [{"session_id": get_session(owner), "source_address": ADDRESS}]
    headers["Authorization"] = f"Bearer {stranger.token}"
    assert httpx.get(url, params=find, headers=headers).json() == []


# A limit on what is recorded


def record_reveals(supabase: Supabase, client: Client, number: int, age: str) -> None:
    """Lines of the history that say so many secrets of a person were shown, so long ago."""
    assert client.user is not None
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute(
            "insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, created_at)"
            " select %(id)s, 'person', %(id)s, 'revealed', 'app_info', gen_random_uuid(),"
            " now() - %(age)s::interval from generate_series(1, %(number)s)",
            {"id": client.user.id, "age": age, "number": number},
        )


@pytest.mark.parametrize("act", SHOWN)
def test_secret_beyond_ten_thousand_an_hour_is_429_and_neither_shown_nor_recorded(
    supabase: Supabase, owner: Client, stranger: Client, act: str
) -> None:
    entry, other = create_secret(owner, "s3cr3t"), create_secret(stranger, "t0k3n")
    show, _ = SHOWN[act]
    record_reveals(supabase, owner, 9_999, "59 minutes")
    assert owner.post(f"/api/app-info/{entry['id']}/reveal").status == 200

    refused = show(owner, entry)

    refused.expect_problem(429, "too-many-reveals")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "s3cr3t" not in refused.text
    assert len(look_up_reveals(supabase, entry)) == 1
    assert show(stranger, other).status == 200
    plain = f"/api/app-info/export?product_id={entry['product_id']}"
    assert owner.get(plain).status == 200


def test_secrets_shown_to_an_access_token_count_with_those_shown_to_its_owner(
    supabase: Supabase, owner: Client
) -> None:
    entry = create_secret(owner, "s3cr3t")
    agent = owner.create_token("reveal")
    record_reveals(supabase, owner, 9_999, "59 minutes")
    assert agent.post(f"/api/app-info/{entry['id']}/reveal").status == 200

    for client in (agent, owner):
        refused = client.post(f"/api/app-info/{entry['id']}/reveal")
        refused.expect_problem(429, "too-many-reveals")
        assert "s3cr3t" not in refused.text
    assert len(look_up_reveals(supabase, entry)) == 1


def test_secrets_of_an_hour_ago_are_not_counted(supabase: Supabase, owner: Client) -> None:
    entry = create_secret(owner, "s3cr3t")
    record_reveals(supabase, owner, 10_000, "61 minutes")

    assert owner.post(f"/api/app-info/{entry['id']}/reveal").status == 200


# No cache keeps an answer


@every_resource
def test_answer_about_a_person_is_kept_by_no_cache_and_asked_for_anew_by_its_tag(
    resource: Resource, owner: Client, stranger: Client, anonymous: Client
) -> None:
    url = f"{resource.path}/{resource.create(owner)['id']}"
    detail = owner.get(url)
    answers = [
        detail,
        owner.get(resource.path),
        owner.get(url, headers={"If-None-Match": detail.headers["etag"]}),
        owner.patch(url, resource.changes),
        owner.get(f"{resource.path}?no=such"),
        owner.post(resource.path, raw=b"{"),
        stranger.get(url),
        anonymous.get(url),
        owner.delete(url),
    ]
    assert [answer.status for answer in answers] == [200, 200, 304, 200, 400, 400, 404, 401, 204]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


@pytest.mark.parametrize("path", HANDLERS)
def test_every_function_answers_with_no_store(owner: Client, path: str) -> None:
    url = "/api/github/repos" if path == "/api/github" else path
    assert owner.get(url).headers["cache-control"] == "no-store"
