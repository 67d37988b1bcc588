"""Lambda's Runtime API, and functions that ask it for work through Lambda's own runtime client.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from tests.patience import PATIENCE_SECONDS

# How long each function may run, as it is told.
LAMBDA_SECONDS = 240
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:forum"
TRACE_ID = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"
PREFIX = "/2018-06-01/runtime/"


class FunctionFailed(Exception):
    """The runtime client has reported an error, at the start or in an invocation."""


@dataclass(frozen=True)
class Told:
    """What the runtime client has posted: `invocation/<id>/response` and its like."""

    what: str
    body: Any


@dataclass
class RuntimeApi:
    """The side of one function that Lambda is on."""

    events: "Queue[tuple[str, Any] | None]" = field(default_factory=Queue)
    told: "Queue[Told]" = field(default_factory=Queue)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def invoke(self, event: Any) -> Any:
        """What the function answers. Raises `FunctionFailed`."""
        request_id = f"invocation-{next(self.numbers)}"
        self.events.put((request_id, event))
        told = self.told.get(timeout=PATIENCE_SECONDS)
        if told.what != f"invocation/{request_id}/response":
            raise FunctionFailed(told)
        return told.body


def _make_server(api: RuntimeApi) -> ThreadingHTTPServer:
    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == f"{PREFIX}invocation/next"
            api.told.put(Told("next", None))
            work = api.events.get()
            if work is None:
                self.close_connection = True
                return
            request_id, event = work
            self._answer(
                200,
                event,
                # All that Lambda sends: the client crashes without some of them.
                {
                    "Content-Type": "application/json",
                    "Lambda-Runtime-Aws-Request-Id": request_id,
                    "Lambda-Runtime-Deadline-Ms": str(int((time.time() + LAMBDA_SECONDS) * 1000)),
                    "Lambda-Runtime-Invoked-Function-Arn": ARN,
                    "Lambda-Runtime-Trace-Id": TRACE_ID,
                    "Lambda-Runtime-Client-Context": "{}",
                    "Lambda-Runtime-Cognito-Identity": "{}",
                    "Lambda-Runtime-Invocation-Id": request_id,
                },
            )

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            api.told.put(Told(self.path.removeprefix(PREFIX), body))
            self._answer(202, {"status": "OK"}, {})

        def _answer(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that is inherited
            """Nothing: pytest shows what fails."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Requests)


@dataclass
class Function:
    """A running function."""

    api: RuntimeApi

    def invoke(self, event: Any) -> Any:
        """What it answers. Raises `FunctionFailed`."""
        answer = self.api.invoke(event)
        # The client asks for more, which says that it is ready.
        assert self.api.told.get(timeout=PATIENCE_SECONDS).what == "next"
        return answer


@contextmanager
def run_function(
    function: str, artifact: Path, runtime: Path, settings: Mapping[str, str], log: Path
) -> Iterator[Function]:
    """Loads a function of an unpacked artifact in a process that sees nothing else but Lambda's runtime."""
    api = RuntimeApi()
    server = _make_server(api)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    environment = {
        **settings,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": f"forum-test-{function}",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "LAMBDA_TASK_ROOT": str(artifact),
        "PYTHONPATH": f"{artifact}:{runtime}",
    }
    # The interpreter itself, not the virtual environment's: without site, it knows no packages of its own.
    interpreter = Path(sys.base_prefix) / "bin" / "python3"
    handler = f"functions/{function}/handler.handler"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - what this test has built
            [interpreter, "-S", "-s", "-B", "-P", "-m", "awslambdaric", handler],
            env=environment,
            cwd=artifact,
            stdout=output,
            stderr=output,
        )
    try:
        told = api.told.get(timeout=PATIENCE_SECONDS)
        if told.what != "next":
            raise FunctionFailed(told)
        yield Function(api)
    finally:
        process.kill()
        process.wait()
        api.events.put(None)
        server.shutdown()
        thread.join()
        server.server_close()
