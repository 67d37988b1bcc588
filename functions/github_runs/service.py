"""Runs of the caller."""

from functions.github_runs.schemas import RunReadFull
from shared.entities.github_runs import RunRead
from shared.lists import Page
from shared.resource_service import ResourceService


class RunService(ResourceService[RunRead, RunRead, RunReadFull]):
    """Reads runs. Nobody can change one: only imports and re-syncs write them."""

    table = "github_runs"
    noun = "run"
    row = RunRead
    item = RunRead
    page = Page[RunRead]
    detail = RunReadFull
