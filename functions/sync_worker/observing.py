"""Looks at repositories on GitHub: a hundred by one GraphQL request, those left in doubt by REST.

What cannot be proved is not taken for absence: it is `unavailable`, with a reason, until the next run.
"""

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

from shared.github import (
    Blocked,
    GitHub,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRepository,
    GitHubTimedOut,
    GitHubUnavailable,
    SsoRequired,
)
from shared.github.graphql import Answer, Finding, GraphQL
from shared.sync.database import ChunkItem
from shared.sync.rows import Observation

AnswerT = TypeVar("AnswerT")

# Of one delivery, each: what is beyond them waits for the next run. One repository that breaks each query
# with it takes seven halvings of a hundred.
MAX_HALVINGS = 50
# So many single ones without an answer, and none with one: GraphQL does not answer about repositories now.
MAX_BROKEN = 3
MAX_REST_REQUESTS = 50
LONGEST_PAUSE_SECONDS = 0.3
UNKNOWN = Finding("unknown")
WAITS = "GitHub has not answered about it yet: the next run asks again"

# A legacy id may mean nothing to GitHub one day, whatever has become of its repository.
CURRENT_ID = "R_"


class OutOfTime(Exception):
    """The function's time ends before the work does. The next delivery goes on from here."""


class Doubt(NamedTuple):
    """A repository about which GraphQL has not said enough."""

    item: ChunkItem
    finding: Finding

    @property
    def is_about_existence(self) -> bool:
        """Whether a listing that shows it would settle it. Of a refusal, REST is asked for the reason."""
        return self.finding.seen not in {"sso_required", "forbidden"}


@dataclass
class Observed:
    """What GitHub said about some repositories."""

    observations: list[Observation] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    is_token_alive: bool = False
    stopped_by: GitHubError | OutOfTime | None = None
    """Why GitHub was not asked about the rest, where there is one."""


class Observer:
    """Looks at the repositories of one run with one token."""

    def __init__(self, graphql: GraphQL, github: GitHub, check_time: Callable[[], None]) -> None:
        self.graphql = graphql
        self.github = github
        self._check_time = check_time
        self._halvings_left = MAX_HALVINGS
        self._has_answered = False
        self._listing = Listing(github)

    def observe(self, chunk: Sequence[ChunkItem]) -> Observed:
        """Look at up to 100 repositories. What GitHub has said before it failed is kept."""
        observed = Observed()
        doubts = [Doubt(item, UNKNOWN) for item in chunk if not item.node_id]
        try:
            for part, answer in self._iterate_answers([item for item in chunk if item.node_id]):
                doubts += _take(part, answer, observed)
            self._look_closer(doubts, observed)
        except (GitHubError, OutOfTime) as error:
            observed.stopped_by = error
        return observed

    def _iterate_answers(
        self, chunk: Sequence[ChunkItem]
    ) -> Iterator[tuple[Sequence[ChunkItem], Answer | GitHubError | None]]:
        """The parts of a chunk with GitHub's answers, or with why there is none to this part.

        What GitHub cannot answer at once is asked for in halves, down to one. Each half is taken apart before
        the next one is asked for: where each failure takes long, there is an answer before the time ends.
        """
        waiting = deque([chunk] if chunk else [])
        broken: list[tuple[Sequence[ChunkItem], GitHubError]] = []
        while waiting and (self._has_answered or len(broken) < MAX_BROKEN):
            part = waiting.popleft()
            if part is not chunk:
                self._check_time()
            answer = self._ask_graphql(part, is_decisive=part is chunk or len(part) == 1)
            left = part
            if isinstance(answer, Answer):
                left = [
                    item for item in part if answer.was_too_much and _get_finding(item, answer) == UNKNOWN
                ]
                self._has_answered |= len(left) < len(part)
                yield [item for item in part if item not in left], answer
            if len(part) > 1 and left and self._halvings_left > 0:
                self._halvings_left -= 1
                middle = (len(left) + 1) // 2
                waiting.extendleft(half for half in (left[middle:], left[:middle]) if half)
            elif len(part) == 1 and isinstance(answer, GitHubError) and not self._has_answered:
                broken.append((part, answer))
            elif left:
                yield left, answer if len(part) == 1 and isinstance(answer, GitHubError) else None
        # An answer about none at all says nothing about these repositories: REST is asked.
        yield from ((part, None) for part in waiting)
        for part, error in broken:
            yield part, error if self._has_answered else None

    def _ask_graphql(self, part: Sequence[ChunkItem], *, is_decisive: bool) -> Answer | GitHubError:
        """The answer, or why GitHub has none to this question. Raises where it has none to any."""
        node_ids = [str(item.node_id) for item in part]
        ask = partial(self.graphql.read_repositories, node_ids)
        try:
            return ask_twice(ask) if is_decisive else ask()
        except (GitHubUnavailable, GitHubTimedOut) as error:
            if is_decisive:
                # An outage says nothing about these repositories, and asking for halves would be in vain.
                self.graphql.read_repositories([])
            return error

    def _look_closer(self, doubts: Sequence[Doubt], observed: Observed) -> None:
        """REST says what GraphQL does not: whether it is there, why not, and where to read more about it."""
        self._read_listing([doubt.item.github_id for doubt in doubts if doubt.is_about_existence])
        if self._listing.hides_a_part:
            observed.flags.add("sso_partial")
        # A refusal is known without its reason, so that it may do without REST where the budget ends.
        for doubt in sorted(doubts, key=lambda doubt: not doubt.is_about_existence):
            item, finding = doubt
            listed = self._listing.items.get(item.github_id) if doubt.is_about_existence else None
            if listed is not None:
                observed.observations.append(see(listed))
            elif self._may_ask_rest():
                self._check_time()
                observed.observations.append(look_at(self.github, item.github_id))
            elif finding.seen in ("sso_required", "forbidden"):
                observed.observations.append(
                    {"github_id": item.github_id, "seen": finding.seen, "reason": finding.reason}
                )
            else:
                observed.flags.add("truncated")
                observed.observations.append(make_unavailable(item.github_id, WAITS))

    def _read_listing(self, github_ids: Iterable[int]) -> None:
        """A page of the listing proves a hundred at once: read on while that is less than single requests."""
        wanted = set(github_ids)
        while (
            len(wanted - self._listing.items.keys()) > self._listing.pages_left > 0 and self._may_ask_rest()
        ):
            self._check_time()
            self._listing.read_page()

    def _may_ask_rest(self) -> bool:
        return self.github.spending.requests < MAX_REST_REQUESTS


class Listing:
    """The repositories that the user's listing shows, as far as it was read."""

    def __init__(self, github: GitHub) -> None:
        self._github = github
        self._number = 1
        self.items: dict[int, GitHubRepository] = {}
        self.pages_left = 1
        """At least; how many there are only the first one says."""
        self.hides_a_part = False

    def read_page(self) -> None:
        """Read one page more. A listing that GitHub does not answer ends here."""
        try:
            page = ask_twice(lambda: self._github.list_repositories_page(self._number))
        except (GitHubUnavailable, GitHubTimedOut, GitHubForbidden):
            self.pages_left = 0
            return
        self.items |= {item.github_id: item for item in page.items}
        self.hides_a_part |= bool(page.partial_sso)
        self.pages_left = max(1, (page.last_page or 0) - self._number) if page.next_url is not None else 0
        self._number += 1


def look_at(github: GitHub, github_id: int) -> Observation:
    """What GitHub says of one repository. Raises what says nothing about that repository."""
    try:
        repository = ask_twice(lambda: github.get_repository(github_id))
    except (GitHubNotFound, Blocked, GitHubForbidden) as error:
        return _read_refusal(github_id, error)
    except (GitHubUnavailable, GitHubTimedOut) as error:
        # Raises in an outage, which says nothing about this repository.
        github.get_user()
        return make_unavailable(github_id, str(error))
    if repository.github_id != github_id:
        return make_unavailable(github_id, "GitHub answered with another repository than was asked for.")
    return see(repository)


def _read_refusal(github_id: int, error: GitHubNotFound | Blocked | GitHubForbidden) -> Observation:
    match error:
        case GitHubNotFound():
            return {"github_id": github_id, "seen": "missing"}
        case Blocked():
            return {"github_id": github_id, "seen": "blocked", "url": error.url, "reason": error.reason}
        case SsoRequired():
            return {"github_id": github_id, "seen": "sso_required", "url": error.url}
        case _:
            return {"github_id": github_id, "seen": "forbidden", "reason": str(error)}


def see(repository: GitHubRepository) -> Observation:
    """The observation of a repository that GitHub has shown."""
    return {"github_id": repository.github_id, "seen": "found", "item": repository.to_item()}


def make_unavailable(github_id: int, reason: str) -> Observation:
    """The observation of a repository that could not be read."""
    return {"github_id": github_id, "seen": "unavailable", "reason": reason}


def ask_twice(ask: Callable[[], AnswerT]) -> AnswerT:
    """Ask GitHub, and once more where it did not answer: many an outage is over within a blink."""
    try:
        return ask()
    except (GitHubUnavailable, GitHubTimedOut):
        # At no common moment: users of a batch meet an outage together.
        time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311 - nothing depends on it being secret
        return ask()


def _get_finding(item: ChunkItem, answer: Answer) -> Finding:
    return answer.findings[str(item.node_id)]


def _take(
    part: Sequence[ChunkItem], answer: Answer | GitHubError | None, observed: Observed
) -> Iterator[Doubt]:
    """Keep what the answer to a part settles. Yields the rest."""
    if isinstance(answer, GitHubError):
        observed.observations += [make_unavailable(item.github_id, str(answer)) for item in part]
    elif answer is None:
        yield from (Doubt(item, UNKNOWN) for item in part)
    else:
        observed.is_token_alive |= answer.is_token_alive
        if answer.hides_a_part:
            observed.flags.add("sso_partial")
        for item in part:
            finding = _get_finding(item, answer)
            settled = _settle(item, finding, answer.sso_url)
            if settled is None:
                yield Doubt(item, finding)
            else:
                observed.observations.append(settled)


def _settle(item: ChunkItem, finding: Finding, sso_url: str | None) -> Observation | None:
    """The observation, where GraphQL leaves nothing open."""
    if finding.node is not None and finding.node.github_id in {item.github_id, None}:
        return {
            "github_id": item.github_id,
            "seen": "found",
            "item": finding.node.to_item(item.github_id),
        }
    if finding.seen == "missing":
        # What is gone already, or kept by its owner, needs no second proof: nothing more becomes of it.
        is_final = item.sync_state == "gone" or item.missing_decision is not None
        is_proved = is_final or (item.node_id or "").startswith(CURRENT_ID)
        return {"github_id": item.github_id, "seen": "missing"} if is_proved else None
    if finding.seen == "forbidden" and item.sync_state == "forbidden":
        # REST was asked for the reason when it was refused first.
        return {"github_id": item.github_id, "seen": "forbidden", "reason": finding.reason}
    if finding.seen == "sso_required" and sso_url is not None and _leads_to_owner(sso_url, item):
        return {"github_id": item.github_id, "seen": "sso_required", "url": sso_url}
    return None


def _leads_to_owner(sso_url: str, item: ChunkItem) -> bool:
    """One answer names one organisation, while its repositories may be of several."""
    owner = (item.full_name or "").partition("/")[0].lower()
    return bool(owner) and f"/orgs/{owner}/" in sso_url.lower()
