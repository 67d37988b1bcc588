"""AWS on this machine: moto's server, and the queues of serverless.yml in it."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import boto3  # type: ignore[import-untyped]  # it has no types of its own
from botocore.config import Config  # type: ignore[import-untyped]  # as boto3

from local.part import Part, run_part
from local.ports import LOOPBACK, answers
from local.serverless import OFFLINE, Service, offline_environment

JSON = dict[str, Any]

LONGEST_POLL_SECONDS = 20  # AWS allows no longer one
# On AWS a message that was not finished waits until no worker can still be at it: six times the function's
# time-out. Here one poller waits for each answer before it asks again, so nothing is handed out twice, and
# whoever looks on sees the next attempt within seconds and the dead-letter queue fill within ten.
VISIBILITY_SECONDS = 2


@dataclass(frozen=True)
class Queue:
    """A queue in moto."""

    url: str
    arn: str


@dataclass(frozen=True)
class Aws:
    """A running moto with the queues of a template in it."""

    url: str
    region: str
    queues: dict[str, Queue]  # by the name of the resource


@dataclass(frozen=True)
class Moto:
    """A running moto, maybe still starting."""

    url: str
    port: int
    part: Part

    def with_queues(self, service: Service) -> Aws:
        """Waits until it takes requests, and makes the service's queues."""
        self.part.wait_until(lambda: answers(self.port))
        sqs = client("sqs", url=self.url, region=service.region)
        return Aws(self.url, service.region, create_queues(sqs, service.queues))


@contextmanager
def run_moto(port: int, log: Path) -> Iterator[Moto]:
    """Starts moto's server, and leaves the waiting to the caller: others can start meanwhile."""
    command = [sys.executable, "-m", "moto.server", "--host", LOOPBACK, "--port", str(port)]
    with run_part("AWS (moto)", command, log, environment=offline_environment()) as part:
        yield Moto(f"http://{LOOPBACK}:{port}", port, part)


def client(
    service: Literal["kms", "lambda", "sqs", "ssm"],
    *,
    url: str,
    region: str,
    answer_seconds: float = LONGEST_POLL_SECONDS,
) -> Any:
    """A client of a service at `url` that asks once and waits as long as the longest answer takes."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=OFFLINE["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=OFFLINE["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            connect_timeout=10, read_timeout=answer_seconds + 10, retries={"total_max_attempts": 1}
        ),
    )


def create_queues(sqs: Any, properties: Mapping[str, JSON]) -> dict[str, Queue]:
    """Makes the queues of a template, those first that others give their dead letters to."""
    made: dict[str, Queue] = {}
    for name in sorted(properties, key=lambda name: "RedrivePolicy" in properties[name]):
        made[name] = create_queue(sqs, name, properties[name], made)
    return made


def create_queue(sqs: Any, name: str, properties: JSON, made: Mapping[str, Queue]) -> Queue:
    """One queue with the attributes that its resource gives it, but for the wait between two attempts."""
    attributes = {**properties, "VisibilityTimeout": VISIBILITY_SECONDS}
    attributes.pop("Tags", None)
    queue_name = attributes.pop("QueueName", name)
    if "RedrivePolicy" in attributes:
        dead_letters, _arn = attributes["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]
        attributes["RedrivePolicy"] = json.dumps(
            {**attributes["RedrivePolicy"], "deadLetterTargetArn": made[dead_letters].arn}
        )
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
    url = sqs.create_queue(QueueName=queue_name, Attributes=texts)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return Queue(url, answer["Attributes"]["QueueArn"])
