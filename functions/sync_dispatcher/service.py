"""Finds whose re-sync is due, and queues it."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.runtime.log import logger
from shared.runtime.metrics import Metric, count
from shared.sync.database import claim_due, release
from shared.sync.queue import send

CLAIM_SIZE = 100
# How long a message may wait in the queue before the next dispatcher sends another for the same run. Longer
# than the visibility time-out of 720 s, so that a message that failed is not overtaken by its own copy.
LEASE_SECONDS = 900
# What one round may take: a claim, three attempts at SQS, a release.
ROUND_MILLISECONDS = 20_000


class QueueFailed(Exception):
    """SQS did not take everything. What it did not take is due again."""


@dataclass
class Dispatched:
    """What a dispatcher did."""

    claimed: int = 0
    sent: int = 0


def dispatch(get_remaining_milliseconds: Callable[[], int]) -> Dispatched:
    """Queue whatever is due, in rounds, until nothing is or the time is over: the next tick goes on.

    It may run twice at a time, as the schedule promises no less: each connection is claimed by one only.
    """
    total = Dispatched()
    while get_remaining_milliseconds() > ROUND_MILLISECONDS:
        claimed = claim_due(CLAIM_SIZE, LEASE_SECONDS)
        if not claimed:
            break
        unsent = send(claimed)
        total.claimed += len(claimed)
        total.sent += len(claimed) - len(unsent)
        count(Metric.SYNC_RUNS_QUEUED, len(claimed) - len(unsent))
        count(Metric.SYNC_RUNS_NOT_QUEUED, len(unsent))
        if unsent:
            release(unsent)
            # Another round would claim the same again.
            raise QueueFailed(f"{len(unsent)} of {len(claimed)} messages could not be sent")
    logger.info("sync_dispatched", claimed=total.claimed, sent=total.sent)
    return total
