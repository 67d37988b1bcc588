"""Look at a stage before anything of it changes: who deploys, what is deployed, what would change.

It only reads. The template is compiled as `make deploy` has it compiled and compared with the deployed one: a
change set of CloudFormation's own would first need the template in the stack's bucket.
"""

import json
import re
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types of its own
from botocore.exceptions import (  # type: ignore[import-untyped]  # as boto3
    BotoCoreError,
    ClientError,
)

from operations.database import find_pending_migrations
from operations.parameters import get_region
from operations.tools import BIN, COMMIT, ROOT, DeployError, read_commit, tool_environment

Resources = dict[str, Any]

# In any other state CloudFormation refuses an update, after the migrations have been applied.
READY = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
# What is another with other code: with SnapStart each has a version, which an alias leads to.
CODE = ("Code", "FunctionVersion")
VERSION = "AWS::Lambda::Version"
# osls names the folder of an artifact so.
DEPLOYMENT = re.compile(r"/(\d{13})-")


@dataclass(frozen=True)
class Stack:
    """What is deployed of a stage."""

    status: str
    resources: Resources

    @property
    def deployment(self) -> str | None:
        """The time stamp of the deployment that its functions run; none where there is only the bucket."""
        keys = (each.get("Properties", {}).get("Code", {}) for each in self.resources.values())
        found = [stamp for code in keys if (stamp := DEPLOYMENT.search(str(code.get("S3Key", ""))))]
        return found[0][1] if found else None

    @property
    def commit(self) -> str | None:
        """What its /health names; none where it was deployed without a checkout, or before it named any."""
        health = self.resources.get("HealthLambdaFunction", {}).get("Properties", {})
        return health.get("Environment", {}).get("Variables", {}).get(COMMIT) or None


@dataclass(frozen=True)
class Changes:
    """Resources of the template by their names."""

    new: Sequence[str]
    changed: Sequence[str]
    gone: Sequence[str]


@dataclass(frozen=True)
class Look:
    """What was seen."""

    identity: str  # an ARN
    region: str
    stack: Stack | None
    pending: Sequence[str]
    changes: Changes
    commit: str

    @property
    def deployment(self) -> str | None:
        """The time stamp of the deployment that runs."""
        return self.stack.deployment if self.stack else None


def look(stage: str, settings: Mapping[str, str]) -> Look:
    """Looks at AWS, at the database and at this checkout. Raises `DeployError` and `psycopg.Error`."""
    identity, stack = ask_aws(stage, settings)
    if stack is not None and stack.status not in READY:
        raise DeployError(
            f"the stack forum-{stage} is {stack.status}, and CloudFormation updates none in that state:"
            " look at it in AWS's console. Nothing has changed"
        )
    return Look(
        identity=identity,
        region=get_region(settings),
        stack=stack,
        pending=find_pending_migrations(settings["DATABASE_URL"]),
        changes=compare(stack.resources if stack else {}, compile_template(stage, settings)),
        commit=read_commit(),
    )


def ask_aws(stage: str, settings: Mapping[str, str]) -> tuple[str, Stack | None]:
    """Who this is, as an ARN, and what is deployed. Raises `DeployError`, not in AWS's words."""
    try:
        # Where and as whom osls deploys: the file of a stage may name both.
        session = boto3.Session(profile_name=settings.get("AWS_PROFILE"), region_name=get_region(settings))
        identity: str = session.client("sts").get_caller_identity()["Arn"]
        return identity, _find_stack(session.client("cloudformation"), f"forum-{stage}")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        raise DeployError(f"AWS refuses {error.operation_name}: {code}. Nothing has changed") from None
    except BotoCoreError as error:
        raise DeployError(
            f"AWS cannot be asked: {type(error).__name__}."
            " `aws sts get-caller-identity` has to say who you are. Nothing has changed"
        ) from None


def _find_stack(cloudformation: Any, name: str) -> Stack | None:
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # AWS has no code of its own for a stack that is not there.
        if "does not exist" in error.response.get("Error", {}).get("Message", ""):
            return None
        raise
    body = cloudformation.get_template(StackName=name)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    return Stack(stack["StackStatus"], template["Resources"])


def compile_template(stage: str, settings: Mapping[str, str]) -> Resources:
    """What this checkout would deploy. Raises `DeployError` with what osls says."""
    with TemporaryDirectory() as temporary:
        artifact, compiled = Path(temporary, "empty.zip"), Path(temporary, "compiled")
        # What the functions' code is makes no difference to the rest.
        zipfile.ZipFile(artifact, "w").close()
        done = subprocess.run(
            [BIN / "serverless", "package", "--stage", stage, "--package", compiled],
            cwd=ROOT,
            env={**tool_environment(stage, settings), "ARTIFACT": str(artifact)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DeployError(f"the template does not compile:\n{done.stdout}{done.stderr}")
        template = json.loads((compiled / "cloudformation-template-update-stack.json").read_text())
    resources: Resources = template["Resources"]
    return resources


def compare(deployed: Resources, compiled: Resources) -> Changes:
    """What the compiled resources change, beside the code of functions and the commit that they name."""
    before, after = (
        {name: _leave_code_out(each) for name, each in resources.items() if each["Type"] != VERSION}
        for resources in (deployed, compiled)
    )
    return Changes(
        new=sorted(after.keys() - before.keys()),
        changed=sorted(name for name in after.keys() & before.keys() if after[name] != before[name]),
        gone=sorted(before.keys() - after.keys()),
    )


def _leave_code_out(resource: Any) -> Any:
    properties = {name: each for name, each in resource.get("Properties", {}).items() if name not in CODE}
    if isinstance(tags := properties.get("Tags"), list):
        properties["Tags"] = [tag for tag in tags if tag["Key"] != COMMIT.lower()]
    elif tags is not None:
        properties["Tags"] = {name: value for name, value in tags.items() if name != COMMIT.lower()}
    if variables := properties.get("Environment", {}).get("Variables"):
        kept = {name: value for name, value in variables.items() if name != COMMIT}
        properties["Environment"] = {"Variables": kept}
    return {**resource, "Properties": properties}


def tell(stage: str, seen: Look) -> str:
    """What was seen, for whoever deploys."""
    deployed = f"{seen.stack.status}, deployment {seen.deployment}" if seen.stack else "not there yet"
    changes = seen.changes
    lines = [
        f"You are     {seen.identity}",
        f"Stack       forum-{stage} in {seen.region}: {deployed}",
        f"Commit      {seen.commit or 'unknown: this is no checkout of git'}",
        f"Migrations  {len(seen.pending)} to apply",
        *(f"  {name}" for name in seen.pending),
        f"Resources   {len(changes.new)} new, {len(changes.changed)} changed, {len(changes.gone)} removed",
        # Before the first deployment all are new, some two hundred.
        *(f"  new      {name}" for name in changes.new if seen.stack),
        *(f"  changed  {name}" for name in changes.changed),
        *(f"  removed  {name}" for name in changes.gone),
    ]
    return "\n".join(lines)
