"""Whose token it is, as GitHub's answer and headers say."""

from datetime import UTC, datetime

import httpx
import pytest

from shared.github import GitHub, GitHubUnavailable, TokenRejected
from shared.github.user import GitHubUser

TOKEN = "gho_sentinel_that_must_not_show_anywhere"


def read(response: httpx.Response) -> GitHubUser:
    http = httpx.Client(transport=httpx.MockTransport(lambda _: response))
    return GitHub(http, "https://api.github.com", TOKEN).get_user()


def user(**headers: str) -> httpx.Response:
    return httpx.Response(200, headers=headers, json={"id": 583231, "login": "octocat", "plan": {}})


def test_user_is_who_github_says() -> None:
    assert read(user()) == GitHubUser(583231, "octocat", (), None)


@pytest.mark.parametrize(
    ("header", "scopes"),
    [("", ()), ("repo", ("repo",)), ("read:org, repo", ("read:org", "repo")), (" , repo ,", ("repo",))],
)
def test_scopes_are_those_of_the_header(header: str, scopes: tuple[str, ...]) -> None:
    assert read(user(**{"x-oauth-scopes": header})).scopes == scopes


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("2026-12-01 09:30:00 UTC", datetime(2026, 12, 1, 9, 30, tzinfo=UTC)),
        # google/go-github#2649
        ("2026-12-01 09:30:00 +0200", datetime(2026, 12, 1, 7, 30, tzinfo=UTC)),
        ("2026-12-01 09:30:00 -0700", datetime(2026, 12, 1, 16, 30, tzinfo=UTC)),
        ("", None),
        ("never", None),
        ("2026-13-01 09:30:00 UTC", None),
        ("0001-01-01 00:00:00 +2359", None),
    ],
)
def test_expiration_is_read_in_both_forms_and_nonsense_is_none(header: str, moment: datetime | None) -> None:
    assert read(user(**{"github-authentication-token-expiration": header})).token_expires_at == moment


@pytest.mark.parametrize(
    "body",
    [{}, {"id": 1}, {"id": 0, "login": "x"}, {"id": "1", "login": "x"}, {"id": 1, "login": ""}, [], None],
)
def test_answer_that_names_nobody_is_unavailable(body: object) -> None:
    with pytest.raises(GitHubUnavailable) as raised:
        read(httpx.Response(200, json=body))

    assert TOKEN not in str(raised.value)


def test_token_that_github_does_not_know_is_rejected() -> None:
    with pytest.raises(TokenRejected):
        read(httpx.Response(401, json={"message": "Bad credentials"}))


def test_calls_are_counted_and_what_is_left_is_known() -> None:
    headers = {"x-ratelimit-remaining": "4987", "x-ratelimit-reset": "1795000000"}
    responses = iter([user(**headers), user(**{"x-ratelimit-remaining": "many"}), httpx.Response(502)])
    http = httpx.Client(transport=httpx.MockTransport(lambda _: next(responses)))
    github = GitHub(http, "https://api.github.com", TOKEN)

    github.get_user()
    github.get_user()
    with pytest.raises(GitHubUnavailable):
        github.get_user()

    assert (github.spending.requests, github.spending.remaining) == (3, 4987)
    assert github.spending.reset_at == datetime.fromtimestamp(1_795_000_000, UTC)
