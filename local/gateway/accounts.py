"""Accounts in auth.users and auth.identities."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from local.gateway.errors import AuthError


@dataclass(frozen=True)
class Account:
    """A row of auth.users, as far as tokens and answers need it."""

    id: UUID
    role: str
    email: str
    email_confirmed_at: datetime
    last_sign_in_at: datetime | None
    app_metadata: dict[str, Any]
    user_metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


COLUMNS = """
  id, role, email, email_confirmed_at, last_sign_in_at, raw_app_meta_data as app_metadata,
  raw_user_meta_data as user_metadata, created_at, updated_at
"""


class Accounts:
    """The accounts seen through one connection."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self.connection = connection

    async def create(self, email: str, password: str | None, data: dict[str, Any]) -> Account:
        """A confirmed account with its email identity. The project's triggers on auth.users fire here."""
        account_id = uuid4()
        claims = {"sub": str(account_id), "email": email, "email_verified": False, "phone_verified": False}
        metadata = {**data, **claims, "email_verified": True}
        await self._insert(account_id, email, "email", metadata, password)
        await self._add_identity(account_id, "email", claims)
        return await self.get(account_id)

    async def sign_in_with_github(self, email: str, claims: dict[str, Any]) -> UUID:
        """The account of a GitHub user: the one that has the identity, else the address, else a new one."""
        claims = {**claims, "email": email, "email_verified": True}
        cursor = await self.connection.execute(
            """
            update auth.identities set identity_data = %s, last_sign_in_at = now(), updated_at = now()
            where provider = 'github' and provider_id = %s returning user_id
            """,
            (Jsonb(claims), claims["sub"]),
        )
        if (row := await cursor.fetchone()) is not None:
            account_id: UUID = row[0]
        elif (found := await self.find("email = %s and not is_sso_user", email)) is not None:
            account_id = found.id
            await self._add_identity(account_id, "github", claims)
            await self._note_providers(account_id)
        else:
            account_id = uuid4()
            await self._insert(account_id, email, "github", claims)
            await self._add_identity(account_id, "github", claims)
        await self.merge_user_metadata(account_id, claims)
        return account_id

    async def _insert(
        self,
        account_id: UUID,
        email: str,
        provider: str,
        user_metadata: dict[str, Any],
        password: str | None = None,
    ) -> None:
        """A confirmed account; one without a password has none that fits."""
        try:
            await self.connection.execute(
                """
                insert into auth.users (
                  instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
                  confirmation_token, recovery_token, email_change_token_new, email_change,
                  raw_app_meta_data, raw_user_meta_data, created_at, updated_at
                ) values (
                  '00000000-0000-0000-0000-000000000000', %(id)s, 'authenticated', 'authenticated', %(email)s,
                  extensions.crypt(%(password)s::text, extensions.gen_salt('bf')), now(),
                  '', '', '', '', %(app_metadata)s, %(user_metadata)s, now(), now()
                )
                """,
                {
                    "id": account_id,
                    "email": email,
                    "password": password,
                    "app_metadata": Jsonb({"provider": provider, "providers": [provider]}),
                    "user_metadata": Jsonb(user_metadata),
                },
            )
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name != "users_email_partial_key":
                raise
            raise AuthError(422, "user_already_exists", "User already registered") from error

    async def _add_identity(self, account_id: UUID, provider: str, claims: dict[str, Any]) -> None:
        """A way to sign in to the account."""
        await self.connection.execute(
            """
            insert into auth.identities (
              provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at
            ) values (%s, %s, %s, %s, now(), now(), now())
            """,
            (claims["sub"], account_id, Jsonb(claims), provider),
        )

    async def _note_providers(self, account_id: UUID) -> None:
        """Says in what tokens carry which ways to sign in there are by now."""
        await self.connection.execute(
            """
            update auth.users
            set raw_app_meta_data = raw_app_meta_data || jsonb_build_object('providers', (
                select jsonb_agg(distinct i.provider) from auth.identities i where i.user_id = users.id))
            where id = %s
            """,
            (account_id,),
        )

    async def get(self, account_id: UUID) -> Account:
        """The account of a token's subject."""
        account = await self.find("id = %s", account_id)
        if account is None:
            raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
        return account

    async def find_by_password(self, email: str, password: str) -> Account | None:
        """The account that both belong to."""
        return await self.find(
            "email = %s and not is_sso_user and deleted_at is null"
            " and encrypted_password = extensions.crypt(%s, encrypted_password)",
            email,
            password,
        )

    async def has_password(self, account_id: UUID, password: str) -> bool:
        """Whether this is the account's password already."""
        matches = "id = %s and encrypted_password = extensions.crypt(%s, encrypted_password)"
        return await self.find(matches, account_id, password) is not None

    async def find(self, condition: str, *values: object) -> Account | None:
        """One account, or none."""
        async with self.connection.cursor(row_factory=class_row(Account)) as cursor:
            query = f"select {COLUMNS} from auth.users where {condition}"  # noqa: S608 - written in this class
            await cursor.execute(query.encode(), values)
            return await cursor.fetchone()

    async def note_sign_in(self, account_id: UUID) -> None:
        """Remembers when the account last signed in."""
        await self.connection.execute(
            "update auth.users set last_sign_in_at = now(), updated_at = now() where id = %s", (account_id,)
        )

    async def change_email(self, account_id: UUID, email: str) -> None:
        """Takes effect at once: there is no mail here to confirm it by."""
        try:
            await self.connection.execute(
                "update auth.users set email = %s, updated_at = now() where id = %s", (email, account_id)
            )
        except psycopg.errors.UniqueViolation as error:
            message = "A user with this email address has already been registered"
            raise AuthError(422, "email_exists", message) from error
        await self.connection.execute(
            """
            update auth.identities
            set identity_data = identity_data || jsonb_build_object('email', %s::text), updated_at = now()
            where user_id = %s and provider = 'email'
            """,
            (email, account_id),
        )

    async def change_password(self, account_id: UUID, password: str) -> None:
        """Stores a new hash."""
        await self.connection.execute(
            """
            update auth.users
            set encrypted_password = extensions.crypt(%s, extensions.gen_salt('bf')), updated_at = now()
            where id = %s
            """,
            (password, account_id),
        )

    async def merge_user_metadata(self, account_id: UUID, data: dict[str, Any]) -> None:
        """Adds or replaces what was sent, removes what was sent as null, and leaves the rest."""
        kept = {name: value for name, value in data.items() if value is not None}
        removed = [name for name, value in data.items() if value is None]
        await self.connection.execute(
            """
            update auth.users
            set raw_user_meta_data = (coalesce(raw_user_meta_data, '{}') || %s) - %s::text[],
              updated_at = now()
            where id = %s
            """,
            (Jsonb(kept), removed, account_id),
        )

    async def describe(self, account: Account) -> dict[str, Any]:
        """The account as GoTrue answers it, with its identities."""
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(
                """
                select id as identity_id, provider_id as id, user_id, identity_data, provider,
                  last_sign_in_at, created_at, updated_at, email
                from auth.identities where user_id = %s order by created_at
                """,
                (account.id,),
            )
            identities = await cursor.fetchall()
        return {
            "id": account.id,
            "aud": "authenticated",
            "role": account.role,
            "email": account.email,
            "email_confirmed_at": account.email_confirmed_at,
            "phone": "",
            "confirmed_at": account.email_confirmed_at,
            "last_sign_in_at": account.last_sign_in_at,
            "app_metadata": account.app_metadata,
            "user_metadata": account.user_metadata,
            "identities": identities,
            "created_at": account.created_at,
            "updated_at": account.updated_at,
            "is_anonymous": False,
        }
