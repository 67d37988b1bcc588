"""`forum next`: the wheel against the running stack."""

import httpx
import pytest

from tests.front_door.terminal import Terminal, create


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
