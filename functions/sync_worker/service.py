"""The run of one message: a re-sync or an import in the background, begun, worked off and ended."""

from collections.abc import Callable

from functions.sync_worker.background_import import BackgroundImport
from functions.sync_worker.ending import TokenReplaced
from functions.sync_worker.observing import OutOfTime
from functions.sync_worker.resync import Resync
from functions.sync_worker.tokens import RenewalUnderWay, Tokens
from shared.encryption import EncryptionUnavailable
from shared.github import GitHubTimedOut, GitHubUnavailable
from shared.runtime.log import logger
from shared.runtime.metrics import Metric, count
from shared.sync.database import RunDatabase
from shared.sync.messages import SyncMessage
from shared.sync.rows import Ending, RunRow

# Longer than a worker may take, so that nobody else begins while it is at work.
LEASE_SECONDS = 150
# What a chunk may take: two attempts at GitHub, and the database on both sides of them.
CHUNK_MILLISECONDS = 35_000

# A later delivery of the message may succeed where one of these was met.
RETRYABLE = (
    GitHubUnavailable,
    GitHubTimedOut,
    EncryptionUnavailable,
    OutOfTime,
    RenewalUnderWay,
    TokenReplaced,
)

_BY_STATE = {
    "succeeded": Metric.SYNC_RUNS_SUCCEEDED,
    "partial": Metric.SYNC_RUNS_PARTIAL,
    "failed": Metric.SYNC_RUNS_FAILED,
    "needs_reauth": Metric.SYNC_RUNS_NEEDING_TOKEN,
}


# Outcomes by which a repository's row has changed.
CHANGED = (
    "imported",
    "updated",
    "changed",
    "moved",
    "archived",
    "unarchived",
    "recovered",
    "inaccessible",
    "gone",
    "sso_required",
    "blocked",
    "forbidden",
)


def begin(
    message: SyncMessage, get_remaining_milliseconds: Callable[[], int]
) -> Resync | BackgroundImport | None:
    """Begin the run, or take it over. None where somebody else does it, or has done it."""

    def check_time() -> None:
        if get_remaining_milliseconds() <= CHUNK_MILLISECONDS:
            raise OutOfTime

    database = RunDatabase(message)
    begun = database.begin(LEASE_SECONDS)
    if begun.state != "running":
        logger.info("sync_left_alone", **message.in_log, state=begun.state)
        return None
    tokens = Tokens(message, database, begun)
    if begun.import_ is None:
        return Resync(message, database, tokens, begun.remaining, check_time)
    return BackgroundImport(message, database, tokens, begun.import_, check_time)


def work_off(run: Resync | BackgroundImport) -> None:
    """Do what is left of the run, and end it.

    Raises whatever a later delivery may mend: GitHub or the database being down, the time being over.
    """
    try:
        end(run, run.run())
    except RETRYABLE:
        # The next delivery need not wait until the lease ends by itself.
        run.database.release()
        raise


def end(run: Resync | BackgroundImport, ending: Ending) -> None:
    """End the run in the database; count and log how it has ended."""
    row = run.finish(ending)
    if row is None:
        return
    _count(row)
    write, event = (
        (logger.error, "sync_failed") if row["state"] == "failed" else (logger.info, "sync_finished")
    )
    write(
        event,
        **run.message.in_log,
        state=row["state"],
        reason=row["error"],
        counts=row["counts"],
        total=row["total"],
        done=row["done"],
        requests=row["requests"],
        points=row["points"],
    )


def _count(row: RunRow) -> None:
    count(_BY_STATE[row["state"]])
    count(Metric.REPOSITORIES_CHANGED, sum(row["counts"].get(outcome, 0) for outcome in CHANGED))
    count(Metric.GITHUB_REQUESTS, row["requests"])
    count(Metric.GITHUB_POINTS, row["points"])
