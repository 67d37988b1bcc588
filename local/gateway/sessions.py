"""Sessions and their refresh tokens: rotated at each use, and a stolen one gives itself away."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import class_row

from local.gateway.errors import AuthError

# Tabs that refresh at the same time, or a client that lost the answer, may use a token again for this long.
REUSE_SECONDS = 10


@dataclass(frozen=True)
class Session:
    """A signed-in device, with the refresh token that is good now."""

    id: UUID
    user_id: UUID
    signed_in_at: datetime
    method: str
    refresh_token: str


@dataclass(frozen=True)
class RefreshToken:
    """A row of auth.refresh_tokens with what matters of its session."""

    token: str
    revoked: bool
    reusable: bool
    session_id: UUID
    user_id: UUID
    signed_in_at: datetime
    method: str


class Sessions:
    """The sessions seen through one connection."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self.connection = connection

    async def start(self, user_id: UUID, user_agent: str, method: str) -> Session:
        """A new session of an account that has just proved itself.

        How it did is kept in `tag`, which nothing here uses: GoTrue has a table of such claims.
        """
        session_id = uuid4()
        cursor = await self.connection.execute(
            """
            insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, tag)
            values (%s, %s, now(), now(), 'aal1', %s, %s) returning created_at
            """,
            (session_id, user_id, user_agent, method),
        )
        row = await cursor.fetchone()
        if row is None:
            raise AuthError(500, "unexpected_failure", "Database error creating new session")
        refresh_token = await self.add_token(session_id, user_id, parent=None)
        return Session(session_id, user_id, row[0], method, refresh_token)

    async def refresh(self, given: str) -> Session:
        """The session of a refresh token, with the token to use next time.

        A token that was used before is a sign of theft, as two hold it now: all tokens of the session go.
        Excepted are the parent of the good one, whose answer may have been lost, and a short while for
        concurrent refreshes.
        """
        token = await self.find_token(given)
        if token is None:
            message = "Invalid Refresh Token: Refresh Token Not Found"
            raise AuthError(400, "refresh_token_not_found", message)
        next_token = await self.child_of(token) if token.revoked else None
        if token.revoked and next_token is None and not token.reusable:
            await self.revoke_all_of(token.session_id)
            # The revocation has to outlive the refusal, which would roll it back.
            await self.connection.commit()
            raise AuthError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
        if next_token is None:
            await self.revoke_all_of(token.session_id)
            next_token = await self.add_token(token.session_id, token.user_id, parent=token.token)
        await self.connection.execute(
            """
            update auth.sessions set refreshed_at = now() at time zone 'utc', updated_at = now()
            where id = %s
            """,
            (token.session_id,),
        )
        return Session(token.session_id, token.user_id, token.signed_in_at, token.method, next_token)

    async def find_token(self, given: str) -> RefreshToken | None:
        """A refresh token, its session locked so that two refreshes take turns."""
        async with self.connection.cursor(row_factory=class_row(RefreshToken)) as cursor:
            await cursor.execute(
                """
                select t.token, t.revoked, t.updated_at > now() - make_interval(secs => %s) as reusable,
                  s.id as session_id, s.user_id, s.created_at as signed_in_at,
                  coalesce(s.tag, 'password') as method
                from auth.refresh_tokens t join auth.sessions s on s.id = t.session_id
                where t.token = %s
                for update
                """,
                (REUSE_SECONDS, given),
            )
            return await cursor.fetchone()

    async def child_of(self, token: RefreshToken) -> str | None:
        """The good token of the session, if this one was swapped for it."""
        cursor = await self.connection.execute(
            "select token from auth.refresh_tokens where session_id = %s and not revoked and parent = %s",
            (token.session_id, token.token),
        )
        row = await cursor.fetchone()
        return None if row is None else str(row[0])

    async def add_token(self, session_id: UUID, user_id: UUID, parent: str | None) -> str:
        """A new refresh token."""
        token = secrets.token_urlsafe(16)
        await self.connection.execute(
            """
            insert into auth.refresh_tokens (
              instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id
            ) values ('00000000-0000-0000-0000-000000000000', %s, %s, false, now(), now(), %s, %s)
            """,
            (token, str(user_id), parent, session_id),
        )
        return token

    async def revoke_all_of(self, session_id: UUID) -> None:
        """Leaves a session without a good refresh token."""
        await self.connection.execute(
            """
            update auth.refresh_tokens set revoked = true, updated_at = now()
            where session_id = %s and not revoked
            """,
            (session_id,),
        )

    async def exists(self, session_id: UUID) -> bool:
        """Whether nobody has signed out of it yet."""
        cursor = await self.connection.execute("select 1 from auth.sessions where id = %s", (session_id,))
        return await cursor.fetchone() is not None

    async def end(self, session_id: UUID) -> None:
        """Signs one device out."""
        await self.connection.execute("delete from auth.sessions where id = %s", (session_id,))

    async def end_others(self, user_id: UUID, session_id: UUID) -> None:
        """Signs all other devices out."""
        await self.connection.execute(
            "delete from auth.sessions where user_id = %s and id <> %s", (user_id, session_id)
        )

    async def end_all(self, user_id: UUID) -> None:
        """Signs all devices out."""
        await self.connection.execute("delete from auth.sessions where user_id = %s", (user_id,))
