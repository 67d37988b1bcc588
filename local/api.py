"""The HTTP API: serverless-offline plays API Gateway and Lambda from the real serverless.yml."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.lambda_service import LOAD, LOAD_SECONDS
from local.part import Part, PartError, run_part
from local.ports import LOOPBACK, answers
from local.postgres import ROOT
from local.serverless import Service, offline_environment, osls
from local.waiting import wait_for

CLIENT = ROOT / "local" / "function_client.py"
HTTP_API = ROOT / "local" / "http_api.cjs"
HEALTH_SECONDS = 60
HEALTHY_SECONDS = 180


@dataclass(frozen=True)
class Api:
    """The API, maybe still starting."""

    url: str
    lambda_url: str  # where the functions without HTTP are called, as at AWS
    functions: tuple[str, ...]  # as Lambda knows them
    parts: tuple[Part, ...]
    port: int

    @property
    def part(self) -> Part:
        """What listens."""
        return self.parts[-1]

    def wait(self) -> None:
        """Returns once the API answers, its functions are loaded and its way to the database works."""
        self.part.wait_until(lambda: answers(self.port))
        self.load_functions()
        said = ""

        def is_healthy() -> bool:
            nonlocal said
            try:
                health = httpx.get(f"{self.url}/health", timeout=HEALTH_SECONDS)
            except httpx.TransportError as error:
                said = repr(error)
                return False
            said = f"{health.status_code}: {health.text}"
            return health.is_success

        # On a busy machine the first answers can be that Supabase takes too long.
        if not wait_for(lambda: self.part.has_ended() or is_healthy(), HEALTHY_SECONDS):
            raise PartError(f"{self.part.name} answers GET /health with {said}\n{self.part.tail()}")
        if self.part.has_ended():
            raise self.part.died()

    def load_functions(self) -> None:
        """Returns once each function has a process, so that nobody who calls it waits for that."""
        with ThreadPoolExecutor(len(self.functions)) as loading:
            list(loading.map(self._load, self.functions))

    def _load(self, function: str) -> None:
        invocations = f"{self.lambda_url}/2015-03-31/functions/{function}/invocations"
        try:
            httpx.post(invocations, json=LOAD, timeout=LOAD_SECONDS).raise_for_status()
        except httpx.HTTPError as error:
            tails = "\n".join(part.tail() for part in self.parts)
            raise PartError(f"{function} cannot be loaded: {error!r}\n{tails}") from error


@contextmanager
def run_api(  # noqa: PLR0913 - what a gateway is started with
    service: Service,
    settings: Mapping[str, str],
    *,
    port: int,
    lambda_port: int,
    directory: Path,
    root: Path = ROOT,
) -> Iterator[Api]:
    """Starts the API with the settings of its functions, and leaves the waiting to the caller.

    `root` is where serverless.yml and the functions are.
    """
    address = directory.resolve() / "lambda.socket"
    # What a run that was killed has left.
    address.unlink(missing_ok=True)
    inherited = offline_environment()
    environment = {
        **inherited,
        **settings,
        "PATH": f"{ROOT / 'local' / 'bin'}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "FORUM_PYTHON": sys.executable,
        # Nobody here makes metrics of them.
        "POWERTOOLS_METRICS_DISABLED": "true",
        "FORUM_CLIENT": str(CLIENT),
        "FORUM_LAMBDA": str(address),
        "FORUM_FUNCTIONS": json.dumps(notes(service, settings)),
    }
    command = osls("offline", "--noPrependStageInUrl", "--noSponsor", "--host", LOOPBACK)
    command[1:1] = ["--require", str(HTTP_API)]
    # Time-outs are local/lambda_service.py's.
    command += ["--httpPort", str(port), "--lambdaPort", str(lambda_port), "--noTimeout"]
    base_path = environment.get("API_BASE_PATH", "")
    if base_path:
        command += ["--prefix", base_path.removeprefix("/")]
    serving = [sys.executable, "-m", "local.lambda_service", str(address)]
    # `root` need not be where this package is.
    for_service = {**environment, "PYTHONPATH": str(ROOT)}
    logs = directory / "logs"
    with (
        run_part(
            "The functions", serving, logs / "functions.log", environment=for_service, directory=root
        ) as functions,
        run_part(
            "The API (serverless-offline)", command, logs / "api.log", environment=environment, directory=root
        ) as api,
    ):
        functions.wait_until(address.is_socket)
        yield Api(
            f"http://{LOOPBACK}:{port}{base_path}",
            f"http://{LOOPBACK}:{lambda_port}",
            tuple(service.functions),
            (functions, api),
            port,
        )


def notes(service: Service, settings: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What local/lambda_function.py has to know of each function."""
    # AWS's own variables are Lambda's to set.
    withheld = {name for name in settings if not name.startswith("AWS_")}
    return {
        name: {"time_out": function.time_out, "withheld": sorted(withheld - set(function.settings))}
        for name, function in service.functions.items()
    }
