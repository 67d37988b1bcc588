"""The HTTP API: serverless-offline plays API Gateway and Lambda from the real serverless.yml."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.part import Part, PartError, run_part
from local.ports import LOOPBACK, answers
from local.postgres import ROOT
from local.serverless import Service, offline_environment, osls
from local.waiting import wait_for

PYTHON_RUNNER = "node_modules/serverless-offline/src/lambda/handler-runner/python-runner/invoke.py"
# The longest that a function may take, and a little.
HEALTH_SECONDS = 20
HEALTHY_SECONDS = 30


@dataclass(frozen=True)
class Api:
    """The API, maybe still starting."""

    url: str
    lambda_url: str  # where the functions without HTTP are called, as at AWS
    part: Part
    port: int

    def wait(self) -> None:
        """Returns once the API answers and its way to the database works."""
        self.part.wait_until(lambda: answers(self.port))
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


@contextmanager
def run_api(
    service: Service, settings: Mapping[str, str], *, port: int, lambda_port: int, log: Path
) -> Iterator[Api]:
    """Starts the API with the settings of its functions, and leaves the waiting to the caller."""
    inherited = offline_environment()
    environment = {
        **inherited,
        **settings,
        "PATH": f"{ROOT / 'local' / 'bin'}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "FORUM_PYTHON": sys.executable,
        # Nobody here makes metrics of them.
        "POWERTOOLS_METRICS_DISABLED": "true",
        "FORUM_INVOKE": str(ROOT / PYTHON_RUNNER),
        "FORUM_FUNCTIONS": json.dumps(notes(service, settings)),
    }
    command = osls("offline", "--noPrependStageInUrl", "--noSponsor", "--host", LOOPBACK)
    command += ["--httpPort", str(port), "--lambdaPort", str(lambda_port)]
    with run_part(
        "The API (serverless-offline)", command, log, environment=environment, directory=ROOT
    ) as part:
        yield Api(f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{lambda_port}", part, port)


def notes(service: Service, settings: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What local/lambda_function.py has to know of each function."""
    # AWS's own variables are Lambda's to set.
    withheld = {name for name in settings if not name.startswith("AWS_")}
    return {
        name: {"time_out": function.time_out, "withheld": sorted(withheld - set(function.settings))}
        for name, function in service.functions.items()
    }
