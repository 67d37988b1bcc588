"""The gateway as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from local.gateway.access_tokens import AccessTokens
from local.gateway.api_key import RequireApiKey
from local.gateway.auth import Auth
from local.gateway.errors import AuthError, answer_auth_error
from local.gateway.rest import forward
from local.keys import Keys

# No user of an API waits longer, and Supabase cuts off here as well.
UPSTREAM_SECONDS = 60
REST_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def create_app(*, url: str, postgrest_url: str, database_url: str, keys: Keys) -> Starlette:
    """A gateway that calls itself `url`, the issuer of its tokens included."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with (
            httpx.AsyncClient(base_url=postgrest_url, timeout=UPSTREAM_SECONDS) as client,
            auth.connections,
        ):
            app.state.postgrest = client
            yield

    auth = Auth(database_url, AccessTokens(keys, f"{url}/auth/v1"))
    return Starlette(
        routes=[
            *auth.routes(),
            Route("/rest/v1/{path:path}", forward, methods=REST_METHODS),
        ],
        middleware=[
            # Outermost, so that a browser can read a 401, and PostgREST's own headers give way to these.
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["*"],
                allow_headers=["*"],
                expose_headers=[
                    "Content-Range",
                    "Content-Location",
                    "Location",
                    "Preference-Applied",
                    "ETag",
                ],
            ),
            Middleware(RequireApiKey, api_keys=keys.api_keys()),
        ],
        exception_handlers={AuthError: answer_auth_error},
        lifespan=lifespan,
    )
