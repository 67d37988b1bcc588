"""/auth/v1: what supabase-js needs of GoTrue, with GoTrue's answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.gateway.access_tokens import LIFETIME_SECONDS, AccessTokens
from local.gateway.accounts import Account, Accounts
from local.gateway.answer import JSON, answer
from local.gateway.bodies import email_address, metadata, new_password, read_body, text
from local.gateway.errors import AuthError
from local.gateway.pkce import AuthCodes
from local.gateway.sessions import Session, Sessions

# Of Postgres's hundred.
MOST_CONNECTIONS = 8


@dataclass(frozen=True)
class Caller:
    """Whose access token came with a request."""

    account: Account
    session_id: UUID


class Auth:
    """The endpoints over one database."""

    def __init__(self, database_url: str, tokens: AccessTokens, *, has_github: bool) -> None:
        # A new connection and its empty caches cost more than a sign-up. One that the database has ended
        # meanwhile, as it does when it restarts, is not given out.
        self.connections = AsyncConnectionPool(
            database_url,
            min_size=0,
            max_size=MOST_CONNECTIONS,
            open=False,
            check=AsyncConnectionPool.check_connection,
        )
        self.tokens = tokens
        self.codes = AuthCodes()
        self.has_github = has_github

    def routes(self) -> list[Route]:
        """Where each endpoint is."""
        return [
            Route("/auth/v1/signup", self.sign_up, methods=["POST"]),
            Route("/auth/v1/token", self.token, methods=["POST"]),
            Route("/auth/v1/user", self.read_user, methods=["GET"]),
            Route("/auth/v1/user", self.update_user, methods=["PUT"]),
            Route("/auth/v1/logout", self.sign_out, methods=["POST"]),
            Route("/auth/v1/.well-known/jwks.json", self.public_keys, methods=["GET"]),
            Route("/auth/v1/health", self.health, methods=["GET"]),
            Route("/auth/v1/settings", self.settings, methods=["GET"]),
        ]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection for one request, committed at its end."""
        async with self.connections.connection() as connection:
            yield connection

    async def sign_up(self, request: Request) -> Response:
        """Makes an account and signs it in."""
        body = await read_body(request)
        if text(body, "phone"):
            raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")
        if not text(body, "email"):
            raise AuthError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
        if not text(body, "password"):
            raise AuthError(400, "validation_failed", "Signup requires a valid password")
        email, password = email_address(body), new_password(body)
        async with self.transaction() as connection:
            try:
                account = await Accounts(connection).create(email, password, metadata(body, "data"))
            except psycopg.Error as error:
                # A trigger of the project refused the row. GoTrue does not say which either.
                raise AuthError(500, "unexpected_failure", "Database error saving new user") from error
            return answer(await self.start_session(request, connection, account.id, "password"))

    async def token(self, request: Request) -> Response:
        """Signs in by password or by the code of a redirect, or goes on with a session."""
        grant = request.query_params.get("grant_type")
        if grant == "password":
            return await self.sign_in(request)
        if grant == "refresh_token":
            return await self.refresh(request)
        if grant == "pkce":
            return await self.redeem_code(request)
        raise AuthError(400, "invalid_credentials", "unsupported_grant_type")

    async def sign_in(self, request: Request) -> Response:
        """One refusal for an unknown address and a wrong password: nobody learns who has an account."""
        body = await read_body(request)
        email = text(body, "email").strip().lower()
        if not email:
            raise AuthError(400, "validation_failed", "missing email or phone")
        async with self.transaction() as connection:
            account = await Accounts(connection).find_by_password(email, text(body, "password"))
            if account is None:
                raise AuthError(400, "invalid_credentials", "Invalid login credentials")
            return answer(await self.start_session(request, connection, account.id, "password"))

    async def redeem_code(self, request: Request) -> Response:
        """The session of a sign-in that ended in a redirect. The provider's tokens are in it this once."""
        body = await read_body(request)
        grant = self.codes.redeem(text(body, "auth_code"), text(body, "code_verifier"))
        async with self.transaction() as connection:
            session = await self.start_session(request, connection, grant.user_id, grant.method)
        return answer({**session, **grant.provider_tokens})

    async def refresh(self, request: Request) -> Response:
        """A new access token and the refresh token to use next time."""
        given = text(await read_body(request), "refresh_token")
        if not given:
            raise AuthError(400, "validation_failed", "refresh_token required")
        async with self.transaction() as connection:
            session = await Sessions(connection).refresh(given)
            account = await Accounts(connection).get(session.user_id)
            return answer(await self.describe_session(connection, account, session))

    async def read_user(self, request: Request) -> Response:
        """The caller's account."""
        async with self.transaction() as connection:
            caller = await self.caller(request, connection)
            return answer(await Accounts(connection).describe(caller.account))

    async def update_user(self, request: Request) -> Response:
        """Changes the caller's address, password or metadata."""
        body = await read_body(request)
        if "app_metadata" in body:
            raise AuthError(403, "not_admin", "Updating app_metadata requires admin privileges")
        async with self.transaction() as connection:
            caller = await self.caller(request, connection)
            accounts = Accounts(connection)
            if text(body, "password"):
                await self.change_password(connection, caller, new_password(body))
            if text(body, "email"):
                await accounts.change_email(caller.account.id, email_address(body))
            if metadata(body, "data"):
                await accounts.merge_user_metadata(caller.account.id, metadata(body, "data"))
            return answer(await accounts.describe(await accounts.get(caller.account.id)))

    async def change_password(
        self, connection: psycopg.AsyncConnection, caller: Caller, password: str
    ) -> None:
        """Signs the other devices out, too: whoever knew the old password may be on one of them."""
        accounts = Accounts(connection)
        if await accounts.has_password(caller.account.id, password):
            message = "New password should be different from the old password."
            raise AuthError(422, "same_password", message)
        await accounts.change_password(caller.account.id, password)
        await Sessions(connection).end_others(caller.account.id, caller.session_id)

    async def sign_out(self, request: Request) -> Response:
        """Ends sessions; access tokens given out before stay good until they expire, as at Supabase."""
        scope = request.query_params.get("scope", "global")
        async with self.transaction() as connection:
            caller = await self.caller(request, connection)
            sessions = Sessions(connection)
            if scope == "global":
                await sessions.end_all(caller.account.id)
            elif scope == "local":
                await sessions.end(caller.session_id)
            elif scope == "others":
                await sessions.end_others(caller.account.id, caller.session_id)
            else:
                raise AuthError(400, "validation_failed", f'Unsupported logout scope "{scope}"')
        return Response(status_code=204)

    async def public_keys(self, _: Request) -> Response:
        """What anybody can verify access tokens with. The legacy secret is never in here."""
        keys = {"keys": [self.tokens.keys.public_key]}
        return JSONResponse(keys, headers={"cache-control": "public, max-age=600"})

    async def health(self, _: Request) -> Response:
        """For whoever waits for the gateway."""
        async with self.transaction() as connection:
            await connection.execute("select 1")
        description = "Forum's local stand-in for Supabase Auth"
        return JSONResponse({"name": "GoTrue", "version": "local", "description": description})

    async def settings(self, _: Request) -> Response:
        """Which ways to sign in there are."""
        providers = {"email": True, "phone": False, "anonymous_users": False, "github": self.has_github}
        return JSONResponse(
            {
                "external": providers,
                "disable_signup": False,
                "mailer_autoconfirm": True,
                "phone_autoconfirm": False,
                "sms_provider": "",
                "saml_enabled": False,
            }
        )

    async def caller(self, request: Request, connection: psycopg.AsyncConnection) -> Caller:
        """Who is asking, by an access token whose session has not ended."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise AuthError(401, "no_authorization", "This endpoint requires a valid Bearer token")
        claims = self.tokens.verify(token)
        if "sub" not in claims:
            raise AuthError(403, "bad_jwt", "invalid claim: missing sub claim")
        account = await Accounts(connection).get(claimed_id(claims, "sub"))
        session_id = claimed_id(claims, "session_id")
        if not await Sessions(connection).exists(session_id):
            message = "Session from session_id claim in JWT does not exist"
            raise AuthError(403, "session_not_found", message)
        return Caller(account, session_id)

    async def start_session(
        self, request: Request, connection: psycopg.AsyncConnection, account_id: UUID, method: str
    ) -> JSON:
        """A session for an account that has proved itself."""
        accounts = Accounts(connection)
        await accounts.note_sign_in(account_id)
        user_agent = request.headers.get("user-agent", "")
        session = await Sessions(connection).start(account_id, user_agent, method)
        return await self.describe_session(connection, await accounts.get(account_id), session)

    async def describe_session(
        self, connection: psycopg.AsyncConnection, account: Account, session: Session
    ) -> JSON:
        """What supabase-js keeps as its session."""
        now = datetime.now(UTC)
        return {
            "access_token": self.tokens.issue(account, session, now),
            "token_type": "bearer",
            "expires_in": LIFETIME_SECONDS,
            "expires_at": int(now.timestamp()) + LIFETIME_SECONDS,
            "refresh_token": session.refresh_token,
            "user": await Accounts(connection).describe(account),
        }


def claimed_id(claims: JSON, name: str) -> UUID:
    """An id out of a token, which may have been signed by a test or a hook with anything in it."""
    value: Any = claims.get(name)
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError) as error:
        raise AuthError(403, "bad_jwt", f"invalid claim: {name} claim must be a UUID") from error
