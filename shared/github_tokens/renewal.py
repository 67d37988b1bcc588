"""Renewing the stored token of a GitHub App's user, exactly once, whoever needs it at the same time.

A refresh token works once, and its use ends both old tokens. So the database hands it to one caller at a
time, who has to say which token they hold: whoever holds a former one gets the stored one instead.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

import httpx
from postgrest import APIError

from shared.encryption import Place, get_vault
from shared.github.errors import TokenRejected
from shared.github.oauth import App, TokenPair, refresh
from shared.http_client import get_http_client
from shared.settings import get_settings

Json = dict[str, Any]

# How long somebody else's renewal is waited for. GitHub answers within a second as a rule.
LONGEST_WAIT_SECONDS = 5.0
PAUSE_SECONDS = 0.2


class RenewalUnderWay(Exception):
    """Somebody else has taken the refresh token a moment ago. It works once, so that theirs has to count."""


@dataclass(frozen=True)
class HeldToken:
    """A token, and which of the connection's it is."""

    token_id: str
    token: str = field(repr=False)


class RenewalDatabase(Protocol):
    """The two database functions that a renewal needs, as a worker and as a person may call them."""

    def claim(self, token_id: str) -> Json | None:
        """What the held token can be renewed with, or what has taken its place. None for nothing."""
        ...

    def save(self, pair: Json) -> bool:
        """Store a pair. False where another token than the renewed one is stored by now."""
        ...


def get_app() -> App | None:
    """The GitHub App whose tokens can be renewed, where there is one."""
    settings = get_settings()
    if settings.github_app_client_id is None or settings.github_app_client_secret is None:
        return None
    return App(settings.github_app_client_id, settings.github_app_client_secret.read())


def renew(
    database: RenewalDatabase, app: App | None, user_id: UUID, connection_id: UUID, token_id: str
) -> HeldToken | None:
    """The token that takes the place of the held one: somebody else's, or a fresh one, stored before its use.

    None where there is neither. Raises `RenewalUnderWay`, `SealBroken`, `TokenRejected` for a dead refresh
    token, and other `GitHubError`s.
    """

    def open_stored(answer: Json | None) -> HeldToken | None:
        if answer is None or "sealed_token" not in answer:
            return None
        place = Place("github_token", user_id, connection_id)
        return HeldToken(answer["token_id"], get_vault().open(answer["sealed_token"], place))

    claimed = _claim(database, token_id)
    if claimed is None or "sealed_token" in claimed:
        return open_stored(claimed)
    if app is None:
        return None
    place = Place("github_refresh_token", user_id, connection_id)
    refresh_token = get_vault().open(claimed["sealed_refresh_token"], place)
    try:
        pair = refresh(get_http_client(), str(get_settings().github_oauth_url), app, refresh_token)
    except TokenRejected:
        # Somebody may have used it whose answer came after their claim had ended.
        stored = open_stored(database.claim(token_id))
        if stored is None:
            raise
        return stored
    sealed = _seal(pair, user_id, connection_id) | {"token_id": str(uuid4()), "renews": token_id}
    if not _save_twice(database.save, sealed):
        # The owner has stored another one meanwhile.
        stored = open_stored(database.claim(token_id))
        if stored is not None:
            return stored
    return HeldToken(sealed["token_id"], pair.token)


def _claim(database: RenewalDatabase, token_id: str) -> Json | None:
    """The claim's answer, once nobody else is at it."""
    give_up_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while (claimed := database.claim(token_id)) is not None and "refreshing" in claimed:
        if time.monotonic() > give_up_at:
            raise RenewalUnderWay
        time.sleep(PAUSE_SECONDS)
    return claimed


def _seal(pair: TokenPair, user_id: UUID, connection_id: UUID) -> Json:
    """The pair as the database stores it."""
    vault = get_vault()
    return {
        "sealed_token": vault.seal(pair.token, Place("github_token", user_id, connection_id)),
        "sealed_refresh_token": pair.refresh_token
        and vault.seal(pair.refresh_token, Place("github_refresh_token", user_id, connection_id)),
        "token_expires_at": _to_text(pair.token_expires_at),
        "refresh_token_expires_at": _to_text(pair.refresh_token_expires_at),
    }


def _save_twice(save: Callable[[Json], bool], sealed: Json) -> bool:
    """Nobody else knows this pair, and the one before is dead: it is worth a second attempt."""
    try:
        return save(sealed)
    except (httpx.TransportError, APIError):
        return save(sealed)


def _to_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
