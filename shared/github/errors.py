"""How a call to GitHub can end without an answer. None of these ever carries a token.

GitHubError
├── TokenRejected      401, or a token that no header can carry: stop at once, since several bad calls in
│                      a row make GitHub refuse every sign-in of that user for a while
├── GitHubRateLimited  403 or 429 of the primary or a secondary limit; `retry_at`, `retry_after`
├── GitHubForbidden    403 for any other reason: this token may not do this
│   └── SsoRequired    403 until the user authorises the token for an organisation, at `url`
├── GitHubNotFound     404: gone, or private and not this token's to see; GitHub does not say which
├── Blocked            451, taken down; `reason` and the notice's `url`
├── GitHubUnavailable  5xx, no connection, or an answer that makes no sense
│   └── Unreadable     an answer of GitHub's, to this question alone, that makes no sense
└── GitHubTimedOut     no answer in time
"""

from datetime import UTC, datetime
from math import ceil


class GitHubError(Exception):
    """A call to GitHub failed. The text is fit to be shown to the caller."""


class TokenRejected(GitHubError):
    """GitHub does not know this token, or it was revoked or has expired."""

    def __init__(self) -> None:
        super().__init__("GitHub does not accept this token; connect GitHub again.")


class GitHubRateLimited(GitHubError):
    """The user's allowance at GitHub is exhausted until `retry_at`."""

    def __init__(self, retry_at: float, now: float) -> None:
        # Up: half a second too early is a request that GitHub refuses.
        self.retry_after = max(1, ceil(retry_at - now))
        self.retry_at = datetime.fromtimestamp(ceil(retry_at), UTC)
        super().__init__(f"GitHub's rate limit is exhausted until {self.retry_at:%Y-%m-%dT%H:%M:%SZ}.")


class GitHubForbidden(GitHubError):
    """The token is good, and GitHub does not allow this with it."""


class SsoRequired(GitHubForbidden):
    """The organisation wants the token authorised for its single sign-on; `url` leads there for an hour."""

    def __init__(self, url: str | None) -> None:
        self.url = url
        super().__init__("The organisation wants this token authorised for its single sign-on first.")


class GitHubNotFound(GitHubError):
    """There is no such thing, or not for this token."""


class Blocked(GitHubError):
    """GitHub has taken the repository down."""

    def __init__(self, reason: str, url: str | None) -> None:
        self.reason = reason
        self.url = url
        super().__init__(f"GitHub has blocked access to this repository ({reason}).")


class GitHubUnavailable(GitHubError):
    """GitHub did not answer, or with something that cannot be used."""


class Unreadable(GitHubUnavailable):
    """GitHub answered, with a body that cannot be read: no outage, and no word about anything else."""


class GitHubTimedOut(GitHubError):
    """GitHub took too long."""

    def __init__(self) -> None:
        super().__init__("GitHub did not answer in time.")
