"""The HTTP API: serverless-offline plays API Gateway and Lambda from the real serverless.yml."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.part import Part, PartError, run_part
from local.ports import LOOPBACK, answers
from local.postgres import ROOT

PYTHON_RUNNER = "node_modules/serverless-offline/src/lambda/handler-runner/python-runner/invoke.py"
# The longest that a function may take, and a little.
HEALTH_SECONDS = 20

# Nothing here may ask AWS or anybody else: credentials that open nothing, found before any real ones.
OFFLINE = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_EC2_METADATA_DISABLED": "true",
    "SLS_DEPRECATION_DISABLE": "*",
    "SLS_INTERACTIVE_SETUP_ENABLE": "0",
}
# A developer's own cloud and virtual environment stay out of it; VIRTUAL_ENV would win over PATH.
NOT_PASSED_ON = {"AWS_PROFILE", "AWS_SESSION_TOKEN", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}


@dataclass(frozen=True)
class Api:
    """The API, maybe still starting."""

    url: str
    part: Part
    port: int

    def wait(self) -> None:
        """Returns once the API answers and its way to the database works."""
        self.part.wait_until(lambda: answers(self.port))
        try:
            health = httpx.get(f"{self.url}/health", timeout=HEALTH_SECONDS)
        except httpx.TransportError as error:
            raise PartError(f"{self.part.name} does not answer: {error!r}\n{self.part.tail()}") from error
        if not health.is_success:
            said = f"{self.part.name} answers GET /health with {health.status_code}: {health.text}"
            raise PartError(f"{said}\n{self.part.tail()}")


@contextmanager
def run_api(settings: Mapping[str, str], *, port: int, lambda_port: int, log: Path) -> Iterator[Api]:
    """Starts the API with the functions' settings, and leaves the waiting to the caller."""
    node = shutil.which("node")
    serverless = ROOT / "node_modules" / "serverless" / "bin" / "serverless.js"
    if node is None or not serverless.exists():
        raise PartError("serverless-offline is not installed: install Node 20 and run `npm install`.")
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    environment = {
        **inherited,
        **OFFLINE,
        **settings,
        "PATH": f"{ROOT / 'local' / 'bin'}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "FORUM_PYTHON": sys.executable,
        "FORUM_INVOKE": str(ROOT / PYTHON_RUNNER),
    }
    command = [node, str(serverless), "offline", "--noPrependStageInUrl", "--noSponsor", "--host", LOOPBACK]
    command += ["--httpPort", str(port), "--lambdaPort", str(lambda_port)]
    with run_part(
        "The API (serverless-offline)", command, log, environment=environment, directory=ROOT
    ) as part:
        yield Api(f"http://{LOOPBACK}:{port}", part, port)
