"""GraphQL's answers by script: those that the fake does not give, and those that nobody should trust."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.github import (
    GitHubError,
    GitHubForbidden,
    GitHubRateLimited,
    GitHubTimedOut,
    GitHubUnavailable,
    SsoRequired,
    TokenRejected,
)
from shared.github.graphql import GraphQL
from shared.github.oauth import App, refresh
from shared.settings import Settings

URL = "https://api.github.com/graphql"
TOKEN = "gho_sentinel_that_must_not_show_anywhere"
NOW = 1_795_000_000.0

Respond = Callable[[httpx.Request], httpx.Response]


def make_client(respond: Respond) -> GraphQL:
    return GraphQL(httpx.Client(transport=httpx.MockTransport(respond)), URL, TOKEN, clock=lambda: NOW)


def make_node(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"R_{number}",
        "databaseId": number,
        "name": "atlas",
        "nameWithOwner": "octocat/atlas",
        "description": None,
        "url": "https://github.com/octocat/atlas",
        "isPrivate": False,
        "isArchived": False,
        "stargazerCount": 3,
        "forkCount": 1,
        "pushedAt": "2026-01-02T03:04:05Z",
        "primaryLanguage": {"name": "Python"},
        "defaultBranchRef": {"name": "main"},
        **changes,
    }


def answer(nodes: list[Any] | None, *errors: dict[str, Any], **headers: str) -> Respond:
    data = (
        None
        if nodes is None
        else {
            "rateLimit": {"cost": 1, "remaining": 4990, "resetAt": "2026-11-22T23:00:00Z"},
            "viewer": {"databaseId": 7},
            "nodes": nodes,
        }
    )
    content = {"data": data, **({"errors": list(errors)} if errors else {})}
    return lambda _: httpx.Response(200, json=content, headers=headers)


def read(respond: Respond, *ids: str) -> dict[str, str]:
    findings = make_client(respond).read_repositories(ids).findings
    return {node_id: found.seen for node_id, found in findings.items()}


def test_node_is_an_item_as_the_database_takes_it() -> None:
    client = make_client(answer([make_node(description="a\x00b")]))

    node = client.read_repositories(["R_1"]).findings["R_1"].node

    assert node is not None
    assert node.to_item(1) == {
        "github_id": 1,
        "node_id": "R_1",
        "name": "atlas",
        "full_name": "octocat/atlas",
        "description": "ab",
        "url": "https://github.com/octocat/atlas",
        "default_branch": "main",
        "is_private": False,
        "language": "Python",
        "stars_count": 3,
        "forks_count": 1,
        "is_archived": False,
        "pushed_at": "2026-01-02T03:04:05Z",
    }
    assert (client.spending.requests, client.spending.points, client.spending.remaining) == (1, 1, 4990)


def test_token_goes_into_the_header_and_ids_into_variables() -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer([make_node()])(request)

    make_client(respond).read_repositories(['R_1"}) { evil'])

    (request,) = asked
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(request.content)["variables"] == {"ids": ['R_1"}) { evil']}
    assert "evil" not in json.loads(request.content)["query"]


def test_each_node_is_judged_by_its_own_error() -> None:
    ids = [f"R_{number}" for number in range(1, 9)]
    nodes = [make_node(1), None, None, None, None, {}, make_node(7, id=None), make_node(8)]
    errors: list[dict[str, Any]] = [
        {"type": "NOT_FOUND", "path": ["nodes", 1], "message": "gone"},
        {"type": "FORBIDDEN", "path": ["nodes", 2], "extensions": {"saml_failure": True}, "message": "SAML"},
        {"type": "FORBIDDEN", "path": ["nodes", 3], "extensions": {"saml_failure": False}, "message": "no"},
        {"path": ["nodes", 4], "message": "Something went wrong"},
        # Of a field of a node that is there: no word about the node.
        {"type": "NOT_FOUND", "path": ["nodes", 7, "primaryLanguage"], "message": "gone"},
        {"type": "NOT_FOUND", "path": ["viewer"], "message": "gone"},
    ]

    seen = read(answer(nodes, *errors), *ids)

    assert list(seen.values()) == [
        "found", "missing", "sso_required", "forbidden", "unknown", "unknown", "unknown", "found",
    ]  # fmt: skip


def test_null_without_an_error_is_no_sign_of_absence() -> None:
    assert read(answer([None]), "R_1") == {"R_1": "unknown"}


def test_address_for_single_sign_on_comes_beside_the_data() -> None:
    header = {"x-github-sso": "required; url=https://github.com/orgs/a/sso?x=1"}
    error = {"type": "FORBIDDEN", "path": ["nodes", 0], "extensions": {"saml_failure": True}, "message": ""}

    found = make_client(answer([None], error, **header)).read_repositories(["R_1"])

    assert (found.sso_url, found.is_token_alive) == ("https://github.com/orgs/a/sso?x=1", True)


FIELDS = {
    "name": "name",
    "nameWithOwner": "full_name",
    "description": "description",
    "url": "url",
    "isPrivate": "is_private",
    "isArchived": "is_archived",
    "stargazerCount": "stars_count",
    "forkCount": "forks_count",
    "pushedAt": "pushed_at",
    "primaryLanguage": "language",
    "defaultBranchRef": "default_branch",
}


@pytest.mark.parametrize(("field", "name"), FIELDS.items())
def test_field_with_an_error_of_its_own_is_left_out_and_the_others_are_read(field: str, name: str) -> None:
    error = {"type": "FORBIDDEN", "path": ["nodes", 0, field], "message": "no"}
    whole = make_client(answer([make_node()])).read_repositories(["R_1"]).findings["R_1"].node
    refused = make_node() | {field: None}
    found = make_client(answer([refused], error)).read_repositories(["R_1"])

    node = found.findings["R_1"].node
    assert node is not None
    assert whole is not None
    assert node.to_item(1) == {key: value for key, value in whole.to_item(1).items() if key != name}


@pytest.mark.parametrize("field", sorted(FIELDS))
@pytest.mark.parametrize("value", [[], {"name": 5}, -1, 2**70])
def test_field_that_cannot_be_read_is_left_out_and_the_others_are_read(field: str, value: Any) -> None:
    node = make_client(answer([make_node(**{field: value})])).read_repositories(["R_1"]).findings["R_1"].node

    assert node is not None
    left_out = set(FIELDS.values()) - node.to_item(1).keys()
    # GitHub's times may come as numbers as well.
    assert left_out == {FIELDS[field]} or field == "pushedAt"


def test_null_without_an_error_is_a_value() -> None:
    client = make_client(answer([make_node(description=None, primaryLanguage=None, pushedAt=None)]))

    node = client.read_repositories(["R_1"]).findings["R_1"].node

    assert node is not None
    item = node.to_item(1)
    assert (item["description"], item["language"], item["pushed_at"]) == (None, None, None)


@pytest.mark.parametrize(
    "errors", [["text"], [None], [{"type": None, "path": None}], [{"path": [[]]}], [{"extensions": []}], {}]
)
def test_error_that_nobody_understands_costs_no_answer(errors: Any) -> None:
    body = {"data": {"rateLimit": "soon", "viewer": {}, "nodes": [make_node()]}, "errors": errors}

    assert read(lambda _: httpx.Response(200, json=body), "R_1") == {"R_1": "found"}


@pytest.mark.parametrize("type_", ["FORBIDDEN", "INSUFFICIENT_SCOPES"])
def test_refusal_of_a_whole_query_is_told_in_the_words_of_github(type_: str) -> None:
    message = "Although you appear to have the correct authorization credentials,\n the `a` organization" * 9
    with pytest.raises(GitHubForbidden) as raised:
        make_client(answer(None, {"type": type_, "message": message})).read_repositories(["R_1"])

    assert str(raised.value).startswith(
        "Although you appear to have the correct authorization credentials, the"
    )
    assert len(str(raised.value)) == 200


def test_refusal_of_a_node_keeps_the_words_of_github_without_what_does_not_print() -> None:
    message = "IP allow\x00 list\u202e\r\nenabled\u200b"
    error = {"type": "FORBIDDEN", "path": ["nodes", 0], "message": message}

    finding = make_client(answer([None], error)).read_repositories(["R_1"]).findings["R_1"]

    assert (finding.seen, finding.reason) == ("forbidden", "IP allow list enabled")


def test_partial_results_of_single_sign_on_are_told_beside_the_data() -> None:
    header = {"x-github-sso": "partial-results; organizations=21955855,20582480"}

    found = make_client(answer([make_node()], **header)).read_repositories(["R_1"])

    assert (found.hides_a_part, found.sso_url) == (True, None)
    assert make_client(answer([make_node()])).read_repositories(["R_1"]).hides_a_part is False


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(401, json={"message": "Bad credentials"}), TokenRejected),
        (httpx.Response(403, json={"message": "Resource not accessible"}), GitHubForbidden),
        (httpx.Response(403, headers={"x-github-sso": "required; url=https://x"}, json={}), SsoRequired),
        (
            httpx.Response(403, json={"message": "You have exceeded a secondary rate limit."}),
            GitHubRateLimited,
        ),
        (httpx.Response(429, json={}), GitHubRateLimited),
        (httpx.Response(404, json={}), GitHubUnavailable),
        (httpx.Response(451, json={}), GitHubUnavailable),
        (httpx.Response(502, text="<html>"), GitHubUnavailable),
        (httpx.Response(301, headers={"location": "https://evil.example/graphql"}), GitHubUnavailable),
        (httpx.Response(200, text="<html>"), GitHubUnavailable),
        (httpx.Response(200, json=[]), GitHubUnavailable),
        (httpx.Response(200, json={}), GitHubUnavailable),
        (httpx.Response(200, json={"data": None}), GitHubUnavailable),
        (httpx.Response(200, json={"data": {"nodes": None}}), GitHubUnavailable),
        (httpx.Response(200, json={"data": {"nodes": []}}), GitHubUnavailable),
        (httpx.Response(200, json={"data": {"nodes": [None, None]}}), GitHubUnavailable),
        (httpx.Response(200, json={"errors": [{"message": TOKEN}]}), GitHubUnavailable),
        (httpx.Response(200, json={"errors": [{"type": "RATE_LIMITED", "message": ""}]}), GitHubRateLimited),
        (httpx.Response(200, json={"errors": [{"type": "RATE_LIMIT", "message": ""}]}), GitHubRateLimited),
    ],
)
def test_answer_without_a_word_about_any_node_is_an_error(
    response: httpx.Response, error: type[GitHubError]
) -> None:
    with pytest.raises(error) as raised:
        make_client(lambda _: response).read_repositories(["R_1"])

    assert type(raised.value) is error
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("headers", "message", "after"),
    [
        ({"x-ratelimit-reset": str(int(NOW) + 600), "x-ratelimit-remaining": "3"}, "API rate limit", 601),
        ({"retry-after": "17", "x-ratelimit-reset": str(int(NOW) + 600)}, "API rate limit", 17),
        ({"x-ratelimit-reset": str(int(NOW) + 600)}, "You have exceeded a secondary rate limit.", 60),
        ({}, "API rate limit", 60),
    ],
)
def test_limit_says_when_to_ask_again(headers: dict[str, str], message: str, after: int) -> None:
    error = {"type": "RATE_LIMITED", "message": message}
    with pytest.raises(GitHubRateLimited) as raised:
        make_client(answer(None, error, **headers)).read_repositories(["R_1"])

    assert raised.value.retry_after == after


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "errors", "nodes", "path", "type", "id"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_an_answer_or_a_github_error(body: Any) -> None:
    try:
        found = make_client(lambda _: httpx.Response(200, json=body)).read_repositories(["R_1"])
    except GitHubError:
        return
    assert {finding.seen for finding in found.findings.values()} <= {"unknown", "missing", "forbidden"}


def test_connection_that_fails_is_an_error_without_the_token() -> None:
    for cause, error in (
        (httpx.ReadTimeout("x"), GitHubTimedOut),
        (httpx.ConnectError("x"), GitHubUnavailable),
    ):

        def respond(_: httpx.Request, cause: Exception = cause) -> httpx.Response:
            raise cause

        with pytest.raises(error) as raised:
            make_client(respond).read_repositories(["R_1"])
        assert TOKEN not in repr(raised.value)


def test_address_of_graphql_follows_from_that_of_rest() -> None:
    enough = {
        "SUPABASE_URL": "https://project.supabase.co",
        "SUPABASE_ANON_KEY": "x",
        "SUPABASE_JWKS_URL": "https://project.supabase.co/jwks",
    }
    found = {
        url: Settings.model_validate({**enough, **({"GITHUB_API_URL": url} if url else {})}).graphql_url
        for url in ("", "https://github.example/api/v3", "http://127.0.0.1:54340/")
    }
    assert found == {
        "": "https://api.github.com/graphql",
        "https://github.example/api/v3": "https://github.example/api/graphql",
        "http://127.0.0.1:54340/": "http://127.0.0.1:54340/graphql",
    }
    given = Settings.model_validate({**enough, "GITHUB_GRAPHQL_URL": "https://x.example/q"})
    assert given.graphql_url == "https://x.example/q"


# Renewals


def renew(response: httpx.Response) -> Any:
    http = httpx.Client(transport=httpx.MockTransport(lambda _: response))
    return refresh(http, "https://github.com/x", App("id", "secret"), TOKEN, clock=lambda: NOW)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(200, json={"error": "bad_refresh_token"}), TokenRejected),
        (httpx.Response(200, json={"error": "unauthorized_client"}), TokenRejected),
        # Forum's own credentials: no word about the user's token.
        (httpx.Response(200, json={"error": "incorrect_client_credentials"}), GitHubUnavailable),
        (httpx.Response(401, json={}), GitHubUnavailable),
        (httpx.Response(404, json={}), GitHubUnavailable),
        (httpx.Response(429, json={}), GitHubRateLimited),
        (httpx.Response(500), GitHubUnavailable),
        (httpx.Response(200, text="<html>"), GitHubUnavailable),
        (httpx.Response(200, json={}), GitHubUnavailable),
        (httpx.Response(200, json={"access_token": ""}), GitHubUnavailable),
        (httpx.Response(200, json={"access_token": "ghu_x", "expires_in": "soon"}), GitHubUnavailable),
    ],
)
def test_renewal_that_fails_says_whether_the_token_is_dead(
    response: httpx.Response, error: type[GitHubError]
) -> None:
    with pytest.raises(error) as raised:
        renew(response)

    assert TOKEN not in f"{raised.value!r} {App('id', 'the secret')!r}"
    assert "the secret" not in repr(App("id", "the secret"))


def test_renewal_is_a_pair_with_its_times_and_shows_none_of_it() -> None:
    body = {
        "access_token": "ghu_x",
        "expires_in": 28800,
        "refresh_token": "ghr_x",
        "refresh_token_expires_in": 9,
    }

    pair = renew(httpx.Response(200, json=body))

    assert (pair.token, pair.refresh_token) == ("ghu_x", "ghr_x")
    assert pair.token_expires_at.timestamp() == NOW + 28800
    assert "gh" not in repr(pair)


@pytest.mark.parametrize(
    "limit", [{"cost": 10**12}, {"remaining": -1}, {"remaining": 10**12}, {"cost": None}]
)
def test_allowance_that_cannot_be_is_not_counted(limit: dict[str, Any]) -> None:
    told = {"cost": 1, "remaining": 4990, "resetAt": "2026-11-22T23:00:00Z"} | limit
    content = {"data": {"rateLimit": told, "viewer": {"databaseId": 7}, "nodes": [make_node()]}}
    client = make_client(lambda _: httpx.Response(200, json=content))

    assert client.read_repositories(["R_1"]).findings["R_1"].seen == "found"

    assert (client.spending.points, client.spending.remaining) == (0, None)


class Stored:
    """Where a stored token comes from, and what it learns."""

    def __init__(self, *replacements: str) -> None:
        self.replacements = list(replacements)
        self.limits: list[GitHubRateLimited] = []

    def replace_refused(self) -> str | None:
        """The next one."""
        return self.replacements.pop(0) if self.replacements else None

    def note_limit(self, limit: GitHubRateLimited) -> None:
        """Remembers it."""
        self.limits.append(limit)


def make_stored_client(respond: Respond, source: Stored) -> GraphQL:
    http = httpx.Client(transport=httpx.MockTransport(respond))
    return GraphQL(http, URL, TOKEN, source=source, clock=lambda: NOW)


def test_refused_token_is_replaced_where_there_is_another() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] == "Bearer gho_renewed":
            return answer([make_node()])(request)
        return httpx.Response(401, json={"message": "Bad credentials"})

    found = make_stored_client(respond, Stored("gho_renewed")).read_repositories(["R_1"])
    assert found.findings["R_1"].seen == "found"
    with pytest.raises(TokenRejected):
        make_stored_client(respond, Stored("gho_refused_as_well")).read_repositories(["R_1"])


def test_limit_is_told_to_where_the_token_is_stored_whatever_its_status() -> None:
    limited = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
    for status, body in ((200, limited), (429, {"message": "API rate limit exceeded"})):
        source = Stored()
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 60)}
        response = httpx.Response(status, json=body, headers=headers)
        with pytest.raises(GitHubRateLimited):
            make_stored_client(lambda _, response=response: response, source).read_repositories(["R_1"])  # type: ignore[misc]  # bound in the loop
        assert len(source.limits) == 1
