"""The secrets of a deployment, such as Supabase's secret key: settings that no template and no console shows.

On AWS a function's environment only says where a secret is, `ssm:` and the name of a SecureString in SSM's
Parameter Store. It is fetched by the first who needs it. Elsewhere the environment holds the secret itself.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Annotated, Any, final

from pydantic import BeforeValidator

from shared.aws.clients import get_client
from shared.errors import Unavailable
from shared.runtime.log import logger

PREFIX = "ssm:"
# How long a container may go on using a secret after it was changed (docs/operations.md).
MAX_AGE_SECONDS = 300

_fetching = Lock()


class SecretUnavailable(Unavailable):
    """Parameter Store does not answer, has no such parameter, or does not let this function read it."""

    def __init__(self) -> None:
        super().__init__("A key that Forum itself needs for this cannot be fetched now. Try again.")


@final
@dataclass(frozen=True, slots=True)
class DeploymentSecret:
    """A secret, or where it is."""

    text: str = field(repr=False)

    @property
    def is_reference(self) -> bool:
        """Whether the text only says where the secret is."""
        return self.text.startswith(PREFIX)

    def read(self) -> str:
        """The secret. Raises `SecretUnavailable`."""
        return _fetch(self.text.removeprefix(PREFIX)) if self.is_reference else self.text


SecretSetting = Annotated[DeploymentSecret, BeforeValidator(DeploymentSecret)]


def read_secret(secret: DeploymentSecret | None) -> str | None:
    """The secret, or None where it is not set: what needs it refuses then. Raises `SecretUnavailable`."""
    return secret and secret.read()


@cache
def get_provider() -> Any:
    """Powertools' reader of Parameter Store, which keeps what it has read for as long as it is told to."""
    # Imported here, as boto3 in shared/aws/clients.py: it brings it along.
    return import_module("aws_lambda_powertools.utilities.parameters").SSMProvider(
        boto3_client=get_client("ssm")
    )


def _fetch(name: str) -> str:
    # The worker's ten threads need the same secret at once, and Parameter Store takes 40 requests a second
    # from all of an account.
    with _fetching:
        provider = get_provider()
        errors = import_module("aws_lambda_powertools.utilities.parameters.exceptions")
        try:
            value: str = provider.get(name, max_age=MAX_AGE_SECONDS, decrypt=True)
        except errors.GetParameterError as error:
            logger.error("secret_unavailable", parameter=name, reason=_get_reason(error.__context__))
            raise SecretUnavailable from error
    return value


def _get_reason(cause: BaseException | None) -> str:
    """AWS's code, such as `AccessDeniedException`, or what kept it from answering."""
    answer = getattr(cause, "response", None) or {}
    code = answer.get("Error", {}).get("Code")
    return str(code) if code else type(cause).__name__
