"""People with accounts on the fake GitHub, and everything between a schedule and their rows."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from psycopg.rows import dict_row

from functions.sync_dispatcher import handler as dispatcher
from functions.sync_worker import handler as worker
from local.aws import Queue as MadeQueue
from local.fake_github import FakeGitHub
from local.fake_github.account import Account, Owner
from local.fake_github.tokens import TokenPair
from local.queue_poller import Source, poll
from local.supabase import Supabase, User
from shared.aws.clients import get_client
from shared.sync.messages import SyncMessage
from tests.functions.conftest import Client

Json = dict[str, Any]

IMPORT = "/api/github/import"
CONNECTION = "/api/github/connection"

_numbers = count(1)


@dataclass
class Context:
    """Lambda's context: how much time is left, asked again and again."""

    milliseconds: Callable[[], int] = lambda: 120_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds()


@dataclass
class Calls:
    """Requests to Supabase, by the name of the table or function."""

    prefix: str
    made: list[str] = field(default_factory=list)

    def note(self, request: httpx.Request) -> None:
        if str(request.url).startswith(self.prefix):
            self.made.append(request.url.path.rpartition("/")[2])


@dataclass
class Queue:
    """The queue, and where messages go that nobody can work off."""

    main: MadeQueue
    dead_letters: MadeQueue

    def send(self, *bodies: str) -> None:
        for body in bodies:
            get_client("sqs").send_message(QueueUrl=self.main.url, MessageBody=body)

    def clear(self) -> None:
        """Empties both. SQS purges a queue once a minute at most, and moto knows it."""
        sqs = get_client("sqs")
        for queue in (self.main, self.dead_letters):
            while messages := sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10).get("Messages"):
                for message in messages:
                    sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])

    def poll(self, context: Context | None = None) -> None:
        """One batch, as AWS's poller hands it to the worker. What fails can be had again at once."""
        sqs = get_client("sqs")
        sqs.set_queue_attributes(QueueUrl=self.main.url, Attributes={"VisibilityTimeout": "0"})
        source = Source(self.main.url, self.main.arn, batch_size=10, reports_failures=True)
        poll(sqs, source, lambda event: worker.handler(event, context or Context()), wait_seconds=0)

    def drain(self, context: Context | None = None) -> None:
        """Batch by batch until nothing is left, here or for dead."""
        for _ in range(100):
            if self.count(self.main) == 0:
                return
            self.poll(context)
        raise AssertionError("the queue never ends")

    def count(self, queue: MadeQueue) -> int:
        """How many messages are in it. moto moves dead ones when somebody receives."""
        name = "ApproximateNumberOfMessages"
        answer = get_client("sqs").get_queue_attributes(QueueUrl=queue.url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    @property
    def waiting(self) -> int:
        return self.count(self.main)

    @property
    def dead(self) -> int:
        return self.count(self.dead_letters)


@dataclass
class Person:
    """A user of Forum with an account on GitHub."""

    user: User
    client: Client
    account: Account
    token: str
    product_id: str
    pair: TokenPair | None = None

    @property
    def id(self) -> UUID:
        return self.user.id


class World:
    """Everything, and time."""

    def __init__(
        self, supabase: Supabase, fake: FakeGitHub, queue: Queue, connection: psycopg.Connection
    ) -> None:
        self.supabase = supabase
        self.fake = fake
        self.queue = queue
        self.connection = connection
        self.people: list[Person] = []

    def add_person(
        self, repositories: int = 3, *, uses_app: bool = False, is_connected: bool = True
    ) -> Person:
        """Somebody who has imported all of their repositories, and connected GitHub."""
        number = next(_numbers)
        token = f"gho_{number:036d}"
        account = Account(Owner(1_000 + number, f"person-{number}"), [token])
        for index in range(repositories):
            # Everybody's ids begin with 1: a row that crossed users would be taken for one's own.
            account.create(f"repo-{index}", description=f"Of person {number}", size=7, language="Python")
        self.fake.accounts.append(account)
        user = self.supabase.create_user()
        client = Client(user)
        pair = account.sign_in_with_app() if uses_app else None
        person = Person(user, client, account, pair.access_token if pair else token, "", pair)
        self.people.append(person)
        person.product_id = client.create_product()["id"]
        if repositories:
            self.import_all(person)
        if is_connected:
            self.connect(person)
        self.fake.exchanges.clear()
        return person

    def import_all(self, person: Person, product_id: str | None = None) -> None:
        ids = sorted(person.account.repositories)
        for start in range(0, len(ids), 1000):
            body = {"product_id": product_id or person.product_id, "github_ids": ids[start : start + 1000]}
            person.client.post(IMPORT, body, headers={"x-github-token": person.token}).expect(200)

    def connect(self, person: Person) -> Json:
        """Stores the person's token, and the one that renews it."""
        body: Json = {"token": person.token}
        if person.pair is not None:
            body["refresh_token"] = person.pair.refresh_token
            known = person.account.describe(person.token)
            assert known.expires_at is not None
            body["expires_at"] = known.expires_at.isoformat()
        saved: Json = person.client.request("PUT", CONNECTION, body).expect(200)
        # It is due at once, which would mix this person into whatever the test does with another one.
        self.connection.execute(
            "update private.github_connections set next_sync_at = now() + interval '1 hour'"
            " where user_id = %s",
            (person.id,),
        )
        return saved

    # Time

    def make_due(self, *people: Person) -> None:
        """Time passes until the next re-sync of these people, or of all."""
        self.connection.execute(
            "update private.github_connections set next_sync_at = now() - interval '1 second',"
            " paused_until = null where user_id = any(%s) and state = 'active'",
            ([person.id for person in people or self.people],),
        )

    def expire_leases(self) -> None:
        """Whoever held a lease was killed long ago, and its message is lost."""
        self.connection.execute(
            "update private.github_connections set lease_until = lease_until - interval '1 hour',"
            " message_until = message_until - interval '7 hours',"
            " refresh_lease_until = refresh_lease_until - interval '1 hour'"
        )

    def age_misses(self, hours: int) -> None:
        """What is missing has been so for longer."""
        self.connection.execute(
            "update public.repositories set first_missing_at = first_missing_at - make_interval(hours => %s)"
            " where first_missing_at is not null",
            (hours,),
        )

    # The re-sync

    def dispatch(self, context: Context | None = None) -> dict[str, int]:
        return dispatcher.handler({}, context or Context())

    def sync(self, *people: Person, context: Context | None = None) -> None:
        """A whole re-sync of these people, or of all: due, dispatched and worked off."""
        self.make_due(*people)
        self.dispatch()
        self.queue.drain(context)

    def start(self, person: Person) -> SyncMessage:
        """A message for this person's due run, taken off the queue."""
        self.make_due(person)
        self.dispatch()
        sqs, url = get_client("sqs"), self.queue.main.url
        (received,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])
        return SyncMessage.model_validate_json(received["Body"])

    def work(
        self, *messages: SyncMessage | str, context: Context | None = None, received: int = 1
    ) -> list[int]:
        """Hands messages to the worker as one batch. Returns which of them it wants to have again."""
        event = make_event([m if isinstance(m, str) else m.model_dump_json() for m in messages], received)
        answer = worker.handler(event, context or Context())
        ids = [record["messageId"] for record in event["Records"]]
        return [ids.index(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    # What there is to see

    def rows(self, person: Person) -> dict[int, Json]:
        """The person's repositories, by GitHub's id."""
        return {row["github_id"]: row for row in self._read("public.repositories", person)}

    def runs(self, person: Person) -> list[Json]:
        """The person's re-syncs, the newest first."""
        runs = [run for run in self._read("public.github_runs", person) if run["trigger"] != "import"]
        return sorted(runs, key=lambda run: run["created_at"], reverse=True)

    def last_run(self, person: Person) -> Json:
        return self.runs(person)[0]

    def stored(self, person: Person) -> Json:
        """The connection with all that nobody outside may see."""
        (row,) = self._read("private.github_connections", person)
        return row

    def traces(self, person: Person) -> list[tuple[Any, ...]]:
        """Where each repository's row lies: any write moves it."""
        return self.connection.execute(
            "select id, ctid::text, xmin::text, version from public.repositories"
            " where user_id = %s order by id",
            (person.id,),
        ).fetchall()

    def asked(self, person: Person | None = None) -> list[str]:
        """What GitHub was asked, by everybody or with this person's token."""
        return [
            f"{exchange.method} {exchange.path}"
            for exchange in self.fake.exchanges
            if person is None or exchange.request_headers.get("authorization") == f"Bearer {person.token}"
        ]

    def _read(self, table: str, person: Person) -> list[Json]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            query = f"select * from {table} where user_id = %s"  # noqa: S608 - tests name the tables
            return cursor.execute(query.encode(), (person.id,)).fetchall()


def make_event(bodies: Sequence[str], received: int = 1) -> Json:
    """SQS's event."""
    return {
        "Records": [
            {
                "messageId": str(uuid4()),
                "receiptHandle": "x",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(received),
                    "SentTimestamp": "1795348800000",
                    "SenderId": "AROA",
                    "ApproximateFirstReceiveTimestamp": "1795348800001",
                },
                "messageAttributes": {},
                "md5OfBody": "x",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:SyncQueue",
                "awsRegion": "eu-central-1",
            }
            for body in bodies
        ]
    }


def outcomes(run: Json) -> dict[int, str]:
    """A run's outcome by GitHub's id."""
    return {result["github_id"]: result["outcome"] for result in run["results"]}


def as_json(value: object) -> str:
    """For looking for a text anywhere."""
    return json.dumps(value, default=str)
