"""The token of a run: opened for this worker alone, and renewed where it is a GitHub App's."""

from datetime import UTC, datetime, timedelta

from shared.encryption import Place, get_vault
from shared.sync.database import Begun, RunDatabase
from shared.sync.messages import SyncMessage
from shared.token_renewal import get_app, refresh_claimed, save_twice, seal_pair

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
        return not self._is_renewed and self._begun.sealed_refresh_token is not None and get_app() is not None

    def renew(self) -> str:
        """A fresh token, stored before anybody uses it. Raises `TokenRejected`, and other `GitHubError`s."""
        app = get_app()
        sealed = self._database.claim_refresh()
        if sealed is None or app is None:
            raise RenewalUnderWay
        self._is_renewed = True
        ids = self._message.user_id, self._message.connection_id
        pair = refresh_claimed(app, *ids, sealed)
        connection = seal_pair(pair, *ids)
        self._sealed = connection["sealed_token"]
        if not save_twice(self._database.save_refreshed, connection):
            # Its owner has stored another one meanwhile.
            self._sealed = self._database.read_token()["sealed_token"]
            return self._open_token()
        return pair.token

    def has_been_replaced(self) -> bool:
        """Whether the owner has stored another token than the one that this run has."""
        return bool(self._database.read_token()["sealed_token"] != self._sealed)

    def _open_token(self) -> str:
        place = Place("github_token", self._message.user_id, self._message.connection_id)
        return get_vault().open(self._sealed, place)
