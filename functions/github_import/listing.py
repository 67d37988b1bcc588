"""The part of the caller's listing on GitHub that a request asks for."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from unicodedata import combining, normalize

from functions.github_import.schemas import GitHubRepositoryQuery
from shared.github import GitHub, GitHubRepository, RepositoryPage
from shared.github.client import PAGE_SIZE

# GitHub cannot filter. A search reads as many pages as take some seconds, and leaves the rest to the next
# request.
MAX_PAGES = 5

FindImported = Callable[[Sequence[int]], Collection[int]]


@dataclass
class Listing:
    """What was found, and where to go on."""

    items: list[GitHubRepository] = field(default_factory=list)
    next_position: int | None = None
    """How many repositories lie before the next one to look at. None where there is none."""
    last_page: int | None = None
    sizes: dict[int, int] = field(default_factory=dict)
    """How many repositories each page has that was read, by its number."""
    withheld: set[int] = field(default_factory=set)
    unreadable: int = 0


def read_listing(
    github: GitHub,
    query: GitHubRepositoryQuery,
    find_imported: FindImported,
    is_time_left: Callable[[], bool],
) -> Listing:
    """Read GitHub's pages until there are as many repositories as the query asks for.

    `find_imported` says which of these repositories, by GitHub's id, some product has.
    """
    listing = Listing()
    position = query.position
    for _ in range(MAX_PAGES):
        number, start = position // PAGE_SIZE + 1, position % PAGE_SIZE
        page = github.list_repositories_page(number, sort=query.sort)
        _note(listing, number, page)
        matching = _find_matching(page.items[start:], query, find_imported)
        for offset, repository in enumerate(page.items[start:], start):
            if len(listing.items) == query.limit:
                listing.next_position = position - start + offset
                return listing
            if repository.github_id in matching:
                listing.items.append(repository)
        position = number * PAGE_SIZE
        listing.next_position = None if page.next_url is None else position
        is_whole = len(listing.items) == query.limit or (
            not query.has_filters and position >= query.position + query.limit
        )
        if listing.next_position is None or is_whole or not is_time_left():
            break
    return listing


def _note(listing: Listing, number: int, page: RepositoryPage) -> None:
    listing.sizes[number] = len(page.items)
    listing.last_page = page.last_page if listing.last_page is None else listing.last_page
    listing.withheld.update(page.partial_sso)
    listing.unreadable += page.unreadable


def _find_matching(
    items: Sequence[GitHubRepository], query: GitHubRepositoryQuery, find_imported: FindImported
) -> set[int]:
    """Those that match every filter, by GitHub's id."""
    owners = {owner.casefold() for owner in query.owner}
    words = fold(query.q or "").split()
    matching = {
        repository.github_id
        for repository in items
        if (not owners or repository.full_name.partition("/")[0].casefold() in owners)
        and query.is_archived in (None, repository.is_archived)
        and query.is_fork in (None, repository.is_fork)
        and query.is_private in (None, repository.is_private)
        and _has_words(repository, words)
    }
    if query.is_imported is None or not matching:
        return matching
    imported = set(find_imported(sorted(matching)))
    return matching & imported if query.is_imported else matching - imported


def _has_words(repository: GitHubRepository, words: Sequence[str]) -> bool:
    text = fold(f"{repository.full_name} {repository.description or ''}")
    return all(word in text for word in words)


def fold(text: str) -> str:
    """The text without case, accents and width, as `search_terms` of the database has it."""
    return "".join(sign for sign in normalize("NFKD", text) if not combining(sign)).casefold()
