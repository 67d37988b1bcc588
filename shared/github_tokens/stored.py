"""The caller's stored GitHub token, and what their calls learn of it for every other call with it."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from shared.auth.sign_in import Caller
from shared.aws.deployment_secrets import read_secret
from shared.database.rest_client import RestClient
from shared.encryption import Place, SealBroken, get_vault
from shared.errors import Conflict
from shared.github.errors import GitHubRateLimited, GitHubUnavailable, TokenRejected
from shared.github_tokens.renewal import HeldToken, RenewalUnderWay, get_app, renew
from shared.runtime.log import logger
from shared.settings import get_settings

Json = dict[str, Any]


class StoredToken:
    """The token of the caller's connection. The database refuses to hand out one that cannot be used now."""

    def __init__(self, caller: Caller, supabase: RestClient, import_key: str | None, found: Json) -> None:
        self._user_id = caller.user_id
        self._supabase = supabase
        self._import_key = import_key
        self._connection_id = UUID(found["id"])
        self._github_user_id = found["github_user_id"]
        self._expires_at = found["token_expires_at"]
        self._sealed = found["sealed_token"]
        self._token_id: str = found["token_id"]
        self._has_been_replaced = False

    @classmethod
    def find(cls, caller: Caller, supabase: RestClient) -> Self | None:
        """The caller's, if there is one.

        Raises the database's refusal, before any request to GitHub, of a token that GitHub has refused
        before, and during a limit.
        """
        import_key = read_secret(get_settings().github_import_key)
        found = _call(supabase, "get_sealed_github_token", import_key=import_key)
        return None if found is None else cls(caller, supabase, import_key, found)

    def get(self) -> str:
        """The token, renewed if it has expired.

        Raises `Conflict` where it cannot be used, and `GitHubError` where GitHub does not renew it now.
        """
        try:
            if self._expires_at is None or datetime.fromisoformat(self._expires_at) > datetime.now(UTC):
                place = Place("github_token", self._user_id, self._connection_id)
                return get_vault().open(self._sealed, place)
            # Without the App's credentials nothing is claimed: whoever has them may be about to renew it.
            renewed = None if get_app() is None else self._renew()
        except SealBroken:
            logger.error("token_unreadable", connection_id=str(self._connection_id))
            raise _needs_reauth() from None
        except TokenRejected:
            self._report_refusal()
            raise _needs_reauth() from None
        except RenewalUnderWay:
            renewed = None
        if renewed is None:
            raise Conflict(
                "The stored GitHub token has expired and cannot be renewed now. Try again in a minute, "
                "or connect it again.",
                type="github-token-expired",
            )
        return renewed.token

    def replace_refused(self) -> str | None:
        """The token that has taken the place of the refused one, or a renewed one.

        Where there is neither, nobody asks with the token any more until its owner connects again.
        """
        try:
            replacement = None if self._has_been_replaced else self._renew()
        except RenewalUnderWay:
            # The refusal says nothing: the renewal ends this token.
            raise GitHubUnavailable("The GitHub token is being renewed in this moment. Try again.") from None
        except (SealBroken, TokenRejected):
            # The refresh token cannot be opened, or is dead as well.
            replacement = None
        if replacement is None:
            self._report_refusal()
            return None
        return replacement.token

    def note_limit(self, limit: GitHubRateLimited) -> None:
        """GitHub limits the account of this token: no call with it before the limit ends."""
        self._ask(
            "report_github_limit",
            github_user_id=self._github_user_id,
            retry_at=limit.retry_at.isoformat(),
        )

    # For `renew`

    def claim(self, token_id: str) -> Json | None:
        """What the token can be renewed with, or what has taken its place."""
        claimed: Json | None = self._ask("claim_own_token_refresh", token_id=token_id)
        return claimed

    def save(self, pair: Json) -> bool:
        """Store a renewed pair."""
        return bool(self._ask("save_own_refreshed_token", connection=pair))

    def _renew(self) -> HeldToken | None:
        renewed = renew(self, get_app(), self._user_id, self._connection_id, self._token_id)
        if renewed is not None:
            self._token_id, self._has_been_replaced = renewed.token_id, True
        return renewed

    def _report_refusal(self) -> None:
        self._ask("report_github_refusal", token_id=self._token_id)

    def _ask(self, function: str, **arguments: Any) -> Any:
        return _call(self._supabase, function, **arguments, import_key=self._import_key)


def _needs_reauth() -> Conflict:
    return Conflict("GitHub has refused the stored token. Connect it again.", type="github-needs-reauth")


def _call(supabase: RestClient, function: str, **arguments: Any) -> Any:
    return supabase.rpc(function, arguments).execute().data
