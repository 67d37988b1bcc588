"""osls, the tool that deploys Forum, kept on this machine; and what serverless.yml says according to it."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from dotenv import dotenv_values

from local.part import PartError
from local.postgres import ROOT

JSON = dict[str, Any]
READ_SECONDS = 180

# Nothing here may ask AWS or anybody else: credentials that open nothing, found before any real ones.
OFFLINE = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_EC2_METADATA_DISABLED": "true",
    "SLS_DEPRECATION_DISABLE": "*",
    "SLS_INTERACTIVE_SETUP_ENABLE": "0",
    "SLS_TELEMETRY_DISABLED": "1",
}
# A developer's own virtual environment stays out of it; VIRTUAL_ENV would win over PATH.
NOT_PASSED_ON = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}


@dataclass(frozen=True)
class Trigger:
    """A function that Lambda calls with the messages of a queue."""

    function: str  # as Lambda knows it
    queue: str  # the name of the resource
    batch_size: int
    reports_failures: bool


@dataclass(frozen=True)
class Function:
    """What serverless-offline knows of a function and does not tell its process."""

    time_out: float  # in seconds
    settings: list[str]  # the variables that it gets


@dataclass(frozen=True)
class Service:
    """What a stack has to know of serverless.yml beside what serverless-offline reads itself."""

    region: str
    functions: dict[str, Function]  # by the name that Lambda knows it by
    queues: dict[str, JSON]  # the properties of each, by the name of the resource
    triggers: tuple[Trigger, ...]


def osls(*arguments: str) -> list[str]:
    """Its command line."""
    node = shutil.which("node")
    program = ROOT / "node_modules" / "serverless" / "bin" / "serverless.js"
    if node is None or not program.exists():
        raise PartError("serverless-offline is not installed: install Node 20 and run `npm install`.")
    return [node, str(program), *arguments]


def offline_environment() -> dict[str, str]:
    """This process's environment without anything of a developer's own cloud."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and name not in NOT_PASSED_ON
    }
    return {**inherited, **OFFLINE}


def read_service() -> Service:
    """Reads serverless.yml, which takes a second."""
    # What their values are makes no difference to what is read here, but each has to have one.
    settings = dict.fromkeys(setting_names(), "unread")
    printed = subprocess.run(
        osls("print", "--format", "json"),
        cwd=ROOT,
        env={**offline_environment(), **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=READ_SECONDS,
        check=False,
        start_new_session=True,
    )
    if printed.returncode:
        raise PartError(f"serverless.yml cannot be read.\n{printed.stdout}{printed.stderr}")
    return service_of(json.loads(printed.stdout))


def setting_names() -> list[str]:
    """Every setting of the functions there is."""
    return list(dotenv_values(ROOT / ".env.example"))


def service_of(printed: JSON) -> Service:
    """The same in our terms."""
    provider, functions = printed["provider"], printed["functions"].values()
    resources = printed.get("resources", {}).get("Resources", {})
    return Service(
        region=provider["region"],
        functions={
            function["name"]: Function(
                time_out=function.get("timeout", provider["timeout"]),
                settings=[*provider["environment"], *function.get("environment", {})],
            )
            for function in functions
        },
        queues={
            name: resource.get("Properties", {})
            for name, resource in resources.items()
            if resource["Type"] == "AWS::SQS::Queue"
        },
        triggers=tuple(
            trigger_of(function["name"], event["sqs"])
            for function in functions
            for event in function.get("events", [])
            if "sqs" in event
        ),
    )


def trigger_of(function: str, event: JSON) -> Trigger:
    """An `sqs` event; AWS's own batch size where it names none."""
    queue, _attribute = event["arn"]["Fn::GetAtt"]
    return Trigger(
        function=function,
        queue=queue,
        batch_size=event.get("batchSize", 10),
        reports_failures=event.get("functionResponseType") == "ReportBatchItemFailures",
    )
