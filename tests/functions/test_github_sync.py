"""A re-sync on request: the run at once, the work later."""

import json
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from moto import mock_aws

from local.fake_github import DEMO_TOKEN, FakeGitHub
from local.supabase import Supabase
from shared.aws.clients import clear_clients, get_client
from shared.settings import get_settings
from shared.sync.messages import SyncMessage
from tests.functions.conftest import Client
from tests.functions.github import connect, fake, running_fake

__all__ = ["fake", "running_fake"]

SYNC = "/api/github/sync"


@pytest.fixture(autouse=True)
def queue_url(fake: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:  # noqa: ARG001 - its settings come first
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clear_clients()
    with mock_aws():
        url: str = get_client("sqs").create_queue(QueueName="sync")["QueueUrl"]
        monkeypatch.setenv("SYNC_QUEUE_URL", url)
        get_settings.cache_clear()
        yield url
    clear_clients()


def receive(url: str) -> list[SyncMessage]:
    answer = get_client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )
    messages = []
    for received in answer.get("Messages", []):
        message = SyncMessage.model_validate_json(received["Body"])
        # What makes a standard queue fair to the users of it.
        assert received["Attributes"]["MessageGroupId"] == str(message.user_id)
        messages.append(message)
    return messages


def change(supabase: Supabase, client: Client, assignment: str) -> None:
    assert client.user is not None
    with psycopg.connect(supabase.database_url) as connection:
        query = f"update private.github_connections set {assignment} where user_id = %s"  # noqa: S608 - the tests' own
        connection.execute(query.encode(), (client.user.id,))


def test_request_is_202_with_the_run_and_one_message(
    owner: Client, queue_url: str, supabase_requests: list[httpx.Request]
) -> None:
    assert owner.user is not None
    saved = connect(owner, DEMO_TOKEN)
    supabase_requests.clear()

    answer = owner.post(SYNC)

    run = answer.expect(202)
    assert len(supabase_requests) == 1
    assert (run["trigger"], run["state"], run["ended_at"]) == ("manual", "queued", None)
    assert answer.headers["location"] == f"/api/github/runs/{run['id']}"
    shown = owner.get(answer.headers["location"]).expect(200)
    assert shown == {**run, "results": []}
    ids = {"user_id": str(owner.user.id), "connection_id": saved["id"], "run_id": run["id"]}
    assert [json.loads(message.model_dump_json()) for message in receive(queue_url)] == [ids]


def test_request_while_one_is_under_way_is_409_and_names_it(owner: Client, queue_url: str) -> None:
    connect(owner, DEMO_TOKEN)
    run = owner.post(SYNC).expect(202)

    problem = owner.post(SYNC).expect_problem(409, "sync-running")

    assert problem["run_id"] == run["id"]
    assert len(receive(queue_url)) == 1


def test_request_takes_over_a_run_that_somebody_left_behind(
    supabase: Supabase, owner: Client, queue_url: str
) -> None:
    connect(owner, DEMO_TOKEN)
    run = owner.post(SYNC).expect(202)
    change(supabase, owner, "lease_until = now() - interval '1 second'")
    # Its message still waits, or comes back: a second one would be in the queue beside it.
    owner.post(SYNC).expect_problem(409, "sync-running")
    change(supabase, owner, "message_until = now() - interval '1 second'")

    assert owner.post(SYNC).expect(202)["id"] == run["id"]

    assert len(receive(queue_url)) == 2


def test_request_without_a_connection_is_409(owner: Client, stranger: Client, queue_url: str) -> None:
    connect(stranger, DEMO_TOKEN)

    owner.post(SYNC).expect_problem(409, "github-not-connected")

    assert receive(queue_url) == []


def test_request_with_a_refused_token_is_409(supabase: Supabase, owner: Client, queue_url: str) -> None:
    connect(owner, DEMO_TOKEN)
    change(supabase, owner, "state = 'needs_reauth', next_sync_at = null")

    owner.post(SYNC).expect_problem(409, "github-needs-reauth")

    assert receive(queue_url) == []


def test_request_while_github_limits_the_person_is_429(
    supabase: Supabase, owner: Client, queue_url: str
) -> None:
    connect(owner, DEMO_TOKEN)
    change(supabase, owner, "paused_until = now() + interval '100 seconds'")

    limited = owner.post(SYNC)

    limited.expect_problem(429, "github-rate-limited")
    assert 90 <= int(limited.headers["retry-after"]) <= 100
    assert receive(queue_url) == []


def test_request_that_cannot_be_queued_is_503_and_can_be_repeated(
    owner: Client, queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(owner, DEMO_TOKEN)
    monkeypatch.setenv("SYNC_QUEUE_URL", f"{queue_url}-that-is-not-there")
    get_settings.cache_clear()
    answer = owner.post(SYNC)
    answer.expect_problem(503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.setenv("SYNC_QUEUE_URL", queue_url)
    get_settings.cache_clear()

    run = owner.post(SYNC).expect(202)

    assert [message.run_id for message in receive(queue_url)] == [
        SyncMessage.model_validate(
            {"user_id": run["user_id"], "connection_id": run["connection_id"], "run_id": run["id"]}
        ).run_id
    ]
    assert len(owner.get("/api/github/runs?trigger=manual").expect(200)["items"]) == 1


def test_request_takes_no_parameter_and_needs_a_sign_in(owner: Client, anonymous: Client) -> None:
    anonymous.post(SYNC).expect_problem(401, "unauthorized")
    owner.post(f"{SYNC}?force=true").expect_problem(400, "unknown-parameter")
    owner.get(SYNC).expect_problem(405, "method-not-allowed")
