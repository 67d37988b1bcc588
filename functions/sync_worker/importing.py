"""An import in the background: the chosen repositories are read from GitHub and written page by page."""

from collections.abc import Callable, Iterator, Sequence

from functions.sync_worker.observing import ask_twice, look_at, see
from shared.github import GitHub, GitHubError, GitHubTimedOut, GitHubUnavailable, RepositoryPage
from shared.sync.database import ImportBegun, RunDatabase
from shared.sync.rows import Observation, Spent

# What is read singly is written as often as this, so that a worker that is killed leaves little to repeat.
SINGLE_READS_AT_ONCE = 20
# Of one delivery. More than these is an outage, even if GitHub goes on answering other questions.
MAX_UNAVAILABLE = 20


class Importer:
    """Does what is left of one import with one token."""

    def __init__(
        self, database: RunDatabase, begun: ImportBegun, github: GitHub, check_time: Callable[[], None]
    ) -> None:
        self._database = database
        self._github = github
        self._check_time = check_time
        self._wanted = dict.fromkeys(begun.github_ids)
        self._next_page = begun.next_page
        self._pages_left = 1
        self._unavailable = 0
        self._reported = 0

    def go_on_with(self, github: GitHub) -> None:
        """Use another token from now on."""
        self._github, self._reported = github, 0

    def run(self) -> None:
        """Read and write until nothing is left. Raises any `GitHubError`, and what `check_time` raises.

        A page of the listing has up to 100 of them for one request. The listing is left as soon as reading
        the rest singly costs no more; that also tells why one cannot be seen.
        """
        try:
            while self._next_page is not None and len(self._wanted) > self._pages_left:
                self._import_page(self._next_page)
            self._next_page = None
            for github_ids in self._iterate_rest():
                self._import_singly(github_ids)
        except GitHubError:
            # The request that has failed counts as well.
            self.write_spending()
            raise

    def write_spending(self) -> None:
        """Write what GitHub was asked since the last write."""
        if self._github.spending.requests > self._reported:
            self._write([])

    def _import_page(self, number: int) -> None:
        """Write what a page of the listing has of them."""
        self._check_time()
        page = self._read_page(number)
        if page is None:
            # What it would have shown is read singly. The page before has said whether there is a next one.
            self._pages_left -= 1
            self._next_page = number + 1 if self._pages_left > 0 else None
            return
        self._next_page = number + 1 if page.next_url is not None else None
        self._pages_left = max(1, (page.last_page or 0) - number)
        self._write([see(item) for item in page.items])

    def _read_page(self, number: int) -> RepositoryPage | None:
        """A page, or None where GitHub cannot answer this one while it answers other questions."""
        try:
            return ask_twice(lambda: self._github.list_repositories_page(number))
        except (GitHubUnavailable, GitHubTimedOut):
            self._github.get_user()
            return None

    def _iterate_rest(self) -> Iterator[Sequence[int]]:
        rest = list(self._wanted)
        for start in range(0, len(rest), SINGLE_READS_AT_ONCE):
            yield rest[start : start + SINGLE_READS_AT_ONCE]

    def _import_singly(self, github_ids: Sequence[int]) -> None:
        observations: list[Observation] = []
        try:
            for github_id in github_ids:
                self._check_time()
                observations.append(self._look_at(github_id))
        finally:
            # What GitHub answered before it failed is not asked again.
            self._write(observations)

    def _look_at(self, github_id: int) -> Observation:
        observation = look_at(self._github, github_id)
        self._unavailable += observation["seen"] == "unavailable"
        if self._unavailable > MAX_UNAVAILABLE:
            raise GitHubUnavailable("GitHub answers, but not about these repositories.")
        return observation

    def _write(self, observations: Sequence[Observation]) -> None:
        chosen = [each for each in observations if each["github_id"] in self._wanted]
        spending = self._github.spending
        spent: Spent = {
            "requests": spending.requests - self._reported,
            "rate_limit_remaining": spending.remaining,
            "rate_limit_reset_at": spending.reset_at.isoformat() if spending.reset_at else None,
        }
        self._database.apply_import(chosen, self._next_page, spent)
        self._reported = spending.requests
        for each in chosen:
            del self._wanted[each["github_id"]]
