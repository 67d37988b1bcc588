"""A stage's secrets in Parameter Store, where its functions fetch them (shared/aws/deployment_secrets.py)."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types of its own
from botocore.exceptions import (  # type: ignore[import-untyped]  # as boto3
    BotoCoreError,
    ClientError,
)

from shared.aws.deployment_secrets import PREFIX
from shared.settings import MIN_JWT_SECRET_BYTES

SECRETS = (
    "APP_INFO_KEY",
    "GITHUB_APP_CLIENT_SECRET",
    "GITHUB_IMPORT_KEY",
    "SUPABASE_JWT_SECRET",
    "SUPABASE_SECRET_KEY",
)
DEFAULT_REGION = "eu-central-1"
# Parameter Store's own, of the tier that costs nothing.
MAX_BYTES = 4096


class ParameterStoreError(Exception):
    """Why something is not stored or read. Not in AWS's words, which may quote what it was given."""


def get_region(settings: Mapping[str, str]) -> str:
    """Where a stage is."""
    return settings.get("AWS_REGION") or os.environ.get("AWS_REGION") or DEFAULT_REGION


def find_secrets(settings: Mapping[str, str]) -> dict[str, str]:
    """Those of a stage that its functions use."""
    # What verifies tokens: only without the public keys.
    unused = {"SUPABASE_JWT_SECRET"} if "SUPABASE_JWKS_URL" in settings else set()
    return {name: settings[name] for name in SECRETS if name in settings and name not in unused}


def get_parameter_name(stage: str, secret: str) -> str:
    """What a secret of a stage is called."""
    return f"/forum/{stage}/{secret}"


def refer_to_secrets(stage: str, settings: Mapping[str, str]) -> dict[str, str]:
    """What functions have in their environment in place of each secret: where it is."""
    return {name: f"{PREFIX}{get_parameter_name(stage, name)}" for name in find_secrets(settings)}


def store_secrets(stage: str, settings: Mapping[str, str]) -> list[str]:
    """Writes the secrets that are not there yet, or are others. Returns their names.

    Raises `ParameterStoreError`.
    """
    with open_parameter_store(settings) as ssm:
        return _store(ssm, stage, settings)


@contextmanager
def open_parameter_store(settings: Mapping[str, str]) -> Iterator[Any]:
    """A client of Parameter Store. What it raises becomes `ParameterStoreError`."""
    try:
        # Where and as whom osls deploys: the file of a stage may name both.
        session = boto3.Session(profile_name=settings.get("AWS_PROFILE"), region_name=get_region(settings))
        yield session.client("ssm")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        raise ParameterStoreError(f"Parameter Store refuses {error.operation_name}: {code}") from None
    except BotoCoreError as error:
        raise ParameterStoreError(f"Parameter Store cannot be asked: {type(error).__name__}") from None


def _store(ssm: Any, stage: str, settings: Mapping[str, str]) -> list[str]:
    wanted = {get_parameter_name(stage, name): value for name, value in find_secrets(settings).items()}
    # All of them in one request: it takes ten.
    found = ssm.get_parameters(Names=sorted(wanted), WithDecryption=True)["Parameters"]
    stored = {each["Name"]: each["Value"] for each in found}
    different = [name for name in sorted(wanted) if stored.get(name) != wanted[name]]
    for name in different:
        ssm.put_parameter(Name=name, Value=wanted[name], Type="SecureString", Overwrite=True)
    return different


def find_wrong_secrets(settings: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a stage's secrets, each in a line and without a value."""
    secrets = find_secrets(settings)
    if "GITHUB_APP_CLIENT_ID" in settings and "GITHUB_APP_CLIENT_SECRET" not in secrets:
        yield "GITHUB_APP_CLIENT_SECRET is missing: the client secret of the GitHub App"
    # RFC 7518 section 3.2. A function would only find out when somebody signs in.
    if 0 < len(secrets.get("SUPABASE_JWT_SECRET", "").encode()) < MIN_JWT_SECRET_BYTES:
        yield f"SUPABASE_JWT_SECRET is shorter than the {MIN_JWT_SECRET_BYTES} bytes that HS256 needs"
    for name, value in secrets.items():
        if len(value.encode()) > MAX_BYTES:
            yield f"{name} is longer than the {MAX_BYTES} bytes that a parameter holds"
        if value.startswith(PREFIX):
            yield f"{name} has to be the secret itself: where it is stored is `make deploy`'s to say"
