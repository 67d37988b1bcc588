"""GitHub as far as Forum needs it: REST, GraphQL and OAuth, for one caller's token at a time."""

from shared.github.client import GitHub, RepositoryPage
from shared.github.errors import (
    Blocked,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubTimedOut,
    GitHubUnavailable,
    SsoRequired,
    TokenRejected,
    Unreadable,
)
from shared.github.repository import GitHubRepository

__all__ = [
    "Blocked",
    "GitHub",
    "GitHubError",
    "GitHubForbidden",
    "GitHubNotFound",
    "GitHubRateLimited",
    "GitHubRepository",
    "GitHubTimedOut",
    "GitHubUnavailable",
    "RepositoryPage",
    "SsoRequired",
    "TokenRejected",
    "Unreadable",
]
