"""Runs of the caller, and their repositories that GitHub does not show."""

from typing import Any, Self, cast

from postgrest import SyncPostgrestClient

from functions.github_runs.schemas import DecidedRepository, MissingDecided, MissingDecision, RunReadFull
from shared.entities.github_runs import RunRead
from shared.lists import Page
from shared.resource_service import ResourceService
from shared.supabase import Supabase


class RunService(ResourceService[RunRead, RunRead, RunReadFull]):
    """Reads runs. Nobody can change one: only imports and re-syncs write them."""

    table = "github_runs"
    noun = "run"
    row = RunRead
    item = RunRead
    page = Page[RunRead]
    detail = RunReadFull


class MissingService:
    """Decides as the caller: the database knows what is theirs and missing."""

    def __init__(self, supabase: SyncPostgrestClient) -> None:
        self.supabase = supabase

    @classmethod
    async def for_caller(cls, supabase: Supabase) -> Self:
        """The service of one request."""
        return cls(supabase)

    def decide(self, body: MissingDecision) -> MissingDecided:
        """Raises `NotFound` where one of the ids is none that is missing."""
        # JSON in truth: the annotation of the client is too narrow.
        arguments = cast("dict[str, str]", body.model_dump())
        rows: Any = self.supabase.rpc("decide_missing_repositories", arguments).execute().data
        return MissingDecided(repositories=[DecidedRepository.model_validate(row) for row in rows])
