"""A re-sync: everything that a user has imported is looked at on GitHub, and what has changed is written."""

from collections.abc import Callable

from functions.sync_worker.ending import RunEnds, token_failures
from functions.sync_worker.observing import Observed, Observer
from functions.sync_worker.tokens import Tokens, connect
from shared.github import GitHubRateLimited, TokenRejected
from shared.github.graphql import MAX_IDS, GraphQL
from shared.http_client import get_http_client
from shared.settings import get_settings
from shared.sync.database import RunDatabase
from shared.sync.messages import SyncMessage
from shared.sync.rows import Ending, RunRow, Spent


class Resync:
    """The work on one run. Nothing of it outlives `run`."""

    def __init__(
        self,
        message: SyncMessage,
        database: RunDatabase,
        tokens: Tokens,
        remaining: int,
        check_time: Callable[[], None],
    ) -> None:
        self.message = message
        self.database = database
        self._tokens = tokens
        self._remaining = remaining
        self._check_time = check_time
        self._is_token_alive = False
        self._reported = (0, 0)

    def run(self) -> Ending:
        """Look at what is left. Raises whatever a later delivery may mend."""
        try:
            with token_failures(self.message, self._tokens):
                self._look_at_all()
        except RunEnds as ends:
            return ends.ending
        except GitHubRateLimited as limit:
            return {"state": "failed", "error": "rate_limited", "retry_at": limit.retry_at.isoformat()}
        return {"state": "succeeded", "token_alive": self._is_token_alive or None}

    def finish(self, ending: Ending) -> RunRow:
        """End the run in the database. Returns it."""
        return self.database.finish(ending)

    def _look_at_all(self) -> None:
        observer = self._make_observer(self._tokens.get()) if self._remaining else None
        while self._remaining and observer is not None:
            self._check_time()
            chunk = self.database.get_next_chunk(MAX_IDS)
            if not chunk:
                break
            observed = observer.observe(chunk)
            self._apply(observed, observer)
            if isinstance(observed.stopped_by, TokenRejected) and self._tokens.is_renewable:
                observer = self._make_observer(self._tokens.renew())
            elif observed.stopped_by is not None:
                raise observed.stopped_by

    def _make_observer(self, token: str) -> Observer:
        self._reported = (0, 0)
        graphql = GraphQL(get_http_client(), get_settings().graphql_url, token)
        return Observer(graphql, connect(token), self._check_time)

    def _apply(self, observed: Observed, observer: Observer) -> None:
        """Write what was observed and what it has cost."""
        self._is_token_alive |= observed.is_token_alive
        spending, rest = observer.graphql.spending, observer.github.spending
        requests, points = spending.requests + rest.requests, spending.points
        spent: Spent = {
            "requests": requests - self._reported[0],
            "points": points - self._reported[1],
            "rate_limit_remaining": spending.remaining,
            "rate_limit_reset_at": spending.reset_at.isoformat() if spending.reset_at else None,
            "flags": sorted(observed.flags),
        }
        self._reported = (requests, points)
        self._remaining = self.database.apply(observed.observations, spent)
