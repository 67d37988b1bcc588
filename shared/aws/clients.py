"""AWS's clients. What they talk to is said by AWS's own variables: region, credentials, AWS_ENDPOINT_URL."""

from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any, Literal

CONNECT_SECONDS = 2
READ_SECONDS = 5
ATTEMPTS = 2

_making = Lock()


def get_client(service: Literal["kms", "sqs", "ssm"]) -> Any:
    """The process's client of a service, safe to use from several threads."""
    # boto3's default session must not make two clients at once.
    with _making:
        return _make_client(service)


@cache
def _make_client(service: str) -> Any:
    # Imported here: it takes a third of a second, and most functions never need it.
    config = import_module("botocore.config").Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    return import_module("boto3").client(service, config=config)


def clear_clients() -> None:
    """Forget the clients, as after a change of the environment."""
    _make_client.cache_clear()
