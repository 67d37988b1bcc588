"""Reads chosen repositories from GitHub by the fewest requests, and keeps going where one of them fails."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from shared.github import (
    GitHub,
    GitHubError,
    GitHubRateLimited,
    GitHubRepository,
    GitHubTimedOut,
    GitHubUnavailable,
    RepositoryPage,
    TokenRejected,
    Unreadable,
)

# GitHub being down fails every read, one broken repository only its own.
OUTAGES_IN_A_ROW = 2


@dataclass
class Reading:
    """What GitHub said of the chosen repositories."""

    found: dict[int, GitHubRepository] = field(default_factory=dict)
    failed: dict[int, GitHubError] = field(default_factory=dict)
    stopped_by: GitHubError | None = None
    """Why the rest was not read, where there is a rest."""

    @property
    def failure(self) -> GitHubError | None:
        """Why, where GitHub has said nothing about any of them, or has refused the token meanwhile."""
        if isinstance(self.stopped_by, TokenRejected):
            return self.stopped_by
        outage = GitHubUnavailable | GitHubTimedOut
        answered = [e for e in self.failed.values() if isinstance(e, Unreadable) or not isinstance(e, outage)]
        reason = self.stopped_by or next(iter(self.failed.values()), None)
        return None if self.found or answered else reason


def read_chosen(
    github: GitHub,
    chosen: Sequence[int],
    is_time_left: Callable[[], bool],
    known: Mapping[int, GitHubRepository] = MappingProxyType({}),
) -> Reading:
    """Read the chosen repositories, as far as GitHub answers and they are not known already.

    A page of the listing has up to 100 of them for one request. It is left as soon as reading the missing
    ones by themselves costs no more; that also tells why one cannot be seen.
    """
    reading = Reading(found=dict(known))
    try:
        _read_pages(github, chosen, reading, is_time_left)
        _read_singly(github, _find_missing(chosen, reading), reading, is_time_left)
    except GitHubError as error:
        reading.stopped_by = error
    return reading


def _read_pages(
    github: GitHub, chosen: Sequence[int], reading: Reading, is_time_left: Callable[[], bool]
) -> None:
    wanted = set(chosen)
    pages = github.iterate_repository_pages()
    number, pages_left = 0, 1
    while len(wanted) - len(reading.found) > pages_left > 0:
        _check_time(is_time_left)
        number += 1
        try:
            page = next(pages)
        except (GitHubUnavailable, GitHubTimedOut):
            # Raises in an outage. Else it is this page that is broken: what it has is read singly.
            github.get_user()
            pages = github.iterate_repository_pages(number + 1)
            pages_left -= 1
            continue
        reading.found |= {item.github_id: item for item in page.items if item.github_id in wanted}
        pages_left = _count_pages_left(page, number)


def _count_pages_left(page: RepositoryPage, number: int) -> int:
    if page.next_url is None:
        return 0
    # At least the one that the link leads to, whatever the count says.
    return max(1, (page.last_page or 0) - number)


def _read_singly(
    github: GitHub, missing: Iterable[int], reading: Reading, is_time_left: Callable[[], bool]
) -> None:
    outages = 0
    for github_id in missing:
        _check_time(is_time_left)
        try:
            reading.found[github_id] = _read_repository(github, github_id)
            outages = 0
        except (TokenRejected, GitHubRateLimited):
            raise
        except Unreadable as error:
            reading.failed[github_id] = error
            outages = 0
        except (GitHubUnavailable, GitHubTimedOut) as error:
            reading.failed[github_id] = error
            outages += 1
            if outages == OUTAGES_IN_A_ROW:
                # Raises in an outage. Else it is these repositories that are broken, and the others are read.
                github.get_user()
                outages = 0
        except GitHubError as error:
            reading.failed[github_id] = error
            outages = 0


def _read_repository(github: GitHub, github_id: int) -> GitHubRepository:
    repository = github.get_repository(github_id)
    if repository.github_id != github_id:
        # Stops an import of one that nobody has chosen.
        raise Unreadable("GitHub answered with another repository than was asked for.")
    return repository


def _find_missing(chosen: Sequence[int], reading: Reading) -> list[int]:
    return [github_id for github_id in chosen if github_id not in reading.found]


def _check_time(is_time_left: Callable[[], bool]) -> None:
    if not is_time_left():
        raise GitHubTimedOut
