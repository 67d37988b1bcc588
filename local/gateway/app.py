"""The gateway as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from local.gateway.access_tokens import AccessTokens
from local.gateway.api_key import RequireApiKey
from local.gateway.auth import Auth
from local.gateway.email_sign_in import EmailSignIn
from local.gateway.errors import VERSION_HEADER, AuthError, answer_auth_error, answer_unknown
from local.gateway.github_client import GithubApp
from local.gateway.github_sign_in import GithubSignIn
from local.gateway.rest import forward
from local.keys import Keys

# No user of an API waits longer, and Supabase cuts off here as well.
UPSTREAM_SECONDS = 60
# What a page on another origin may read of an answer. One that reads more here would not get it on Supabase.
EXPOSED_BY_POSTGREST = [
    "Content-Encoding",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "Date",
    "Location",
    "Server",
    "Transfer-Encoding",
    "Range-Unit",
]
REST_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def create_app(  # noqa: PLR0913 - what the stack decides about
    *, url: str, site_url: str, postgrest_url: str, database_url: str, keys: Keys, github: GithubApp | None
) -> Starlette:
    """A gateway that calls itself `url`, the issuer of its tokens included.

    Sign-ins end at `site_url` where a client names no other page of this machine.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with (
            httpx.AsyncClient(base_url=postgrest_url, timeout=UPSTREAM_SECONDS) as client,
            auth.connections,
        ):
            app.state.postgrest = client
            yield

    auth = Auth(database_url, AccessTokens(keys, f"{url}/auth/v1"), has_github=github is not None)
    return Starlette(
        routes=[
            *auth.routes(),
            *GithubSignIn(auth, github, site_url).routes(),
            *EmailSignIn(auth, site_url).routes(),
            Route("/rest/v1/{path:path}", forward, methods=REST_METHODS),
        ],
        middleware=[
            # Outermost, so that a browser can read a 401, and PostgREST's own headers give way to these.
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["*"],
                allow_headers=["*"],
                expose_headers=[*EXPOSED_BY_POSTGREST, VERSION_HEADER],
            ),
            Middleware(RequireApiKey, api_keys=keys.api_keys()),
        ],
        exception_handlers={AuthError: answer_auth_error, HTTPException: answer_unknown},
        lifespan=lifespan,
    )
