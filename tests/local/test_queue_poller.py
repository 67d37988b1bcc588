"""The way of a message from the queue to a function and back, or to the dead letters, as AWS has it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws import Queue, client, create_queues, run_moto
from local.ports import LOOPBACK, free_port
from local.queue_poller import BatchFailed, Source, invoke_through, poll
from local.serverless import Service

JSON = dict[str, Any]
REGION = "eu-central-1"
RESOURCES = {
    "Work": {
        "QueueName": "forum-dev-work",
        "VisibilityTimeout": 720,
        "MessageRetentionPeriod": 345600,
        "RedrivePolicy": {
            "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
            "maxReceiveCount": 5,
        },
    },
    "DeadLetters": {"QueueName": "forum-dev-dead-letters", "MessageRetentionPeriod": 1209600},
}


class Function:
    """A function that keeps the events it was called with and answers as it is told."""

    def __init__(self, answer: Any = None, fails_with: str | None = None) -> None:
        self.answer = answer
        self.fails_with = fails_with
        self.events: list[JSON] = []

    def __call__(self, event: JSON) -> Any:
        self.events.append(event)
        if self.fails_with is not None:
            raise BatchFailed(self.fails_with)
        return self.answer

    @property
    def bodies(self) -> list[list[str]]:
        """What was in each batch."""
        return [sorted(record["body"] for record in event["Records"]) for event in self.events]


@pytest.fixture(scope="module")
def sqs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """SQS, as the stack runs it."""
    log = tmp_path_factory.mktemp("moto") / "aws.log"
    with run_moto(free_port(), log) as moto:
        aws = moto.with_queues(Service(REGION, {}, {}, ()))
        yield client("sqs", url=aws.url, region=REGION)


@pytest.fixture
def queues(sqs: Any) -> Iterator[dict[str, Queue]]:
    """The queues of the template above, where a message that has failed comes back at once."""
    made = create_queues(sqs, RESOURCES)
    sqs.set_queue_attributes(QueueUrl=made["Work"].url, Attributes={"VisibilityTimeout": "0"})
    yield made
    for queue in made.values():
        sqs.delete_queue(QueueUrl=queue.url)


@pytest.fixture
def source(queues: dict[str, Queue]) -> Source:
    """The queue, for a function that reports its failures."""
    return Source(queues["Work"].url, queues["Work"].arn, batch_size=10, reports_failures=True)


def send(sqs: Any, source: Source, *bodies: str) -> list[str]:
    """Puts messages into the queue and returns their ids."""
    return [
        sqs.send_message(QueueUrl=source.queue_url, MessageBody=body, MessageGroupId="ada")["MessageId"]
        for body in bodies
    ]


def in_queue(sqs: Any, url: str) -> int:
    """How many messages wait there."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(answer[name]) for name in names)


def test_queues_have_the_attributes_of_their_resources(sqs: Any) -> None:
    made = create_queues(sqs, RESOURCES)
    attributes = {
        name: sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
        for name, queue in made.items()
    }
    assert made["Work"].arn == "arn:aws:sqs:eu-central-1:123456789012:forum-dev-work"
    assert attributes["Work"]["MessageRetentionPeriod"] == "345600"
    assert attributes["Work"]["VisibilityTimeout"] == "2", "the only one that is another here"
    assert json.loads(attributes["Work"]["RedrivePolicy"]) == {
        "deadLetterTargetArn": made["DeadLetters"].arn,
        "maxReceiveCount": 5,
    }
    assert attributes["DeadLetters"]["MessageRetentionPeriod"] == "1209600"
    for queue in made.values():
        sqs.delete_queue(QueueUrl=queue.url)


def test_an_event_has_everything_that_aws_puts_into_it(sqs: Any, source: Source) -> None:
    attributes = {
        "kind": {"DataType": "String", "StringValue": "sync"},
        "seal": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = sqs.send_message(
        QueueUrl=source.queue_url,
        MessageBody='{"a": 1}',
        MessageGroupId="ada",
        MessageAttributes=attributes,
    )
    function = Function()
    poll(sqs, source, function, 0)
    [event] = function.events
    assert list(event) == ["Records"]
    [record] = event["Records"]
    assert record.pop("receiptHandle")
    system = record.pop("attributes")
    assert record == {
        "messageId": sent["MessageId"],
        "body": '{"a": 1}',
        "messageAttributes": {
            "kind": {
                "stringValue": "sync",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            },
            "seal": {
                "binaryValue": "AP8=",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "Binary",
            },
        },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source.queue_arn,
        "awsRegion": REGION,
    }
    assert system["ApproximateReceiveCount"] == "1"
    assert system["MessageGroupId"] == "ada"
    assert set(system) >= {"SenderId", "SentTimestamp", "ApproximateFirstReceiveTimestamp"}


def test_a_batch_holds_ten_messages_at_most(sqs: Any, source: Source) -> None:
    send(sqs, source, *(str(number) for number in range(12)))
    function = Function()
    poll(sqs, source, function, 0)
    poll(sqs, source, function, 0)
    assert [len(bodies) for bodies in function.bodies] == [10, 2]


def test_an_empty_queue_calls_nobody(sqs: Any, source: Source) -> None:
    function = Function()
    poll(sqs, source, function, 0)
    assert function.events == []


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_answer_without_failures_finishes_all_messages(sqs: Any, source: Source, answer: Any) -> None:
    send(sqs, source, "one", "two")
    poll(sqs, source, Function(answer), 0)
    assert in_queue(sqs, source.queue_url) == 0


def test_only_the_reported_messages_come_back(sqs: Any, source: Source) -> None:
    _one, two, _three = send(sqs, source, "one", "two", "three")
    function = Function({"batchItemFailures": [{"itemIdentifier": two}]})
    poll(sqs, source, function, 0)
    poll(sqs, source, function, 0)
    assert function.bodies == [["one", "three", "two"], ["two"]]
    [again] = function.events[1]["Records"]
    assert again["attributes"]["ApproximateReceiveCount"] == "2"


def test_an_exception_fails_all_messages(
    sqs: Any, source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    send(sqs, source, "one", "two")
    function = Function(fails_with="KeyError: 'x'")
    poll(sqs, source, function, 0)
    poll(sqs, source, function, 0)
    assert function.bodies == [["one", "two"], ["one", "two"]]
    assert "All of 2 messages have failed: KeyError: 'x'" in capsys.readouterr().out


@pytest.mark.parametrize(
    "reported",
    [
        [{"itemIdentifier": "unknown"}],
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifier": ["a list"]}],
        [{"identifier": "a wrong name"}],
        ["no object"],
        "no list",
        7,
    ],
)
def test_a_report_that_makes_no_sense_fails_all_messages(sqs: Any, source: Source, reported: Any) -> None:
    send(sqs, source, "one", "two")
    poll(sqs, source, Function({"batchItemFailures": reported}), 0)
    assert in_queue(sqs, source.queue_url) == 2


def test_an_answer_that_is_no_object_fails_all_messages(sqs: Any, source: Source) -> None:
    send(sqs, source, "one")
    poll(sqs, source, Function("done"), 0)
    assert in_queue(sqs, source.queue_url) == 1


def test_reports_of_a_function_that_was_not_asked_for_them_change_nothing(
    sqs: Any, queues: dict[str, Queue]
) -> None:
    source = Source(queues["Work"].url, queues["Work"].arn, batch_size=10, reports_failures=False)
    [one] = send(sqs, source, "one")
    poll(sqs, source, Function({"batchItemFailures": [{"itemIdentifier": one}]}), 0)
    assert in_queue(sqs, source.queue_url) == 0


def test_a_message_that_fails_five_times_goes_to_the_dead_letters(
    sqs: Any, source: Source, queues: dict[str, Queue]
) -> None:
    send(sqs, source, "poison")
    function = Function(fails_with="always")
    for _ in range(7):
        poll(sqs, source, function, 0)
    counts = [event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in function.events]
    assert counts == ["1", "2", "3", "4", "5"]
    assert in_queue(sqs, source.queue_url) == 0
    [dead] = sqs.receive_message(QueueUrl=queues["DeadLetters"].url)["Messages"]
    assert dead["Body"] == "poison"


def test_a_lambda_that_does_not_answer_fails_the_batch() -> None:
    nowhere = client("lambda", url=f"http://{LOOPBACK}:{free_port()}", region=REGION)
    with pytest.raises(BatchFailed, match="EndpointConnectionError"):
        invoke_through(nowhere, "forum-dev-worker")({"Records": []})
