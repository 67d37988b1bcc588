"""Calls to GitHub's REST API. Synchronous, and it never sleeps, as a function pays for every second."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import httpx

from shared.github.answers import find_last_page, find_next_url, find_withheld, read_body
from shared.github.calls import TIMEOUT, Calls, Spending, TokenSource
from shared.github.errors import GitHubUnavailable
from shared.github.repository import LISTING, REPOSITORY, GitHubRepository, read_listed
from shared.github.user import GitHubUser, read_user
from shared.runtime.deadlines import Deadline

PAGE_SIZE = 100
GitHubSort = Literal[
    "-created_at",
    "created_at",
    "full_name",
    "-full_name",
    "-pushed_at",
    "pushed_at",
    "-updated_at",
    "updated_at",
]
# Forum's columns by GitHub's names.
SORTS = {"created_at": "created", "full_name": "full_name", "pushed_at": "pushed", "updated_at": "updated"}
REDIRECTS = frozenset({301, 302, 307, 308})


@dataclass(frozen=True)
class RepositoryPage:
    """One page of the listing. `last_page` is None where GitHub does not say how many there are."""

    items: list[GitHubRepository]
    last_page: int | None
    next_url: str | None
    partial_sso: tuple[int, ...]
    """Organisations that withheld their repositories until the token is authorised for their sign-on."""
    unreadable: int = 0
    """How many items of the page could not be read. Asked for by itself, a repository may be readable."""


class GitHub:
    """GitHub for one token. `http` is shared by all callers, so nothing of this one may stay in it."""

    def __init__(  # noqa: PLR0913 - what follows the token is optional and has a name
        self,
        http: httpx.Client,
        api_url: str,
        token: str,
        *,
        source: TokenSource | None = None,
        deadline: Deadline | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._calls = Calls(http, token, source=source, deadline=deadline, timeout=timeout, clock=clock)
        self._api = httpx.URL(api_url.rstrip("/"))

    @property
    def spending(self) -> Spending:
        """What the calls have cost so far."""
        return self._calls.spending

    def get_user(self) -> GitHubUser:
        """Whose token this is, and what it may do."""
        response = self._calls.get(self._make_url("/user"))
        return read_user(response, self._calls.clock())

    def list_repositories_page(
        self, page: int = 1, per_page: int = PAGE_SIZE, *, sort: GitHubSort = "-created_at"
    ) -> RepositoryPage:
        """A page of what the user can see.

        Sorted by creation, which never changes, where all of it is read: a listing by `pushed` loses whatever
        is pushed to between two pages (Sourcegraph PR 5874), while one created meanwhile only makes the next
        page repeat one.
        """
        query: dict[str, str | int] = {
            "sort": SORTS[sort.removeprefix("-")],
            "direction": "desc" if sort.startswith("-") else "asc",
            "per_page": per_page,
        }
        return self._read_page(self._make_url("/user/repos").copy_merge_params(query | {"page": page}), page)

    def iterate_repository_pages(self, number: int = 1) -> Iterator[RepositoryPage]:
        """The listing from a page on, each read only when it is asked for, along GitHub's own links."""
        page = self.list_repositories_page(number)
        seen = set[str]()
        yield page
        while page.next_url is not None:
            if page.next_url in seen:
                raise GitHubUnavailable("GitHub's listing leads back to a page that was already read.")
            seen.add(page.next_url)
            number += 1
            page = self._read_page(self._keep_origin(page.next_url), number)
            yield page

    def get_repository(self, github_id: int) -> GitHubRepository:
        """One repository by its number, which survives renames and transfers; a name may mean another one."""
        response = self._calls.get(self._make_url(f"/repositories/{github_id:d}"))
        if response.status_code in REDIRECTS:
            response = self._calls.get(self._follow(response))
        return read_body(REPOSITORY, response, self._calls.clock())

    def get_repository_by_name(self, full_name: str) -> GitHubRepository:
        """The repository that has this name now, or had it before it was renamed or transferred."""
        response = self._calls.get(self._make_url(f"/repos/{full_name}"))
        if response.status_code in REDIRECTS:
            response = self._calls.get(self._follow(response))
        return read_body(REPOSITORY, response, self._calls.clock())

    def _read_page(self, url: httpx.URL, number: int) -> RepositoryPage:
        response = self._calls.get(url)
        listed = read_body(LISTING, response, self._calls.clock())
        items = read_listed(listed)
        return RepositoryPage(
            items,
            last_page=find_last_page(response, number, is_empty=not listed),
            next_url=find_next_url(response),
            partial_sso=find_withheld(response),
            unreadable=len(listed) - len(items),
        )

    def _make_url(self, path: str) -> httpx.URL:
        # Not a join: an Enterprise server's API lives below a path of its own, /api/v3.
        return self._api.copy_with(path=self._api.path.rstrip("/") + path)

    def _keep_origin(self, address: str) -> httpx.URL:
        """The address, if it is GitHub's own. Followed anywhere else, the token would go along."""
        try:
            url = self._api.join(address)
        except httpx.InvalidURL:
            raise GitHubUnavailable("GitHub sent an address that cannot be read.") from None
        if _get_origin(url) != _get_origin(self._api) or url.userinfo:
            raise GitHubUnavailable("GitHub sent an address on another host, which is not followed.")
        return url

    def _follow(self, response: httpx.Response) -> httpx.URL:
        """Where a renamed or transferred repository went: its address by number, on this host only."""
        url = self._keep_origin(response.headers.get("location", ""))
        if not re.fullmatch(re.escape(self._api.path.rstrip("/")) + r"/repositories/[0-9]+", url.path):
            raise GitHubUnavailable("GitHub redirected to something that is not a repository.")
        return url


def _get_origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
