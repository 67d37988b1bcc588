"""A stage's secrets, from its file into Parameter Store."""

from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types of its own
import pytest

from local.aws import run_moto
from local.ports import answers, free_port
from local.serverless import OFFLINE
from operations.parameters import (
    DEFAULT_REGION,
    ParameterStoreError,
    find_secrets,
    get_region,
    refer_to_secrets,
    store_secrets,
)

SETTINGS = {
    "SUPABASE_URL": "https://project.supabase.co",
    "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
    "SUPABASE_SECRET_KEY": "sb_secret_x",
    "GITHUB_IMPORT_KEY": "k" * 48,
}
LEGACY = {
    **{name: value for name, value in SETTINGS.items() if name != "SUPABASE_JWKS_URL"},
    "SUPABASE_JWT_SECRET": "j" * 32,
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """AWS, played by moto."""
    port = free_port()
    with run_moto(port, tmp_path_factory.mktemp("moto") / "aws.log") as moto:
        moto.part.wait_until(lambda: answers(port))
        yield moto.url


@pytest.fixture
def ssm(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An operator's environment, with nothing stored yet."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**OFFLINE, "AWS_ENDPOINT_URL": url}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("ssm", region_name=DEFAULT_REGION)
    for name in read_all(client):
        client.delete_parameter(Name=name)
    return client


def read_all(client: Any) -> dict[str, dict[str, Any]]:
    """Every parameter of Forum's, by its name."""
    found = client.get_parameters_by_path(Path="/forum", Recursive=True, WithDecryption=True)["Parameters"]
    return {each["Name"]: each for each in found}


def test_secrets_are_stored_encrypted_under_their_stage(ssm: Any) -> None:
    stored = store_secrets("production", SETTINGS)
    assert stored == ["/forum/production/GITHUB_IMPORT_KEY", "/forum/production/SUPABASE_SECRET_KEY"]
    found = read_all(ssm)
    assert sorted(found) == stored
    assert {each["Type"] for each in found.values()} == {"SecureString"}
    assert found["/forum/production/SUPABASE_SECRET_KEY"]["Value"] == "sb_secret_x"


def test_secret_is_written_again_only_when_it_differs(ssm: Any) -> None:
    store_secrets("production", SETTINGS)
    assert store_secrets("production", SETTINGS) == []
    changed = {**SETTINGS, "SUPABASE_SECRET_KEY": "sb_secret_y"}
    assert store_secrets("production", changed) == ["/forum/production/SUPABASE_SECRET_KEY"]
    found = read_all(ssm)
    versions = {name.rsplit("/", 1)[1]: (each["Version"], each["Value"]) for name, each in found.items()}
    assert versions == {
        "GITHUB_IMPORT_KEY": (1, SETTINGS["GITHUB_IMPORT_KEY"]),
        "SUPABASE_SECRET_KEY": (2, "sb_secret_y"),
    }


def test_stages_do_not_share_a_secret(ssm: Any) -> None:
    store_secrets("production", SETTINGS)
    store_secrets("staging", {**SETTINGS, "SUPABASE_SECRET_KEY": "sb_secret_staging"})
    found = read_all(ssm)
    assert found["/forum/production/SUPABASE_SECRET_KEY"]["Value"] == "sb_secret_x"
    assert found["/forum/staging/SUPABASE_SECRET_KEY"]["Value"] == "sb_secret_staging"


def test_secret_that_is_not_set_any_more_stays_for_a_rollback(ssm: Any) -> None:
    store_secrets("production", LEGACY)
    store_secrets("production", SETTINGS)
    assert "/forum/production/SUPABASE_JWT_SECRET" in read_all(ssm)


def test_functions_are_told_the_places_of_what_is_stored(ssm: Any) -> None:
    store_secrets("production", LEGACY)
    told = refer_to_secrets("production", LEGACY)
    assert {f"ssm:{name}" for name in read_all(ssm)} == set(told.values())


def test_legacy_secret_is_none_where_the_keys_are_public() -> None:
    assert "SUPABASE_JWT_SECRET" in find_secrets(LEGACY)
    assert "SUPABASE_JWT_SECRET" not in find_secrets({**SETTINGS, **LEGACY})


def test_region_is_that_of_the_stage_before_that_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    assert get_region({}) == DEFAULT_REGION
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert get_region({}) == "us-east-1"
    assert get_region({"AWS_REGION": "eu-west-1"}) == "eu-west-1"


@pytest.mark.usefixtures("ssm")
def test_refusal_is_told_by_its_code_and_not_in_words_that_quote() -> None:
    with pytest.raises(ParameterStoreError) as refused:
        store_secrets("production", {**SETTINGS, "SUPABASE_SECRET_KEY": ""})
    assert str(refused.value) == "Parameter Store refuses PutParameter: ValidationException"


def test_aws_that_cannot_be_reached_is_told(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_all(ssm) == {}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ParameterStoreError, match="cannot be asked: EndpointConnectionError"):
        store_secrets("production", SETTINGS)
