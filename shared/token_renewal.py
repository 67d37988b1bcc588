"""Renewing the stored token of a GitHub App's user: what a re-sync and a call of its owner have in common.

Whoever calls this has claimed the refresh token from the database before: it works once.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from postgrest import APIError

from shared.encryption import Place, get_vault
from shared.github.oauth import App, TokenPair, refresh
from shared.settings import get_settings
from shared.supabase import get_http_client

Json = dict[str, Any]


def get_app() -> App | None:
    """The GitHub App whose tokens can be renewed, where there is one."""
    settings = get_settings()
    if settings.github_app_client_id is None or settings.github_app_client_secret is None:
        return None
    return App(settings.github_app_client_id, settings.github_app_client_secret.read())


def refresh_claimed(app: App, user_id: UUID, connection_id: UUID, sealed_refresh_token: object) -> TokenPair:
    """A new pair. Raises `SealBroken`, `TokenRejected` for a dead refresh token, and other `GitHubError`s."""
    place = Place("github_refresh_token", user_id, connection_id)
    refresh_token = get_vault().open(sealed_refresh_token, place)
    return refresh(get_http_client(), str(get_settings().github_oauth_url), app, refresh_token)


def seal_pair(pair: TokenPair, user_id: UUID, connection_id: UUID) -> Json:
    """The pair as the database stores it."""
    vault = get_vault()
    return {
        "sealed_token": vault.seal(pair.token, Place("github_token", user_id, connection_id)),
        "sealed_refresh_token": pair.refresh_token
        and vault.seal(pair.refresh_token, Place("github_refresh_token", user_id, connection_id)),
        "token_expires_at": _to_text(pair.token_expires_at),
        "refresh_token_expires_at": _to_text(pair.refresh_token_expires_at),
    }


def save_twice(save: Callable[[Json], bool], sealed: Json) -> bool:
    """Store a sealed pair. False where the owner has stored another token meanwhile.

    Nobody else knows this pair, and the one before is dead: it is worth a second attempt.
    """
    try:
        return save(sealed)
    except (httpx.TransportError, APIError):
        return save(sealed)


def _to_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
