"""A token for a local user, whatever their password is."""

import asyncio
from datetime import UTC, datetime

import psycopg

from local.gateway.access_tokens import AccessTokens
from local.gateway.accounts import Accounts
from local.gateway.sessions import Sessions
from local.keys import Keys
from local.supabase import PASSWORD


def token_for(email: str, *, database_url: str, keys: Keys, supabase_url: str) -> str:
    """Starts a session for the account, which is made where there is none."""
    tokens = AccessTokens(keys, f"{supabase_url}/auth/v1")
    return asyncio.run(issue(email.strip().lower(), database_url, tokens))


async def issue(email: str, database_url: str, tokens: AccessTokens) -> str:
    """What the gateway's sign-in does after the password."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        accounts = Accounts(connection)
        account = await accounts.find("email = %s and not is_sso_user", email)
        if account is None:
            account = await accounts.create(email, PASSWORD, {})
        session = await Sessions(connection).start(account.id, "make token", "password")
        return tokens.issue(account, session, datetime.now(UTC))
