"""A batch of messages: the users of it at once, the messages of one user one after the other."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
from postgrest import APIError
from pydantic import ValidationError

from functions.sync_worker.schemas import Record
from functions.sync_worker.service import PASSING, SyncRun
from shared.encryption import EncryptionUnavailable
from shared.github import TimedOut, Unavailable
from shared.sync.database import is_ended
from shared.sync.messages import SyncMessage

logger = logging.getLogger("forum")

# A batch of SQS has ten messages at most.
USERS_AT_ONCE = 10
# The queue's maxReceiveCount: after as many failures a message goes to the dead-letter queue.
LAST_RECEIVE = 5

# A message that met one of these is delivered again, and the log needs no trace of it.
WITHOUT_A_TRACE = (*PASSING, APIError, httpx.TransportError)
# Of these, the ones that the database can still be told about when nobody will try again.
TOLD: dict[type[Exception], str] = {
    Unavailable: "github_unavailable",
    TimedOut: "github_unavailable",
    EncryptionUnavailable: "encryption_unavailable",
}


def process(records: Sequence[Record], get_remaining_milliseconds: Callable[[], int]) -> list[str]:
    """Do what the messages say. Returns the ids of those that failed, and are to be delivered again."""
    failed = set[str]()
    with ThreadPoolExecutor(USERS_AT_ONCE, thread_name_prefix="user") as pool:
        for turn in _iterate_turns(records, failed):
            futures = [
                (record, pool.submit(_do, record, message, get_remaining_milliseconds))
                for record, message in turn
            ]
            failed.update(record.message_id for record, future in futures if _has_failed(record, future))
    return [record.message_id for record in records if record.message_id in failed]


def _iterate_turns(records: Sequence[Record], failed: set[str]) -> Iterator[list[tuple[Record, SyncMessage]]]:
    """The first message of each user, then the second of those who have one, and so on."""
    waiting = [(record, message) for record in records if (message := _read(record, failed)) is not None]
    while waiting:
        turn = list({message.user_id: (record, message) for record, message in reversed(waiting)}.values())
        yield turn
        done = {record.message_id for record, _ in turn}
        waiting = [(record, message) for record, message in waiting if record.message_id not in done]


def _read(record: Record, failed: set[str]) -> SyncMessage | None:
    try:
        return SyncMessage.model_validate_json(record.body)
    except ValidationError:
        # Nobody of ours has written it. In the dead-letter queue somebody looks at it.
        logger.error("message %s is no re-sync", record.message_id)  # noqa: TRY400 - a trace would quote it
        failed.add(record.message_id)
        return None


def _do(record: Record, message: SyncMessage, get_remaining_milliseconds: Callable[[], int]) -> None:
    run = SyncRun(message, get_remaining_milliseconds)
    try:
        run.run()
    except APIError as error:
        if not is_ended(error):
            raise
        logger.info("re-sync of run %s ended by somebody else", message.run_id)
    except tuple(TOLD) as error:
        if record.attributes.receive_count >= LAST_RECEIVE:
            run.give_up(TOLD[type(error)])
        raise


def _has_failed(record: Record, future: Future[None]) -> bool:
    """One user's failure is nobody else's. Waits for the end."""
    error = future.exception()
    if isinstance(error, WITHOUT_A_TRACE):
        # The type, and a code: messages can quote what was sent.
        code = error.code if isinstance(error, APIError) else ""
        logger.error("message %s failed: %s %s", record.message_id, type(error).__name__, code)
    elif error is not None:
        logger.error("message %s failed", record.message_id, exc_info=error)
    return error is not None
