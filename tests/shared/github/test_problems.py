"""What GitHub's failures are to a client, by table."""

import pytest

from shared.errors import Problem
from shared.github import (
    Blocked,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubTimedOut,
    GitHubUnavailable,
    SsoRequired,
    TokenRejected,
)
from shared.github.problems import as_problems, to_problem

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (TokenRejected(), 403, "github-token-rejected"),
        (GitHubRateLimited(NOW + 17, NOW), 429, "github-rate-limited"),
        (SsoRequired("https://github.com/orgs/a/sso"), 403, "github-sso-required"),
        (GitHubForbidden("no"), 403, "github-forbidden"),
        (GitHubTimedOut(), 504, "github-timed-out"),
        (GitHubUnavailable("down"), 502, "github-unavailable"),
        # A listing that is not there or blocked: the address of the API is wrong, not the caller.
        (GitHubNotFound("nothing"), 502, "github-unavailable"),
        (Blocked("dmca", None), 502, "github-unavailable"),
    ],
)
def test_failure_of_github_is_its_problem(error: GitHubError, status: int, slug: str) -> None:
    problem = to_problem(error)

    assert (problem.status, problem.slug, problem.detail) == (status, slug, str(error))


def test_limit_and_sign_on_say_what_to_do() -> None:
    assert to_problem(GitHubRateLimited(NOW + 17, NOW)).headers == {"Retry-After": "17"}
    assert to_problem(SsoRequired("https://github.com/orgs/a/sso")).extensions == {
        "url": "https://github.com/orgs/a/sso"
    }


def test_failure_inside_becomes_a_problem_and_other_errors_pass() -> None:
    with pytest.raises(Problem) as raised, as_problems():
        raise GitHubTimedOut
    assert raised.value.status == 504

    with pytest.raises(KeyError), as_problems():
        raise KeyError
