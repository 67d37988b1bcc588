"""The token of a run: opened for this worker alone, and renewed where it is a GitHub App's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from postgrest import APIError

from shared.encryption import Place, Purpose, get_vault
from shared.github.oauth import App, TokenPair, refresh
from shared.settings import get_settings
from shared.supabase import get_http_client
from shared.sync.database import Begun, RunDatabase
from shared.sync.messages import SyncMessage

# A run takes minutes at most; what ends sooner is renewed before it.
RENEW_BEFORE = timedelta(minutes=10)


class RenewalUnderWay(Exception):
    """Somebody else has taken the refresh token a moment ago. It works once, so that theirs has to count."""


class Tokens:
    """The tokens of one connection."""

    def __init__(self, message: SyncMessage, database: RunDatabase, begun: Begun) -> None:
        self._message = message
        self._database = database
        self._begun = begun
        self._sealed = begun.sealed_token
        self._is_renewed = False

    def get(self) -> str:
        """A token for this run, renewed if it is about to end. Raises `TokenRejected` and `SealBroken`."""
        expires_at = self._begun.token_expires_at
        if self.is_renewable and expires_at is not None and expires_at < datetime.now(UTC) + RENEW_BEFORE:
            return self.renew()
        return self._open_token()

    @property
    def is_renewable(self) -> bool:
        """Whether there is something to renew the token with, that this run has not used yet."""
        return (
            not self._is_renewed and self._begun.sealed_refresh_token is not None and _get_app() is not None
        )

    def renew(self) -> str:
        """A fresh token, stored before anybody uses it. Raises `TokenRejected`, and other `GitHubError`s."""
        app = _get_app()
        sealed = self._database.claim_refresh()
        if sealed is None or app is None:
            raise RenewalUnderWay
        self._is_renewed = True
        refresh_token = get_vault().open(sealed, self._get_place("github_refresh_token"))
        pair = refresh(get_http_client(), str(get_settings().github_oauth_url), app, refresh_token)
        if not self._save(pair):
            # Its owner has stored another one meanwhile.
            self._sealed = self._database.read_token()["sealed_token"]
            return self._open_token()
        return pair.token

    def has_been_replaced(self) -> bool:
        """Whether the owner has stored another token than the one that this run has."""
        return bool(self._database.read_token()["sealed_token"] != self._sealed)

    def _save(self, pair: TokenPair) -> bool:
        vault = get_vault()
        connection: dict[str, Any] = {
            "sealed_token": vault.seal(pair.token, self._get_place("github_token")),
            "sealed_refresh_token": pair.refresh_token
            and vault.seal(pair.refresh_token, self._get_place("github_refresh_token")),
            "token_expires_at": _to_text(pair.token_expires_at),
            "refresh_token_expires_at": _to_text(pair.refresh_token_expires_at),
        }
        self._sealed = connection["sealed_token"]
        try:
            return self._database.save_refreshed(connection)
        except (httpx.TransportError, APIError):
            # Nobody else knows this pair, and the one before is dead: it is worth a second attempt.
            return self._database.save_refreshed(connection)

    def _open_token(self) -> str:
        return get_vault().open(self._sealed, self._get_place("github_token"))

    def _get_place(self, purpose: Purpose) -> Place:
        return Place(purpose, self._message.user_id, self._message.connection_id)


def _get_app() -> App | None:
    settings = get_settings()
    if settings.github_app_client_id is None or settings.github_app_client_secret is None:
        return None
    return App(settings.github_app_client_id, settings.github_app_client_secret)


def _to_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
