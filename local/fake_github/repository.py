"""Repositories and their owners, as GitHub keeps them."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from local.fake_github.ids import legacy_node_id, node_id

Visibility = Literal["public", "private", "internal"]


@dataclass
class Owner:
    id: int
    login: str
    kind: Literal["User", "Organization"] = "User"
    name: str | None = None

    @property
    def node_id(self) -> str:
        return node_id("O" if self.kind == "Organization" else "U", self.id)


@dataclass
class Block:
    """Why GitHub answers 451."""

    reason: str = "dmca"
    created_at: str = "2021-04-22T17:53:56Z"
    html_url: str = "https://github.com/github/dmca/blob/master/2021/04/2021-04-20-notice.md"


@dataclass(frozen=True)
class File:
    """What stands at a path of the default branch. Of a symbolic link the content is where it leads."""

    content: bytes
    kind: Literal["Blob", "Tree", "Commit"] = "Blob"

    @property
    def oid(self) -> str:
        """As git names a blob."""
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()  # noqa: S324 - git's

    @property
    def text(self) -> str | None:
        """As GitHub shows it: no binary one. A file is binary that has a NUL or is not UTF-8."""
        if b"\0" in self.content:
            return None
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            return None


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
    archived_at: datetime | None = None
    files: dict[str, File] = field(default_factory=dict)
    """By their paths on the default branch."""
    is_internal: bool = False
    """Private to all but the enterprise; `private` is true as well then, as in GitHub's answers."""
    has_legacy_id: bool = False
    """Old repositories still show their id in its old form, unless asked for the new one by header."""

    @property
    def legacy_node_id(self) -> str:
        return legacy_node_id("Repository", self.id)

    @property
    def next_node_id(self) -> str:
        return node_id("R", self.id)

    @property
    def node_id(self) -> str:
        return self.legacy_node_id if self.has_legacy_id else self.next_node_id

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def visibility(self) -> Visibility:
        if self.is_internal:
            return "internal"
        return "private" if self.private else "public"

    @property
    def is_empty(self) -> bool:
        """Never pushed to: the moment of creation, and the size 0 (recording rename-repository)."""
        return self.size == 0 and self.pushed_at == self.created_at
