"""The state behind the fake: what one GitHub user can see, spend and break. Tests change it directly."""

import base64
import math
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

HOUR = 3600
UINT32_MAX = 2**32 - 1

Affiliation = Literal["owner", "collaborator", "organization_member"]


def node_id(prefix: str, number: int) -> str:
    """GitHub's current global ids: a type prefix and base64url of MessagePack's [0, id]."""
    packed = b"\xce" + number.to_bytes(4) if number <= UINT32_MAX else b"\xcf" + number.to_bytes(8)
    return prefix + "_" + base64.urlsafe_b64encode(b"\x92\x00" + packed).decode().rstrip("=")


@dataclass
class Owner:
    id: int
    login: str
    kind: Literal["User", "Organization"] = "User"
    name: str | None = None
    sso_url: str | None = None
    """Set while the organisation enforces single sign-on and the token is not authorised for it."""

    @property
    def node_id(self) -> str:
        return node_id("O" if self.kind == "Organization" else "U", self.id)


@dataclass
class Block:
    """Why GitHub answers 451."""

    reason: str = "dmca"
    created_at: str = "2021-04-22T17:53:56Z"
    html_url: str = "https://github.com/github/dmca/blob/master/2021/04/2021-04-20-notice.md"


@dataclass
class Repository:
    id: int
    owner: Owner
    name: str
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime
    description: str | None = None
    language: str | None = None
    default_branch: str = "main"
    private: bool = False
    archived: bool = False
    fork: bool = False
    stars: int = 0
    forks: int = 0
    open_issues: int = 0
    size: int = 0
    topics: tuple[str, ...] = ()
    homepage: str | None = None
    block: Block | None = None
    is_hidden: bool = False
    """Exists, but this account may not see it: 404, as if deleted."""

    @property
    def node_id(self) -> str:
        return node_id("R", self.id)

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"


@dataclass
class Budget:
    """The hourly allowance of one resource; it refills when its reset time has passed."""

    limit: int = 5000
    remaining: int = 5000
    reset_at: int = field(default_factory=lambda: math.ceil(time.time()) + HOUR)

    def refill(self) -> None:
        if time.time() >= self.reset_at:
            self.remaining = self.limit
            self.reset_at = math.ceil(time.time()) + HOUR

    def spend(self) -> None:
        self.remaining = max(0, self.remaining - 1)


@dataclass
class SecondaryLimit:
    """`retry_after` goes out as it is, so that a test may send seconds, an HTTP date or nonsense."""

    retry_after: str | None = "60"
    status: Literal[403, 429] = 403


@dataclass
class Fault:
    """What the next request meets in place of its answer."""

    status: int = 502
    kind: Literal["status", "broken_json", "cut"] = "status"


class Account:
    """One GitHub user with repositories, tokens, limits and faults. Accounts share nothing."""

    def __init__(self, user: Owner, tokens: set[str]) -> None:
        self.user = user
        self.tokens = tokens
        self.repositories: dict[int, Repository] = {}
        self.redirects: dict[str, int] = {}
        self.core = Budget()
        self.graphql = Budget()
        self.limited_status: Literal[403, 429] = 403
        self.secondary_limit: SecondaryLimit | None = None
        self.latency_seconds = 0.0
        self.faults: deque[Fault | None] = deque()

    def owners(self) -> dict[str, Owner]:
        return {self.user.login: self.user} | {r.owner.login: r.owner for r in self.repositories.values()}

    def affiliation(self, repository: Repository) -> Affiliation:
        if repository.owner.id == self.user.id:
            return "owner"
        return "organization_member" if repository.owner.kind == "Organization" else "collaborator"

    def by_full_name(self, full_name: str) -> Repository | None:
        wanted = full_name.lower()
        return next((r for r in self.repositories.values() if r.full_name.lower() == wanted), None)

    def add(self, repository: Repository) -> Repository:
        """A new repository; one that takes a name which used to redirect ends the redirect, as on GitHub."""
        self.repositories[repository.id] = repository
        self.redirects.pop(repository.full_name.lower(), None)
        return repository

    def rename(self, repository_id: int, name: str) -> None:
        repository = self.repositories[repository_id]
        self._move(repository, repository.owner, name)

    def transfer(self, repository_id: int, owner: Owner) -> None:
        repository = self.repositories[repository_id]
        self._move(repository, owner, repository.name)

    def delete(self, repository_id: int) -> None:
        """Old names stop redirecting along with the repository."""
        del self.repositories[repository_id]
        self.redirects = {name: id_ for name, id_ in self.redirects.items() if id_ != repository_id}

    def archive(self, repository_id: int) -> None:
        self.repositories[repository_id].archived = True
        self._touch(self.repositories[repository_id])

    def make_private(self, repository_id: int) -> None:
        self.repositories[repository_id].private = True
        self._touch(self.repositories[repository_id])

    def hide(self, repository_id: int) -> None:
        """The user loses access: GitHub then answers as if the repository did not exist."""
        self.repositories[repository_id].is_hidden = True

    def block(self, repository_id: int, reason: str = "dmca") -> None:
        self.repositories[repository_id].block = Block(reason=reason)

    def require_sso(self, login: str) -> None:
        self.owners()[login].sso_url = f"https://github.com/orgs/{login}/sso?authorization_request=AABPPMVAZO"

    def authorise_sso(self, login: str) -> None:
        self.owners()[login].sso_url = None

    def revoke(self, token: str) -> None:
        self.tokens.discard(token)

    def fail_next(self, fault: Fault, *, times: int = 1, after: int = 0) -> None:
        """`times` requests meet the fault, once `after` more have been answered as usual."""
        self.faults.extend([None] * after + [fault] * times)

    def _move(self, repository: Repository, owner: Owner, name: str) -> None:
        old = repository.full_name.lower()
        repository.owner, repository.name = owner, name
        self.redirects.pop(repository.full_name.lower(), None)
        self.redirects[old] = repository.id
        self._touch(repository)

    def _touch(self, repository: Repository) -> None:
        repository.updated_at = max(datetime.now(UTC), repository.updated_at + timedelta(seconds=1))
