"""What changes on GitHub reaches its user, through the queue and all functions of the re-sync."""

import json
import signal
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.aws import client
from local.environment import read_environment
from local.fake_github import DEMO_TOKEN, FakeGitHub, run_fake_github
from local.fake_github.faults import Fault
from local.github import fake_settings
from local.queue_poller import BatchFailed, invoke_through
from local.supabase import User
from local.waiting import wait_for
from tests.local.dev_process import Dev, free_ports, run_local, start_dev
from tests.patience import PATIENCE_SECONDS

JSON = dict[str, Any]


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    """A GitHub whose account the tests change."""
    with run_fake_github() as running:
        yield running


@pytest.fixture(scope="module")
def dev(github: FakeGitHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A running `make dev` that was told to use that GitHub."""
    dev = start_dev(tmp_path_factory.mktemp("sync") / "data", free_ports(), **fake_settings(github.url))
    try:
        yield dev.running()
    finally:
        assert dev.stop(signal.SIGINT) == 0, dev.printed


@pytest.fixture
def api(dev: Dev, user: User) -> Iterator[httpx.Client]:
    """The API for a new user who has stored the token of the account."""
    headers = {"authorization": f"Bearer {user.access_token}", "x-github-token": DEMO_TOKEN}
    with httpx.Client(base_url=dev.environment["API_URL"], headers=headers, timeout=PATIENCE_SECONDS) as api:
        api.put("/api/github/connection", json={"token": DEMO_TOKEN}).raise_for_status()
        yield api


@pytest.fixture
def imported(api: httpx.Client) -> list[JSON]:
    """Twenty repositories of that user."""
    product = api.post("/api/products", json={"name": "Imported"}).raise_for_status().json()
    listed = api.get("/api/github/repos").raise_for_status().json()["items"]
    chosen = [repository["github_id"] for repository in listed[:20]]
    body = {"product_id": product["id"], "github_ids": chosen}
    api.post("/api/github/import", json=body).raise_for_status()
    repositories: list[JSON] = api.get("/api/repositories").raise_for_status().json()["items"]
    assert len(repositories) == 20
    return repositories


@pytest.fixture
def sqs(dev: Dev) -> Any:
    """SQS as the command line of AWS finds it."""
    environment = read_environment(dev.directory)
    return client("sqs", url=environment["AWS_ENDPOINT_URL"], region=environment["AWS_REGION"])


def finished_run(api: httpx.Client, location: str) -> JSON:
    """The run, once it has ended."""
    runs: list[JSON] = []

    def has_ended() -> bool:
        runs.append(api.get(location).raise_for_status().json())
        return runs[-1]["ended_at"] is not None

    assert wait_for(has_ended, PATIENCE_SECONDS), runs[-1]
    return runs[-1]


def test_a_rename_on_github_arrives_and_is_told(
    api: httpx.Client, github: FakeGitHub, imported: list[JSON]
) -> None:
    renamed, starred, *others = imported
    api.patch(f"/api/repositories/{renamed['id']}", json={"notes": "mine"}).raise_for_status()
    github.account.rename(renamed["github_id"], f"renamed-{uuid4().hex}")
    github.account.star(starred["github_id"], starred["stars_count"] + 7)
    new_name = github.account.repositories[renamed["github_id"]].full_name

    queued = api.post("/api/github/sync").raise_for_status()
    assert queued.status_code == 202
    assert queued.json()["state"] in {"queued", "running"}
    run = finished_run(api, queued.headers["location"])

    assert run["id"] == queued.json()["id"]
    assert (run["state"], run["error"], run["trigger"]) == ("succeeded", None, "manual")
    assert run["counts"] == {"moved": 1, "changed": 1, "unchanged": 18}
    outcomes = {result["github_id"]: result["outcome"] for result in run["results"]}
    assert outcomes == {
        renamed["github_id"]: "moved",
        starred["github_id"]: "changed",
        **{other["github_id"]: "unchanged" for other in others},
    }
    assert run["requests"] == 1
    now = {row["github_id"]: row for row in api.get("/api/repositories").raise_for_status().json()["items"]}
    assert now[renamed["github_id"]]["full_name"] == new_name
    assert now[renamed["github_id"]]["notes"] == "mine"
    assert now[starred["github_id"]]["stars_count"] == starred["stars_count"] + 7
    assert all(now[other["github_id"]] == other for other in others)


def test_a_re_sync_that_github_failed_is_tried_again(
    dev: Dev, api: httpx.Client, github: FakeGitHub, imported: list[JSON]
) -> None:
    # A worker asks twice, and then without ids, which tells an outage, and gives up: two deliveries fail.
    github.account.fail_next(Fault(502), times=6)
    queued = api.post("/api/github/sync").raise_for_status()
    run = finished_run(api, queued.headers["location"])
    assert (run["state"], run["counts"]) == ("succeeded", {"unchanged": len(imported)})
    log = (dev.directory / "logs" / "queue.log").read_text()
    assert log.count("1 of 1 messages have failed.") == 2


def test_sync_by_hand_shows_how_what_is_due_goes(
    dev: Dev, api: httpx.Client, user: User, imported: list[JSON]
) -> None:
    assert len(imported) == 20
    due = run_local(dev.directory, "sync")
    assert (due.returncode, due.stderr) == (0, "")
    *_, last = [line for line in due.stdout.splitlines() if line.startswith(f"{user.email}: ")]
    assert last == f"{user.email}: succeeded: 20 unchanged; requests to GitHub: 1, points: 1"
    run = api.get("/api/github/runs", params={"trigger": "schedule"}).raise_for_status().json()["items"]
    assert [each["counts"] for each in run] == [{"unchanged": 20}]

    nothing = run_local(dev.directory, "sync")
    assert nothing.returncode == 0
    assert nothing.stdout.startswith("Nothing is due before ")

    asked = run_local(dev.directory, "sync", "--email", user.email)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.splitlines()[-1] == last


def test_sync_by_hand_for_a_user_without_a_token_says_how_to_store_one(dev: Dev) -> None:
    refused = run_local(dev.directory, "sync", "--email", "without@example.com")
    assert refused.returncode == 1
    assert "PUT /api/github/connection" in refused.stderr


def test_a_message_that_always_fails_goes_to_the_dead_letters(sqs: Any) -> None:
    urls = {name: sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("SyncQueue", "SyncDeadLetters")}
    body = json.dumps({name: str(uuid4()) for name in ("user_id", "connection_id", "run_id")})
    sqs.send_message(QueueUrl=urls["SyncQueue"], MessageBody=body, MessageGroupId="nobody")
    dead: list[JSON] = []

    def has_arrived() -> bool:
        answer = sqs.receive_message(QueueUrl=urls["SyncDeadLetters"], WaitTimeSeconds=1)
        dead.extend(answer.get("Messages", []))
        return dead != []

    assert wait_for(has_arrived, PATIENCE_SECONDS)
    assert [message["Body"] for message in dead] == [body]


def test_an_error_of_a_function_is_told_at_once(dev: Dev) -> None:
    environment = read_environment(dev.directory)
    functions = client("lambda", url=environment["AWS_ENDPOINT_URL_LAMBDA"], region=environment["AWS_REGION"])
    with pytest.raises(BatchFailed, match="ValidationError"):
        invoke_through(functions, "forum-dev-sync_worker")({"Records": "none"})
    with pytest.raises(BatchFailed, match="ResourceNotFoundException"):
        invoke_through(functions, "forum-dev-nothing")({"Records": []})


def test_the_schedule_of_the_service_ticks_here(dev: Dev) -> None:
    log = (dev.directory / "logs" / "api.log").read_text()
    assert "Scheduling [sync_dispatcher] cron: [*/15 * * * *]" in log
    assert "Scheduling [maintenance] cron: [0 */1 * * *]" in log


def test_the_maintenance_answers_what_has_gone(dev: Dev) -> None:
    environment = read_environment(dev.directory)
    functions = client("lambda", url=environment["AWS_ENDPOINT_URL_LAMBDA"], region=environment["AWS_REGION"])
    gone = invoke_through(functions, "forum-dev-maintenance")({})
    steps = (
        *("idempotency_keys", "trash", "document_revisions", "access_tokens", "activity", "usage"),
        *("writes", "closed_accounts", "key_renewals"),
    )
    assert gone == dict.fromkeys(steps, 0)
