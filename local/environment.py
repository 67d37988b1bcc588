"""The files that tell others where everything is, in a form that shells and dotenv readers take."""

from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from local.part import PartError
from local.serverless import OFFLINE
from local.stack import Stack

# What a client of Forum or of Supabase needs.
CLIENTS = "env"
# What AWS's command line and SDKs find the queues and the functions by.
AWS = "aws.env"


def write_environment(directory: Path, stack: Stack) -> None:
    """Tells of a stack that runs."""
    aws = {
        "AWS_ENDPOINT_URL": stack.aws.url,
        "AWS_ENDPOINT_URL_LAMBDA": stack.api.lambda_url,
        "AWS_REGION": stack.aws.region,
        "AWS_ACCESS_KEY_ID": OFFLINE["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": OFFLINE["AWS_SECRET_ACCESS_KEY"],
    }
    clients = {
        "SUPABASE_URL": stack.supabase.url,
        "SUPABASE_ANON_KEY": stack.supabase.anon_key,
        "API_URL": stack.api.url,
        "DATABASE_URL": stack.supabase.database_url,
    }
    write(directory / AWS, aws)
    write(directory / CLIENTS, clients)


def write(path: Path, values: Mapping[str, str]) -> None:
    """Replaces a file in one step: others may be reading it."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    partial.replace(path)


def read_environment(directory: Path) -> dict[str, str]:
    """What the last start has told."""
    # As `write` has written them: a folder may be named `${x}`.
    files = (directory / AWS, directory / CLIENTS)
    values = {name: value for file in files for name, value in dotenv_values(file, interpolate=False).items()}
    found = {name: value for name, value in values.items() if value is not None}
    if "DATABASE_URL" not in found or "AWS_ENDPOINT_URL" not in found:
        raise PartError("The local stack has not run yet: start it with `make dev`.")
    return found
