"""A batch of messages: the users of it at once, the messages of one user one after the other."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from postgrest import APIError
from pydantic import ValidationError

from functions.sync_worker.schemas import Record
from functions.sync_worker.service import begin, end, work_off
from shared.encryption import EncryptionUnavailable
from shared.github import GitHubTimedOut, GitHubUnavailable
from shared.runtime.correlation import follow
from shared.runtime.log import describe_error, logger
from shared.runtime.metrics import Metric, count
from shared.sync.database import is_ended
from shared.sync.messages import SyncMessage

# A batch of SQS has ten messages at most.
USERS_AT_ONCE = 10
# The queue's maxReceiveCount: after as many failures a message goes to the dead-letter queue.
LAST_RECEIVE = 5

# On the last delivery of a message: how the row of its run says why it failed.
FINAL_ERRORS: dict[type[Exception], str] = {
    GitHubUnavailable: "github_unavailable",
    GitHubTimedOut: "github_unavailable",
    EncryptionUnavailable: "encryption_unavailable",
}


def process(records: Sequence[Record], get_remaining_milliseconds: Callable[[], int]) -> list[str]:
    """Do what the messages say. Returns the ids of those that failed, and are to be delivered again."""
    failed = set[str]()
    with ThreadPoolExecutor(USERS_AT_ONCE, thread_name_prefix="user") as pool:
        for turn in _iterate_turns(records, failed):
            futures = [
                (record, pool.submit(copy_context().run, _do, record, message, get_remaining_milliseconds))
                for record, message in turn
            ]
            failed.update(record.message_id for record, future in futures if _has_failed(future))
    count(Metric.SYNC_INTERRUPTIONS, len(failed))
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
        with follow(record.correlation_id):
            logger.error("sync_message_malformed", message_id=record.message_id)
        failed.add(record.message_id)
        return None


def _do(record: Record, message: SyncMessage, get_remaining_milliseconds: Callable[[], int]) -> None:
    with follow(record.correlation_id):
        try:
            _run(record, message, get_remaining_milliseconds)
        except Exception as error:
            logger.warning(
                "sync_interrupted",
                **message.in_log,
                message_id=record.message_id,
                received=record.attributes.receive_count,
                error=describe_error(error),
            )
            raise


def _run(record: Record, message: SyncMessage, get_remaining_milliseconds: Callable[[], int]) -> None:
    run = begin(message, get_remaining_milliseconds)
    if run is None:
        return
    try:
        work_off(run)
    except APIError as error:
        if not is_ended(error):
            raise
        logger.info("sync_ended_elsewhere", **message.in_log)
    except tuple(FINAL_ERRORS) as error:
        if record.attributes.receive_count >= LAST_RECEIVE:
            # So that its owner sees why.
            end(run, {"state": "failed", "error": FINAL_ERRORS[type(error)]})
        raise


def _has_failed(future: Future[None]) -> bool:
    """One user's failure is nobody else's. Waits for the end."""
    return future.exception() is not None
