"""Goes round the steps of the maintenance, which the database knows: supabase/schemas/620_maintenance.sql."""

from collections.abc import Callable

import httpx
from postgrest import APIError
from pydantic import BaseModel, ConfigDict

from shared.database.service_role import call, connect_as_service
from shared.runtime.log import logger
from shared.runtime.metrics import Metric, count

# What one call may take: shared/http_client.py waits for two seconds to connect and ten for the answer.
CALL_MILLISECONDS = 12_000


class Done(BaseModel):
    """What one call of a step has done."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    removed: int
    is_finished: bool


class MaintenanceFailed(Exception):
    """A step has failed. The others have been gone on with."""


def maintain(get_remaining_milliseconds: Callable[[], int]) -> dict[str, int]:
    """Call each step in turn until all have finished or the time is over: the next hour goes on.

    Returns how many rows each step has removed. Raises `MaintenanceFailed` at the end if a step has failed.
    """
    supabase = connect_as_service()
    steps: list[str] = call(supabase, "list_maintenance_steps", {})
    removed = dict.fromkeys(steps, 0)
    failed: list[str] = []
    # In turn and not one after the other, so that much to do for one keeps nothing from the next.
    while steps and get_remaining_milliseconds() > CALL_MILLISECONDS:
        step = steps.pop(0)
        try:
            (done,) = call(supabase, "run_maintenance", {"step": step})
        except (APIError, httpx.TransportError) as error:
            logger.error("maintenance_step_failed", step=step, reason=get_reason(error))
            failed.append(step)
            continue
        result = Done.model_validate(done)
        removed[step] += result.removed
        if not result.is_finished:
            steps.append(step)
    count(Metric.ROWS_PRUNED, sum(removed.values()))
    count(Metric.MAINTENANCE_STEPS_FAILED, len(failed))
    count(Metric.MAINTENANCE_STEPS_LEFT, len(steps))
    logger.info("maintenance_done", removed=removed, failed=failed, left=steps)
    if failed:
        raise MaintenanceFailed(", ".join(failed))
    return removed


def get_reason(error: APIError | httpx.TransportError) -> str | None:
    """A code of the database's or a type of httpx's, which quote no row."""
    return error.code if isinstance(error, APIError) else type(error).__name__
