"""Secrets of a deployment: fetched once by whom needs them, kept for a while, and never shown."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest

from local.aws import client, run_moto
from local.ports import answers, free_port
from local.waiting import wait_for
from shared.auth.sign_in import verify
from shared.aws import deployment_secrets
from shared.aws.clients import clear_clients, get_client
from shared.aws.deployment_secrets import DeploymentSecret, SecretUnavailable, get_provider, read_secret
from shared.database.service_role import connect_as_service
from shared.errors import Unavailable
from shared.settings import Settings, get_settings
from tests.patience import PATIENCE_SECONDS
from tests.shared.jwks_server import run_jwks_server

ROOT = Path(__file__).parents[3]
NAME = "/forum/test/GITHUB_IMPORT_KEY"
SECRET = "s3cr3t-of-the-deployment"
PLACE = DeploymentSecret(f"ssm:{NAME}")


@pytest.fixture(scope="module")
def aws_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running moto."""
    with run_moto(port := free_port(), tmp_path_factory.mktemp("moto") / "aws.log") as moto:
        moto.part.wait_until(lambda: answers(port))
        # Its first answer takes longer than a function waits, on a busy machine: it loads the service then.
        first = client("ssm", url=moto.url, region="eu-central-1", answer_seconds=PATIENCE_SECONDS)
        first.describe_parameters()
        yield moto.url


class ParameterStore:
    """moto's, and what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.client = get_client("ssm")
        self.client.meta.events.register("before-call.ssm.GetParameter", self._note)

    def put(self, value: str, name: str = NAME) -> None:
        """Store a secret."""
        self.client.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    def refuse(self, code: str) -> None:
        """Answer with an error from now on, which quotes the secret."""

        def refuse(parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
            parsed["Error"] = {"Code": code, "Message": f"about {SECRET}"}
            http_response.status_code = 400

        # botocore raises what the parsed answer says, once its handlers are through with it.
        self.client.meta.events.register("after-call.ssm.GetParameter", refuse)

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append(json.loads(params["body"])["Name"])


@pytest.fixture
def environment(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """That of a function on AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "SUPABASE_URL": "https://project.supabase.co",
        "SUPABASE_ANON_KEY": "sb_publishable_x",
        "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
        "SUPABASE_JWT_ISSUER": "https://project.supabase.co/auth/v1",
    }.items():
        monkeypatch.setenv(name, value)
    forget()
    yield monkeypatch
    monkeypatch.undo()
    forget()


def forget() -> None:
    """As in a new container."""
    clear_clients()
    get_provider.cache_clear()
    get_settings.cache_clear()


@pytest.fixture
def store(environment: pytest.MonkeyPatch) -> Iterator[ParameterStore]:  # noqa: ARG001 - its address
    """Parameter Store with the secret in it."""
    store = ParameterStore()
    store.put(SECRET)
    yield store
    store.client.delete_parameters(Names=[NAME])


def test_secret_of_a_developer_is_the_variable_itself() -> None:
    assert DeploymentSecret(SECRET).read() == SECRET
    assert read_secret(DeploymentSecret(SECRET)) == SECRET


def test_secret_that_is_not_set_is_none() -> None:
    assert read_secret(None) is None


def test_secret_is_fetched_decrypted_and_once(store: ParameterStore) -> None:
    assert store.client.get_parameter(Name=NAME)["Parameter"]["Value"] != SECRET
    store.asked.clear()
    assert [PLACE.read() for _ in range(3)] == [SECRET] * 3
    assert store.asked == [NAME]


def test_threads_that_need_it_at_once_fetch_it_once(store: ParameterStore) -> None:
    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(lambda _: PLACE.read(), range(10))) == [SECRET] * 10
    assert store.asked == [NAME]


def test_changed_secret_is_not_fetched_again_before_the_bound(store: ParameterStore) -> None:
    assert PLACE.read() == SECRET
    store.put("another")
    assert PLACE.read() == SECRET
    assert store.asked == [NAME]


def test_changed_secret_is_fetched_again_after_the_bound(
    store: ParameterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_secrets, "MAX_AGE_SECONDS", 1)
    assert PLACE.read() == SECRET
    store.put("another")
    assert wait_for(lambda: PLACE.read() == "another", PATIENCE_SECONDS)


def test_bound_is_five_minutes_whatever_powertools_is_told(
    store: ParameterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_PARAMETERS_MAX_AGE", "0")
    PLACE.read()
    PLACE.read()
    assert store.asked == [NAME]
    assert deployment_secrets.MAX_AGE_SECONDS == 300


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalServerError"])
def test_refusal_is_unavailable_logged_by_its_code_and_tried_again(
    store: ParameterStore, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.refuse(code)
    for _ in range(2):
        with pytest.raises(SecretUnavailable) as unavailable:
            PLACE.read()
        assert unavailable.value.status == 503
        assert NAME not in unavailable.value.detail
        assert SECRET not in unavailable.value.detail
    assert len(store.asked) >= 2
    written = capsys.readouterr().out
    assert SECRET not in written
    assert [
        (line["message"], line["parameter"], line["reason"]) for line in map(json.loads, written.splitlines())
    ] == [("secret_unavailable", NAME, code)] * 2


def test_missing_parameter_is_unavailable_and_found_once_it_is_there(
    store: ParameterStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.client.delete_parameters(Names=[NAME])
    with pytest.raises(SecretUnavailable):
        PLACE.read()
    assert json.loads(capsys.readouterr().out)["reason"] == "ParameterNotFound"
    store.put(SECRET)
    assert PLACE.read() == SECRET


def test_parameter_store_that_cannot_be_reached_is_unavailable(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(SecretUnavailable):
        PLACE.read()
    assert json.loads(capsys.readouterr().out)["reason"] == "EndpointConnectionError"


def test_secret_is_in_no_text_of_the_settings() -> None:
    settings = Settings.model_validate(
        {
            "SUPABASE_URL": "https://project.supabase.co",
            "SUPABASE_ANON_KEY": "sb_publishable_x",
            "SUPABASE_JWT_SECRET": f"{SECRET} of the legacy tokens",
            "SUPABASE_SECRET_KEY": SECRET,
            "GITHUB_IMPORT_KEY": SECRET,
            "GITHUB_APP_CLIENT_SECRET": SECRET,
            "APP_INFO_KEY": SECRET,
        }
    )
    assert SECRET not in f"{settings!r} {settings}"


def test_legacy_token_is_verified_with_the_secret_of_parameter_store(
    store: ParameterStore, environment: pytest.MonkeyPatch
) -> None:
    secret = "the legacy secret, which is long enough"
    environment.delenv("SUPABASE_JWKS_URL")
    environment.setenv("SUPABASE_JWT_SECRET", f"ssm:{NAME}")
    store.put(secret)
    token = jwt.encode(make_claims(), secret, algorithm="HS256")
    assert str(verify(token, get_settings()).user_id) == make_claims()["sub"]
    get_provider.cache_clear()
    store.refuse("AccessDeniedException")
    with pytest.raises(Unavailable):
        verify(token, get_settings())


def test_token_of_published_keys_asks_for_no_secret(
    store: ParameterStore, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("SUPABASE_JWT_SECRET", f"ssm:{NAME}")
    with run_jwks_server() as jwks:
        jwks.add_key("a")
        environment.setenv("SUPABASE_JWKS_URL", jwks.url)
        verify(jwks.sign(make_claims(), "a"), get_settings())
    assert store.asked == []


def test_dispatcher_and_worker_go_to_the_database_with_the_secret_of_parameter_store(
    store: ParameterStore, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("SUPABASE_SECRET_KEY", f"ssm:{NAME}")
    store.put("sb_secret_of_the_project")
    assert connect_as_service().headers["apikey"] == "sb_secret_of_the_project"


def make_claims() -> dict[str, Any]:
    """Of a user of the project."""
    return {
        "iss": "https://project.supabase.co/auth/v1",
        "aud": "authenticated",
        "exp": 4_000_000_000,
        "sub": "6b1f9c1e-7f0c-4e07-9a3e-6d4c5b6a7980",
        "role": "authenticated",
    }


SERVE = """
import sys
from importlib import import_module
handler = import_module(f"functions.{sys.argv[1]}.handler").handler
event = {
    "version": "2.0", "routeKey": "", "rawPath": sys.argv[2], "rawQueryString": "",
    "headers": {"authorization": f"Bearer {sys.argv[3]}"},
    "requestContext": {"http": {"method": "GET", "path": sys.argv[2], "protocol": "HTTP/1.1",
                       "sourceIp": "127.0.0.1", "userAgent": ""}, "requestId": "1", "stage": "$default"},
    "isBase64Encoded": False,
}
status = handler(event, None)["statusCode"]
heavy = {"boto3", "botocore.session", "aws_lambda_powertools.utilities.parameters"}
loaded = sorted(heavy & sys.modules.keys())
print("ANSWER", status, *loaded, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("function", "path"),
    [("products", "/api/products"), ("work_items", "/api/work"), ("documents", "/api/docs")],
)
def test_function_without_secrets_does_not_load_what_would_fetch_them(function: str, path: str) -> None:
    """It costs a third of a second of a cold start."""
    with run_jwks_server() as jwks:
        jwks.add_key("a")
        environment = {
            "PATH": os.environ["PATH"],
            "SUPABASE_URL": "http://127.0.0.1:1",
            "SUPABASE_ANON_KEY": "sb_publishable_x",
            "SUPABASE_JWKS_URL": jwks.url,
            "SUPABASE_JWT_ISSUER": make_claims()["iss"],
        }
        ended = subprocess.run(  # noqa: S603 - the program is named here
            [sys.executable, "-c", SERVE, function, path, jwks.sign(make_claims(), "a")],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    # Signed in, and as far as a database that nobody runs.
    assert ended.stderr.splitlines()[-1] == "ANSWER 503", ended.stderr
