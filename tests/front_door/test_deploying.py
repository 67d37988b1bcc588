"""`make deploy` from end to end: the real database and API of the local stack, and moto for AWS."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.keys import load_keys
from local.ports import free_port
from local.serverless import OFFLINE
from local.supabase import User
from operations import deploy, rollback
from tests.local.dev_process import Dev
from tests.project.account import AT_ONCE, REGION, STACK, Account, run_account

ORIGIN = "http://localhost:5173"
SECRETS = ("APP_INFO_KEY", "GITHUB_IMPORT_KEY", "SUPABASE_SECRET_KEY")


class Stage:
    """A stage's file, and the artifact that goes to it."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self.directory = directory
        self.settings = settings

    def write(self, code: str = "first", **changes: str) -> None:
        """Its file, and an artifact: what is in it makes no difference to moto."""
        lines = [f"{name}={value}\n" for name, value in {**self.settings, **changes}.items()]
        (self.directory / ".env.production").write_text("".join(lines))
        with zipfile.ZipFile(self.directory / "forum.zip", "w") as artifact:
            artifact.writestr("code.py", code)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """A new AWS account."""
    with run_account(tmp_path) as account:
        yield account


@pytest.fixture
def stage(dev: Dev, api_url: str, user: User, account: Account, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage whose Supabase and whose API are the local stack's."""
    keys = load_keys(dev.directory / "keys")
    monkeypatch.setattr(deploy, "STAGES", account.directory)
    monkeypatch.setattr(deploy, "ARTIFACT", account.directory / "forum.zip")
    # Without a certificate: it is this machine's.
    without_tls = {"AWS_ENDPOINT_URL": account.url, "PGSSLMODE": "disable"}
    for name, value in {**OFFLINE, **AT_ONCE, **without_tls}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FORUM_TOKEN", user.access_token)
    supabase_url = dev.environment["SUPABASE_URL"]
    return Stage(
        account.directory,
        {
            "SUPABASE_URL": supabase_url,
            "SUPABASE_ANON_KEY": keys.anon_key,
            "SUPABASE_JWKS_URL": f"{supabase_url}/auth/v1/.well-known/jwks.json",
            "SUPABASE_SECRET_KEY": keys.service_role_key,
            "DATABASE_URL": dev.environment["DATABASE_URL"],
            "GITHUB_IMPORT_KEY": keys.import_key,
            "APP_INFO_KEY": keys.app_info_key,
            "ALLOWED_ORIGINS": ORIGIN,
            "AWS_REGION": REGION,
            "API_URL": api_url,
        },
    )


def read_parameters(account: Account) -> dict[str, dict[str, Any]]:
    """What is in Parameter Store, by name."""
    found = account.client("ssm").get_parameters_by_path(
        Path="/forum/production", Recursive=True, WithDecryption=True
    )
    return {each["Name"]: each for each in found["Parameters"]}


def list_stacks(account: Account) -> list[str]:
    """The names of the stacks that there are."""
    return [each["StackName"] for each in account.client("cloudformation").describe_stacks()["Stacks"]]


def test_stage_is_deployed_tried_deployed_again_and_taken_back(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write("first")
    assert deploy.main(["production"]) == 0, capfd.readouterr()
    told = capfd.readouterr()
    assert told.out.endswith(f"{stage.settings['API_URL']} works.\n")

    parameters = read_parameters(account)
    assert {name: each["Value"] for name, each in parameters.items()} == {
        f"/forum/production/{name}": stage.settings[name] for name in SECRETS
    }
    functions = account.client("lambda").list_functions()["Functions"]
    variables = {each["FunctionName"]: each["Environment"]["Variables"] for each in functions}
    assert variables[f"{STACK}-sync_worker"]["SUPABASE_SECRET_KEY"] == (
        "ssm:/forum/production/SUPABASE_SECRET_KEY"
    )
    template = account.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    for secret in (*(stage.settings[name] for name in SECRETS), stage.settings["DATABASE_URL"]):
        assert secret not in json.dumps([variables, template])
        assert secret not in told.out + told.err

    # moto has no APIs, so nobody answers at that address.
    assert deploy.find_url("production", stage.settings).endswith(f".execute-api.{REGION}.amazonaws.com")

    first = account.code()
    stage.write("second")
    assert deploy.main(["production"]) == 0, capfd.readouterr()
    assert account.code() != first
    assert {each["Version"] for each in read_parameters(account).values()} == {1}

    assert rollback.main(["production"]) == 0, capfd.readouterr()
    assert account.code() == first


def test_secrets_are_there_before_the_functions_that_fetch_them(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write()
    # What osls stops at, before it makes anything.
    (stage.directory / "forum.zip").unlink()
    assert deploy.main(["production"]) == 1
    assert "serverless deploy failed" in capfd.readouterr().err
    assert len(read_parameters(account)) == len(SECRETS)
    assert account.client("lambda").list_functions()["Functions"] == []


def test_database_that_refuses_ends_it_before_anything_is_at_aws(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write(DATABASE_URL=f"postgresql://postgres:s3cr3t@127.0.0.1:{free_port()}/postgres")
    assert deploy.main(["production"]) == 1
    told = capfd.readouterr()
    assert "supabase db failed" in told.err
    assert "s3cr3t" not in told.out + told.err
    assert (read_parameters(account), list_stacks(account)) == ({}, [])


def test_parameter_store_that_refuses_ends_it_before_the_functions(
    stage: Stage, account: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert deploy.main(["production"]) == 1
    assert "Parameter Store cannot be asked: EndpointConnectionError" in capfd.readouterr().err
    assert list_stacks(account) == []


def test_stage_that_does_not_work_is_told_with_the_way_back(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    stage.write(API_URL=nobody)
    assert deploy.main(["production"]) == 1
    told = capfd.readouterr().err
    assert f"{nobody} is deployed and does not work: `make rollback stage=production`" in told
    assert "GET /health got no answer" in told
    assert list_stacks(account) == [STACK]
