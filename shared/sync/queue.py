"""The queue between dispatcher and worker: SQS.

A message names its user as its group, which makes a standard queue a fair one: a user with many messages in
flight does not hold up the others.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from shared.aws.clients import get_client
from shared.runtime.correlation import KEY, get_correlation_id
from shared.runtime.log import logger
from shared.settings import get_settings
from shared.sync.messages import SyncMessage

# SQS's own.
BATCH_SIZE = 10
BATCHES_AT_ONCE = 5
# SendMessageBatch succeeds as a call while single entries of it fail.
ATTEMPTS = 3


def send(messages: Sequence[SyncMessage]) -> list[SyncMessage]:
    """Send messages, those that SQS has not taken again. Returns what could not be sent."""
    unsent = list(messages)
    for _ in range(ATTEMPTS):
        if unsent:
            unsent = _send_once(unsent)
    return unsent


def _send_once(messages: Sequence[SyncMessage]) -> list[SyncMessage]:
    sqs, url, correlation_id = get_client("sqs"), _get_url(), get_correlation_id()
    with ThreadPoolExecutor(BATCHES_AT_ONCE) as pool:
        failed = pool.map(
            lambda batch: list(_send_batch(sqs, url, batch, correlation_id)), _iterate_batches(messages)
        )
        return [message for messages in failed for message in messages]


def _iterate_batches(messages: Sequence[SyncMessage]) -> Iterator[Sequence[SyncMessage]]:
    for start in range(0, len(messages), BATCH_SIZE):
        yield messages[start : start + BATCH_SIZE]


def _send_batch(
    sqs: Any, url: str, messages: Sequence[SyncMessage], correlation_id: str
) -> Iterator[SyncMessage]:
    """The messages that SQS has not taken."""
    exceptions = import_module("botocore.exceptions")
    entries = [
        {
            "Id": str(number),
            "MessageBody": message.model_dump_json(),
            "MessageGroupId": str(message.user_id),
            "MessageAttributes": {KEY: {"DataType": "String", "StringValue": correlation_id}},
        }
        for number, message in enumerate(messages)
    ]
    try:
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    except (exceptions.ClientError, exceptions.BotoCoreError) as error:
        _log_refusal(correlation_id, len(messages), type(error).__name__)
        yield from messages
        return
    for failed in answer.get("Failed", ()):
        _log_refusal(correlation_id, 1, str(failed.get("Code")))
        yield messages[int(failed["Id"])]


def _log_refusal(correlation_id: str, messages: int, reason: str) -> None:
    # From a thread, whose context has nothing of the invocation's.
    logger.warning("queue_refused", correlation_id=correlation_id, messages=messages, reason=reason)


def _get_url() -> str:
    url = get_settings().sync_queue_url
    if url is None:
        raise ValueError("set SYNC_QUEUE_URL")
    return url
