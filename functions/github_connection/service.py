"""The caller's stored GitHub token. It goes in; nothing here can get it out again."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from functions.github_connection.schemas import ConnectionRead, ConnectionSave
from shared.auth.sign_in import Caller, SignedIn
from shared.aws.deployment_secrets import read_secret
from shared.database.client import Supabase
from shared.database.rest_client import RestClient
from shared.encryption import Place, get_vault
from shared.errors import NotFound
from shared.github import GitHub
from shared.github.problems import as_problems
from shared.github.user import GitHubUser, get_token_kind
from shared.http_client import get_http_client
from shared.runtime.deadlines import Deadline, RequestDeadline
from shared.settings import get_settings


class ConnectionService:
    """Reads, replaces and removes the connection of the caller."""

    def __init__(self, caller: Caller, supabase: RestClient, deadline: Deadline) -> None:
        self.caller = caller
        self.supabase = supabase
        self.deadline = deadline

    @classmethod
    async def for_caller(cls, caller: SignedIn, supabase: Supabase, deadline: RequestDeadline) -> Self:
        """The service of one request."""
        return cls(caller, supabase, deadline)

    def get(self) -> ConnectionRead:
        """The connection, without its token. Raises `NotFound`."""
        found: Any = self.supabase.rpc("get_github_connection", {}).execute().data
        if found is None:
            raise NotFound("GitHub is not connected.")
        return ConnectionRead.model_validate(found)

    def save(self, body: ConnectionSave) -> ConnectionRead:
        """Store a token once GitHub has said whose it is. Raises `Forbidden` for another account's."""
        settings = get_settings()
        token = body.token.get_secret_value()
        with as_problems():
            github = GitHub(get_http_client(), str(settings.github_api_url), token, deadline=self.deadline)
            user = github.get_user()
        connection_id = UUID(str(self.supabase.rpc("get_github_connection_id", {}).execute().data))
        arguments = {
            "connection": self._seal(body, user, connection_id),
            "import_key": read_secret(settings.github_import_key),
        }
        call = self.supabase.rpc("save_github_connection", arguments)
        saved: Any = call.execute().data
        return ConnectionRead.model_validate(saved)

    def delete(self) -> None:
        """Forget the token. Raises `NotFound`."""
        if not self.supabase.rpc("delete_github_connection", {}).execute().data:
            raise NotFound("GitHub is not connected.")

    def _seal(self, body: ConnectionSave, user: GitHubUser, connection_id: UUID) -> dict[str, Any]:
        """The connection as the database takes it, its tokens sealed for this row of this user."""
        vault, user_id = get_vault(), self.caller.user_id
        token = body.token.get_secret_value()
        sealed_refresh_token = None
        if body.refresh_token is not None:
            place = Place("github_refresh_token", user_id, connection_id)
            sealed_refresh_token = vault.seal(body.refresh_token.get_secret_value(), place)
        return {
            "id": str(connection_id),
            "github_user_id": user.github_id,
            "github_login": user.login,
            "token_kind": get_token_kind(token),
            "scopes": user.scopes,
            "sealed_token": vault.seal(token, Place("github_token", user_id, connection_id)),
            "sealed_refresh_token": sealed_refresh_token,
            # GitHub's word before the client's.
            "token_expires_at": _to_text(user.token_expires_at or body.expires_at),
            "refresh_token_expires_at": _to_text(body.refresh_token_expires_at),
        }


def _to_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
