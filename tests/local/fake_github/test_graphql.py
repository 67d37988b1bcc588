"""The fake's GraphQL: executed on GitHub's schema, refused as people have quoted it."""

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from local.fake_github import FakeGitHub, Owner, Repository
from local.fake_github.account import Fault, ResourceLimit, SecondaryLimit
from local.fake_github.graphql import schema
from local.fake_github.ids import legacy_node_id, node_id
from local.fake_github.repository import File
from tests.local.fake_github.queries import REPOSITORIES, ask, from_graphql, from_rest, read_nodes


def owned(fake: FakeGitHub, count: int) -> list[Repository]:
    found = [r for r in fake.account.repositories.values() if r.owner is fake.account.user]
    return found[:count]


def owned_by_organisation(fake: FakeGitHub, login: str = "northlight-labs") -> Repository:
    return next(r for r in fake.account.repositories.values() if r.owner.login == login)


def problems(content: dict[str, Any]) -> list[tuple[str, list[str | int] | None]]:
    return [(problem["type"], problem.get("path")) for problem in content["errors"]]


def is_null(content: dict[str, Any]) -> list[bool]:
    return [node is None for node in content["data"]["nodes"]]


# What it answers


def test_all_repositories_are_the_same_by_rest_and_by_graphql(browser: httpx.Client) -> None:
    listed = [
        body
        for page in (1, 2)
        for body in browser.get("/user/repos", params={"per_page": 100, "page": page}).json()
    ]
    nodes = [
        node
        for first in (0, 100)
        for node in read_nodes(browser, [b["node_id"] for b in listed[first : first + 100]])["data"]["nodes"]
    ]

    assert len(nodes) == 130
    assert [from_graphql(node) for node in nodes] == [from_rest(body) for body in listed]


def test_hundred_ids_cost_one_request_and_one_point_and_keep_their_order(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    ids = [r.node_id for r in fake.account.repositories.values()][:100][::-1]

    content = read_nodes(browser, ids)

    assert [node["id"] for node in content["data"]["nodes"]] == ids
    assert content["data"]["rateLimit"]["cost"] == 1
    assert (fake.account.graphql.remaining, fake.account.core.remaining) == (4999, 5000)
    assert "errors" not in content
    assert len(fake.exchanges) == 1


def test_same_id_twice_is_answered_twice(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = owned(fake, 1)[0]

    nodes = read_nodes(browser, [repository.node_id] * 2)["data"]["nodes"]

    assert nodes[0] == nodes[1]
    assert nodes[0]["nameWithOwner"] == repository.full_name


def test_empty_repository_has_no_default_branch_while_rest_names_one(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    empty = next(r for r in fake.account.repositories.values() if r.is_empty)

    node = read_nodes(browser, [empty.node_id])["data"]["nodes"][0]

    assert node["defaultBranchRef"] is None
    assert browser.get(f"/repositories/{empty.id}").json()["default_branch"] == "main"
    fake.account.push(empty.id)
    pushed = read_nodes(browser, [empty.node_id])["data"]["nodes"][0]
    assert pushed["defaultBranchRef"] == {"name": "main"}


def test_id_beyond_an_int_of_graphql_is_null(fake: FakeGitHub, browser: httpx.Client) -> None:
    big = next(r for r in fake.account.repositories.values() if r.id > 2**31)
    small = next(r for r in fake.account.repositories.values() if r.id < 2**31)

    nodes = read_nodes(browser, [big.node_id, small.node_id])["data"]["nodes"]

    assert [node["databaseId"] for node in nodes] == [None, small.id]


def test_viewer_is_the_owner_of_the_token(browser: httpx.Client) -> None:
    content = ask(browser, "{ viewer { login databaseId } }").json()

    user = browser.get("/user").json()
    assert content == {"data": {"viewer": {"login": user["login"], "databaseId": user["id"]}}}


def test_single_node_and_repository_by_name_are_answered(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = owned(fake, 1)[0]
    owner, name = repository.full_name.split("/")
    fake.account.rename(repository.id, "another-name")

    query = """query($id: ID!, $owner: String!, $name: String!, $follow: Boolean!) {
      node(id: $id) { id }
      repository(owner: $owner, name: $name, followRenames: $follow) { id name owner { login } }
    }"""
    asked = {"id": repository.node_id, "owner": owner, "name": name}
    followed = ask(browser, query, **asked, follow=True).json()
    refused = ask(browser, query, **asked, follow=False).json()

    assert followed["data"]["node"] == {"id": repository.node_id}
    assert followed["data"]["repository"] == {
        "id": repository.node_id,
        "name": "another-name",
        "owner": {"login": owner},
    }
    assert problems(refused) == [("NOT_FOUND", ["repository"])]


def test_id_of_something_else_is_that_and_has_no_fields_of_a_repository(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    organisation = owned_by_organisation(fake).owner

    content = read_nodes(browser, [organisation.node_id, fake.account.user.node_id])

    assert content["data"]["nodes"] == [{"__typename": "Organization"}, {"__typename": "User"}]


# Missing, hidden, withheld


@pytest.mark.parametrize("change", ["delete", "hide", "never there", "not an id"])
def test_missing_repository_is_null_with_its_place_and_the_others_are_there(
    fake: FakeGitHub, browser: httpx.Client, change: str
) -> None:
    first, missing, last = owned(fake, 3)
    id_ = {"never there": "R_kgDOAAAAAQ", "not an id": "x"}.get(change, missing.node_id)
    if change in {"delete", "hide"}:
        getattr(fake.account, change)(missing.id)

    content = read_nodes(browser, [first.node_id, id_, last.node_id])

    assert is_null(content) == [False, True, False]
    assert problems(content) == [("NOT_FOUND", ["nodes", 1])]
    assert content["errors"][0]["message"] == f"Could not resolve to a node with the global id of '{id_}'"
    assert content["errors"][0]["locations"] == [{"line": 3, "column": 5}]


def test_organisation_with_sso_withholds_its_nodes_with_the_address_in_a_header(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    mine, theirs = owned(fake, 1)[0], owned_by_organisation(fake)
    fake.account.require_sso("northlight-labs")

    response = ask(browser, REPOSITORIES, ids=[theirs.node_id, mine.node_id])

    content = response.json()
    assert response.status_code == 200
    assert is_null(content) == [True, False]
    assert problems(content) == [("FORBIDDEN", ["nodes", 0])]
    assert content["errors"][0]["extensions"] == {"saml_failure": True}
    assert "SAML enforcement" in content["errors"][0]["message"]
    assert response.headers["x-github-sso"].startswith(
        "required; url=https://github.com/orgs/northlight-labs/"
    )
    fake.account.authorise_sso("northlight-labs")
    authorised = ask(browser, REPOSITORIES, ids=[theirs.node_id, mine.node_id])
    assert is_null(authorised.json()) == [False, False]
    assert "x-github-sso" not in authorised.headers


def test_blocked_repository_is_forbidden_until_it_is_unblocked(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    blocked = owned(fake, 1)[0]
    fake.account.block(blocked.id)

    content = read_nodes(browser, [blocked.node_id])

    assert problems(content) == [("FORBIDDEN", ["nodes", 0])]
    assert content["errors"][0]["extensions"] == {"saml_failure": False}
    assert content["errors"][0]["message"] == "Repository access blocked"
    assert browser.get(f"/repositories/{blocked.id}").status_code == 451
    fake.account.unblock(blocked.id)
    assert is_null(read_nodes(browser, [blocked.node_id])) == [False]
    assert browser.get(f"/repositories/{blocked.id}").status_code == 200


FILE = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on Repository {
  object(expression: "HEAD:.env.example") {
    __typename oid ... on Blob { byteSize isBinary isTruncated text }
  } } } }"""


def read_file(browser: httpx.Client, repository: Repository) -> Any:
    """The file that the query asks for, and the errors beside it."""
    content = ask(browser, FILE, ids=[repository.node_id]).json()
    return content["data"]["nodes"][0]["object"], problems(content) if "errors" in content else []


def test_file_is_shown_as_git_and_github_have_it(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = fake.account.create("with-files", size=1)
    assert read_file(browser, repository) == (None, [])
    repository.files[".env.example"] = File(b"")
    # `git hash-object /dev/null`
    empty = {"oid": "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "byteSize": 0, "text": ""}
    shown, _ = read_file(browser, repository)
    assert shown == {"__typename": "Blob", "isBinary": False, "isTruncated": False, **empty}
    repository.files[".env.example"] = File(b"\x00")
    shown, _ = read_file(browser, repository)
    assert (shown["isBinary"], shown["text"]) == (True, None)
    repository.files[".env.example"] = File(b"x" * 512_001)
    shown, _ = read_file(browser, repository)
    assert (shown["isTruncated"], len(shown["text"]), shown["byteSize"]) == (True, 512_000, 512_001)
    repository.files[".env.example"] = File(b"", "Tree")
    assert read_file(browser, repository)[0]["__typename"] == "Tree"


def test_file_of_a_private_repository_needs_the_permission_and_a_public_one_none(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    repository = fake.account.create("with-files", size=1, files={".env.example": File(b"A=")})
    fake.account.grant("github_pat_of_a_demo").may_read_contents = False
    browser.headers["authorization"] = "Bearer github_pat_of_a_demo"
    assert read_file(browser, repository)[0]["text"] == "A="
    repository.private = True
    assert read_file(browser, repository) == (None, [("FORBIDDEN", ["nodes", 0, "object"])])


def test_field_beyond_metadata_nulls_the_whole_repository(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.grant("github_pat_of_a_demo")

    content = ask(
        browser,
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Repository { name stargazers { totalCount } } } }",
        ids=[owned(fake, 1)[0].node_id],
    ).json()

    assert is_null(content) == [True]
    assert problems(content) == [("FORBIDDEN", ["nodes", 0, "stargazers"])]


# Ids


def test_ids_have_the_forms_that_github_publishes() -> None:
    # Pairs as in GitHub's own deprecation warnings.
    assert legacy_node_id("Repository", 26582976) == "MDEwOlJlcG9zaXRvcnkyNjU4Mjk3Ng=="
    assert node_id("R", 26582976) == "R_kgDOAZWfwA"
    assert legacy_node_id("Repository", 336920234) == "MDEwOlJlcG9zaXRvcnkzMzY5MjAyMzQ="
    assert node_id("R", 336920234) == "R_kgDOFBT-qg"
    assert legacy_node_id("User", 1157344) == "MDQ6VXNlcjExNTczNDQ="
    assert node_id("U", 1157344) == "U_kgDOABGo4A"
    assert node_id("O", 8226205) == "O_kgDOAH2FnQ"


def test_old_id_is_answered_as_it_is_with_a_warning_and_anew_when_asked_by_header(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    repository = owned(fake, 1)[0]
    fake.account.age_ids(repository.id)
    old, new = repository.legacy_node_id, repository.next_node_id

    plain = read_nodes(browser, [old])
    browser.headers["x-github-next-global-id"] = "1"
    renewed = read_nodes(browser, [old, new])

    assert plain["data"]["nodes"][0]["id"] == old
    assert plain["extensions"]["warnings"][0]["data"] == {"legacy_global_id": old, "next_global_id": new}
    assert [node["id"] for node in renewed["data"]["nodes"]] == [new, new]
    assert len(renewed["extensions"]["warnings"]) == 1
    assert browser.get(f"/repositories/{repository.id}").json()["node_id"] == old


def test_retired_old_ids_resolve_to_nothing_and_rest_tells_the_new_ones(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    repository = owned(fake, 1)[0]
    fake.account.age_ids()
    old = repository.node_id
    fake.account.retire_legacy_ids()

    assert problems(read_nodes(browser, [old])) == [("NOT_FOUND", ["nodes", 0])]
    new = browser.get(f"/repositories/{repository.id}").json()["node_id"]
    assert new != old
    assert read_nodes(browser, [new])["data"]["nodes"][0]["id"] == new


# Limits


def test_more_than_a_hundred_ids_are_refused_without_data(browser: httpx.Client) -> None:
    content = read_nodes(browser, ["x"] * 101)

    assert content["data"] is None
    assert problems(content) == [("ARGUMENT_LIMIT", ["nodes"])]
    assert content["errors"][0]["message"] == (
        "You may not provide more than 100 node ids; you provided 101."
    )


def test_two_lists_of_ids_in_one_query_are_limited_each_by_itself(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    ids = [r.node_id for r in fake.account.repositories.values()]

    content = ask(
        browser,
        "query($a: [ID!]!, $b: [ID!]!) { a: nodes(ids: $a) { id } b: nodes(ids: $b) { id } }",
        a=ids[:99],
        b=ids[:99],
    ).json()

    assert [len(content["data"][alias]) for alias in "ab"] == [99, 99]


def test_budget_of_graphql_is_its_own_and_shown_alike_everywhere(browser: httpx.Client) -> None:
    browser.get("/user")
    response = ask(browser, REPOSITORIES, ids=[])

    told = response.json()["data"]["rateLimit"]
    headers = response.headers
    assert told["remaining"] == int(headers["x-ratelimit-remaining"]) == 4999
    assert told["used"] == int(headers["x-ratelimit-used"]) == 1
    assert told["limit"] == int(headers["x-ratelimit-limit"]) == 5000
    reset = datetime.fromtimestamp(int(headers["x-ratelimit-reset"]), UTC)
    assert told["resetAt"] == reset.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert headers["x-ratelimit-resource"] == "graphql"
    assert browser.get("/rate_limit").json()["resources"]["graphql"]["remaining"] == 4999
    assert browser.get("/rate_limit").json()["resources"]["core"]["remaining"] == 4999


def test_dry_run_has_its_default_and_costs_nothing(fake: FakeGitHub, browser: httpx.Client) -> None:
    dry = ask(browser, "{ rateLimit(dryRun: true) { cost remaining nodeCount } }").json()

    assert dry["data"]["rateLimit"] == {"cost": 1, "remaining": 5000, "nodeCount": 0}
    assert fake.account.graphql.remaining == 5000
    ask(browser, "{ rateLimit { cost } }")
    assert fake.account.graphql.remaining == 4999


@pytest.mark.parametrize("type_", ["RATE_LIMIT", "RATE_LIMITED"])
def test_primary_limit_is_status_200_with_an_error_until_the_reset(
    fake: FakeGitHub, browser: httpx.Client, type_: Any
) -> None:
    fake.account.limited_type = type_
    fake.account.graphql.remaining = 1

    allowed, refused = (ask(browser, REPOSITORIES, ids=[]) for _ in range(2))

    assert allowed.json()["data"]["rateLimit"]["remaining"] == 0
    assert refused.status_code == 200
    assert "data" not in refused.json()
    assert problems(refused.json()) == [(type_, None)]
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert browser.get("/user").status_code == 200
    fake.account.graphql.reset_at = 0
    assert ask(browser, REPOSITORIES, ids=[]).json()["data"]["rateLimit"]["remaining"] == 4999


def test_used_up_rest_budget_leaves_graphql_alone(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.core.remaining = 0

    assert browser.get("/user").status_code == 403
    assert read_nodes(browser, [])["data"]["nodes"] == []


@pytest.mark.parametrize("status", [200, 403, 429])
def test_secondary_limit_has_retry_after_and_nothing_of_the_hourly_limit(
    fake: FakeGitHub, browser: httpx.Client, status: Any
) -> None:
    fake.account.secondary_limit = SecondaryLimit(retry_after="17", status=status)

    refused = ask(browser, REPOSITORIES, ids=[])

    assert refused.status_code == status
    assert refused.headers["retry-after"] == "17"
    assert "secondary rate limit" in refused.text
    assert not [name for name in refused.headers if name.startswith("x-ratelimit")]
    assert fake.account.graphql.remaining == 5000


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ("each", [["nodes", 2], ["nodes", 3]]),
        ("first", [["nodes", 2]]),
        ("no path", [None]),
    ],
)
def test_query_stopped_in_the_middle_keeps_what_it_had(
    fake: FakeGitHub, browser: httpx.Client, errors: Any, expected: list[list[str | int] | None]
) -> None:
    fake.account.resource_limit = ResourceLimit(2, errors)
    ids = [r.node_id for r in owned(fake, 4)]

    content = read_nodes(browser, ids)

    assert is_null(content) == [False, False, True, True]
    assert problems(content) == [("RESOURCE_LIMITS_EXCEEDED", path) for path in expected]
    assert is_null(read_nodes(browser, ids[2:])) == [False, False]


# Requests that cannot be executed


def test_unknown_field_is_refused_with_status_200_and_without_data(
    fake: FakeGitHub, browser: httpx.Client
) -> None:
    response = ask(browser, "{ viewer { stars } }")

    assert response.status_code == 200
    assert set(response.json()) == {"errors"}
    assert "'stars'" in response.json()["errors"][0]["message"]
    assert fake.account.graphql.remaining == 5000


@pytest.mark.parametrize("body", ["{", "null", "[]", '{"query": 1}', '{"query": ""}', '{"query": "{"}'])
def test_body_without_a_query_is_refused(browser: httpx.Client, body: str) -> None:
    response = browser.post("/graphql", content=body)

    assert response.status_code == (400 if body == "{" else 200)
    assert "data" not in response.json()


def test_field_of_the_schema_that_the_fake_lacks_says_so(browser: httpx.Client) -> None:
    content = ask(browser, "{ viewer { bio } meta { gitHubServicesSha } }").json()

    assert {problem["type"] for problem in content["errors"]} == {"FAKE"}


def test_query_without_a_good_token_is_401_with_nothing_allowed(fake: FakeGitHub) -> None:
    for headers in ({}, {"authorization": "Bearer gho_unknown"}):
        response = httpx.post(fake.graphql_url, headers=headers, json={"query": "{ viewer { login } }"})

        assert response.status_code == 401
        assert response.headers["x-ratelimit-limit"] == "0"


def test_path_is_for_post_alone(browser: httpx.Client) -> None:
    assert browser.get("/graphql").status_code == 404


def test_headers_are_those_quoted_for_graphql(browser: httpx.Client) -> None:
    headers = ask(browser, "{ viewer { login } }").headers

    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-github-media-type"] == "github.v4; format=json"
    assert headers["x-oauth-scopes"] == "read:org, repo"
    assert headers["x-accepted-oauth-scopes"] == "repo"
    assert re.fullmatch(r"[0-9A-F]+:[0-9A-F]+:[0-9A-F]+", headers["x-github-request-id"])
    assert "etag" not in headers


# Faults


@pytest.mark.parametrize("status", [502, 504])
def test_time_out_is_json_without_data(fake: FakeGitHub, browser: httpx.Client, status: int) -> None:
    fake.account.fail_next(Fault(status))

    failed, answered = (ask(browser, REPOSITORIES, ids=[]) for _ in range(2))

    assert (failed.status_code, answered.status_code) == (status, 200)
    assert failed.json()["data"] is None
    assert failed.headers["x-github-request-id"] in failed.json()["errors"][0]["message"]


def test_page_of_the_proxy_is_html(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.fail_next(Fault(504, "html"))

    failed = ask(browser, REPOSITORIES, ids=[])

    assert failed.status_code == 504
    assert failed.headers["content-type"] == "text/html"
    assert "504 Gateway Timeout" in failed.text


def test_broken_json_has_status_200(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.fail_next(Fault(kind="broken_json"))

    failed = ask(browser, REPOSITORIES, ids=[])

    assert failed.status_code == 200
    with pytest.raises(ValueError, match="Unterminated string"):
        failed.json()


def test_cut_connection_ends_in_the_middle(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.fail_next(Fault(kind="cut"))

    with pytest.raises(httpx.RemoteProtocolError):
        ask(browser, REPOSITORIES, ids=[])


def test_latency_outlasts_a_shorter_read_timeout(fake: FakeGitHub, browser: httpx.Client) -> None:
    fake.account.latency_seconds = 5

    with pytest.raises(httpx.ReadTimeout):
        browser.post("/graphql", json={"query": REPOSITORIES, "variables": {"ids": []}}, timeout=0.05)


def test_schema_is_built_once_and_kept() -> None:
    assert schema() is schema()


def test_owner_of_another_login_is_found_after_a_transfer(fake: FakeGitHub, browser: httpx.Client) -> None:
    repository = owned(fake, 1)[0]
    fake.account.transfer(repository.id, Owner(99, "elsewhere", "Organization"))

    node = read_nodes(browser, [repository.node_id])["data"]["nodes"][0]

    assert node["nameWithOwner"] == f"elsewhere/{repository.name}"
    assert node["viewerPermission"] == "WRITE"
