"""What API Gateway answers for a function, by the real serverless-offline over functions made to fail."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from local.api import Api, run_api
from local.lambda_service import PROCESSES_OF_A_FUNCTION
from local.ports import answers, free_port
from local.postgres import ROOT
from local.serverless import Function, Service
from tests.patience import PATIENCE_SECONDS

TIME_OUT = 3
# Each is the body of `handler(event, context)`.
FUNCTIONS = {
    "good": 'return {"statusCode": 200, "body": "good"}',
    "busy": 'time.sleep(0.5); return {"statusCode": 200, "body": str(os.getpid())}',
    "slow": 'time.sleep(600 if "slow" in event["rawQueryString"] else 0); return {"statusCode": 204}',
    "raising": 'raise RuntimeError("[200] s3cr3t")',
    "ending": "os._exit(0)",
    "silent": "return None",
    "text": 'return "done"',
    "object": 'return {"items": []}',
    "status": 'return {"statusCode": "fine", "body": ""}',
    "low": 'return {"statusCode": 7}',
    "body": 'return {"statusCode": 200, "body": {"a": 1}}',
    "headers": 'return {"statusCode": 200, "headers": {"a": 1}}',
    "broken": "return )",
}
YAML = """
service: example
plugins: [serverless-offline]
provider:
  name: aws
  runtime: python3.13
  region: eu-central-1
  httpApi: {payload: "2.0"}
package: {patterns: ["!**"]}
functions:
"""


@contextmanager
def run(directory: Path, bodies: dict[str, str]) -> Iterator[Api]:
    """A gateway over functions with these bodies, freshly started."""
    folder, data = directory / "service", directory / "data"
    folder.mkdir()
    data.mkdir()
    described = YAML
    for name, body in bodies.items():
        (folder / f"{name}.py").write_text(f"import os, time\n\ndef handler(event, context):\n    {body}\n")
        described += f"  {name}:\n    handler: {name}.handler\n    events: [httpApi: GET /{name}]\n"
    (folder / "serverless.yml").write_text(described)
    (folder / "package.json").write_text("{}")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    service = Service(
        region="eu-central-1",
        functions={f"example-dev-{name}": Function(TIME_OUT, []) for name in bodies},
        queues={},
        triggers=(),
    )
    with run_api(
        service,
        {},
        port=free_port(),
        lambda_port=free_port(),
        directory=data,
        root=folder,
    ) as api:
        api.part.wait_until(lambda: answers(api.port))
        api.load_functions()
        yield api


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """All of them."""
    with run(tmp_path_factory.mktemp("api"), FUNCTIONS) as api:
        yield api


def get(api: Api, path: str) -> httpx.Response:
    return httpx.get(f"{api.url}{path}", timeout=PATIENCE_SECONDS)


def test_a_burst_waits_in_line_for_few_processes(api: Api) -> None:
    paths = ["/busy"] * 20 + ["/good"] * 20
    with ThreadPoolExecutor(len(paths)) as clients:
        found = list(clients.map(lambda path: get(api, path), paths))
    assert [answer.status_code for answer in found] == [200] * len(paths)
    assert len({answer.text for answer in found if answer.text != "good"}) <= PROCESSES_OF_A_FUNCTION


def test_a_function_that_runs_out_of_time_is_a_504_and_works_again(api: Api) -> None:
    answer = get(api, "/slow?slow")
    assert answer.status_code == 504
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem.pop("request_id")
    assert problem == {
        "type": "urn:forum:problem:function-timed-out",
        "title": "Gateway Timeout",
        "status": 504,
        "detail": "The function ran out of time.",
    }
    assert get(api, "/slow").status_code == 204


@pytest.mark.parametrize(
    "name", ["raising", "ending", "silent", "text", "object", "status", "low", "body", "headers", "broken"]
)
def test_a_function_that_fails_or_answers_nonsense_is_a_502(api: Api, name: str) -> None:
    for _ in range(2):
        answer = get(api, f"/{name}")
        assert answer.status_code == 502, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["type"] == "urn:forum:problem:function-failed"
        assert "s3cr3t" not in answer.text


def test_base_path_stands_before_every_path_and_in_the_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_BASE_PATH", "/backend/v1")
    body = 'return {"statusCode": 200, "body": event["requestContext"]["http"]["path"]}'
    with run(tmp_path, {"echo": body}) as api:
        assert api.url.endswith("/backend/v1")
        assert get(api, "/echo").text == "/backend/v1/echo"
        assert httpx.get(f"{api.url.removesuffix('/backend/v1')}/echo").status_code == 404
