"""`forum next`: the wheel against the running stack."""

import json

import httpx
import psycopg
import pytest

from local.supabase import User
from tests.front_door.terminal import Terminal, create, sign_in_by_mail
from tests.local.dev_process import Dev


@pytest.fixture
def busy(person: httpx.Client, product: str) -> str:
    """The id of a product with work under way, work to do and a pinned document."""
    items = [
        create(person, "/api/work", product_id=product, title=title, priority=priority)
        for title, priority in (("Later", 4), ("Now", 1), ("Soon", 2), ("Some day", 0), ("Under way", 3))
    ]
    person.post(f"/api/work/{items[-1]['id']}/status", json={"status": "in_progress"}).raise_for_status()
    create(person, "/api/docs", product_id=product, title="Plan of the year", content="# P", is_pinned=True)
    return product


def test_next_shows_the_note_and_the_most_urgent_work(linked: Terminal, busy: str) -> None:
    assert linked.succeed("next", "Finish", "the", "harbour") == "Atlas: Finish the harbour\n"
    lines = [line.split() for line in linked.succeed("next").splitlines()]
    assert lines[0] == ["Atlas"]
    assert lines[1][:4] == ["Next", "Finish", "the", "harbour"]
    assert [line[-2:] for line in lines if "Doing" in line] == [["way", "[medium]"]]
    assert [line[-2] for line in lines[3:6]] == ["Now", "Soon", "Later"]
    assert lines[6] == ["and", "1", "more"]
    assert lines[7][-4:] == ["Plan", "of", "the", "year"]
    assert linked.read_json("next")["products"][0]["id"] == busy


def test_next_names_the_keys_that_are_to_be_renewed(
    linked: Terminal, person: httpx.Client, product: str
) -> None:
    key = {"product_id": product, "value": "x"}
    create(person, "/api/app-info", **key, key="OLD", expires_at="2020-01-31T00:00:00Z", is_secret=True)
    rotated = create(person, "/api/app-info", **key, key="WEEKLY", rotate_every="P7D")
    create(person, "/api/app-info", **key, key="LASTING", expires_at="9999-01-01T00:00:00Z")
    shown = linked.succeed("next")
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "Keys OLD expires 2020-01-31" in lines
    assert f"WEEKLY is to be rotated {rotated['rotation_due_at'][:10]}" in lines
    assert "LASTING" not in shown


def test_note_is_taken_away_when_it_is_done(linked: Terminal, person: httpx.Client, product: str) -> None:
    linked.succeed("next", "Finish")
    linked.succeed("next", "--clear")
    assert person.get(f"/api/products/{product}").json()["next_note"] is None
    assert linked.run("next", "--clear", "Finish").returncode == 2
    assert linked.run("next", "--all", "Finish").returncode == 2


def test_next_of_all_products_and_of_one_that_is_named(
    terminal: Terminal, api_url: str, person: httpx.Client, product: str
) -> None:
    create(person, "/api/products", name="Other")
    token = create(person, "/api/tokens", name="All", grants=["work"])["token"]
    terminal.environment |= {"FORUM_TOKEN": token, "FORUM_API": api_url}

    def list_names(*arguments: str) -> set[str]:
        return {found["name"] for found in terminal.read_json(*arguments)["products"]}

    assert list_names("next") == {"Atlas", "Other"}
    terminal.succeed("link", product)
    assert list_names("next") == {"Atlas"}
    assert list_names("next", "--all") == {"Atlas", "Other"}
    assert list_names("--product", "Other", "next") == {"Other"}


def test_note_of_others_does_not_steer_the_terminal(
    linked: Terminal, person: httpx.Client, product: str
) -> None:
    note = "\x1b]0;pwned\x07 two\nlines"
    person.patch(f"/api/products/{product}", json={"next_note": note}).raise_for_status()
    shown = linked.succeed("next")
    assert "\x1b" not in shown
    assert "two lines" in shown


def test_token_without_work_writes_no_note(
    linked: Terminal, person: httpx.Client, product: str, api_url: str
) -> None:
    reader = create(person, "/api/tokens", name="Reader", product_id=product)["token"]
    linked.environment |= {"FORUM_TOKEN": reader, "FORUM_API": api_url}
    ended = linked.run("next", "Mine")
    assert ended.returncode == 1
    assert "work" in ended.stderr
    assert linked.read_json("next")["products"][0]["next_note"] is None


# The account ------------------------------------------------------------------------------------------------


def make_trouble(dev: Dev, user: User, person: httpx.Client, product: str) -> None:
    """An account with a connection, a failed re-sync, a token and a deletion that end."""
    create(person, "/api/tokens", name="CI of Atlas", expires_in_days=3)
    document = create(person, "/api/docs", product_id=product, title="Old plan", content="")
    person.delete(f"/api/docs/{document['id']}").raise_for_status()
    with psycopg.connect(dev.environment["DATABASE_URL"]) as connection:
        ends = "update public.trash set expires_at = now() + interval '30 hours' where user_id = %s"
        connection.execute(ends, [user.id])
        connection.execute(
            "insert into private.github_connections"
            " (user_id, github_user_id, github_login, token_kind, sealed_token, state, last_error)"
            " values (%s, 1, 'octocat', 'other', '{}', 'needs_reauth', 'bad_credentials')",
            [user.id],
        )
        connection.execute(
            "insert into public.github_runs (user_id, connection_id, trigger, state, error, ended_at)"
            " values (%s, gen_random_uuid(), 'schedule', 'failed', 'rate_limited', now())",
            [user.id],
        )


def test_next_with_the_account_says_what_is_wrong_with_it_and_what_ends(
    dev: Dev, linked: Terminal, user: User, person: httpx.Client, product: str
) -> None:
    make_trouble(dev, user, person, product)
    ended = sign_in_by_mail(dev, linked, user, "next", "--account")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.split("\nAccount\n")[1].splitlines()
    assert lines[0] == "  GitHub  connected as octocat, connect it anew, then bad_credentials"
    assert lines[1].startswith("  Failed  the re-sync of 2")
    assert lines[1].endswith(": rate_limited")
    assert " CI of Atlas ends on 2" in lines[2]
    assert " Old plan goes on 2" in lines[3]
    assert len(lines) == 4
    shown = sign_in_by_mail(dev, linked, user, "next", "--account", "--json")
    assert json.loads(shown.stdout)["account"]["failed_run"]["error"] == "rate_limited"


def test_next_says_that_its_own_token_ends_and_nothing_else_of_the_account(
    dev: Dev, linked: Terminal, user: User, person: httpx.Client, product: str
) -> None:
    make_trouble(dev, user, person, product)
    ended = linked.run("next")
    assert "Account" not in ended.stdout
    assert ended.stderr == ""
    soon = create(person, "/api/tokens", name="Soon", product_id=product, expires_in_days=3)
    linked.environment |= {"FORUM_TOKEN": soon["token"], "FORUM_API": dev.environment["API_URL"]}
    assert linked.run("next").stderr == f"Your token ends on {soon['expires_at'][:10]}: forum login\n"


@pytest.mark.parametrize("options", [("--account",), ("--email", "you@example.com")])
def test_note_needs_no_account(linked: Terminal, options: tuple[str, ...]) -> None:
    ended = linked.run("next", *options, "Finish")
    assert (ended.returncode, "without --all and --account" in ended.stderr) == (2, True)
