"""GitHub as the caller sees it: with the token of the request, or with the stored one."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from shared.auth.sign_in import Caller, SignedIn
from shared.database.client import Supabase
from shared.errors import Conflict
from shared.github import GitHub
from shared.github.graphql import GraphQL
from shared.github.problems import as_problems
from shared.github_tokens.stored import StoredToken
from shared.http_client import get_http_client
from shared.runtime.deadlines import RequestDeadline
from shared.settings import Settings, get_settings


@dataclass(frozen=True, slots=True)
class CallersToken:
    """The token to ask GitHub with, and where it is stored, if it is."""

    value: str
    source: StoredToken | None


async def find_token(
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
) -> CallersToken:
    """The caller's token. Raises `Conflict` without one.

    What GitHub says of the token of the header, or of the claim, is nothing about the stored one.
    """
    settings = get_settings()
    source = None if x_github_token else StoredToken.find(caller, supabase)
    with as_problems():
        token = x_github_token or (source.get() if source else _read_claim(caller, settings))
    if not token:
        raise Conflict(
            "GitHub is not connected. Send a GitHub token as `X-GitHub-Token`, "
            "or store one with `PUT /api/github/connection`.",
            type="github-not-connected",
        )
    return CallersToken(token, source)


Token = Annotated[CallersToken, Depends(find_token)]


async def connect_github(token: Token, deadline: RequestDeadline) -> GitHub:
    """GitHub's REST API with the caller's token. Raises `Forbidden` for an impossible one."""
    url = str(get_settings().github_api_url)
    with as_problems():
        return GitHub(get_http_client(), url, token.value, source=token.source, deadline=deadline)


async def connect_graphql(token: Token, deadline: RequestDeadline) -> GraphQL:
    """GitHub's GraphQL with the caller's token. Raises `Forbidden` for an impossible one."""
    url = get_settings().graphql_url
    with as_problems():
        return GraphQL(get_http_client(), url, token.value, source=token.source, deadline=deadline)


CallersGitHub = Annotated[GitHub, Depends(connect_github)]
CallersGraphQL = Annotated[GraphQL, Depends(connect_graphql)]


def _read_claim(caller: Caller, settings: Settings) -> str | None:
    # Off by default: users can edit `user_metadata`, and Supabase itself never sets this.
    if not settings.github_token_from_jwt:
        return None
    metadata = caller.claims.get("user_metadata")
    token = metadata.get("provider_token") if isinstance(metadata, dict) else None
    return token if isinstance(token, str) else None
