"""What is counted, in CloudWatch's embedded metric format: lines of the log that CloudWatch makes metrics of.

All stand in the namespace `Forum` with one dimension, `function`: the folder's name under functions/. Nothing
is counted by user, product or repository: each such value would be a metric that is paid for. Invocations,
durations, throttles and the gateway's count of requests are AWS's own metrics already.

`POWERTOOLS_METRICS_DISABLED=true` turns them off, as the local stack does.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from threading import Lock

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Forum"


class Metric(StrEnum):
    """Every metric there is. All are counts."""

    # The HTTP functions.
    CLIENT_ERRORS = "ClientErrors"  # answers 400 to 499
    SERVER_ERRORS = "ServerErrors"  # answers from 500: Forum's mistakes, and Supabase or GitHub being down
    REVEALS = "Reveals"  # secrets that were shown: revealed, exported or turned plain
    # Those that verify tokens.
    JWKS_FAILURES = "JwksFailures"  # fetches of Supabase's keys that failed, whether or not older ones served
    # The dispatcher.
    SYNC_RUNS_QUEUED = "SyncRunsQueued"
    SYNC_RUNS_NOT_QUEUED = "SyncRunsNotQueued"  # due, and not taken by SQS
    # The worker. One of the four for each run that has ended.
    SYNC_RUNS_SUCCEEDED = "SyncRunsSucceeded"
    SYNC_RUNS_PARTIAL = "SyncRunsPartial"
    SYNC_RUNS_FAILED = "SyncRunsFailed"
    SYNC_RUNS_NEEDING_TOKEN = "SyncRunsNeedingToken"  # noqa: S105 - a name: GitHub has refused the stored token
    SYNC_INTERRUPTIONS = "SyncInterruptions"  # messages that are delivered again, or end as dead letters
    REPOSITORIES_CHANGED = "RepositoriesChanged"
    GITHUB_REQUESTS = "GitHubRequests"
    GITHUB_POINTS = "GitHubPoints"
    # The maintenance.
    ROWS_PRUNED = "RowsPruned"
    MAINTENANCE_STEPS_FAILED = "MaintenanceStepsFailed"
    MAINTENANCE_STEPS_LEFT = "MaintenanceStepsLeft"  # with more to do than there was time for


class _Counts:
    """What one invocation has counted; the worker's threads count at the same time."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.values = Counter[Metric]()


_current: ContextVar[_Counts | None] = ContextVar("counts", default=None)


def count(metric: Metric, number: float = 1) -> None:
    """Count something of the current invocation. Outside of one, nothing is counted."""
    counts = _current.get()
    if counts is not None and number:
        with counts.lock:
            counts.values[metric] += number  # type: ignore[assignment]  # Counter takes every number


@contextmanager
def counting(function: str) -> Iterator[None]:
    """Write one line with what was counted inside, if anything was."""
    counts = _Counts()
    token = _current.set(counts)
    try:
        yield
    finally:
        _current.reset(token)
        if counts.values:
            _write(function, counts.values)


def _write(function: str, values: Counter[Metric]) -> None:
    # One for each invocation: Powertools' `Metrics` are shared by all of a process.
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_dimension("function", function)
    for metric, value in values.items():
        metrics.add_metric(metric.value, MetricUnit.Count, value)
    metrics.flush_metrics()
