"""A full round through all functions: the log tells everything that happened, and nothing that was in it."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.fake_github.faults import Fault
from local.fake_github.tokens import TokenPair
from shared.auth.sign_in import get_signing_keys
from shared.aws.deployment_secrets import read_secret
from shared.http_client import get_http_client
from shared.runtime.log import Formatter, StandardOutput, logger
from shared.runtime.metrics import Metric
from shared.settings import get_settings
from tests.functions.conftest import Client
from tests.openapi.upstream import Answering, run_broken_supabase
from tests.sync.world import Person, World

Line = dict[str, Any]

OF_EVERY_LINE = {"level", "message", "timestamp", "service"}
OF_EVERY_INVOCATION = {"function", "correlation_id", "cold_start"}
OF_EVERY_REQUEST = {"request_id", "method", "route", "status", "duration_ms"}
# What somebody has to send for a line to be found by it, and no more.
CORRELATION_ID = "sweep-1"


@dataclass
class Sweep:
    """What must not show, and how many requests were made."""

    marks: set[str] = field(default_factory=set)
    requests: int = 0

    def mark(self, kind: str) -> str:
        """A text that is found wherever it ends up."""
        made = f"{kind}_{uuid4().hex}"
        self.marks.add(made)
        return made

    def send(self, client: Client, method: str, url: str, body: Any = None, **options: Any) -> Any:
        """A request whose answer is what it is."""
        self.requests += 1
        options["headers"] = {"x-correlation-id": CORRELATION_ID, **options.get("headers", {})}
        answer = client.request(method, url, body, **options)
        return json.loads(answer.text) if answer.text else None


def find_faults(text: str, marks: set[str]) -> list[str]:
    """What is wrong with a log: lines that are no JSON, lack a field, or hold what they must not."""
    faults = []
    for line in text.splitlines():
        faults += [f"{mark} in {line}" for mark in marks if mark in line]
        try:
            said = json.loads(line)
        except ValueError:
            faults.append(f"no JSON: {line}")
            continue
        if "_aws" in said:
            continue
        wanted = set(OF_EVERY_LINE)
        if said["message"] != "library":
            wanted |= OF_EVERY_INVOCATION
        if said["message"] == "request":
            wanted |= OF_EVERY_REQUEST
        faults += [f"no {name}: {line}" for name in sorted(wanted - set(said))]
    return faults


def without_poller(text: str) -> str:
    """What the functions have written: the poller, a part of the local stack, has this output here too."""
    return "\n".join(line for line in text.splitlines() if not line.endswith("messages have failed."))


def read_lines(text: str) -> list[Line]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def libraries_in_log() -> Iterator[None]:
    """Every library says all that it can, to the handler that they have on Lambda."""
    root, output = logging.getLogger(), StandardOutput(Formatter(utc=True, use_rfc3339=True))
    output.addFilter(lambda record: record.name != logger.name)
    level = root.level
    root.addHandler(output)
    root.setLevel(logging.DEBUG)
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(logging.INFO)
    root.setLevel(level)
    root.removeHandler(output)


@pytest.fixture
def sweep(world: World, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """The secrets of the deployment are marks from the start. The requests' keys are fetched anew."""
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED", raising=False)
    get_signing_keys.cache_clear()
    keys, settings = world.supabase.keys, get_settings()
    secrets = {
        keys.service_role_key,
        keys.encryption_key,
        keys.import_key,
        keys.app_info_key,
        keys.jwt_secret,
    }
    return Sweep(secrets | {str(read_secret(settings.github_app_client_secret))})


def go_through_resources(sweep: Sweep, client: Client) -> None:
    """Every resource made, listed, read, changed and removed, and asked for in ways that are refused."""
    product = sweep.send(client, "POST", "/api/products", {"name": sweep.mark("name")})
    sweep.marks.add(product["id"])
    bodies = {
        "/api/repositories": {"name": sweep.mark("repository"), "notes": sweep.mark("notes")},
        "/api/work": {"title": sweep.mark("title"), "description": sweep.mark("description")},
        "/api/docs": {"title": sweep.mark("document"), "content": sweep.mark("content")},
        "/api/app-info": {"key": sweep.mark("key"), "value": sweep.mark("value")},
    }
    for path, body in bodies.items():
        sent = {"product_id": product["id"], **body}
        row = sweep.send(client, "POST", path, sent, headers={"idempotency-key": sweep.mark("retry")})
        sweep.marks.add(row["id"])
        sweep.send(client, "GET", f"{path}?product_id={product['id']}")
        sweep.send(client, "GET", f"{path}?cursor={sweep.mark('cursor')}")
        sweep.send(client, "GET", f"{path}?{sweep.mark('parameter')}={sweep.mark('argument')}")
        sweep.send(client, "GET", f"{path}/{row['id']}")
        sweep.send(client, "GET", f"{path}/{sweep.mark('id')}")
        sweep.send(client, "GET", f"{path}/{uuid4()}")
        sweep.send(client, "PATCH", f"{path}/{row['id']}", {}, headers={"if-match": '"7"'})
        sweep.send(client, "PATCH", f"{path}/{row['id']}", {sweep.mark("field"): sweep.mark("sent")})
        sweep.send(client, "POST", path, {**sent, "product_id": sweep.mark("product")})
        sweep.send(client, "POST", path, {**sent, "product_id": str(uuid4())})
        sweep.send(client, "POST", path, raw=f'{{"{sweep.mark("torn")}'.encode())
        sweep.send(client, "POST", path, raw=b"a", headers={"content-type": sweep.mark("media-type")})
        sweep.send(client, "PUT", f"{path}/{row['id']}", sent)
        sweep.send(client, "POST", f"{path}/bulk", {"items": [sent, sent]})
    # Postgres answers with the row that is there already.
    sweep.send(client, "POST", "/api/app-info", {"product_id": product["id"], **bodies["/api/app-info"]})
    work_item = sweep.send(client, "GET", "/api/work")["items"][0]
    sweep.send(client, "POST", f"/api/work/{work_item['id']}/status", {"status": "done"})
    sweep.send(client, "GET", f"/api/docs?q={sweep.mark('searched')}")
    sweep.send(client, "GET", f"/api/products/{product['id']}")
    sweep.send(client, "DELETE", f"/api/products/{product['id']}")


def try_tokens(sweep: Sweep, client: Client) -> None:
    """Tokens that do not hold."""
    sweep.send(Client(None), "GET", "/health")
    sweep.send(Client(None), "GET", "/api/products")
    for token in (sweep.mark("token"), f"{client.token}{sweep.mark('signature')}", sweep.mark("ø")):
        sweep.send(Client(None, token), "GET", "/api/products")


def use_github(sweep: Sweep, person: Person) -> None:
    """What a token is good for, and one that is not."""
    token = {"x-github-token": person.token}
    sweep.send(person.client, "GET", "/api/github/repos", headers=token)
    body = {"product_id": person.product_id, "github_ids": sorted(person.account.repositories)}
    sweep.send(person.client, "POST", "/api/github/import", body, headers=token)
    sweep.send(person.client, "GET", "/api/github/repos", headers={"x-github-token": sweep.mark("gho")})
    sweep.send(person.client, "PUT", "/api/github/connection", {"token": sweep.mark("gho")})
    sweep.send(person.client, "PUT", "/api/github/connection", {"token": person.token})
    sweep.send(person.client, "GET", "/api/github/connection")
    person.account.fail_next(Fault(502), times=4)
    sweep.send(person.client, "GET", "/api/github/repos", headers=token)
    person.account.faults.clear()
    sweep.send(person.client, "GET", "/api/github/runs")


def answer_with(status: int, body: Any) -> Answering:
    return lambda _: (status, body)


def let_upstreams_fail(sweep: Sweep, world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody at Supabase's address, then somebody who talks nonsense; no queue; no keys."""
    with monkeypatch.context() as broken, run_broken_supabase() as upstream:
        for url in ("http://127.0.0.1:1", upstream.url):
            broken.setenv("SUPABASE_URL", url)
            get_settings.cache_clear()
            sweep.send(client, "GET", f"/api/docs?q={sweep.mark('unreachable')}")
        # What Postgres says of a row that breaks a rule, and a proxy of itself.
        for status in (400, 500):
            refusal = {name: sweep.mark(name) for name in ("message", "details", "hint", "code")}
            upstream.answering = answer_with(status, refusal)
            sweep.send(client, "POST", "/api/products", {"name": sweep.mark("refused")})
        upstream.answering = answer_with(502, sweep.mark("proxy"))
        sweep.send(client, "GET", "/api/products")
        world_is_broken(sweep, world)
    with monkeypatch.context() as broken:
        broken.setenv("SYNC_QUEUE_URL", "")
        get_settings.cache_clear()
        sweep.send(client, "POST", "/api/github/sync")
    with monkeypatch.context() as broken:
        broken.setenv("SUPABASE_JWKS_URL", "http://127.0.0.1:1/jwks")
        get_settings.cache_clear()
        sweep.send(client, "GET", "/api/products")
    get_settings.cache_clear()


def world_is_broken(sweep: Sweep, world: World) -> None:
    """The schedule ticks and the queue delivers while the database talks nonsense."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whichever; what matters is what it says
        world.dispatch()
    assert not [mark for mark in sweep.marks if mark in str(raised.value)]
    ids = {name: str(uuid4()) for name in ("user_id", "connection_id", "run_id")}
    assert world.work(json.dumps(ids)) == [0]


def re_sync(sweep: Sweep, world: World, person: Person, other: Person) -> None:
    """On request, by schedule, with GitHub down, with a token that is refused, with a message of nobody's."""
    sweep.send(person.client, "POST", "/api/github/sync")
    world.queue.drain()
    other.account.fail_next(Fault(502), times=100)
    world.sync()
    other.account.faults.clear()
    person.account.revoke(person.token)
    world.sync(person)
    world.work(f"{{{sweep.mark('message')}", json.dumps({"token": sweep.mark("gho")}))


def test_full_round_shows_in_log_by_what_happened_and_by_nothing_else(
    world: World,
    sweep: Sweep,
    libraries_in_log: None,  # noqa: ARG001 - they would quote URLs and headers
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    person, other, third = world.add_person(3), world.add_person(3, uses_app=True), world.add_person(0)
    assert isinstance(other.pair, TokenPair)
    for each in (person, other, third):
        sweep.marks |= {each.user.access_token, each.user.email, each.token, each.product_id}
    sweep.marks.add(other.pair.refresh_token)
    capsys.readouterr()

    go_through_resources(sweep, person.client)
    try_tokens(sweep, person.client)
    use_github(sweep, person)
    let_upstreams_fail(sweep, world, third.client, monkeypatch)
    re_sync(sweep, world, person, other)
    get_http_client().get(world.supabase.url, params={"x": sweep.mark("query")})

    written = capsys.readouterr()
    assert written.err == ""
    log = without_poller(written.out)
    assert find_faults(log, sweep.marks) == []
    lines = read_lines(log)
    requests = [line for line in lines if line.get("message") == "request"]
    assert len(requests) == sweep.requests > 80
    assert {line["correlation_id"] for line in requests} == {CORRELATION_ID}
    assert {line["status"] for line in requests} >= {200, 201, 204, 400, 401, 404, 405, 409, 412, 415, 422}
    assert {line["status"] for line in requests} >= {500, 502, 503}
    assert all(("problem" in line) == (line["status"] >= 400) for line in requests)
    assert all((line["level"] == "ERROR") == (line["status"] >= 500) for line in requests)
    users = {line["user_id"] for line in requests if line["status"] == 201}
    assert users == {str(person.id)}
    events = {line["message"] for line in lines if "message" in line}
    assert events >= {"sync_dispatched", "sync_finished", "sync_failed", "sync_interrupted"}
    assert events >= {"sync_message_malformed", "jwks_unavailable", "invocation_failed", "library"}
    # The re-sync on request is found by the request's id.
    followed = [line for line in lines if line.get("message") == "sync_finished"]
    assert followed[0]["correlation_id"] == CORRELATION_ID
    counted = {name for line in lines if "_aws" in line for name in line if name in set(Metric)}
    assert counted >= {"ClientErrors", "ServerErrors", "JwksFailures", "SyncRunsSucceeded", "SyncRunsFailed"}
    assert counted >= {"SyncRunsQueued", "SyncInterruptions", "GitHubRequests", "GitHubPoints"}
    assert all(set(line) - set(Metric) == {"_aws", "function"} for line in lines if "_aws" in line)


@pytest.mark.parametrize(
    "line",
    [
        "a word of print",
        '{"level": "INFO", "message": "request", "timestamp": "", "service": "forum"}',
        '{"level": "INFO", "message": "library", "timestamp": "", "service": "forum", "url": "a-mark"}',
        '{"level": "INFO", "message": "library", "timestamp": ""}',
        '{"_aws": {}, "a-mark": [1.0]}',
    ],
)
def test_sweep_finds_a_line_that_must_not_be(line: str) -> None:
    assert find_faults(line, {"a-mark"})


def test_sweep_finds_a_mark_that_a_function_logs(
    world: World, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    client = world.add_person(0).client
    capsys.readouterr()
    mark = sweep.mark("id")
    # A correlation id is the client's own choice, and the one thing of a request that is logged.
    client.get("/api/products", headers={"x-correlation-id": mark}).expect(200)
    assert [fault for fault in find_faults(capsys.readouterr().out, sweep.marks) if fault.startswith(mark)]


def test_library_that_says_a_url_would_be_found(
    world: World, sweep: Sweep, caplog: pytest.LogCaptureFixture
) -> None:
    """What the formatter keeps from the log: whole URLs, in the words of httpx."""
    caplog.set_level(logging.INFO, "httpx")
    mark = sweep.mark("query")
    with httpx.Client() as http:
        http.get(world.supabase.url, params={"x": mark})
    assert mark in caplog.text
