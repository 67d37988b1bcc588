"""Lambda on this machine: `python -m local.lambda_service <socket>`.

serverless-offline reads serverless.yml and makes events of requests. What it has of Lambda starts a process
for every request that comes while others are under way, counts that start in the function's time-out, does
not notice that a process has died, and answers 200 with the error in it when a function has failed.

So what it starts as Python (local/function_client.py) hands the event to this service. It keeps a few
processes of each function, lets a burst wait in line for them, and starts the time-out when the function gets
the event. A request that the function does not answer is answered with a 5xx.

The processes are forks of one that has loaded the libraries, so that a function loads in a moment. One whose
code has been saved since it was started gets no more events: the next goes to a new one.
"""

import json
import os
import socketserver
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import BoundedSemaphore, Condition, Lock, Thread
from typing import Any

from local import lambda_function
from local.lambda_answers import gateway_problem, is_request, is_response
from local.saved_code import read_code

# What every function loads before its own: nothing of Forum, so that a process has the code as it is now.
LIBRARIES = (
    "aws_lambda_powertools",
    "cryptography.hazmat.primitives.ciphers.aead",
    "fastapi",
    "httpx",
    "jwt",
    "mangum",
    "postgrest",
    "pydantic",
)
FORKS = get_context("forkserver")

# On Lambda each request has a process of its own. On one machine more of them than this are no faster.
PROCESSES_OF_A_FUNCTION = 4
# For a function to load in. Lambda gives it ten; a busy machine is slower.
LOAD_SECONDS = 180

# This event loads the function and does not call it: what comes after it finds a process that is ready.
LOAD = {"forum": "load"}


class FunctionError(Exception):
    """A function has not answered. The words are Lambda's own."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Process:
    """A process of a function. It has one event at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._handler = environment["_HANDLER"]
        # From before it loads them: what is saved meanwhile counts as saved after it.
        self._code = read_code(self._handler)
        self._connection, theirs = FORKS.Pipe()
        self._process = FORKS.Process(target=lambda_function.serve, args=(theirs, environment), daemon=True)
        self._process.start()
        theirs.close()

    def wait_until_loaded(self) -> None:
        """Returns once the function can have an event. Raises `FunctionError`."""
        self._receive(LOAD_SECONDS)

    def is_outdated(self) -> bool:
        """Whether the function has been changed since."""
        return read_code(self._handler) != self._code

    def call(self, event: Any, request_id: str, seconds: float) -> Any:
        """What the function answers. Raises `FunctionError`, after which this process is of no use."""
        try:
            self._connection.send((event, request_id))
        except OSError as error:
            raise FunctionError("Runtime.ExitError", "Runtime exited before it was called") from error
        return json.loads(self._receive(seconds))

    def end(self) -> None:
        """Whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _receive(self, seconds: float) -> bytes:
        if not self._connection.poll(seconds):
            raise FunctionError("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
        try:
            return self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise FunctionError("Runtime.ExitError", "Runtime exited without providing a reason") from error


class Function:
    """The processes of a function, and the line of those who wait for one."""

    # Of all functions together: to load is all computing.
    _loading = BoundedSemaphore(os.cpu_count() or 1)

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self._name = name
        self._environment = environment
        self._time_out: float = json.loads(environment["FORUM_FUNCTIONS"])[name]["time_out"]
        self._idle: list[Process] = []
        self._started = 0
        self._waiting = 0
        self._changed = Condition()

    def call(self, event: Any, request_id: str) -> Any:
        """What a process of the function answers, once there is one. Raises `FunctionError`."""
        process = self._take()
        try:
            answer = None if event == LOAD else process.call(event, request_id, self._time_out)
        except FunctionError:
            process.end()
            with self._changed:
                self._started -= 1
                # Somebody may be waiting for the one that has ended.
                self._start_another()
            raise
        self._give_back(process)
        return answer

    def _take(self) -> Process:
        with self._changed:
            self._waiting += 1
            process = self._take_idle()
            while process.is_outdated():
                print(f"{self._name} starts anew: its code has been saved.", file=sys.stderr, flush=True)
                process.end()
                self._started -= 1
                process = self._take_idle()
            self._waiting -= 1
            return process

    def _take_idle(self) -> Process:
        self._start_another()
        self._changed.wait_for(lambda: self._idle)
        # The one that was used last, so that a single client meets one process.
        return self._idle.pop()

    def _give_back(self, process: Process) -> None:
        with self._changed:
            self._idle.append(process)
            self._changed.notify()

    def _start_another(self) -> None:
        if self._waiting > len(self._idle) and self._started < PROCESSES_OF_A_FUNCTION:
            self._started += 1
            Thread(target=self._start, daemon=True).start()

    def _start(self) -> None:
        with self._loading:
            process = Process(self._environment)
            try:
                process.wait_until_loaded()
            except FunctionError:
                # The first who calls it is told.
                process.end()
        self._give_back(process)


@dataclass(frozen=True)
class Functions:
    """Every function that has been asked for, by its name."""

    known: dict[str, Function]
    lock: Lock

    def find(self, name: str, environment: Mapping[str, str]) -> Function:
        """The function of this name."""
        with self.lock:
            if name not in self.known:
                self.known[name] = Function(name, environment)
            return self.known[name]


def call(function: Function, event: Any, request_id: str) -> Any:
    """What the caller of a function gets: its answer, its error, or the gateway's word for an error."""
    try:
        answer = function.call(event, request_id)
    except FunctionError as error:
        answer = {"errorType": error.kind, "errorMessage": f"RequestId: {request_id} Error: {error}"}
        print(f"{answer['errorType']} {answer['errorMessage']}", file=sys.stderr, flush=True)
    if not is_request(event):
        # To serverless-offline, null, false, zero and an empty text are no answer yet.
        return answer or {}
    return answer if is_response(answer) else gateway_problem(answer, request_id)


class Service(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Takes the events of all functions."""

    daemon_threads = True
    # Of clients that connect at once.
    request_queue_size = 128

    def __init__(self, address: str) -> None:
        super().__init__(address, Client)
        self.functions = Functions({}, Lock())


class Client(socketserver.StreamRequestHandler):
    """A local/function_client.py, which sends lines of JSON, of which the first says who it is for."""

    server: Service

    def handle(self) -> None:
        """Answers each event with a line."""
        hello = json.loads(self.rfile.readline())
        function = self.server.functions.find(hello["function"], hello["environment"])
        for line in self.rfile:
            sent = json.loads(line)
            request_id = sent["context"]["awsRequestId"]
            try:
                answer = call(function, sent["event"], request_id)
            except Exception as error:  # noqa: BLE001 - a request that nobody answers would wait for ever
                traceback.print_exception(error)
                answer = gateway_problem({"errorType": type(error).__name__}, request_id)
            self.wfile.write(json.dumps(answer).encode() + b"\n")


def main() -> None:
    """Serves until it is stopped."""
    address = Path(sys.argv[1])
    FORKS.set_forkserver_preload([*LIBRARIES])
    root = Path.cwd()
    # As local/function_client.py, for the length of the path.
    os.chdir(address.parent)
    unready = Path(f"{address.name}.unready")
    unready.unlink(missing_ok=True)
    with Service(str(unready)) as service:
        # Whoever sees it can connect.
        unready.rename(address.name)
        os.chdir(root)
        service.serve_forever()


if __name__ == "__main__":
    main()
