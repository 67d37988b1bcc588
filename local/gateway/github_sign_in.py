"""/auth/v1/authorize and /auth/v1/callback: sign-in with GitHub, which signInWithOAuth begins."""

import secrets
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import psycopg
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local.gateway.accounts import Accounts
from local.gateway.auth import Auth
from local.gateway.errors import AuthError
from local.gateway.github_client import GithubApp, GithubClient, Profile
from local.gateway.pkce import Challenge, Grant, read_challenge
from local.gateway.redirects import choose_redirect, with_error, with_query, with_session

STATE_SECONDS = 300
METHOD = "oauth"


@dataclass(frozen=True)
class SignIn:
    """A sign-in whose person is at GitHub now."""

    redirect_to: str
    challenge: Challenge | None
    ends_at: float


class GithubSignIn:
    """The endpoints; without an App there is no such way to sign in."""

    def __init__(self, auth: Auth, app: GithubApp | None, site_url: str) -> None:
        self.auth = auth
        self.github = None if app is None else GithubClient(app, f"{auth.tokens.issuer}/callback")
        self.site_url = site_url
        self.under_way: dict[str, SignIn] = {}

    def routes(self) -> list[Route]:
        """Where each endpoint is. Browsers open both, without an API key."""
        return [
            Route("/auth/v1/authorize", self.authorize, methods=["GET"]),
            Route("/auth/v1/callback", self.callback, methods=["GET"]),
        ]

    async def authorize(self, request: Request) -> Response:
        """Sends the browser to GitHub."""
        query = request.query_params
        provider = query.get("provider", "").lower()
        if provider != "github":
            message = f"Unsupported provider: Provider {provider} could not be found"
            raise AuthError(400, "validation_failed", message)
        if self.github is None:
            raise AuthError(400, "validation_failed", "Unsupported provider: provider is not enabled")
        state = secrets.token_urlsafe(24)
        self.under_way[state] = SignIn(
            redirect_to=choose_redirect(query.get("redirect_to", ""), self.site_url),
            challenge=read_challenge(query),
            ends_at=monotonic() + STATE_SECONDS,
        )
        return RedirectResponse(self.github.authorize_url(state, query.get("scopes", "")), 302)

    async def callback(self, request: Request) -> Response:
        """Takes the browser back from GitHub, and sends it on with a session or the reason why not."""
        sign_in = self.under_way.pop(request.query_params.get("state", ""), None)
        if sign_in is None or sign_in.ends_at <= monotonic():
            missing = AuthError(400, "bad_oauth_state", "OAuth state not found or expired")
            return RedirectResponse(with_error(self.site_url, missing), 302)
        try:
            return RedirectResponse(await self._finish(request, sign_in), 302)
        except AuthError as error:
            return RedirectResponse(with_error(sign_in.redirect_to, error), 302)

    async def _finish(self, request: Request, sign_in: SignIn) -> str:
        query = request.query_params
        if self.github is None or "error" in query:
            denied = query.get("error_description", "The provider refused the sign-in.")
            raise AuthError(403, "provider_refused", denied, oauth_error=query.get("error"))
        if not query.get("code"):
            raise AuthError(400, "bad_oauth_callback", "OAuth callback with missing authorization code")
        profile = await self.github.read_profile(query["code"])
        async with self.auth.transaction() as connection:
            user_id = await self._find_account(connection, profile)
            if sign_in.challenge is not None:
                grant = Grant(user_id, METHOD, sign_in.challenge, profile.tokens)
                return with_query(sign_in.redirect_to, {"code": self.auth.codes.issue(grant)})
            session = await self.auth.start_session(request, connection, user_id, METHOD)
        return with_session(sign_in.redirect_to, session, profile.tokens)

    async def _find_account(self, connection: psycopg.AsyncConnection, profile: Profile) -> UUID:
        try:
            return await Accounts(connection).sign_in_with_github(profile.email, profile.claims)
        except psycopg.Error as error:
            # A trigger of the project refused the row. GoTrue does not say which either.
            raise AuthError(500, "unexpected_failure", "Database error saving new user") from error
