"""An AWS account at moto, and osls with its credentials."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types of its own
from ephemeral_port_reserve import reserve

from local.part import run_part
from local.ports import LOOPBACK, answers
from local.serverless import OFFLINE, offline_environment, osls
from operations.look import Stack as DeployedStack
from operations.tools import tool_environment
from tests.patience import PATIENCE_SECONDS
from tests.project.service_folder import make_service_folder

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
STACK = "forum-production"
# osls looks at the stack again after five seconds unless told otherwise, and moto is done at once.
AT_ONCE = {"SLS_AWS_MONITORING_FREQUENCY": "50"}


class Account:
    """An AWS account at moto, and osls with its credentials."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.directory = directory
        self.service = make_service_folder(directory)

    def settings(self) -> dict[str, str]:
        """As a stage's environment file has them, with the way to moto."""
        return {
            **OFFLINE,
            "SUPABASE_URL": "https://project.supabase.co",
            "SUPABASE_ANON_KEY": "sb_publishable_x",
            "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
            "GITHUB_IMPORT_KEY": "x",
            "APP_INFO_KEY": "x",
            "SUPABASE_SECRET_KEY": "sb_secret_x",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
        }

    def osls(self, *arguments: str) -> None:
        """Runs osls, which has to succeed."""
        done = subprocess.run(  # noqa: S603 - the program is named in local/serverless.py
            osls(*arguments, "--stage", "production"),
            cwd=self.service,
            env={
                **tool_environment("production", self.settings()),
                "ARTIFACT": str(self.directory / "code.zip"),
                **AT_ONCE,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stdout

    def deploy(self, code: str) -> None:
        """Deploys an artifact that holds this."""
        with zipfile.ZipFile(self.directory / "code.zip", "w") as artifact:
            artifact.writestr("code.py", code)
        self.osls("deploy")

    def client(self, service: str) -> Any:
        """A client of the account."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def declared(self) -> dict[str, Any]:
        """The resources of the template that is deployed, by name."""
        body = self.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
        declared: dict[str, Any] = (json.loads(body) if isinstance(body, str) else body)["Resources"]
        return declared

    def deployment(self) -> str:
        """The time stamp of what is deployed."""
        found = DeployedStack("CREATE_COMPLETE", self.declared()).deployment
        assert found is not None
        return found

    def code(self) -> str:
        """The hash of what the functions run."""
        found = self.client("lambda").get_function(FunctionName=f"{STACK}-products")
        hash_of_it: str = found["Configuration"]["CodeSha256"]
        return hash_of_it


@contextmanager
def run_account(directory: Path) -> Iterator[Account]:
    """A new one, for as long as it is needed."""
    port = reserve(LOOPBACK)
    command = [sys.executable, "-m", "tests.project.moto_server", "--host", LOOPBACK, "--port", str(port)]
    log = directory / "moto.log"
    with run_part("AWS (moto)", command, log, environment=offline_environment(), directory=ROOT) as part:
        part.wait_until(lambda: answers(port))
        yield Account(f"http://{LOOPBACK}:{port}", directory)
