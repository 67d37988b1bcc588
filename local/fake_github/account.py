"""The state behind the fake: what one GitHub user can see, spend and break. Tests change it directly."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from local.fake_github.faults import Budget, Fault, ResourceLimit, SecondaryLimit, Troubles
from local.fake_github.repository import Block, Owner, Repository, Visibility
from local.fake_github.tokens import Token, TokenOwner

__all__ = [
    "Account",
    "Block",
    "Budget",
    "Fault",
    "Owner",
    "Repository",
    "ResourceLimit",
    "SecondaryLimit",
    "Troubles",
]

Affiliation = Literal["owner", "collaborator", "organization_member"]


class Account(TokenOwner):
    """One GitHub user with repositories, tokens, limits and faults.

    Accounts share what a test gives to several: a repository added to two of them changes for both, while
    access, sign-ons, limits and redirects stay each account's own.
    """

    def __init__(self, user: Owner, tokens: Iterable[str]) -> None:
        super().__init__(tokens)
        self.user = user
        self.repositories: dict[int, Repository] = {}
        self.redirects: dict[str, int] = {}
        self.hidden: set[int] = set()
        """Repositories that exist and that this user may not see, as if they were deleted."""
        self._sso_urls: dict[int, str] = {}
        self.core = Budget()
        self.graphql = Budget()
        self.limited_status: Literal[403, 429] = 403
        self.limited_type: Literal["RATE_LIMIT", "RATE_LIMITED"] = "RATE_LIMIT"
        self.secondary_limit: SecondaryLimit | None = None
        self.resource_limit: ResourceLimit | None = None
        self.troubles = Troubles()
        self.accepts_legacy_ids = True
        self.latency_seconds = 0.0
        self.faults: deque[Fault | None] = deque()
        self.refresh_faults: deque[Fault | None] = deque()
        self._changes: list[tuple[int, Callable[[], object]]] = []
        self._answers = 0
        self._last_id = 0

    # What it shows

    def owners(self) -> dict[str, Owner]:
        return {self.user.login: self.user} | {r.owner.login: r.owner for r in self.repositories.values()}

    def affiliation(self, repository: Repository) -> Affiliation:
        if repository.owner.id == self.user.id:
            return "owner"
        return "organization_member" if repository.owner.kind == "Organization" else "collaborator"

    def by_full_name(self, full_name: str) -> Repository | None:
        wanted = full_name.lower()
        return next((r for r in self.repositories.values() if r.full_name.lower() == wanted), None)

    def by_node_id(self) -> dict[str, Repository]:
        """Every repository under its id in either form, whichever of them it shows."""
        found = {r.next_node_id: r for r in self.repositories.values()}
        if self.accepts_legacy_ids:
            found |= {r.legacy_node_id: r for r in self.repositories.values()}
        return found

    def shows(self, repository: Repository | None, token: Token) -> bool:
        """Whether it is there for this token; what is not is 404 or NOT_FOUND, as if it had never been."""
        return (
            repository is not None
            and repository.id not in self.hidden
            and (token.reads_private or not repository.private)
        )

    # Repositories

    def add(self, repository: Repository) -> Repository:
        """A new repository; one that takes a name which used to redirect ends the redirect, as on GitHub."""
        self.repositories[repository.id] = repository
        self.redirects.pop(repository.full_name.lower(), None)
        return repository

    def create(self, name: str, owner: Owner | None = None, **fields: Any) -> Repository:
        """A new repository of the user's, or of `owner`, with an id that nothing had before."""
        now = datetime.now(UTC).replace(microsecond=0)
        times = {"created_at": now, "updated_at": now, "pushed_at": now}
        self._refuse_taken_name(owner or self.user, name)
        self._last_id = max(self._last_id, *self.repositories, 0) + 1
        return self.add(Repository(self._last_id, owner or self.user, name, **(times | fields)))

    def recreate(self, repository_id: int, **fields: Any) -> Repository:
        """Deletes a repository and makes another one with its name: a new id, and nothing redirects."""
        old = self.repositories[repository_id]
        self.delete(repository_id)
        return self.create(old.name, old.owner, **fields)

    def reuse_name(self, repository_id: int, name: str, **fields: Any) -> Repository:
        """Renames a repository to `name`, and gives its old name to a new one, which is answered."""
        old = self.repositories[repository_id]
        freed = old.name
        self.rename(repository_id, name)
        return self.create(freed, old.owner, **fields)

    def rename(self, repository_id: int, name: str) -> None:
        repository = self.repositories[repository_id]
        self._move(repository, repository.owner, name)

    def swap_names(self, first_id: int, second_id: int) -> None:
        """Each takes the other's name, by way of a third one, as a person would have to do it."""
        first, second = self.repositories[first_id], self.repositories[second_id]
        name, owner = first.name, first.owner
        self._move(first, owner, f"{name}-on-its-way")
        other_name, other_owner = second.name, second.owner
        self._move(second, owner, name)
        self._move(first, other_owner, other_name)

    def transfer(self, repository_id: int, owner: Owner) -> None:
        repository = self.repositories[repository_id]
        self._move(repository, owner, repository.name)

    def rename_owner(self, login: str, new_login: str) -> None:
        """All repositories of that user or organisation change their full names, and redirect."""
        owner = self.owners()[login]
        moved = [r for r in self.repositories.values() if r.owner is owner]
        old_names = [r.full_name.lower() for r in moved]
        if new_login.lower() in {name.lower() for name in self.owners()}:
            raise ValueError(f"{new_login} is taken")
        owner.login = new_login
        for old_name, repository in zip(old_names, moved, strict=True):
            self.redirects.pop(repository.full_name.lower(), None)
            self.redirects[old_name] = repository.id

    def delete(self, repository_id: int) -> None:
        """Old names stop redirecting along with the repository."""
        self._last_id = max(self._last_id, repository_id)
        del self.repositories[repository_id]
        self.hidden.discard(repository_id)
        self.redirects = {name: id_ for name, id_ in self.redirects.items() if id_ != repository_id}

    def archive(self, repository_id: int) -> None:
        repository = self.repositories[repository_id]
        repository.archived = True
        self._touch(repository)
        repository.archived_at = repository.updated_at

    def unarchive(self, repository_id: int) -> None:
        repository = self.repositories[repository_id]
        repository.archived, repository.archived_at = False, None
        self._touch(repository)

    def make_private(self, repository_id: int) -> None:
        self._show_to(repository_id, "private")

    def make_internal(self, repository_id: int) -> None:
        self._show_to(repository_id, "internal")

    def make_public(self, repository_id: int) -> None:
        self._show_to(repository_id, "public")

    def star(self, repository_id: int, stars: int) -> None:
        """`updated_at` stays: whether a star moves it is unknown, so nothing may rely on it."""
        self.repositories[repository_id].stars = stars

    def push(self, repository_id: int) -> None:
        repository = self.repositories[repository_id]
        self._touch(repository)
        repository.pushed_at, repository.size = repository.updated_at, max(1, repository.size)

    def hide(self, repository_id: int) -> None:
        """The user loses access: GitHub then answers as if the repository did not exist."""
        self.hidden.add(repository_id)

    def show(self, repository_id: int) -> None:
        self.hidden.discard(repository_id)

    def block(self, repository_id: int, reason: str = "dmca") -> None:
        self.repositories[repository_id].block = Block(reason=reason)

    def unblock(self, repository_id: int) -> None:
        self.repositories[repository_id].block = None

    def require_sso(self, login: str) -> None:
        """The organisation enforces single sign-on, and this user's tokens are not authorised for it yet."""
        url = f"https://github.com/orgs/{login}/sso?authorization_request=AABPPMVAZO"
        self._sso_urls[self.owners()[login].id] = url

    def authorise_sso(self, login: str) -> None:
        del self._sso_urls[self.owners()[login].id]

    def sso_url(self, owner: Owner) -> str | None:
        return self._sso_urls.get(owner.id)

    def age_ids(self, *repository_ids: int) -> None:
        """These repositories (all of them, without any) show their ids in the old form from now on."""
        for id_ in repository_ids or tuple(self.repositories):
            self.repositories[id_].has_legacy_id = True

    def retire_legacy_ids(self) -> None:
        """The day GitHub has announced: old ids resolve to nothing, and everything shows its new one."""
        self.accepts_legacy_ids = False
        for repository in self.repositories.values():
            repository.has_legacy_id = False

    # Faults

    def fail_next(self, fault: Fault, *, times: int = 1, after: int = 0) -> None:
        """`times` requests meet the fault, once `after` more have been answered as usual."""
        self.faults.extend([None] * after + [fault] * times)

    def fail_next_refresh(self, fault: Fault, *, times: int = 1, after: int = 0) -> None:
        """As `fail_next`, for renewals of the token. A cut one has renewed it: only the answer is lost."""
        self.refresh_faults.extend([None] * after + [fault] * times)

    def change_after(self, answers: int, change: Callable[[], object]) -> None:
        """Calls `change` once `answers` more answers were given, before anybody can ask again."""
        self._changes.append((self._answers + answers, change))

    def note_answer(self) -> None:
        self._answers += 1
        due = [change for number, change in self._changes if number <= self._answers]
        self._changes = [(number, c) for number, c in self._changes if number > self._answers]
        for change in due:
            change()

    def _show_to(self, repository_id: int, visibility: Visibility) -> None:
        repository = self.repositories[repository_id]
        repository.private = visibility != "public"
        repository.is_internal = visibility == "internal"
        self._touch(repository)

    def _move(self, repository: Repository, owner: Owner, name: str) -> None:
        self._refuse_taken_name(owner, name)
        old = repository.full_name.lower()
        repository.owner, repository.name = owner, name
        self.redirects.pop(repository.full_name.lower(), None)
        self.redirects[old] = repository.id
        self._touch(repository)

    def _refuse_taken_name(self, owner: Owner, name: str) -> None:
        """As GitHub does; a repository that keeps its own name is refused likewise, as nothing would move."""
        if self.by_full_name(f"{owner.login}/{name}") is not None:
            raise ValueError(f"{owner.login}/{name} is taken")

    def _touch(self, repository: Repository) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        repository.updated_at = max(now, repository.updated_at + timedelta(seconds=1))
