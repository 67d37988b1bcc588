"""What passes between the sync and its functions in the database, as `supabase/schemas/5*.sql` read it."""

from typing import Any, Literal, Required, TypedDict

Seen = Literal["found", "missing", "sso_required", "blocked", "forbidden", "unavailable"]


class Observation(TypedDict, total=False):
    """What GitHub said about one repository. `private.check_github_observations` refuses any other shape."""

    github_id: Required[int]
    seen: Required[Seen]
    item: dict[str, Any]
    """The repository's fields, where it was found. A field that is left out stays as it is known."""
    url: str | None
    """Where its owner can mend it: an organisation's sign-on, or GitHub's notice of a block."""
    reason: str | None
    """GitHub's own words."""


class Spent(TypedDict, total=False):
    """What it has cost to ask since the last write."""

    requests: Required[int]
    points: int
    rate_limit_remaining: int | None
    rate_limit_reset_at: str | None
    flags: list[str]
    """What the run's owner should know of the answers: `sso_partial`, `truncated`."""


class Ending(TypedDict, total=False):
    """How the work on a run ends."""

    state: Required[Literal["succeeded", "failed", "needs_reauth", "paused"]]
    """The database makes `failed` partial where something was done. Only an import is `paused`."""
    error: str
    reason: str
    """GitHub's own words."""
    token_alive: bool | None
    retry_at: str


class RunRow(TypedDict):
    """A run that has ended."""

    state: Literal["succeeded", "partial", "failed", "needs_reauth"]
    error: str | None
    counts: dict[str, int]
    total: int
    done: int
    requests: int
    points: int
