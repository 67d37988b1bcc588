"""Rows of an export into an account, as the database takes them: supabase/schemas/660_account_import.sql."""

from typing import Any, Self

from functions.account_import.schemas import AccountImport, AccountImportedLine, AccountImportReport
from shared.database.client import CallersClient, Supabase


class AccountImportService:
    """Brings rows into the account of a person."""

    def __init__(self, supabase: CallersClient) -> None:
        self.supabase = supabase

    @classmethod
    async def for_caller(cls, supabase: Supabase) -> Self:
        """The service of one request."""
        return cls(supabase)

    def bring(self, body: AccountImport) -> AccountImportReport:
        """All of the rows or, where one of them cannot be, none. Raises `Conflict` and `Invalid`."""
        asked: Any = body.model_dump(mode="json")
        found: Any = self.supabase.rpc("import_page", asked).execute().data
        return AccountImportReport(items=[AccountImportedLine.model_validate(line) for line in found])
