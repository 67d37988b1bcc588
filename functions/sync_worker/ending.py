"""How the work on a run ends before everything is done."""

from collections.abc import Iterator
from contextlib import contextmanager

from functions.sync_worker.tokens import Tokens
from shared.encryption import EncryptionUnavailable, KeyUnknown, SealBroken
from shared.github import GitHubForbidden, TokenRejected
from shared.runtime.log import describe_error, logger
from shared.sync.messages import SyncMessage
from shared.sync.rows import Ending


class TokenReplaced(Exception):
    """The owner has stored another token while the run was under way with the one before."""


class RunEnds(Exception):
    """Nothing more can be done in this run, by a later delivery neither."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending["state"])
        self.ending = ending


@contextmanager
def token_failures(message: SyncMessage, tokens: Tokens) -> Iterator[None]:
    """What a token that GitHub refuses, or that cannot be opened, means for the run.

    Raises `RunEnds`, or what a later delivery may mend: `EncryptionUnavailable`, `TokenReplaced`.
    """
    try:
        yield
    except KeyUnknown:
        # The operator's to mend (docs/operations.md), and no reason to make everybody connect again.
        raise EncryptionUnavailable from None
    except (TokenRejected, SealBroken):
        if tokens.has_been_replaced():
            raise TokenReplaced from None
        # One call with a refused token and no more: several make GitHub refuse its owner's every sign-in.
        raise RunEnds({"state": "needs_reauth", "error": "needs_reauth", "token_alive": False}) from None
    except GitHubForbidden as error:
        logger.warning("sync_refused", **message.in_log, error=describe_error(error))
        raise RunEnds({"state": "failed", "error": "github_forbidden", "reason": str(error)}) from None
