"""The first thing a request meets: no known API key, no answer."""

from collections.abc import Mapping

from starlette.datastructures import URL, Headers, QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# Verifiers of tokens fetch the public keys, and a browser follows links and redirects: without an API key.
OPEN_PATHS = frozenset(
    {
        "/auth/v1/.well-known/jwks.json",
        "/auth/v1/authorize",
        "/auth/v1/callback",
        "/auth/v1/verify",
    }
)

# How every browser has begun to name itself since the first ones.
BROWSER = "Mozilla"


class RequireApiKey:
    """Lets a request through whose `apikey`, a header or a query parameter, is one of the project's.

    A request that says nothing about its caller, or names an API key of the new format as if it were a token,
    gets the token that stands for its API key: PostgREST knows nothing but tokens. A user's token stays, also
    beside a secret key: it is the user then who asks.
    """

    def __init__(self, app: ASGIApp, api_keys: Mapping[str, str]) -> None:
        self.app = app
        self.api_keys = api_keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 401 itself, or hands on."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("apikey") or query_parameter(scope, "apikey") or ""
        refusal = self.refusal(given, headers.get("user-agent", ""))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        authorization = headers.get("authorization", "")
        if not authorization or authorization.startswith("Bearer sb_"):
            scope = with_token(scope, self.api_keys[given])
        await self.app(scope, receive, send)

    def refusal(self, given: str, user_agent: str) -> JSONResponse | None:
        """Why a request gets no further, in Supabase's own words."""
        if not given:
            return refused(
                "No API key found in request", "No `apikey` request header or url param was found."
            )
        if given not in self.api_keys:
            return refused("Invalid API key", "Double check your Supabase `anon` or `service_role` API key.")
        if given.startswith("sb_secret_") and BROWSER in user_agent:
            return refused(
                "Forbidden use of secret API key in browser",
                "Secret API keys can only be used in a protected environment and should never be used in a"
                " browser. Delete this secret API key immediately.",
            )
        return None


def refused(message: str, hint: str) -> JSONResponse:
    """A 401 as Supabase's gateway writes it."""
    return JSONResponse({"message": message, "hint": hint}, 401)


def query_parameter(scope: Scope, name: str) -> str | None:
    """A parameter of the request's URL."""
    return QueryParams(URL(scope=scope).query).get(name)


def with_token(scope: Scope, token: str) -> Scope:
    """The same request as if the token had been sent."""
    others = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
    return {**scope, "headers": [*others, (b"authorization", f"Bearer {token}".encode())]}
