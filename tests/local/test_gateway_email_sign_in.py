"""Forgotten passwords and codes by mail through /auth/v1; a mail is a line in the log."""

import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from local.gateway import one_time_codes
from local.supabase import SITE_URL, Supabase
from tests.local.gateway_client import fragment_of, query_of, run_gateway
from tests.local.test_gateway_github_sign_in import challenge_of

PAGE = "http://localhost:5173/new-password"
MAIL = re.compile(r"Mail to (\S+), to (reset your password|sign in): (\S+) or the code (\d{6})")


@pytest.fixture(scope="module")
def gateway(supabase: Supabase) -> Iterator[httpx.Client]:
    with run_gateway(supabase) as client:
        yield client


@dataclass(frozen=True)
class Mail:
    address: str
    subject: str
    link: httpx.URL
    digits: str


@dataclass(frozen=True)
class Inbox:
    """What the gateway wrote into its log during the test."""

    caplog: pytest.LogCaptureFixture

    def mails(self) -> list[Mail]:
        found = [MAIL.fullmatch(record.getMessage()) for record in self.caplog.records]
        return [Mail(m[1], m[2], httpx.URL(m[3]), m[4]) for m in found if m is not None]


@pytest.fixture
def inbox(caplog: pytest.LogCaptureFixture) -> Inbox:
    caplog.set_level(logging.INFO, logger="uvicorn.error")
    return Inbox(caplog)


def ask(gateway: httpx.Client, path: str, email: str, **others: object) -> httpx.Response:
    body = {"email": email, **others}
    return gateway.post(f"/auth/v1/{path}", params={"redirect_to": PAGE}, json=body)


def follow(gateway: httpx.Client, mail: Mail) -> httpx.Response:
    return gateway.get(str(mail.link), headers={"apikey": ""})


def user_of(gateway: httpx.Client, access_token: str) -> str:
    answer = gateway.get("/auth/v1/user", headers={"authorization": f"Bearer {access_token}"})
    return str(answer.json()["id"])


def an_address() -> str:
    return f"{uuid4().hex[:12]}@example.com"


def test_a_forgotten_password_is_reset_through_the_link_of_the_mail(
    gateway: httpx.Client, supabase: Supabase, inbox: Inbox
) -> None:
    user = supabase.create_user()
    assert ask(gateway, "recover", user.email.upper()).json() == {}
    [mail] = inbox.mails()
    assert (mail.address, mail.subject) == (user.email, "reset your password")

    answer = follow(gateway, mail)

    assert (answer.status_code, answer.headers["location"].partition("#")[0]) == (303, PAGE)
    session = fragment_of(answer)
    assert session["type"] == "recovery"
    headers = {"authorization": f"Bearer {session['access_token']}"}
    new = {"password": "another-password"}
    assert gateway.put("/auth/v1/user", json=new, headers=headers).status_code == 200
    body = {"email": user.email, **new}
    assert gateway.post("/auth/v1/token?grant_type=password", json=body).status_code == 200


def test_a_link_that_was_asked_for_with_a_challenge_ends_with_a_code(
    gateway: httpx.Client, supabase: Supabase, inbox: Inbox
) -> None:
    user, verifier = supabase.create_user(), secrets.token_urlsafe(48)
    challenge = {"code_challenge": challenge_of(verifier), "code_challenge_method": "s256"}
    ask(gateway, "recover", user.email, **challenge)
    [mail] = inbox.mails()
    assert mail.link.params["token"].startswith("pkce_")

    body = {"auth_code": query_of(follow(gateway, mail))["code"], "code_verifier": verifier}
    session = gateway.post("/auth/v1/token?grant_type=pkce", json=body).raise_for_status().json()

    assert session["user"]["id"] == str(user.id)


def test_recovery_of_an_unknown_address_answers_alike_and_sends_nothing(
    gateway: httpx.Client, inbox: Inbox
) -> None:
    answer = ask(gateway, "recover", an_address())

    assert (answer.status_code, answer.json(), inbox.mails()) == (200, {}, [])


@pytest.mark.parametrize("path", ["recover", "otp"])
def test_a_wrong_challenge_is_refused_alike_for_a_known_and_an_unknown_address(
    gateway: httpx.Client, supabase: Supabase, inbox: Inbox, path: str
) -> None:
    unknown = an_address()

    answers = [
        ask(gateway, path, each, code_challenge="x") for each in (supabase.create_user().email, unknown)
    ]

    assert {answer.status_code for answer in answers} == {400}
    assert answers[0].json() == answers[1].json()
    assert inbox.mails() == []
    supabase.create_user(unknown)


def test_a_code_signs_in_whoever_types_it(gateway: httpx.Client, supabase: Supabase, inbox: Inbox) -> None:
    user = supabase.create_user()
    ask(gateway, "otp", user.email)
    [mail] = inbox.mails()

    body = {"type": "email", "email": user.email, "token": mail.digits}
    answer = gateway.post("/auth/v1/verify", json=body)

    assert user_of(gateway, answer.raise_for_status().json()["access_token"]) == str(user.id)


def test_a_code_for_an_unknown_address_makes_an_account(gateway: httpx.Client, inbox: Inbox) -> None:
    email = an_address()
    ask(gateway, "otp", email, data={"name": "Ada"})
    [mail] = inbox.mails()

    body = {"type": "magiclink", "token_hash": mail.link.params["token"]}
    user = gateway.post("/auth/v1/verify", json=body).raise_for_status().json()["user"]

    assert (user["email"], user["user_metadata"]["name"]) == (email, "Ada")


def test_a_code_for_an_unknown_address_makes_no_account_where_the_client_says_so(
    gateway: httpx.Client, inbox: Inbox
) -> None:
    answer = ask(gateway, "otp", an_address(), create_user=False)

    assert (answer.status_code, answer.json()["error_code"]) == (422, "otp_disabled")
    assert inbox.mails() == []


def test_a_code_and_its_link_are_good_once(gateway: httpx.Client, supabase: Supabase, inbox: Inbox) -> None:
    ask(gateway, "otp", supabase.create_user().email)
    [mail] = inbox.mails()
    assert "access_token" in fragment_of(follow(gateway, mail))

    again = follow(gateway, mail)

    assert fragment_of(again)["error_code"] == "otp_expired"
    body = {"type": "email", "email": mail.address, "token": mail.digits}
    typed = gateway.post("/auth/v1/verify", json=body)
    assert (typed.status_code, typed.json()["error_code"]) == (403, "otp_expired")


def test_a_new_code_ends_the_last_one(gateway: httpx.Client, supabase: Supabase, inbox: Inbox) -> None:
    email = supabase.create_user().email
    ask(gateway, "otp", email)
    ask(gateway, "recover", email)
    first, second = inbox.mails()

    assert fragment_of(follow(gateway, first))["error_code"] == "otp_expired"
    assert fragment_of(follow(gateway, second))["type"] == "recovery"


def test_a_code_after_its_hour_is_refused(
    gateway: httpx.Client, supabase: Supabase, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_time_codes, "LIFETIME_SECONDS", -1)
    ask(gateway, "otp", supabase.create_user().email)
    [mail] = inbox.mails()

    assert fragment_of(follow(gateway, mail))["error_code"] == "otp_expired"


def test_a_code_of_another_address_is_refused(
    gateway: httpx.Client, supabase: Supabase, inbox: Inbox
) -> None:
    ask(gateway, "otp", supabase.create_user().email)
    [mail] = inbox.mails()

    body = {"type": "email", "email": supabase.create_user().email, "token": mail.digits}
    answer = gateway.post("/auth/v1/verify", json=body)

    assert (answer.status_code, answer.json()["error_code"]) == (403, "otp_expired")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("recover", {}, 400, "validation_failed"),
        ("recover", {"email": "nobody"}, 400, "validation_failed"),
        ("otp", {}, 400, "validation_failed"),
        ("otp", {"phone": "123"}, 400, "phone_provider_disabled"),
        ("otp", {"email": 1}, 400, "bad_json"),
        ("resend", {"type": "recovery", "email": "a@example.com"}, 400, "validation_failed"),
        ("verify", {}, 400, "validation_failed"),
        ("verify", {"type": "carrier-pigeon", "token_hash": "x"}, 400, "validation_failed"),
        ("verify", {"type": "email"}, 400, "validation_failed"),
        ("verify", {"type": "email", "email": "a@example.com", "token_hash": "x"}, 400, "validation_failed"),
        ("verify", {"type": "email", "token_hash": "x"}, 403, "otp_expired"),
    ],
)
def test_a_bad_body_is_refused(
    gateway: httpx.Client, path: str, body: dict[str, object], status: int, code: str
) -> None:
    answer = gateway.post(f"/auth/v1/{path}", json=body)

    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


def test_a_confirmation_is_never_sent_again_as_all_addresses_are_confirmed(
    gateway: httpx.Client, supabase: Supabase, inbox: Inbox
) -> None:
    answer = ask(gateway, "resend", supabase.create_user().email, type="signup")

    assert (answer.status_code, answer.json(), inbox.mails()) == (200, {}, [])


def test_a_link_with_a_stranger_for_its_page_leads_to_the_site(
    gateway: httpx.Client, supabase: Supabase, inbox: Inbox
) -> None:
    ask(gateway, "otp", supabase.create_user().email)
    [mail] = inbox.mails()

    answer = gateway.get(str(mail.link.copy_set_param("redirect_to", "https://evil.example/")))

    assert answer.headers["location"].startswith(f"{SITE_URL}#access_token=")
