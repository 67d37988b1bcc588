"""Looks at repositories on GitHub: a hundred by one GraphQL request, those left in doubt singly by REST."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.github import (
    Blocked,
    Forbidden,
    GitHub,
    GitHubError,
    NotFound,
    SsoRequired,
    TimedOut,
    Unavailable,
)
from shared.github.graphql import Answer, Finding, GraphQL
from shared.sync.database import ChunkItem

AnswerT = TypeVar("AnswerT")

# Of one run. Whatever makes more of them doubtful is no matter of single repositories.
MAX_SINGLE_READS = 50
LONGEST_PAUSE_SECONDS = 0.3
UNKNOWN = Finding("unknown")

# A legacy id may mean nothing to GitHub one day, whatever has become of its repository.
CURRENT_ID = "R_"

Observation = dict[str, Any]


@dataclass
class Observed:
    """What GitHub said about some repositories."""

    observations: list[Observation] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    is_token_alive: bool = False
    stopped_by: GitHubError | None = None
    """Why GitHub was not asked about the rest, where there is one."""


class Observer:
    """Looks at the repositories of one run with one token."""

    def __init__(self, graphql: GraphQL, github: GitHub, is_time_left: Callable[[], bool]) -> None:
        self.graphql = graphql
        self.github = github
        self._is_time_left = is_time_left
        self._single_reads_left = MAX_SINGLE_READS

    def observe(self, chunk: Sequence[ChunkItem]) -> Observed:
        """Look at up to 100 repositories. What GitHub has said before it failed is kept."""
        observed = Observed()
        try:
            answer = self._ask_graphql(chunk)
            observed.is_token_alive = answer.is_token_alive
            doubtful = self._take(chunk, answer, observed)
            self._look_singly(doubtful, observed)
        except GitHubError as error:
            observed.stopped_by = error
        return observed

    def _ask_graphql(self, chunk: Sequence[ChunkItem]) -> Answer:
        node_ids = [item.node_id for item in chunk if item.node_id]
        if not node_ids:
            return Answer({}, is_token_alive=False, sso_url=None, was_too_much=False)
        return ask_twice(lambda: self.graphql.read_repositories(node_ids))

    def _take(
        self, chunk: Sequence[ChunkItem], answer: Answer, observed: Observed
    ) -> list[tuple[ChunkItem, Finding]]:
        """Keep what the answer settles. Returns the rest."""
        doubtful = []
        for item in chunk:
            finding = answer.findings.get(item.node_id or "", UNKNOWN)
            settled = _settle(item, finding, answer.sso_url)
            if settled is None:
                doubtful.append((item, finding))
            else:
                observed.observations.append(settled)
        return doubtful

    def _look_singly(self, doubtful: Sequence[tuple[ChunkItem, Finding]], observed: Observed) -> None:
        """REST tells what GraphQL does not: why, and where to read more about it."""
        for item, finding in doubtful:
            if self._single_reads_left > 0 and self._is_time_left():
                self._single_reads_left -= 1
                observed.observations.append(look_at(self.github, item.github_id))
            elif finding.seen in {"missing", "sso_required", "forbidden"}:
                observed.observations.append({"github_id": item.github_id, "seen": finding.seen})
            else:
                observed.flags.add("truncated")


def look_at(github: GitHub, github_id: int) -> Observation:
    """What GitHub says of one repository. Raises what is no matter of that repository."""
    about: Observation = {"github_id": github_id}
    try:
        repository = ask_twice(lambda: github.get_repository(github_id))
    except NotFound:
        return about | {"seen": "missing"}
    except Blocked as error:
        return about | {"seen": "blocked", "url": error.url, "reason": error.reason}
    except SsoRequired as error:
        return about | {"seen": "sso_required", "url": error.url}
    except Forbidden:
        return about | {"seen": "forbidden"}
    if repository.github_id != github_id:
        raise Unavailable("GitHub answered with another repository than was asked for.")
    return about | {"seen": "found", "item": repository.to_item()}


def ask_twice(ask: Callable[[], AnswerT]) -> AnswerT:
    """Ask GitHub, and once more where it did not answer: many an outage is over within a blink."""
    try:
        return ask()
    except (Unavailable, TimedOut):
        # At no common moment: users of a batch meet an outage together.
        time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311 - nothing depends on it being secret
        return ask()


def _settle(item: ChunkItem, finding: Finding, sso_url: str | None) -> Observation | None:
    """The observation, where GraphQL leaves nothing open."""
    about: Observation = {"github_id": item.github_id}
    if finding.node is not None and finding.node.github_id in {item.github_id, None}:
        return about | {"seen": "found", "item": finding.node.to_item(item.github_id)}
    if finding.seen == "missing" and (item.node_id or "").startswith(CURRENT_ID):
        return about | {"seen": "missing"}
    if finding.seen == "sso_required" and sso_url is not None and _leads_to_owner(sso_url, item):
        return about | {"seen": "sso_required", "url": sso_url}
    return None


def _leads_to_owner(sso_url: str, item: ChunkItem) -> bool:
    """One answer names one organisation, while its repositories may be of several."""
    owner = (item.full_name or "").partition("/")[0].lower()
    return bool(owner) and f"/orgs/{owner}/" in sso_url.lower()
