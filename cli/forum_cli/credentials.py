"""Where the access token is kept: in the system's keyring, or in a file where that was asked for."""

import json
import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import click

from forum_cli.failures import Failure, NotSignedIn
from forum_cli.files import write_private_file

Storage = Literal["environment", "keyring", "file"]

SERVICE = "forum"
TRY_FILE = (
    "Repeat with --insecure-storage to keep the token in a file that only you can read, or set FORUM_TOKEN."
)


@dataclass(frozen=True)
class Credentials:
    """A token, the one address that it is sent to, and where it was found."""

    api: str
    token: str
    storage: Storage


def check_api(address: str) -> str:
    """An address that a token may be sent to, without a slash at its end."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return address.rstrip("/")
    if parts.scheme == "http" and is_loopback(host):
        return address.rstrip("/")
    raise Failure(f"{address!r} is no address of Forum: it has to be https://…, or http:// on this machine.")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def credentials_file() -> Path:
    """The file that says where one is signed in, and has the token if no keyring has it."""
    return Path(click.get_app_dir("forum", force_posix=False)) / "credentials.json"


def read_credentials_file() -> dict[str, str]:
    """What the file holds; nothing, if there is none."""
    path = credentials_file()
    try:
        held: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # Without the cause: the text of a damaged file may be the token.
        raise Failure(f"{path} cannot be read. Remove it and sign in again: forum login") from (
            error if isinstance(error, OSError) else None
        )
    if not isinstance(held, dict) or not all(isinstance(value, str) for value in held.values()):
        raise Failure(f"{path} is damaged. Remove it and sign in again: forum login")
    return held


def find_credentials() -> Credentials:
    """The token of FORUM_TOKEN, of the keyring or of the file, in this order."""
    held = read_credentials_file()
    token = os.environ.get("FORUM_TOKEN")
    if token:
        # Only where it is meant for: a token of the environment never goes where another was stored for.
        api = os.environ.get("FORUM_API")
        if not api:
            raise Failure("FORUM_TOKEN is set, and FORUM_API is not: say which Forum it is for.")
        return Credentials(check_api(api), token, "environment")
    if not held.get("api"):
        raise NotSignedIn("You are not signed in: forum login")
    if held.get("storage") == "file":
        return Credentials(check_api(held["api"]), held.get("token", ""), "file")
    return Credentials(check_api(held["api"]), read_keyring(held["api"]), "keyring")


def read_keyring(api: str) -> str:
    """The token that the keyring has for an address."""
    import keyring  # noqa: PLC0415 - it looks for backends when imported, which `--help` need not wait for

    try:
        token: str | None = keyring.get_password(SERVICE, api)
    except Exception as error:  # noqa: BLE001 - each backend has exceptions of its own
        raise Failure(f"The keyring does not open ({type(error).__name__}). {TRY_FILE}") from None
    if token is None:
        raise NotSignedIn("The keyring has no token any more: forum login")
    return token


def probe_keyring() -> None:
    """Fail unless the keyring keeps what it is given, before there is a token to lose."""
    import keyring  # noqa: PLC0415 - as above

    # Below 1 are those that keep nothing, and those that keep it as plain text without saying so.
    if keyring.get_keyring().priority < 1:
        raise Failure(f"This machine has no keyring. {TRY_FILE}")
    try:
        keyring.set_password(SERVICE, "probe", "probe")
        kept = keyring.get_password(SERVICE, "probe")
        keyring.delete_password(SERVICE, "probe")
    except Exception as error:  # noqa: BLE001 - each backend has exceptions of its own
        raise Failure(f"The keyring does not open ({type(error).__name__}). {TRY_FILE}") from None
    if kept != "probe":
        raise Failure(f"The keyring does not keep what it is given. {TRY_FILE}")


def store_credentials(credentials: Credentials) -> None:
    """Keep a token, in the place that its `storage` names."""
    held = {"api": credentials.api, "storage": credentials.storage}
    if credentials.storage == "keyring":
        import keyring  # noqa: PLC0415 - as above

        keyring.set_password(SERVICE, credentials.api, credentials.token)
    else:
        held["token"] = credentials.token
    path = credentials_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private_file(path, json.dumps(held) + "\n")


def forget_credentials() -> None:
    """Forget the stored token, wherever it is."""
    held = read_credentials_file()
    if held.get("storage") == "keyring":
        import keyring  # noqa: PLC0415 - as above

        try:
            keyring.delete_password(SERVICE, held["api"])
        except keyring.errors.PasswordDeleteError:
            pass  # it is gone, which is what was asked for
        except Exception as error:  # noqa: BLE001 - each backend has exceptions of its own
            raise Failure(
                f"The keyring does not open ({type(error).__name__}): the token is still in it."
            ) from None
    credentials_file().unlink(missing_ok=True)
