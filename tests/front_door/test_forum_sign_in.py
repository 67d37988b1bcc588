"""`forum login` in a browser and by mail, `logout` and `tokens`: the wheel against the running stack."""

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local.fake_github import demo_account
from local.supabase import User
from tests.front_door.terminal import OPEN_KEYRING, Terminal, create, sign_in_by_mail
from tests.local.dev_process import Dev
from tests.openapi.upstream import run_broken_supabase

BROWSER = Path(__file__).with_name("browser.py")
# It opens, takes the probe, and fails when there is something to keep.
FULL_KEYRING = (
    OPEN_KEYRING
    + """
    def set_password(self, service, username, password):
        if username != "probe":
            raise RuntimeError("full")
        self.file.write_text(json.dumps({username: password}))
"""
)


def use_browser(terminal: Terminal, login: str) -> None:
    """Have a browser with somebody before it."""
    terminal.environment["BROWSER"] = f"{shlex.join([sys.executable, str(BROWSER), login])} %s"


def count_sessions(dev: Dev, user: User) -> int:
    """How many sign-ins of an account have not ended."""
    with psycopg.connect(dev.environment["DATABASE_URL"]) as connection:
        found = connection.execute("select count(*) from auth.sessions where user_id = %s", [user.id])
        (count,) = found.fetchone() or (-1,)
        return int(count)


def list_working_tokens(person: httpx.Client) -> list[Any]:
    """Those that are not revoked."""
    rows = person.get("/api/tokens").raise_for_status().json()["items"]
    return [row for row in rows if row["revoked_at"] is None]


LOGIN = ("login", "--insecure-storage", "--api")


def test_login_in_a_browser_keeps_a_token_and_no_session(dev: Dev, terminal: Terminal, api_url: str) -> None:
    use_browser(terminal, demo_account().user.login)
    ended = terminal.run(*LOGIN, api_url)
    assert ended.returncode == 0, ended.stderr
    status = terminal.read_json("status")
    assert status["token"]["name"].startswith("forum on ")
    assert sorted(status["token"]["grants"]) == ["docs", "keys", "reveal", "work"]
    assert status["token"]["product_id"] is None
    kept = json.loads(terminal.credentials.read_text())
    assert kept.keys() == {"api", "storage", "token", "token_id"}
    assert kept["token"] not in ended.stdout + ended.stderr
    logs = "".join(path.read_text(errors="replace") for path in (dev.directory / "logs").glob("*.log"))
    assert kept["token"] not in logs


@pytest.mark.parametrize(
    ("login", "said"), [("nobody", "denied your application"), ("forger", "Supabase says")]
)
def test_login_that_ends_without_a_session_keeps_nothing(
    terminal: Terminal, api_url: str, login: str, said: str
) -> None:
    use_browser(terminal, login)
    ended = terminal.run(*LOGIN, api_url)
    assert ended.returncode == 3
    assert said in ended.stderr
    assert not terminal.credentials.exists()


def test_login_by_mail_needs_no_browser_and_leaves_no_session(
    dev: Dev, terminal: Terminal, user: User, person: httpx.Client, product: str
) -> None:
    api_url = dev.environment["API_URL"]
    before = count_sessions(dev, user)
    ended = sign_in_by_mail(
        dev, terminal, user, *LOGIN, api_url, "--grants", "work", "--product", "Atlas", "--json"
    )
    assert ended.returncode == 0, ended.stderr
    (token,) = list_working_tokens(person)
    shown = json.loads(ended.stdout)["token"]
    assert shown["id"] == token["id"]
    assert "token" not in shown
    assert (token["product_id"], token["grants"]) == (product, ["work"])
    assert terminal.read_json("status")["token"]["id"] == token["id"]
    assert count_sessions(dev, user) == before > 0


def test_wrong_code_of_a_mail_signs_nobody_in(
    dev: Dev, terminal: Terminal, api_url: str, user: User, person: httpx.Client
) -> None:
    ended = sign_in_by_mail(dev, terminal, user, *LOGIN, api_url, code="12345")
    assert ended.returncode == 3
    assert "Token has expired or is invalid" in ended.stderr
    assert not terminal.credentials.exists()
    assert list_working_tokens(person) == []


def test_address_without_an_account_gets_no_mail_and_no_account(
    dev: Dev, terminal: Terminal, api_url: str
) -> None:
    ended = terminal.run(*LOGIN, api_url, "--email", "stranger@example.com")
    assert ended.returncode == 1
    assert "Signups not allowed" in ended.stderr
    assert "stranger@example.com" not in (dev.directory / "logs" / "gateway.log").read_text()


def test_next_login_takes_the_place_of_the_last(
    dev: Dev, terminal: Terminal, api_url: str, user: User, person: httpx.Client
) -> None:
    other = create(person, "/api/tokens", name="CI")
    for _ in range(2):
        assert sign_in_by_mail(dev, terminal, user, *LOGIN, api_url).returncode == 0
    kept = json.loads(terminal.credentials.read_text())["token_id"]
    assert {token["id"] for token in list_working_tokens(person)} == {other["id"], kept}
    assert terminal.run("products").returncode == 0


def test_token_that_cannot_be_kept_is_revoked(
    dev: Dev, terminal: Terminal, api_url: str, user: User, person: httpx.Client
) -> None:
    terminal.use_keyring(FULL_KEYRING)
    ended = sign_in_by_mail(dev, terminal, user, "login", "--api", api_url)
    assert ended.returncode == 1
    assert "does not open (RuntimeError)" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list_working_tokens(person) == []


def test_login_to_a_file_leaves_nothing_in_the_keyring(
    terminal: Terminal, api_url: str, person: httpx.Client
) -> None:
    terminal.use_keyring(OPEN_KEYRING)
    token = create(person, "/api/tokens", name="Terminal")["token"]
    terminal.succeed("login", "--token", "--api", api_url, stdin=f"{token}\n")
    terminal.succeed(*LOGIN, api_url, "--token", stdin=f"{token}\n")
    assert json.loads((terminal.home / "kept.json").read_text()) == {}


def test_logout_says_how_to_revoke_and_tokens_does_it(
    dev: Dev, terminal: Terminal, api_url: str, user: User, person: httpx.Client
) -> None:
    assert sign_in_by_mail(dev, terminal, user, *LOGIN, api_url).returncode == 0
    kept = terminal.credentials.read_text()
    told = terminal.succeed("logout")
    assert terminal.run("status").returncode == 3
    (revoke,) = re.findall(r"forum (tokens revoke .*)", told)
    assert len(list_working_tokens(person)) == 1
    assert sign_in_by_mail(dev, terminal, user, *shlex.split(revoke)).returncode == 0
    assert list_working_tokens(person) == []
    terminal.credentials.write_text(kept)
    assert terminal.run("products").returncode == 3


def test_logout_without_a_token_says_so(terminal: Terminal) -> None:
    assert "There was no token" in terminal.succeed("logout")


def test_token_for_an_agent_is_printed_by_itself_and_never_listed(
    dev: Dev, terminal: Terminal, user: User, person: httpx.Client, product: str
) -> None:
    terminal.environment["FORUM_API"] = dev.environment["API_URL"]
    asked = ("tokens", "create", "Agent", "--grants", "work,docs", "--product", product, "--days", "7")
    made = sign_in_by_mail(dev, terminal, user, *asked)
    assert re.fullmatch(r"fmt_\w{82}\n", made.stdout)
    (token,) = list_working_tokens(person)
    assert (token["product_id"], sorted(token["grants"])) == (product, ["docs", "work"])
    listed = sign_in_by_mail(dev, terminal, user, "tokens", "list")
    assert f"{token['id'][:8]}  …{token['hint']}" in listed.stdout
    assert "Agent (read,docs,work)" in listed.stdout
    assert made.stdout.strip() not in listed.stdout
    begins = token["id"][:8]
    assert sign_in_by_mail(dev, terminal, user, "tokens", "revoke", begins).returncode == 0
    assert list_working_tokens(person) == []


def test_unknown_grant_is_wrong_usage_and_sends_no_mail(
    dev: Dev, terminal: Terminal, api_url: str, user: User
) -> None:
    ended = terminal.run(*LOGIN, api_url, "--email", user.email, "--grants", "work,everything")
    assert ended.returncode == 2
    assert "everything is none of work" in ended.stderr
    assert user.email not in (dev.directory / "logs" / "gateway.log").read_text()


def test_token_is_taken_as_it_is(terminal: Terminal, api_url: str) -> None:
    ended = terminal.run(*LOGIN, api_url, "--token", "--grants", "work", stdin="fmt_x\n")
    assert ended.returncode == 2


def test_forum_that_names_a_supabase_without_tls_signs_nobody_in(terminal: Terminal) -> None:
    options = {
        "supabase_url": "http://evil.example",
        "publishable_key": "sb_publishable_x",
        "providers": ["github"],
    }
    use_browser(terminal, "forger")
    with run_broken_supabase() as forum:
        forum.answering = lambda _: (200, options)
        ended = terminal.run(*LOGIN, forum.url)
    assert ended.returncode == 1
    assert "is no address of Forum" in ended.stderr


def test_forum_without_a_sign_in_by_browser_says_which_other_there_is(terminal: Terminal) -> None:
    with run_broken_supabase() as forum:
        options = {"supabase_url": forum.url, "publishable_key": "x", "providers": ["email"]}
        forum.answering = lambda _: (200, options)
        ended = terminal.run(*LOGIN, forum.url)
    assert ended.returncode == 1
    assert "forum login --email" in ended.stderr
