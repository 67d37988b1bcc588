"""One run: everything that a user has imported is looked at on GitHub, and what has changed is written."""

from collections.abc import Callable
from typing import Any

from postgrest import APIError

from functions.sync_worker.importing import Importer
from functions.sync_worker.observing import Observed, Observer, OutOfTime
from functions.sync_worker.tokens import RenewalUnderWay, Tokens
from shared.encryption import EncryptionUnavailable, KeyUnknown, SealBroken
from shared.github import Forbidden, GitHub, RateLimited, TimedOut, TokenRejected, Unavailable
from shared.github.graphql import MAX_IDS, GraphQL
from shared.http_client import get_http_client
from shared.runtime.log import describe, logger
from shared.runtime.metrics import Metric, count
from shared.settings import get_settings
from shared.sync.database import ImportBegun, RunDatabase, is_product_gone
from shared.sync.messages import SyncMessage

# Longer than a worker may take, so that nobody else begins while it is at work.
LEASE_SECONDS = 150
# What a chunk may take: two attempts at GitHub, and the database on both sides of them.
CHUNK_MILLISECONDS = 35_000

Json = dict[str, Any]
Ending = Json


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


class TokenReplaced(Exception):
    """The owner has stored another token while the run was under way with the one before."""


# A later delivery of the message may succeed where one of these was met.
RETRYABLE = (Unavailable, TimedOut, EncryptionUnavailable, OutOfTime, RenewalUnderWay, TokenReplaced)


class SyncRun:
    """The run of one message. Nothing of it outlives `run`."""

    def __init__(self, message: SyncMessage, get_remaining_milliseconds: Callable[[], int]) -> None:
        self.message = message
        self.database = RunDatabase(message)
        self._get_remaining_milliseconds = get_remaining_milliseconds
        self._is_token_alive = False
        self._reported = (0, 0)
        self._is_import = False

    def run(self) -> None:
        """Do what is left of the run, and end it.

        Raises whatever a later delivery may mend: GitHub or the database being down, the time being over.
        """
        begun = self.database.begin(LEASE_SECONDS)
        if begun.state != "running":
            # A second delivery, or one that came late: somebody else does it, or has done it.
            logger.info("sync_left_alone", **self.message.in_log, state=begun.state)
            return
        tokens = Tokens(self.message, self.database, begun)
        self._is_import = begun.import_ is not None
        try:
            if begun.import_ is not None:
                self._import(tokens, begun.import_)
            else:
                self._record_end(self.database.finish(self._work(tokens, begun.remaining)))
        except RETRYABLE:
            # The next delivery need not wait until the lease ends by itself.
            self.database.release()
            raise

    def _work(self, tokens: Tokens, remaining: int) -> Ending:
        """How the run ends."""
        try:
            return self._look_at_all(tokens, remaining)
        except KeyUnknown:
            # The operator's to mend (docs/operations.md), and no reason to make everybody connect again.
            raise EncryptionUnavailable from None
        except (TokenRejected, SealBroken):
            if tokens.has_been_replaced():
                raise TokenReplaced from None
            # One call with a refused token and no more: several make GitHub refuse its owner's every sign-in.
            return {"state": "needs_reauth", "error": "needs_reauth", "token_alive": False}
        except RateLimited as limit:
            return self._fail("rate_limited") | {"retry_at": limit.retry_at.isoformat()}
        except Forbidden as error:
            logger.warning("sync_refused", **self.message.in_log, error=describe(error))
            return self._fail("github_forbidden") | {"reason": str(error)}

    def give_up(self, error: str) -> None:
        """End a run that no delivery could end, so that its owner sees why."""
        if self._is_import:
            self._record_end(self.database.finish_import(error, None))
        else:
            self._record_end(self.database.finish(self._fail(error)))

    def _import(self, tokens: Tokens, begun: ImportBegun) -> None:
        """Do what is left of an import. A limit, and the end of the function's time, pause it."""
        try:
            self._record_end(self.database.finish_import(*self._import_all(tokens, begun)))
        except RateLimited as limit:
            self.database.pause_import(limit.retry_at)
        except OutOfTime:
            self.database.pause_import(None)

    def _import_all(self, tokens: Tokens, begun: ImportBegun) -> tuple[str | None, str | None]:
        """Why the import ends before its time, if it does: a code, and GitHub's words where it had some."""
        importer = None
        try:
            importer = Importer(self.database, begun, self._connect(tokens.get()), self._check_time)
            try:
                importer.run()
            except TokenRejected:
                if not tokens.is_renewable:
                    raise
                importer.go_on_with(self._connect(tokens.renew()))
                importer.run()
        except KeyUnknown:
            # The operator's to mend (docs/operations.md), and no reason to make everybody connect again.
            raise EncryptionUnavailable from None
        except (TokenRejected, SealBroken):
            if tokens.has_been_replaced():
                raise TokenReplaced from None
            return "needs_reauth", None
        except Forbidden as error:
            logger.warning("sync_refused", **self.message.in_log, error=describe(error))
            return "github_forbidden", str(error)
        except APIError as error:
            if importer is None or not is_product_gone(error):
                raise
            importer.write_spending()
            return "product_gone", None
        return None, None

    def _look_at_all(self, tokens: Tokens, remaining: int) -> Ending:
        observer = self._make_observer(tokens.get()) if remaining else None
        while remaining and observer is not None:
            self._check_time()
            chunk = self.database.get_next_chunk(MAX_IDS)
            if not chunk:
                break
            observed = observer.observe(chunk)
            remaining = self._apply(observed, observer)
            if isinstance(observed.stopped_by, TokenRejected) and tokens.is_renewable:
                observer = self._make_observer(tokens.renew())
            elif observed.stopped_by is not None:
                raise observed.stopped_by
        return {"state": "succeeded", "token_alive": self._is_token_alive or None}

    def _make_observer(self, token: str) -> Observer:
        self._reported = (0, 0)
        graphql = GraphQL(get_http_client(), get_settings().graphql_url, token)
        return Observer(graphql, self._connect(token), self._check_time)

    def _connect(self, token: str) -> GitHub:
        return GitHub(get_http_client(), str(get_settings().github_api_url), token)

    def _apply(self, observed: Observed, observer: Observer) -> int:
        """Write what was observed and what it has cost. Returns how many repositories remain."""
        self._is_token_alive |= observed.is_token_alive
        spending, rest = observer.graphql.spending, observer.github.spending
        requests, points = spending.requests + rest.requests, spending.points
        spent = {
            "requests": requests - self._reported[0],
            "points": points - self._reported[1],
            "rate_limit_remaining": spending.remaining,
            "rate_limit_reset_at": spending.reset_at and spending.reset_at.isoformat(),
            "flags": sorted(observed.flags),
        }
        self._reported = (requests, points)
        return self.database.apply(observed.observations, spent)

    def _record_end(self, run: Json) -> None:
        """Count and log the end of a run."""
        _count(run)
        write, event = (
            (logger.error, "sync_failed") if run["state"] == "failed" else (logger.info, "sync_finished")
        )
        write(
            event,
            **self.message.in_log,
            state=run["state"],
            reason=run["error"],
            counts=run["counts"],
            total=run["total"],
            done=run["done"],
            requests=run["requests"],
            points=run["points"],
        )

    def _fail(self, error: str) -> Ending:
        # The database makes it partial where something was done, by this delivery or by one before.
        return {"state": "failed", "error": error}

    def _check_time(self) -> None:
        if self._get_remaining_milliseconds() <= CHUNK_MILLISECONDS:
            raise OutOfTime


def _count(run: Json) -> None:
    """Count the end of a run."""
    count(_BY_STATE[run["state"]])
    count(Metric.REPOSITORIES_CHANGED, sum(run["counts"].get(outcome, 0) for outcome in CHANGED))
    count(Metric.GITHUB_REQUESTS, run["requests"])
    count(Metric.GITHUB_POINTS, run["points"])
