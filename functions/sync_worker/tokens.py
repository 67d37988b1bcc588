"""The token of a run: opened for this worker alone, and renewed where it is a GitHub App's."""

from datetime import UTC, datetime, timedelta

from shared.encryption import Place, get_vault
from shared.github import GitHub
from shared.github_tokens.renewal import RenewalUnderWay, get_app, renew
from shared.http_client import get_http_client
from shared.settings import get_settings
from shared.sync.database import Begun, RunDatabase
from shared.sync.messages import SyncMessage

__all__ = ["RenewalUnderWay", "Tokens"]

# A run takes minutes at most; what ends sooner is renewed before it.
RENEW_BEFORE = timedelta(minutes=10)


class Tokens:
    """The tokens of one connection."""

    def __init__(self, message: SyncMessage, database: RunDatabase, begun: Begun) -> None:
        self._message = message
        self._database = database
        self._begun = begun
        self._token_id = begun.token_id
        self._is_renewed = False

    def get(self) -> str:
        """A token for this run, renewed if it is about to end. Raises `TokenRejected` and `SealBroken`."""
        expires_at = self._begun.token_expires_at
        if self.is_renewable and expires_at is not None and expires_at < datetime.now(UTC) + RENEW_BEFORE:
            return self.renew()
        place = Place("github_token", self._message.user_id, self._message.connection_id)
        return get_vault().open(self._begun.sealed_token, place)

    @property
    def is_renewable(self) -> bool:
        """Whether there is something to renew the token with, that this run has not used yet."""
        return not self._is_renewed and self._begun.sealed_refresh_token is not None and get_app() is not None

    def renew(self) -> str:
        """A fresh token, or the one that somebody else has stored meanwhile.

        Raises `RenewalUnderWay`, `TokenRejected`, and other `GitHubError`s.
        """
        ids = self._message.user_id, self._message.connection_id
        renewed = renew(self._database, get_app(), *ids, self._token_id)
        if renewed is None:
            raise RenewalUnderWay
        self._is_renewed = True
        self._token_id = renewed.token_id
        return renewed.token

    def has_been_replaced(self) -> bool:
        """Whether another token is stored than the one that this run has."""
        return bool(self._database.read_token()["token_id"] != self._token_id)


def connect(token: str) -> GitHub:
    """GitHub's REST API with this token."""
    return GitHub(get_http_client(), str(get_settings().github_api_url), token)
