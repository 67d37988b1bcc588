"""An import in the background, from its beginning in one delivery to its end in this or a later one."""

from collections.abc import Callable

from postgrest import APIError

from functions.sync_worker.ending import RunEnds, token_failures
from functions.sync_worker.importing import Importer
from functions.sync_worker.observing import OutOfTime
from functions.sync_worker.tokens import Tokens, connect
from shared.github import GitHubRateLimited, TokenRejected
from shared.sync.database import ImportBegun, RunDatabase, is_product_gone
from shared.sync.messages import SyncMessage
from shared.sync.rows import Ending, RunRow


class BackgroundImport:
    """The work on one import. Nothing of it outlives `run`."""

    def __init__(
        self,
        message: SyncMessage,
        database: RunDatabase,
        tokens: Tokens,
        begun: ImportBegun,
        check_time: Callable[[], None],
    ) -> None:
        self.message = message
        self.database = database
        self._tokens = tokens
        self._begun = begun
        self._check_time = check_time

    def run(self) -> Ending:
        """Do what is left. A limit, and the end of the function's time, pause it.

        Raises whatever a later delivery may mend.
        """
        try:
            with token_failures(self.message, self._tokens):
                self._import_all()
        except RunEnds as ends:
            return ends.ending
        except GitHubRateLimited as limit:
            return {"state": "paused", "retry_at": limit.retry_at.isoformat()}
        except OutOfTime:
            return {"state": "paused"}
        return {"state": "succeeded"}

    def finish(self, ending: Ending) -> RunRow | None:
        """End the import in the database, or leave it for later. Returns its run where it has ended."""
        if ending["state"] == "paused":
            self.database.pause_import(ending.get("retry_at"))
            return None
        return self.database.finish_import(ending.get("error"), ending.get("reason"))

    def _import_all(self) -> None:
        importer = Importer(self.database, self._begun, connect(self._tokens.get()), self._check_time)
        try:
            try:
                importer.run()
            except TokenRejected:
                if not self._tokens.is_renewable:
                    raise
                importer.go_on_with(connect(self._tokens.renew()))
                importer.run()
        except APIError as error:
            if not is_product_gone(error):
                raise
            importer.write_spending()
            raise RunEnds({"state": "failed", "error": "product_gone"}) from None
