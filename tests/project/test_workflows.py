"""What GitHub Actions is told: GitHub itself has not run it here."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

ROOT = Path(__file__).parents[2]
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")
}
JOBS = {(name, job): told for name, workflow in WORKFLOWS.items() for job, told in workflow["jobs"].items()}
STAGES = ("staging", "production")
TRUST = json.loads((ROOT / "infrastructure" / "deployer-trust.json").read_text())


def steps_of(stage: str) -> list[dict[str, Any]]:
    """What a stage is deployed by."""
    steps: list[dict[str, Any]] = JOBS["deploy", stage]["steps"]
    return steps


def place(stage: str, text: str) -> int:
    """Which step has this text."""
    (number,) = [number for number, step in enumerate(steps_of(stage)) if text in json.dumps(step)]
    return number


@pytest.mark.parametrize("job", JOBS.values(), ids=map("/".join, JOBS))
def test_actions_are_pinned_and_no_expression_is_part_of_a_script(job: dict[str, Any]) -> None:
    for step in [job, *job.get("steps", [])]:
        uses = step.get("uses", "./")
        assert uses.startswith("./") or re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", uses)
        # A branch may be named like a command.
        assert "${{" not in step.get("run", "")


def test_only_who_deploys_gets_an_identity_at_aws() -> None:
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {"contents": "read"}, name
    having = {job for job, told in JOBS.items() if "id-token" in told.get("permissions", {})}
    assert having == {("deploy", stage) for stage in STAGES}


@pytest.mark.parametrize(
    ("stage", "condition"),
    [
        ("staging", "vars.DEPLOY == 'true' && github.ref == 'refs/heads/main'"),
        ("production", "vars.DEPLOY == 'true' && startsWith(github.ref, 'refs/tags/v')"),
    ],
)
def test_stage_is_deployed_after_the_tests_and_one_deployment_at_a_time(stage: str, condition: str) -> None:
    job = JOBS["deploy", stage]
    assert job["if"] == condition
    assert job["environment"] == stage
    assert job["needs"] == "test"
    assert JOBS["deploy", "test"]["uses"] == "./.github/workflows/ci.yml"
    assert job["concurrency"] == {"group": f"deploy-{stage}", "cancel-in-progress": False}


@pytest.mark.parametrize("stage", STAGES)
def test_packages_are_installed_before_there_are_secrets_and_from_no_cache(stage: str) -> None:
    assert place(stage, "is-ancestor") < place(stage, "make install-deploy")
    assert place(stage, "make install-deploy") < place(stage, "role-to-assume")
    assert place(stage, "make install-deploy") < place(stage, "secrets.")
    assert place(stage, "secrets.") < place(stage, "make deploy")
    assert "cache" not in json.dumps(steps_of(stage))


@pytest.mark.parametrize("job", ["test", "coverage"])
def test_packages_of_the_tests_are_downloaded_once_for_each_lock(job: str) -> None:
    steps = JOBS["ci", job]["steps"]
    (node,) = [step for step in steps if "setup-node" in step.get("uses", "")]
    assert node["with"]["cache"] == "npm"
    (cache,) = [step for step in steps if "actions/cache" in step.get("uses", "")]
    assert cache["with"]["path"] == "~/.cache/uv"
    assert "hashFiles('requirements*.txt')" in cache["with"]["key"]
    # What is restored after the packages are there is restored for nothing.
    assert "run" in steps[-1]
    assert steps[-1] is not cache


def test_python_that_compiles_is_that_of_the_functions() -> None:
    service = (ROOT / "serverless.yml").read_text()
    for stage in STAGES:
        (python,) = [step for step in steps_of(stage) if "setup-python" in step.get("uses", "")]
        assert f"runtime: python{python['with']['python-version']}\n" in service


@pytest.mark.parametrize("stage", STAGES)
def test_file_of_the_stage_is_what_the_secret_holds_and_its_owners_only(stage: str, tmp_path: Path) -> None:
    step = steps_of(stage)[place(stage, "secrets.")]
    held = "A='$(touch ran)'\nB=two words % \\n"
    subprocess.run(  # noqa: S603 - our own workflow
        ["bash", "-eo", "pipefail", "-c", step["run"]],  # noqa: S607 - where bash lives differs between systems
        cwd=tmp_path,
        env={**os.environ, "STAGE": stage, "STAGE_FILE": held},
        check=True,
    )
    (file,) = tmp_path.iterdir()
    assert file.name == f".env.{stage}"
    assert file.read_text() == f"{held}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert dotenv_values(file, interpolate=False)["A"] == "$(touch ran)"


def test_role_is_trusted_to_the_environment_of_one_repository_only() -> None:
    (statement,) = TRUST["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    # `StringEquals`, and no `*`: with StringLike `repo:OWNER/*` would let every branch and pull request in.
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:OWNER/REPOSITORY:environment:STAGE",
        }
    }
