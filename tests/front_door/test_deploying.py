"""`make deploy` from end to end: the real database and API of the local stack, and moto for AWS."""

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from local.keys import load_keys
from local.ports import free_port
from local.serverless import OFFLINE
from local.supabase import User
from operations import deploy, plan, remove, rollback, tools
from operations.look import Changes, compare, look
from tests.local.dev_process import Dev
from tests.project.account import AT_ONCE, REGION, STACK, Account, run_account

ORIGIN = "http://localhost:5173"
SECRETS = ("APP_INFO_KEY", "GITHUB_IMPORT_KEY", "SUPABASE_SECRET_KEY")
WORKING = "/forum/production/WORKING_DEPLOYMENTS"


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
    monkeypatch.setattr(tools, "ARTIFACT", account.directory / "forum.zip")
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


@contextmanager
def run_gateway(account: Account, *, works_with: str, api_url: str) -> Iterator[str]:
    """Where an API is that answers as long as the functions run this code, and else as API Gateway does."""

    class Gateway(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if account.code() == works_with:
                headers = {name: value for name, value in self.headers.items() if name != "Host"}
                answer = httpx.request(self.command, api_url + self.path, headers=headers, content=body)
            else:
                answer = httpx.Response(502)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in {"content-encoding", "content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_DELETE = do_OPTIONS = pass_on  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def list_stacks(account: Account) -> list[str]:
    """The names of the stacks that there are."""
    return [each["StackName"] for each in account.client("cloudformation").describe_stacks()["Stacks"]]


def test_stage_is_deployed_tried_deployed_again_and_taken_back(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write("first")
    assert deploy.main(["production", "--yes"]) == 0, capfd.readouterr()
    told = capfd.readouterr()
    assert told.out.endswith(f"{stage.settings['API_URL']} works.\n")

    parameters = read_parameters(account)
    seen = look("production", stage.settings)
    assert {name: each["Value"] for name, each in parameters.items()} == {
        **{f"/forum/production/{name}": stage.settings[name] for name in SECRETS},
        WORKING: seen.deployment,
    }
    assert {name for name, each in parameters.items() if each["Type"] != "SecureString"} == {WORKING}
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
    assert tools.find_url("production", stage.settings).endswith(f".execute-api.{REGION}.amazonaws.com")

    first = account.code()
    stage.write("second")
    assert deploy.main(["production", "--yes"]) == 0, capfd.readouterr()
    assert account.code() != first
    versions = {name: each["Version"] for name, each in read_parameters(account).items()}
    assert versions == {name: 2 if name == WORKING else 1 for name in versions}

    assert rollback.main(["production"]) == 0, capfd.readouterr()
    assert account.code() == first


def test_secrets_are_there_before_the_functions_that_fetch_them(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write()
    # What osls stops at, before it makes anything.
    (stage.directory / "forum.zip").unlink()
    assert deploy.main(["production", "--yes"]) == 1
    assert "serverless deploy failed" in capfd.readouterr().err
    assert len(read_parameters(account)) == len(SECRETS)
    assert account.client("lambda").list_functions()["Functions"] == []


def test_database_that_refuses_ends_it_before_anything_is_at_aws(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write(DATABASE_URL=f"postgresql://postgres:s3cr3t@127.0.0.1:{free_port()}/postgres")
    assert deploy.main(["production", "--yes"]) == 1
    told = capfd.readouterr()
    assert "Connection refused" in told.err
    assert "s3cr3t" not in told.out + told.err
    assert (read_parameters(account), list_stacks(account)) == ({}, [])


def test_parameter_store_that_refuses_ends_it_before_the_functions(
    stage: Stage, account: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert deploy.main(["production", "--yes"]) == 1
    assert "Parameter Store cannot be asked: EndpointConnectionError" in capfd.readouterr().err
    assert list_stacks(account) == []


def test_first_deployment_that_does_not_work_has_nothing_to_go_back_to(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    stage.write(API_URL=nobody)
    assert deploy.main(["production", "--yes"]) == 1
    told = capfd.readouterr().err
    assert f"{nobody} is deployed and does not work:\n" in told
    assert "GET /health got no answer" in told
    assert told.endswith("There is no earlier deployment to go back to.\n")
    assert list_stacks(account) == [STACK]


def test_deployment_that_does_not_work_is_taken_back_by_itself(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write("first")
    assert deploy.main(["production", "--yes"]) == 0, capfd.readouterr()
    first = account.code()

    with run_gateway(account, works_with=first, api_url=stage.settings["API_URL"]) as url:
        stage.write("second", API_URL=url)
        assert deploy.main(["production", "--yes"]) == 1
        told = capfd.readouterr().err
        assert "GET /health is answered 502 instead of 200" in told
        assert re.search(r"The functions are back at the deployment \d{13}, which works\. Migrations", told)
        assert account.code() == first


def test_rollback_goes_past_a_deployment_that_has_failed_and_before_the_running_one(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    codes = []
    for code in ("first", "second"):
        stage.write(code)
        assert deploy.main(["production", "--yes"]) == 0, capfd.readouterr()
        codes.append(account.code())
    first, second = codes
    nobody = f"http://127.0.0.1:{free_port()}"
    stage.write("third", API_URL=nobody)
    # Its smoke test fails, also of what it goes back to.
    assert deploy.main(["production", "--yes"]) == 1
    assert account.code() == second

    # The one before in osls's list is the running one itself.
    assert rollback.main(["production"]) == 0, capfd.readouterr()
    assert account.code() == first

    # What runs now is the oldest there is; the two after it are no way back.
    capfd.readouterr()
    assert rollback.main(["production"]) == 1
    assert "is known to have worked. Choose one by to=" in capfd.readouterr().err
    assert account.code() == first


def test_deployment_that_is_not_known_to_have_worked_is_gone_back_to_by_its_name_only(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write("first", API_URL=f"http://127.0.0.1:{free_port()}")
    assert deploy.main(["production", "--yes"]) == 1
    first = account.code()
    failed = look("production", stage.settings).deployment
    stage.write("second")
    assert deploy.main(["production", "--yes"]) == 0, capfd.readouterr()
    second = account.code()
    capfd.readouterr()
    assert rollback.main(["production"]) == 1
    assert f"there are still the artifacts of: {failed}\n" in capfd.readouterr().err
    assert account.code() == second
    assert failed is not None
    assert rollback.main(["production", "--to", failed]) == 0, capfd.readouterr()
    assert account.code() == first


def test_same_code_that_does_not_work_any_more_does_not_become_that_before_it(
    stage: Stage, account: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for code in ("first", "second"):
        stage.write(code)
        assert deploy.main(["production", "--yes"]) == 0, capfd.readouterr()
    second = account.code()
    monkeypatch.setenv("FORUM_TOKEN", "no-token")
    assert deploy.main(["production", "--yes"]) == 1
    assert "which does not work either" in capfd.readouterr().err
    assert account.code() == second

    # Where osls finds that nothing differs, it deploys nothing.
    seen = look("production", stage.settings)
    told = deploy.take_back("production", stage.settings["API_URL"], seen, stage.settings)
    assert told == "It runs what it ran before, so there is nothing to take back."
    assert look("production", stage.settings).deployment == seen.deployment


def test_plan_says_who_and_what_and_changes_nothing(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write()
    assert plan.main(["production"]) == 0, capfd.readouterr()
    told = capfd.readouterr().out
    assert re.search(r"^You are     arn:aws:", told, re.MULTILINE)
    assert f"forum-production in {REGION}: not there yet" in told
    assert re.search(r"^Commit      [0-9a-f]{40}", told, re.MULTILINE)
    assert "Migrations  0 to apply" in told
    assert re.search(r"^Resources   \d{3} new, 0 changed, 0 removed", told, re.MULTILINE)
    assert not [secret for name in SECRETS if (secret := stage.settings[name]) in told]
    assert (read_parameters(account), list_stacks(account)) == ({}, [])

    assert deploy.main(["production", "--yes"]) == 0, capfd.readouterr()
    capfd.readouterr()
    assert plan.main(["production"]) == 0
    told = capfd.readouterr().out
    assert re.search(r"_COMPLETE, deployment \d{13}$", told, re.MULTILINE)
    assert "Resources   0 new, 0 changed, 0 removed" in told

    stage.write(LOG_LEVEL="DEBUG", ALARM_TOPIC_ARN="arn:aws:sns:eu-central-1:123456789012:alarms")
    assert plan.main(["production"]) == 0
    told = capfd.readouterr().out
    assert "changed  ProductsLambdaFunction" in told
    assert "changed  ApiErrorsAlarm" in told
    assert "changed  ProductsRole" not in told


def test_deployment_names_its_commit_and_another_commit_alone_is_no_change(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write()
    assert deploy.main(["production", "--yes"]) == 0, capfd.readouterr()
    functions = account.client("lambda").list_functions()["Functions"]
    names = {each["FunctionName"]: each for each in functions}
    commit = names[f"{STACK}-health"]["Environment"]["Variables"]["COMMIT"]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", commit)
    assert "COMMIT" not in names[f"{STACK}-products"]["Environment"]["Variables"]
    seen = look("production", stage.settings)
    assert seen.stack is not None
    # moto gives functions no tags.
    tags = seen.stack.resources["ProductsLambdaFunction"]["Properties"]["Tags"]
    assert {"Key": "commit", "Value": commit} in tags
    other = json.loads(json.dumps(seen.stack.resources).replace(commit, "f" * 40))
    assert other != seen.stack.resources
    assert compare(seen.stack.resources, other) == Changes(new=[], changed=[], gone=[])


def test_production_is_not_deployed_where_nobody_agrees(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write()
    assert deploy.main(["production"]) == 1
    assert "make deploy stage=production yes=1" in capfd.readouterr().err
    assert (read_parameters(account), list_stacks(account)) == ({}, [])


@pytest.mark.parametrize("answer", ["", "y", "staging"])
def test_production_is_deployed_by_its_name_only(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = StringIO(f"{answer}\n")
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", typed)
    with pytest.raises(tools.DeployError, match="nothing has changed"):
        deploy.agree("production")
    typed.seek(0)
    typed.write("production\n")
    typed.seek(0)
    deploy.agree("production")


def test_nothing_changes_where_aws_cannot_be_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # Nor would the database answer: it is not asked.
    stage.write(DATABASE_URL=f"postgresql://postgres:s3cr3t@127.0.0.1:{free_port()}/postgres")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert deploy.main(["production", "--yes"]) == 1
    assert capfd.readouterr().err == (
        "AWS cannot be asked: EndpointConnectionError. `aws sts get-caller-identity` has to say who you are."
        " Nothing has changed\n"
    )


def test_stage_is_taken_down_by_its_name_twice(
    stage: Stage, account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.write()
    assert deploy.main(["production", "--yes"]) == 0, capfd.readouterr()
    assert remove.main(["production", "--really", "staging"]) == 1
    assert list_stacks(account) == [STACK]
    assert remove.main(["production", "--really", "production"]) == 0, capfd.readouterr()
    assert list_stacks(account) == []
    assert set(read_parameters(account)) == {WORKING, *(f"/forum/production/{name}" for name in SECRETS)}
