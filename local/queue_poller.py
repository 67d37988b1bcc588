"""What AWS runs between SQS and a function: `python -m local.queue_poller <settings as JSON>`.

It takes messages off a queue, calls the function with them through Lambda's API, which serverless-offline
serves, and deletes those that the function has finished. The others come back by themselves and go to the
dead-letter queue in the end: both is the queue's doing.
"""

import base64
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # it has no types

from local.aws import LONGEST_POLL_SECONDS, Aws, client
from local.part import Part, run_part
from local.postgres import ROOT
from local.serverless import Service, Trigger, offline_environment

JSON = dict[str, Any]
Invoke = Callable[[JSON], Any]


class BatchFailed(Exception):
    """The function has finished no message of a batch."""


@dataclass(frozen=True)
class Source:
    """A queue, and how the function wants its messages."""

    queue_url: str
    queue_arn: str
    batch_size: int
    reports_failures: bool


def poll(sqs: Any, source: Source, invoke: Invoke, wait_seconds: int = LONGEST_POLL_SECONDS) -> None:
    """Waits for messages, has them worked off, and deletes the finished ones."""
    received = sqs.receive_message(
        QueueUrl=source.queue_url,
        MaxNumberOfMessages=source.batch_size,
        WaitTimeSeconds=wait_seconds,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    messages = received.get("Messages", [])
    if not messages:
        return
    try:
        answer = invoke({"Records": [record_of(message, source) for message in messages]})
        failed = failures_in(answer, messages) if source.reports_failures else frozenset()
    except BatchFailed as error:
        print(f"All of {len(messages)} messages have failed: {error}", flush=True)
        return
    for message in messages:
        if message["MessageId"] not in failed:
            sqs.delete_message(QueueUrl=source.queue_url, ReceiptHandle=message["ReceiptHandle"])
    print(f"{len(failed)} of {len(messages)} messages have failed.", flush=True)


def record_of(message: JSON, source: Source) -> JSON:
    """A message as it stands in the event that a function gets."""
    attributes = message.get("MessageAttributes", {})
    digest = {"md5OfMessageAttributes": message["MD5OfMessageAttributes"]} if attributes else {}
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {name: attribute_of(value) for name, value in attributes.items()},
        **digest,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source.queue_arn,
        # arn:aws:sqs:<region>:<account>:<name>
        "awsRegion": source.queue_arn.split(":")[3],
    }


def attribute_of(value: JSON) -> JSON:
    """An attribute that the sender gave the message; the lists are there and empty, as AWS has it."""
    attribute = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "BinaryValue" in value:
        return {**attribute, "binaryValue": base64.b64encode(value["BinaryValue"]).decode()}
    return {**attribute, "stringValue": value["StringValue"]}


def failures_in(answer: Any, messages: Sequence[JSON]) -> frozenset[str]:
    """The messages that a function says it has not finished. One that it never got fails them all.

    AWS's own reading: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if not answer:
        return frozenset()
    if not isinstance(answer, dict):
        raise BatchFailed(f"the answer is no object: {answer!r}")
    known = {message["MessageId"] for message in messages}
    reported = answer.get("batchItemFailures") or []
    try:
        failed = frozenset(item["itemIdentifier"] for item in reported)
    except (TypeError, KeyError) as error:
        raise BatchFailed(f"these are no batchItemFailures: {reported!r}") from error
    if not failed <= known:
        raise BatchFailed(f"no such messages: {sorted(map(str, failed - known))}")
    return failed


def invoke_through(lambda_client: Any, function: str) -> Invoke:
    """Calls a function as AWS does, and takes its errors and those on the way to it for the same."""

    def invoke(event: JSON) -> Any:
        try:
            called = lambda_client.invoke(FunctionName=function, Payload=json.dumps(event))
            answer = json.loads(called["Payload"].read() or "null")
        except (BotoCoreError, ClientError, ValueError) as error:
            raise BatchFailed(f"{type(error).__name__}: {error}") from error
        # Lambda says so in a header, serverless-offline in the answer only.
        if "FunctionError" in called or (isinstance(answer, dict) and "errorType" in answer):
            raise BatchFailed(f"{answer.get('errorType')}: {answer.get('errorMessage')}")
        return answer

    return invoke


@contextmanager
def run_queue_poller(
    trigger: Trigger, aws: Aws, service: Service, lambda_url: str, logs: Path
) -> Iterator[Part]:
    """Runs the poller for one function and its queue."""
    queue = aws.queues[trigger.queue]
    settings = {
        "aws_url": aws.url,
        "lambda_url": lambda_url,
        "region": aws.region,
        "function": trigger.function,
        "time_out": service.functions[trigger.function].time_out,
        "source": asdict(Source(queue.url, queue.arn, trigger.batch_size, trigger.reports_failures)),
    }
    with run_part(
        f"The queue poller of {trigger.function}",
        [sys.executable, "-m", "local.queue_poller", json.dumps(settings)],
        logs / "queue.log",
        environment=offline_environment(),
        directory=ROOT,
    ) as part:
        yield part


def main() -> None:
    """Polls until it is stopped."""
    settings = json.loads(sys.argv[1])
    region, source = settings["region"], Source(**settings["source"])
    sqs = client("sqs", url=settings["aws_url"], region=region)
    functions = client(
        "lambda", url=settings["lambda_url"], region=region, answer_seconds=settings["time_out"]
    )
    invoke = invoke_through(functions, settings["function"])
    while True:
        poll(sqs, source, invoke)


if __name__ == "__main__":
    main()
