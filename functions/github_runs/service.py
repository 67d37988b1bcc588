"""Runs of the caller, and their repositories that GitHub does not show."""

from typing import Any, Self
from uuid import UUID

from functions.github_runs.schemas import (
    DecidedRepository,
    MissingDecided,
    MissingDecision,
    RunReadFull,
    StoredRun,
)
from shared.database.client import Supabase
from shared.database.rest_client import RestClient
from shared.entities.github_runs import RunRead
from shared.http.answer_size import fits_as_body
from shared.resources.lists import Page
from shared.resources.service import ResourceService

# Of results, however long the names and reasons in them are.
ALWAYS_DELIVERED = 1_000


class RunService(ResourceService[RunRead, RunRead, StoredRun]):
    """Reads runs. Nobody can change one: only imports and re-syncs write them."""

    table = "github_runs"
    noun = "run"
    row = RunRead
    item = RunRead
    page = Page[RunRead]
    detail = StoredRun

    def get(self, row_id: UUID) -> RunReadFull:
        """A run with as many of its results as one answer holds. Raises `NotFound`."""
        run = RunReadFull.model_validate(dict(super().get(row_id)))
        # A background import has up to 10,000 of them, a re-sync as many as there are repositories.
        while len(run.results) > ALWAYS_DELIVERED and not fits_as_body(run.model_dump_json().encode()):
            run.results = run.results[: len(run.results) // 2]
            run.results_truncated = True
        return run


class MissingService:
    """Decides as the caller: the database knows what is theirs and missing."""

    def __init__(self, supabase: RestClient) -> None:
        self.supabase = supabase

    @classmethod
    async def for_caller(cls, supabase: Supabase) -> Self:
        """The service of one request."""
        return cls(supabase)

    def decide(self, body: MissingDecision) -> MissingDecided:
        """Raises `NotFound` where one of the ids is none that is missing."""
        arguments = body.model_dump()
        rows: Any = self.supabase.rpc("decide_missing_repositories", arguments).execute().data
        return MissingDecided(repositories=[DecidedRepository.model_validate(row) for row in rows])
