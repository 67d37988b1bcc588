"""The client against the running fake, against recordings, and against answers that nobody should trust."""

import gzip
import json
import logging
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from local.fake_github import DEMO_TOKEN, FakeGitHub, demo_account
from local.fake_github.account import Fault, SecondaryLimit
from shared.github import (
    Blocked,
    GitHub,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubRepository,
    GitHubTimedOut,
    GitHubUnavailable,
    SsoRequired,
    TokenRejected,
)
from tests.local.fake_github.contract import request_violations
from tests.local.fake_github.recordings import recordings

API = "https://api.github.com"
TOKEN = "gho_sentinel_that_must_not_show_anywhere"
NOW = 1_795_000_000.0

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


@pytest.fixture
def github(fake: FakeGitHub, http: httpx.Client) -> Iterator[GitHub]:
    """The client on the fake. Fails a test in which it asked what GitHub's description does not know."""
    yield GitHub(http, fake.url, DEMO_TOKEN)
    assert [violation for exchange in fake.exchanges for violation in request_violations(exchange)] == []


@dataclass
class Scripted:
    """GitHub by a script: answers whatever the function says, and remembers what was asked."""

    answer: Answer
    api_url: str = API

    def __post_init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def client(self, token: str = TOKEN) -> GitHub:
        http = httpx.Client(transport=httpx.MockTransport(self._handle))
        return GitHub(http, self.api_url, token, clock=lambda: NOW)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)


def repository_json(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = recordings("get-repository")[0].content
    return found | changes


def error(status: int, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return httpx.Response(status, headers=headers, json=body)


def answer_with(response: httpx.Response, _: httpx.Request) -> httpx.Response:
    return response


def read_all(github: GitHub) -> list[GitHubRepository]:
    return [item for page in github.iterate_repository_pages() for item in page.items]


def test_listing_read_to_its_end_has_every_repository_and_costs_a_request_a_page(
    fake: FakeGitHub, github: GitHub
) -> None:
    found = read_all(github)

    assert {item.github_id for item in found} == set(fake.account.repositories)
    assert len(found) == 130
    assert len(fake.exchanges) == 2


def test_listing_of_a_thousand_repositories_costs_ten_requests(fake: FakeGitHub, github: GitHub) -> None:
    fake.reset(demo_account(994))

    assert len(read_all(github)) == 1000
    assert len(fake.exchanges) == 10


def test_listing_is_newest_first_and_says_how_many_pages_there_are(fake: FakeGitHub, github: GitHub) -> None:
    pages = [github.list_repositories_page(number, per_page=50) for number in (1, 2, 3)]
    by_age = sorted(fake.account.repositories.values(), key=lambda r: (r.created_at, r.id), reverse=True)

    assert [item.github_id for page in pages for item in page.items] == [r.id for r in by_age]
    assert [page.last_page for page in pages] == [3, 3, 3]
    assert [page.next_url is None for page in pages] == [False, False, True]


def test_listing_page_behind_the_end_is_empty_and_knows_no_last_page(github: GitHub) -> None:
    page = github.list_repositories_page(9)

    assert (page.items, page.last_page, page.next_url) == ([], None, None)


def test_listing_of_an_empty_account_is_one_empty_page(fake: FakeGitHub, github: GitHub) -> None:
    fake.account.repositories.clear()

    page = github.list_repositories_page()

    assert (page.items, page.last_page, page.next_url) == ([], 1, None)


def test_listing_during_which_a_repository_is_made_repeats_one_and_misses_none(
    fake: FakeGitHub, github: GitHub
) -> None:
    before = set(fake.account.repositories)
    pages = github.iterate_repository_pages()
    seen = [item.github_id for item in next(pages).items]
    made = demo_account(125).repositories[max(demo_account(125).repositories)]
    made.id, made.name, made.created_at = 77, "made-meanwhile", made.created_at.replace(year=2026)
    fake.account.add(made)

    seen += [item.github_id for page in pages for item in page.items]

    assert before <= set(seen)
    assert len(seen) == len(set(seen)) + 1


def test_listing_names_the_organisations_that_withhold_theirs(fake: FakeGitHub, github: GitHub) -> None:
    fake.account.require_sso("northlight-labs")
    fake.account.require_sso("tidewater-coop")

    assert github.list_repositories_page().partial_sso == (74_312_556, 118_240_931)


def test_repository_is_read_with_every_field(fake: FakeGitHub, github: GitHub) -> None:
    wanted = next(r for r in fake.account.repositories.values() if r.name == "Kystlinje.Kart_2")

    read = github.get_repository(wanted.id)

    assert read.model_dump() == {
        "github_id": wanted.id,
        "node_id": wanted.node_id,
        "name": "Kystlinje.Kart_2",
        "full_name": "northlight-labs/Kystlinje.Kart_2",
        "description": wanted.description,
        "url": "https://github.com/northlight-labs/Kystlinje.Kart_2",
        "default_branch": "main",
        "is_private": False,
        "language": "Dart",
        "stars_count": 48_211,
        "forks_count": 0,
        "is_archived": False,
        "is_fork": False,
        "pushed_at": wanted.pushed_at,
    }


def test_repository_without_description_language_or_pushes_is_read(fake: FakeGitHub, github: GitHub) -> None:
    wanted = next(r for r in fake.account.repositories.values() if r.name == "just-an-idea")

    read = github.get_repository(wanted.id)

    assert (read.description, read.language, read.pushed_at) == (None, None, wanted.created_at)


def test_repository_with_everything_null_that_may_be_is_read() -> None:
    nulls = repository_json(description=None, language=None, pushed_at=None)

    read = Scripted(lambda _: httpx.Response(200, json=nulls)).client().get_repository(1)

    assert (read.description, read.language, read.pushed_at) == (None, None, None)


def test_repository_is_the_same_whether_listed_or_read_by_itself(github: GitHub) -> None:
    listed = github.list_repositories_page(per_page=1).items[0]

    assert github.get_repository(listed.github_id) == listed


def test_renamed_repository_is_found_by_its_number(fake: FakeGitHub, github: GitHub) -> None:
    number = next(iter(fake.account.repositories))
    fake.account.rename(number, "renamed")

    assert github.get_repository(number).name == "renamed"


def test_request_carries_what_github_asks_for(fake: FakeGitHub, github: GitHub) -> None:
    github.list_repositories_page()

    sent = fake.exchanges[0].request_headers
    assert sent["authorization"] == f"Bearer {DEMO_TOKEN}"
    assert sent["x-github-api-version"] == "2026-03-10"
    assert sent["accept"] == "application/vnd.github+json"
    assert sent["user-agent"] == "forum-backend"
    assert dict(fake.exchanges[0].query) == {
        "sort": "created",
        "direction": "desc",
        "per_page": "100",
        "page": "1",
    }


def test_request_leaves_nothing_of_one_caller_to_the_next() -> None:
    headers = {"set-cookie": "session=of-the-first; Path=/"}
    script = Scripted(lambda _: httpx.Response(200, headers=headers, json=[]))
    http = httpx.Client(
        transport=httpx.MockTransport(script._handle),  # noqa: SLF001 - two callers over one client
        headers={"apikey": "supabase"},
        auth=("somebody", "else"),
    )

    for token in ("gho_first", "gho_second"):
        GitHub(http, API, token).list_repositories_page()

    assert [r.headers["authorization"] for r in script.requests] == ["Bearer gho_first", "Bearer gho_second"]
    assert all("cookie" not in r.headers and "apikey" not in r.headers for r in script.requests)


def test_request_has_explicit_time_outs() -> None:
    script = Scripted(lambda _: httpx.Response(200, json=[]))

    script.client().list_repositories_page()

    assert script.requests[0].extensions["timeout"] == {"connect": 2, "read": 10, "write": 10, "pool": 10}


def test_enterprise_server_is_reached_below_its_path() -> None:
    script = Scripted(lambda _: httpx.Response(200, json=repository_json()), "https://git.example/api/v3/")

    script.client().get_repository(1)

    assert str(script.requests[0].url) == "https://git.example/api/v3/repositories/1"


def test_compressed_body_is_read() -> None:
    body = gzip.compress(json.dumps(repository_json()).encode())
    headers = {"content-encoding": "gzip"}
    script = Scripted(lambda _: httpx.Response(200, headers=headers, content=body))

    assert script.client().get_repository(1).name == "hello-world"


# Recordings


def test_recorded_repository_is_read() -> None:
    recorded = recordings("get-repository")[0]

    read = Scripted(lambda _: recorded.response()).client().get_repository(103_703_892)

    assert read.github_id == 103_703_892
    assert read.node_id == "MDEwOlJlcG9zaXRvcnkxMDM3MDM4OTI="
    assert read.url == "https://github.com/octokit-fixture-org/hello-world"
    assert read.default_branch == "master"
    assert read.is_archived is False


def test_recorded_rename_is_followed_once_to_the_number() -> None:
    _, _, moved, found, *_ = recordings("rename-repository")
    script = Scripted(lambda r: (moved if r.url.path == "/repositories/1" else found).response())

    read = script.client().get_repository(1)

    assert (moved.status, read.github_id) == (301, 515_436_299)
    assert [r.url.path for r in script.requests] == ["/repositories/1", "/repositories/515436299"]
    assert script.requests[1].headers["authorization"] == f"Bearer {TOKEN}"


def test_recorded_links_lead_through_all_pages_by_another_path() -> None:
    recorded = [r for r in recordings("paginate-issues") if r.method == "GET"]
    by_path = {r.path: r for r in recorded[1:]}

    def answer(request: httpx.Request) -> httpx.Response:
        found = by_path.get(request.url.raw_path.decode(), recorded[0])
        return httpx.Response(200, headers={"link": found.headers["link"]}, json=[repository_json()])

    script = Scripted(answer)
    pages = list(script.client().iterate_repository_pages())

    assert [r.url.raw_path.decode() for r in script.requests[1:]] == [r.path for r in recorded[1:]]
    assert [page.last_page for page in pages] == [5, 5, 5, 5, 5]


def test_recorded_validation_error_is_unavailable() -> None:
    recorded = next(r for r in recordings("errors") if r.status == 422)

    with pytest.raises(GitHubUnavailable, match="422"):
        Scripted(lambda _: recorded.response()).client().get_repository(1)


# What must not be followed


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/user/repos?page=2",
        "http://api.github.com/user/repos?page=2",
        "https://api.github.com:8443/user/repos?page=2",
        "https://api.github.com.evil.example/user/repos?page=2",
        "https://api.github.com@evil.example/user/repos?page=2",
        "https://evil@api.github.com/user/repos?page=2",
        "//evil.example/user/repos?page=2",
        "https://[api.github.com/",
        "javascript:alert(1)",
    ],
)
def test_link_to_another_origin_is_refused_and_not_called(link: str) -> None:
    script = Scripted(
        lambda _: httpx.Response(200, headers={"link": f'<{link}>; rel="next"'}, json=[repository_json()])
    )

    with pytest.raises(GitHubUnavailable):
        read_all(script.client())

    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "link", ["https://API.GitHub.com:443/user/145979/repos?page=2", "/user/repos?page=2"]
)
def test_link_on_the_same_origin_is_followed_however_it_is_written(link: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {} if request.url.params["page"] == "2" else {"link": f'<{link}>; rel="next"'}
        return httpx.Response(200, headers=headers, json=[repository_json()])

    assert len(read_all(Scripted(answer).client())) == 2


def test_links_in_a_circle_end_in_an_error() -> None:
    headers = {"link": f'<{API}/user/repos?page=2>; rel="next"'}
    script = Scripted(lambda _: httpx.Response(200, headers=headers, json=[repository_json()]))

    with pytest.raises(GitHubUnavailable, match="already read"):
        read_all(script.client())

    assert len(script.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/repositories/1",
        "https://api.github.com/user",
        "https://api.github.com/repositories/1/keys",
        "",
    ],
)
def test_redirect_elsewhere_is_refused_and_not_called(status: int, location: str) -> None:
    script = Scripted(lambda _: httpx.Response(status, headers={"location": location}))

    with pytest.raises(GitHubUnavailable):
        script.client().get_repository(1)

    assert len(script.requests) == 1


def test_second_redirect_is_not_followed() -> None:
    script = Scripted(lambda _: httpx.Response(301, headers={"location": f"{API}/repositories/2"}))

    with pytest.raises(GitHubUnavailable, match="301"):
        script.client().get_repository(1)

    assert len(script.requests) == 2


def test_redirected_listing_is_refused() -> None:
    script = Scripted(lambda _: httpx.Response(301, headers={"location": f"{API}/repositories/2"}))

    with pytest.raises(GitHubUnavailable, match="301"):
        script.client().list_repositories_page()


# Failures, one by one


def test_unknown_and_revoked_tokens_are_rejected(
    fake: FakeGitHub, http: httpx.Client, github: GitHub
) -> None:
    with pytest.raises(TokenRejected):
        GitHub(http, fake.url, "gho_unknown").list_repositories_page()

    fake.account.revoke(DEMO_TOKEN)
    with pytest.raises(TokenRejected):
        github.get_repository(1)

    assert [e.status for e in fake.exchanges] == [401, 401]


@pytest.mark.parametrize(
    "token", ["", " ", "gho a", "gho_a\n", "gho_a\r\nX-Evil: 1", "gho_å", "gho_\x00", "\ud800", "x" * 5000]
)
def test_token_that_no_header_can_carry_is_rejected_without_a_call(http: httpx.Client, token: str) -> None:
    with pytest.raises(TokenRejected) as raised:
        GitHub(http, API, token)

    assert token.strip() == "" or token not in str(raised.value)


def test_deleted_and_hidden_repositories_are_not_found(fake: FakeGitHub, github: GitHub) -> None:
    first, second = list(fake.account.repositories)[:2]
    fake.account.delete(first)
    fake.account.hide(second)

    for number in (first, second):
        with pytest.raises(GitHubNotFound):
            github.get_repository(number)


def test_repository_behind_single_sign_on_says_where_to_authorise(fake: FakeGitHub, github: GitHub) -> None:
    fake.account.require_sso("northlight-labs")
    withheld = next(r.id for r in fake.account.repositories.values() if r.owner.login == "northlight-labs")
    # With nothing remaining either: waiting would not help.
    fake.account.core.remaining = 1

    with pytest.raises(SsoRequired) as raised:
        github.get_repository(withheld)

    assert raised.value.url == "https://github.com/orgs/northlight-labs/sso?authorization_request=AABPPMVAZO"


@pytest.mark.parametrize("status", [451, 403])
def test_blocked_repository_names_the_reason_and_the_notice(status: int) -> None:
    block = {"reason": "tos", "created_at": "2021-06-08T01:02:15Z", "html_url": "https://github.com/tos"}
    answer = error(status, message="Repository access blocked", block=block)

    with pytest.raises(Blocked) as raised:
        Scripted(lambda _: answer).client().get_repository(1)

    assert (raised.value.reason, raised.value.url) == ("tos", "https://github.com/tos")


def test_blocked_repository_of_the_fake_is_blocked(fake: FakeGitHub, github: GitHub) -> None:
    number = next(iter(fake.account.repositories))
    fake.account.block(number)

    with pytest.raises(Blocked, match="dmca"):
        github.get_repository(number)


@pytest.mark.parametrize(
    "block", [None, "x", {}, {"reason": 1, "html_url": "javascript:alert(1)"}, {"html_url": None}]
)
def test_blocked_repository_with_an_odd_notice_is_still_blocked(block: object) -> None:
    with pytest.raises(Blocked) as raised:
        Scripted(lambda _: error(451, block=block)).client().get_repository(1)

    assert (raised.value.reason, raised.value.url) == ("unknown", None)


def test_primary_limit_says_when_it_ends(fake: FakeGitHub, github: GitHub) -> None:
    fake.account.core.remaining = 0

    with pytest.raises(GitHubRateLimited) as raised:
        github.list_repositories_page()

    assert raised.value.retry_at.timestamp() == fake.account.core.reset_at + 1
    assert 3590 <= raised.value.retry_after <= 3602


@pytest.mark.parametrize("status", [403, 429])
def test_secondary_limit_says_when_it_ends(fake: FakeGitHub, github: GitHub, status: int) -> None:
    fake.account.secondary_limit = SecondaryLimit(retry_after="17", status=403 if status == 403 else 429)

    with pytest.raises(GitHubRateLimited) as raised:
        github.list_repositories_page()

    assert raised.value.retry_after == 17


def test_refusal_that_is_no_limit_is_forbidden() -> None:
    answer = error(403, {"x-ratelimit-remaining": "4999"}, message="Resource not accessible by integration")

    with pytest.raises(GitHubForbidden) as raised:
        Scripted(lambda _: answer).client().get_repository(1)

    assert type(raised.value) is GitHubForbidden


@pytest.mark.parametrize("status", [500, 502, 503, 504, 400, 410, 304, 204, 206])
def test_other_statuses_are_unavailable(status: int) -> None:
    with pytest.raises(GitHubUnavailable, match=str(status)):
        Scripted(lambda _: httpx.Response(status)).client().get_repository(1)


@pytest.mark.parametrize("kind", ["broken_json", "cut", "status"])
def test_outage_is_unavailable_and_over_with_the_next_answer(
    fake: FakeGitHub, github: GitHub, kind: Any
) -> None:
    fake.account.fail_next(Fault(kind=kind))

    with pytest.raises(GitHubUnavailable):
        github.list_repositories_page()
    assert len(github.list_repositories_page().items) == 100


def test_nobody_listening_is_unavailable(http: httpx.Client) -> None:
    with pytest.raises(GitHubUnavailable, match="connection"):
        GitHub(http, "http://127.0.0.1:1", TOKEN).get_repository(1)


def test_slow_answer_is_timed_out(fake: FakeGitHub, http: httpx.Client) -> None:
    fake.account.latency_seconds = 5
    github = GitHub(http, fake.url, DEMO_TOKEN, timeout=httpx.Timeout(0.05))

    with pytest.raises(GitHubTimedOut):
        github.list_repositories_page()


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (httpx.ConnectTimeout("t"), GitHubTimedOut),
        (httpx.PoolTimeout("t"), GitHubTimedOut),
        (httpx.ConnectError("c"), GitHubUnavailable),
        (httpx.ReadError("r"), GitHubUnavailable),
        (httpx.RemoteProtocolError("p"), GitHubUnavailable),
        (httpx.ProxyError("p"), GitHubUnavailable),
    ],
)
def test_transport_failures_are_told_apart(failure: Exception, expected: type[GitHubError]) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(expected):
        Scripted(fail).client().get_repository(1)


def test_body_that_claims_to_be_compressed_is_unavailable() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        stream = httpx.ByteStream(b"not gzip")
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=stream)

    with pytest.raises(GitHubUnavailable, match="decompressed"):
        Scripted(answer).client().get_repository(1)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"id": "103703892"}, "id"),
        ({"id": True}, "id"),
        ({"id": 0}, "id"),
        ({"id": 2**63}, "id"),
        ({"id": 1.5}, "id"),
        ({"node_id": ""}, "node_id"),
        ({"name": None}, "name"),
        ({"private": "false"}, "private"),
        ({"private": 0}, "private"),
        ({"stargazers_count": -1}, "stargazers_count"),
        ({"archived": None}, "archived"),
        ({"html_url": "javascript:alert(1)"}, "html_url"),
        ({"pushed_at": "yesterday"}, "pushed_at"),
        ({"default_branch": None}, "default_branch"),
    ],
)
def test_repository_with_a_broken_field_is_unavailable_and_names_the_field(
    changes: dict[str, Any], place: str
) -> None:
    script = Scripted(lambda _: httpx.Response(200, json=repository_json(**changes)))

    with pytest.raises(GitHubUnavailable) as raised:
        script.client().get_repository(1)

    assert f"({place}:" in str(raised.value)


@pytest.mark.parametrize("broken", [None, {}, [], "text", 7, {"id": 2}, {"id": None}])
def test_item_that_cannot_be_read_costs_its_page_nothing_else(broken: object) -> None:
    script = Scripted(lambda _: httpx.Response(200, json=[broken, repository_json(), broken]))

    page = script.client().list_repositories_page()

    assert [item.github_id for item in page.items] == [repository_json()["id"]]
    assert (page.unreadable, page.last_page) == (2, 1)


def test_page_of_which_nothing_can_be_read_is_not_behind_the_last_one() -> None:
    links = f'<{API}/user/repos?page=3>; rel="next", <{API}/user/repos?page=9>; rel="last"'
    script = Scripted(lambda _: httpx.Response(200, json=[None], headers={"link": links}))

    page = script.client().list_repositories_page(2)

    assert (page.items, page.unreadable, page.last_page) == ([], 1, 9)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "n" * 201},
        {"full_name": "f" * 301},
        {"node_id": "x" * 256},
        {"default_branch": "b" * 256},
        {"language": "a\x00b"},
        {"html_url": "https://github.com/" + "x" * 2_000},
        {"html_url": "https://github.com/a b"},
    ],
)
def test_repository_that_no_table_could_store_is_unreadable_by_itself(changes: dict[str, Any]) -> None:
    script = Scripted(
        lambda _: httpx.Response(200, json=[repository_json(), repository_json(id=2, **changes)])
    )

    page = script.client().list_repositories_page()

    assert (len(page.items), page.unreadable) == (1, 1)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("`acme` has an IP allow list enabled", "`acme` has an IP allow list enabled"),
        ("Sorry.\r\nYour account\x1b[31m was suspended\u202e.", "Sorry. Your account [31m was suspended ."),
        ("x" * 5_000, "x" * 200),
        ("", "GitHub does not allow this with this token."),
        (["x"], "GitHub does not allow this with this token."),
    ],
)
def test_refusal_is_told_in_the_words_of_github_in_bounds(message: object, told: str) -> None:
    script = Scripted(lambda _: httpx.Response(403, json={"message": message}))

    with pytest.raises(GitHubForbidden) as raised:
        script.client().get_repository(1)

    assert str(raised.value) == told


def test_broken_body_is_not_quoted() -> None:
    secret = "a private description"
    script = Scripted(lambda _: httpx.Response(200, json=repository_json(description={"is": secret})))

    with pytest.raises(GitHubUnavailable) as raised:
        script.client().get_repository(1)

    assert secret not in repr(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"<html>", b'[{"id": 1}]', b"\xff", b"[" * 100_000])
def test_body_that_is_no_repository_is_unavailable(body: bytes) -> None:
    with pytest.raises(GitHubUnavailable):
        Scripted(lambda _: httpx.Response(200, content=body)).client().get_repository(1)


@pytest.mark.parametrize("body", [b"", b"<html>nope", b"[]", b"null", b'"x"', b"[" * 100_000, b"\xff"])
def test_error_with_a_body_that_is_no_json_object_is_still_told_apart(body: bytes) -> None:
    for status, expected in (
        (403, GitHubForbidden),
        (429, GitHubRateLimited),
        (451, Blocked),
        (502, GitHubUnavailable),
    ):
        script = Scripted(partial(answer_with, httpx.Response(status, content=body)))
        with pytest.raises(expected):
            script.client().get_repository(1)


# The token


def failures(fake: FakeGitHub) -> Iterator[tuple[str, Answer | str]]:
    yield "401", lambda _: error(401, message="Bad credentials")
    yield "403", lambda _: error(403)
    yield "limited", lambda _: error(429)
    yield "blocked", lambda _: error(451)
    yield "broken", lambda _: httpx.Response(200, content=b"{")
    yield "elsewhere", lambda _: httpx.Response(301, headers={"location": f"https://evil.example/{TOKEN}"})
    yield "nobody listens", "http://127.0.0.1:1"
    yield "refused by the fake", fake.url
    yield "no TLS there", fake.url.replace("http:", "https:")


def test_token_is_in_no_error_and_no_log(
    fake: FakeGitHub, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    names = []
    for name, way in failures(fake):
        github = GitHub(http, way, TOKEN) if isinstance(way, str) else Scripted(way).client()
        with pytest.raises(GitHubError) as raised:
            github.get_repository(1)
        chain: BaseException | None = raised.value
        while chain is not None:
            assert TOKEN not in f"{chain!s} {chain!r} {chain.args} {vars(raised.value)}"
            chain = chain.__cause__ or chain.__context__
        assert TOKEN not in repr(github)
        names.append(name)

    assert len(names) == 9
    assert caplog.records
    assert TOKEN not in caplog.text
    assert ssl.OPENSSL_VERSION  # the last way needs TLS to fail by it and not for want of it
