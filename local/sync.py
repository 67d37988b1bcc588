"""`make sync`: what the schedule does every quarter of an hour, now, with a look at how it goes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import psycopg
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # it has no types
from psycopg.rows import class_row

from local.aws import client
from local.part import PartError
from local.waiting import wait_for

DISPATCHER = "forum-dev-sync_dispatcher"
# The dispatcher's own time-out is below this, and so is the API's.
ANSWER_SECONDS = 60
WATCH_SECONDS = 300


@dataclass(frozen=True)
class Run:
    """How far a run is."""

    id: UUID
    email: str
    state: str
    ended_at: datetime | None
    seen: int
    known: int
    counts: dict[str, int]
    requests: int
    points: int
    error: str | None

    def __str__(self) -> str:
        """A line for the terminal."""
        if self.ended_at is None:
            return f"{self.email}: {self.state}, {self.seen} of {self.known} repositories"
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.counts.items()))
        because = f" ({self.error})" if self.error else ""
        cost = f"requests to GitHub: {self.requests}, points: {self.points}"
        return f"{self.email}: {self.state}{because}: {counts or 'no repositories'}; {cost}"


RUNS = """
select
  run.id, account.email, run.state, run.ended_at, run.counts, run.requests, run.points, run.error,
  jsonb_array_length(run.results) as seen,
  (
    select count(distinct known.github_id) from public.repositories known where known.user_id = run.user_id
  ) as known
from public.github_runs run join auth.users account on account.id = run.user_id
where run.trigger in ('schedule', 'manual')
"""


def sync_due(environment: Mapping[str, str]) -> None:
    """Calls the dispatcher and follows what it has started, and what was under way already."""
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        [before] = connection.execute("select now()").fetchall()
        call_dispatcher(environment)
        runs = read_runs(connection, "and (run.ended_at is null or run.ended_at >= %s)", before[0])
        if not runs:
            print(why_nothing_is_due(connection))
            return
        follow(connection, [run.id for run in runs])


def sync_user(environment: Mapping[str, str], email: str, token: str) -> None:
    """Asks for a re-sync as the user does, and follows it."""
    answer = httpx.post(
        f"{environment['API_URL']}/api/github/sync",
        headers={"authorization": f"Bearer {token}"},
        timeout=ANSWER_SECONDS,
    )
    if not answer.is_success:
        raise PartError(f"{email}: {answer.json()['detail']}")
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        follow(connection, [UUID(answer.json()["id"])])


def call_dispatcher(environment: Mapping[str, str]) -> None:
    """Does what EventBridge Scheduler does."""
    functions = client(
        "lambda",
        url=environment["AWS_ENDPOINT_URL_LAMBDA"],
        region=environment["AWS_REGION"],
        answer_seconds=ANSWER_SECONDS,
    )
    try:
        answer = json.loads(functions.invoke(FunctionName=DISPATCHER)["Payload"].read())
    except (BotoCoreError, ClientError, ValueError) as error:
        raise PartError(f"The dispatcher does not answer. Does `make dev` run? {error}") from error
    if "errorType" in answer:
        raise PartError(f"The dispatcher has failed: {answer['errorType']}: {answer['errorMessage']}")


def follow(connection: psycopg.Connection[Any], ids: list[UUID]) -> None:
    """Prints each step of the runs until all have ended."""
    printed: dict[UUID, str] = {}

    def have_ended() -> bool:
        runs = read_runs(connection, "and run.id = any(%s)", ids)
        for run in runs:
            if printed.get(run.id) != str(run):
                printed[run.id] = str(run)
                print(run, flush=True)
        return all(run.ended_at is not None for run in runs)

    if not wait_for(have_ended, WATCH_SECONDS):
        raise PartError(
            f"Not finished after {WATCH_SECONDS // 60} minutes."
            " The logs queue.log and functions.log say more."
        )
    failed = [run for run in read_runs(connection, "and run.id = any(%s)", ids) if run.state == "failed"]
    if failed:
        raise PartError(f"{len(failed)} of {len(ids)} re-syncs have failed.")


def read_runs(connection: psycopg.Connection[Any], condition: str, value: object) -> list[Run]:
    """The re-syncs that a condition chooses."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(f"{RUNS} {condition} order by run.created_at", (value,)).fetchall()


def why_nothing_is_due(connection: psycopg.Connection[Any]) -> str:
    """What to do for something to happen."""
    [(count, next_at)] = connection.execute(
        "select count(*), min(next_sync_at) filter (where state = 'active') from private.github_connections"
    ).fetchall()
    if count == 0:
        return "Nobody has stored a GitHub token. Store one: PUT /api/github/connection"
    if next_at is None:
        return "GitHub has refused every stored token. Store another one: PUT /api/github/connection"
    return (
        f"Nothing is due before {next_at.astimezone(UTC):%H:%M:%S} UTC. "
        "Now, for one user: make sync email=a@example.com"
    )
