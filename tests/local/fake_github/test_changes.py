"""Whatever changes on GitHub shows at once, and the same way, in REST and in GraphQL."""

import base64
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.fake_github import DEMO_TOKEN, Account, FakeGitHub, Owner, Repository, demo_account
from tests.local.fake_github.queries import ask, from_graphql, from_rest, read_nodes

Change = Callable[[Account, int], object]


def some(fake: FakeGitHub, count: int = 1) -> list[Repository]:
    return [r for r in fake.account.repositories.values() if r.owner is fake.account.user][:count]


def seen(browser: httpx.Client, id_: int, node_id: str) -> dict[str, Any]:
    """What both say of a repository, which must be the same."""
    read = browser.get(f"/repositories/{id_}").json()
    node = read_nodes(browser, [node_id])["data"]["nodes"][0]
    assert from_rest(read) == from_graphql(node)
    return from_rest(read)


def id_by_name(browser: httpx.Client, full_name: str) -> int | None:
    """The number that a name leads to by REST, which GraphQL's answer has to share."""
    response = browser.get(f"/repos/{full_name}", follow_redirects=True)
    owner, name = full_name.split("/")
    found = ask(
        browser,
        "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { databaseId } }",
        owner=owner,
        name=name,
    ).json()["data"]["repository"]
    id_: int | None = response.json()["id"] if response.status_code == 200 else None
    assert id_ == (found and found["databaseId"])
    return id_


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a, id_: a.rename(id_, "renamed"), {"name": "renamed", "full_name": "mira-solberg/renamed"}),
        (
            lambda a, id_: a.transfer(id_, Owner(99, "elsewhere")),
            {"full_name": "elsewhere/harbor-api", "url": "https://github.com/elsewhere/harbor-api"},
        ),
        (lambda a, _: a.rename_owner("mira-solberg", "mira"), {"full_name": "mira/harbor-api"}),
        (lambda a, id_: a.archive(id_), {"archived": True}),
        (lambda a, id_: (a.archive(id_), a.unarchive(id_)), {"archived": False}),
        (lambda a, id_: a.make_private(id_), {"private": True, "visibility": "private"}),
        (lambda a, id_: a.make_internal(id_), {"private": True, "visibility": "internal"}),
        (
            lambda a, id_: (a.make_private(id_), a.make_public(id_)),
            {"private": False, "visibility": "public"},
        ),
        (lambda a, id_: a.star(id_, 31), {"stars": 31}),
        (lambda a, id_: a.age_ids(id_), {"node_id": "MDEwOlJlcG9zaXRvcnk4MjEzMzc3"}),
    ],
)
def test_change_shows_in_both_answers(
    fake: FakeGitHub, browser: httpx.Client, change: Change, expected: dict[str, Any]
) -> None:
    repository = some(fake)[0]
    before = seen(browser, repository.id, repository.node_id)

    change(fake.account, repository.id)

    after = seen(browser, repository.id, repository.node_id)
    assert after | {"updated_at": before["updated_at"]} == before | {"url": after["url"]} | expected


def test_archived_repository_says_since_when(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = some(fake)[0]
    fake.account.archive(repository.id)
    read = browser.get(f"/repositories/{repository.id}").json()
    fake.account.star(repository.id, 3)

    node = read_nodes(browser, [repository.node_id])["data"]["nodes"][0]

    assert node["archivedAt"] == read["updated_at"]


def test_swapped_names_lead_to_the_other_repository(fake: FakeGitHub, browser: httpx.Client) -> None:
    first, second = some(fake, 2)
    names = first.full_name, second.full_name

    fake.account.swap_names(first.id, second.id)

    assert [id_by_name(browser, name) for name in names] == [second.id, first.id]
    assert seen(browser, first.id, first.node_id)["full_name"] == names[1]
    assert seen(browser, second.id, second.node_id)["full_name"] == names[0]


def test_reused_name_leads_to_the_new_repository(fake: FakeGitHub, browser: httpx.Client) -> None:
    old = some(fake)[0]
    name = old.full_name

    new = fake.account.reuse_name(old.id, "moved-away", description="another thing")

    assert new.id not in {old.id, *demo_account().repositories}
    assert browser.get(f"/repos/{name}").json()["id"] == new.id
    assert seen(browser, old.id, old.node_id)["name"] == "moved-away"
    assert seen(browser, new.id, new.node_id)["description"] == "another thing"


def test_recreated_repository_has_a_new_id_and_the_old_one_is_gone(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    old = some(fake)[0]

    new = fake.account.recreate(old.id)

    assert new.full_name == old.full_name
    assert new.id != old.id
    assert browser.get(f"/repositories/{old.id}").status_code == 404
    content = read_nodes(browser, [old.node_id, new.node_id])
    assert [node and node["nameWithOwner"] for node in content["data"]["nodes"]] == [None, new.full_name]


def test_number_of_a_deleted_repository_is_never_given_again(fake: FakeGitHub) -> None:
    first = fake.account.create("first")
    fake.account.delete(first.id)

    assert fake.account.create("second").id > first.id


def test_chain_of_renames_redirects_from_every_name(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = some(fake)[0]
    first_name = repository.full_name
    fake.account.rename(repository.id, "second")
    fake.account.rename(repository.id, "third")
    fake.account.rename_owner("mira-solberg", "mira")

    for name in (first_name, "mira-solberg/second", "mira-solberg/third", "mira/third"):
        assert id_by_name(browser, name) == repository.id
    fake.account.delete(repository.id)
    assert id_by_name(browser, first_name) is None


def test_repository_that_comes_back_is_what_it_was(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = some(fake)[0]
    before = seen(browser, repository.id, repository.node_id)
    fake.account.hide(repository.id)
    assert browser.get(f"/repositories/{repository.id}").status_code == 404
    assert read_nodes(browser, [repository.node_id])["data"]["nodes"] == [None]

    fake.account.show(repository.id)

    assert seen(browser, repository.id, repository.node_id) == before


def test_change_between_two_requests_comes_after_the_answers_it_waits_for(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    repository = some(fake)[0]
    fake.account.change_after(2, lambda: fake.account.delete(repository.id))
    fake.account.change_after(1, lambda: fake.account.rename(repository.id, "meanwhile"))

    nodes = [read_nodes(browser, [repository.node_id])["data"]["nodes"][0] for _ in range(3)]

    assert [node and node["name"] for node in nodes] == ["harbor-api", "meanwhile", None]


def test_accounts_answer_for_themselves_alone(fake: FakeGitHub, browser: httpx.Client) -> None:
    other = demo_account()
    other.user.login, other.tokens = "somebody-else", {"gho_of_somebody_else"}
    fake.accounts.append(other)
    theirs = other.create("theirs")
    mine = some(fake)[0]
    fake.account.hide(mine.id)

    def asked_by(token: str) -> tuple[str, list[bool]]:
        browser.headers["authorization"] = f"Bearer {token}"
        login = ask(browser, "{ viewer { login } }").json()["data"]["viewer"]["login"]
        nodes = read_nodes(browser, [mine.node_id, theirs.node_id])["data"]["nodes"]
        return login, [node is not None for node in nodes]

    assert asked_by(DEMO_TOKEN) == ("mira-solberg", [False, False])
    assert asked_by("gho_of_somebody_else") == ("somebody-else", [True, True])
    assert (fake.account.graphql.remaining, other.graphql.remaining) == (4998, 4998)


def test_shared_repository_changes_for_everybody_who_sees_it(fake: FakeGitHub, browser: httpx.Client) -> None:
    other = Account(Owner(77, "colleague"), {"gho_of_a_colleague"})
    shared = other.add(next(r for r in fake.account.repositories.values() if r.owner.kind == "Organization"))
    fake.accounts.append(other)

    fake.account.rename(shared.id, "renamed-for-all")

    for token in (DEMO_TOKEN, "gho_of_a_colleague"):
        browser.headers["authorization"] = f"Bearer {token}"
        assert seen(browser, shared.id, shared.node_id)["name"] == "renamed-for-all"


@pytest.mark.parametrize("change", ["hide", "require_sso"])
def test_shared_repository_withheld_from_one_is_there_for_the_other(
    fake: FakeGitHub, browser: httpx.Client, change: str
) -> None:
    other = Account(Owner(77, "colleague"), {"gho_of_a_colleague"})
    shared = other.add(next(r for r in fake.account.repositories.values() if r.owner.kind == "Organization"))
    fake.accounts.append(other)
    if change == "hide":
        fake.account.hide(shared.id)
    else:
        fake.account.require_sso(shared.owner.login)

    assert read_nodes(browser, [shared.node_id])["data"]["nodes"] == [None]
    browser.headers["authorization"] = "Bearer gho_of_a_colleague"
    assert seen(browser, shared.id, shared.node_id)["name"] == shared.name


def test_old_form_of_an_id_says_what_it_is(fake: FakeGitHub) -> None:
    repository = some(fake)[0]

    assert base64.b64decode(repository.legacy_node_id).decode() == f"010:Repository{repository.id}"


@pytest.mark.parametrize(
    "change",
    [
        lambda account, first, second: account.rename(first.id, second.name),
        lambda account, first, second: account.rename(first.id, second.name.upper()),
        lambda account, _, second: account.create(second.name),
        lambda account, *_: account.rename_owner("mira-solberg", "northlight-labs"),
    ],
)
def test_taken_name_is_refused_and_nothing_changes(
    fake: FakeGitHub, change: Callable[[Account, Repository, Repository], object]
) -> None:
    before = {r.id: r.full_name for r in fake.account.repositories.values()}

    with pytest.raises(ValueError, match="is taken"):
        change(fake.account, *some(fake, 2))

    assert {r.id: r.full_name for r in fake.account.repositories.values()} == before
    assert fake.account.redirects == {}


NAMES = st.sampled_from(["one", "two", "three"])
LOGINS = st.sampled_from(["mira-solberg", "northlight-labs", "someone"])
WHICH = st.integers(0, 8)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["rename", "reuse_name"]), WHICH, NAMES),
    st.tuples(st.sampled_from(["delete", "recreate", "hide", "show", "archive", "unarchive"]), WHICH),
    st.tuples(st.just("swap_names"), WHICH, WHICH),
    st.tuples(st.just("transfer"), WHICH, LOGINS),
    st.tuples(st.just("rename_owner"), LOGINS, LOGINS),
)


def take(account: Account, step: tuple[Any, ...]) -> None:
    """One change; GitHub refuses those that collide with a name."""
    change, *arguments = step
    ids = sorted(account.repositories)
    given: list[Any] = [ids[a % len(ids)] if isinstance(a, int) else a for a in arguments] if ids else []
    owners = account.owners()
    match change, given:
        case _, []:
            return
        case "transfer", [id_, login]:
            given = [id_, owners.get(login, Owner(4711, login))]
        case "rename_owner", [login, _] if login not in owners:
            return
        case "swap_names", [first, second] if first == second:
            return
        case _:
            pass
    with suppress(ValueError):
        getattr(account, change)(*given)


@given(st.lists(STEPS, max_size=25))
def test_names_lead_to_one_repository_each_after_any_changes(steps: list[tuple[Any, ...]]) -> None:
    account = demo_account(3)
    numbers = set(account.repositories)

    for step in steps:
        before = set(account.repositories)
        take(account, step)
        made = set(account.repositories) - before
        assert not made & numbers
        numbers |= made

        names = [r.full_name.lower() for r in account.repositories.values()]
        assert len(set(names)) == len(names)
        assert not set(names) & set(account.redirects)
        assert set(account.redirects.values()) | account.hidden <= set(account.repositories)
        assert len(account.by_node_id()) == 2 * len(names)
