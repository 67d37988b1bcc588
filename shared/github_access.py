"""GitHub as the caller sees it: whose token is used, and what GitHub's failures are to a client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Depends, Header
from postgrest import SyncPostgrestClient

from shared.deployment_secrets import read_secret
from shared.encryption import Place, SealBroken, get_vault
from shared.errors import Conflict, Forbidden, Problem, TooManyRequests, UpstreamFailed, UpstreamTimedOut
from shared.github import GitHub, errors
from shared.log import logger
from shared.settings import Settings, get_settings
from shared.sign_in import Caller, SignedIn
from shared.supabase import Supabase, get_http_client
from shared.token_renewal import get_app, refresh_claimed, save_twice, seal_pair


async def connect_github(
    caller: SignedIn,
    supabase: Supabase,
    x_github_token: Annotated[
        str | None,
        Header(
            alias="X-GitHub-Token",
            description="A GitHub token, such as the `provider_token` of a Supabase session. "
            "Without it the stored one is used.",
        ),
    ] = None,
) -> GitHub:
    """GitHub with the caller's token. Raises `Conflict` without one, `Forbidden` for an impossible one."""
    settings = get_settings()
    token = x_github_token or _read_stored(caller, supabase, settings) or _read_claim(caller, settings)
    if not token:
        raise Conflict(
            "GitHub is not connected. Send a GitHub token as `X-GitHub-Token`, "
            "or store one with `PUT /api/github/connection`.",
            type="github-not-connected",
        )
    with as_problems():
        return GitHub(get_http_client(), str(settings.github_api_url), token)


CallersGitHub = Annotated[GitHub, Depends(connect_github)]


_BY_ERROR: dict[type[errors.GitHubError], Callable[[Any], Problem]] = {
    errors.TokenRejected: lambda error: Forbidden(str(error), type="github-token-rejected"),
    errors.RateLimited: lambda error: TooManyRequests(
        str(error), retry_after=error.retry_after, type="github-rate-limited"
    ),
    errors.SsoRequired: lambda error: Forbidden(str(error), type="github-sso-required", url=error.url),
    errors.Forbidden: lambda error: Forbidden(str(error), type="github-forbidden"),
    errors.TimedOut: lambda error: UpstreamTimedOut(str(error), type="github-timed-out"),
}


@contextmanager
def as_problems() -> Iterator[None]:
    """Whatever GitHub refuses inside becomes a problem."""
    try:
        yield
    except errors.GitHubError as error:
        raise to_problem(error) from error


def to_problem(error: errors.GitHubError) -> Problem:
    """The problem that a failure of GitHub is to a client."""
    make = _BY_ERROR.get(type(error))
    return UpstreamFailed(str(error), type="github-unavailable") if make is None else make(error)


def _read_stored(caller: Caller, supabase: SyncPostgrestClient, settings: Settings) -> str | None:
    """The token of the caller's connection. Raises `Conflict` where GitHub would not take it."""
    # JSON in truth: the annotation of the client is too narrow.
    arguments = cast("dict[str, str]", {"import_key": read_secret(settings.github_import_key)})
    found: Any = supabase.rpc("get_sealed_github_token", arguments).execute().data
    if found is None:
        return None
    expires_at = found["token_expires_at"]
    if expires_at is not None and datetime.fromisoformat(expires_at) <= datetime.now(UTC):
        return _renew(caller, supabase, settings)
    place = Place("github_token", caller.user_id, UUID(found["id"]))
    try:
        token = None if found["state"] == "needs_reauth" else get_vault().open(found["sealed_token"], place)
    except SealBroken:
        logger.error("token_unreadable", connection_id=found["id"])
        token = None
    if token is None:
        raise Conflict("GitHub has refused the stored token. Connect it again.", type="github-needs-reauth")
    return token


def _renew(caller: Caller, supabase: SyncPostgrestClient, settings: Settings) -> str:
    """A fresh token in place of the stored one, which has expired. Raises `Conflict` if there can be none."""
    app = get_app()
    # Before anything is claimed: a renewed pair that cannot be saved for want of the key would be lost.
    import_key = read_secret(settings.github_import_key)

    def ask(function: str, **arguments: Any) -> Any:
        sent = cast("dict[str, str]", arguments | {"import_key": import_key})
        return supabase.rpc(function, sent).execute().data

    claimed = ask("claim_own_token_refresh") if app is not None else None
    if app is None or claimed is None:
        raise Conflict(
            "The stored GitHub token has expired and cannot be renewed now. Try again in a minute, "
            "or connect it again.",
            type="github-token-expired",
        )
    connection_id = UUID(claimed["id"])
    try:
        if "sealed_token" in claimed:
            # Somebody else has renewed it in this moment.
            return get_vault().open(
                claimed["sealed_token"], Place("github_token", caller.user_id, connection_id)
            )
        with as_problems():
            pair = refresh_claimed(app, caller.user_id, connection_id, claimed["sealed_refresh_token"])
    except (SealBroken, Forbidden):
        raise Conflict(
            "GitHub does not renew the stored token any more. Connect it again.", type="github-needs-reauth"
        ) from None
    # Whether or not its owner has stored another meanwhile, this one is theirs, and good for this call.
    sealed = seal_pair(pair, caller.user_id, connection_id)
    save_twice(lambda connection: bool(ask("save_own_refreshed_token", connection=connection)), sealed)
    return pair.token


def _read_claim(caller: Caller, settings: Settings) -> str | None:
    # Off by default: users can edit `user_metadata`, and Supabase itself never sets this.
    if not settings.github_token_from_jwt:
        return None
    metadata = caller.claims.get("user_metadata")
    token = metadata.get("provider_token") if isinstance(metadata, dict) else None
    return token if isinstance(token, str) else None
