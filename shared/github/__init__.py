"""GitHub as far as Forum needs it: REST, GraphQL and OAuth, for one caller's token at a time."""

from shared.github.client import GitHub, RepositoryPage
from shared.github.errors import (
    Blocked,
    Forbidden,
    GitHubError,
    NotFound,
    RateLimited,
    SsoRequired,
    TimedOut,
    TokenRejected,
    Unavailable,
    Unreadable,
)
from shared.github.repository import GitHubRepository

__all__ = [
    "Blocked",
    "Forbidden",
    "GitHub",
    "GitHubError",
    "GitHubRepository",
    "NotFound",
    "RateLimited",
    "RepositoryPage",
    "SsoRequired",
    "TimedOut",
    "TokenRejected",
    "Unavailable",
    "Unreadable",
]
