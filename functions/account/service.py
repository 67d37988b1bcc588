"""The account of the caller, as the database keeps it: supabase/schemas/630_limits.sql and 640."""

from typing import Any, Self

from functions.account.schemas import AccountDelete, AccountRead
from shared.database.client import CallersClient, Supabase
from shared.errors import Unauthorized


class AccountService:
    """Reads and deletes the account of a person."""

    def __init__(self, supabase: CallersClient) -> None:
        self.supabase = supabase

    @classmethod
    async def for_caller(cls, supabase: Supabase) -> Self:
        """The service of one request."""
        return cls(supabase)

    def get(self) -> AccountRead:
        """The account with what it holds now. Raises `Unauthorized` where it is gone."""
        found: Any = self.supabase.rpc("get_account", {}).execute().data
        if not found:
            # A token outlives its account by up to an hour.
            raise Unauthorized("This account no longer exists.")
        return AccountRead.model_validate(found[0])

    def delete(self, body: AccountDelete) -> None:
        """Everything away, for good. Raises `Unauthorized`, `Forbidden` and `Invalid`."""
        self.supabase.rpc("delete_account", {"confirm": body.confirm}).execute()
