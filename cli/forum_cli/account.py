"""What `forum next` says of the account itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from forum_cli.api import Api
from forum_cli.tokens import PATH

SOON = timedelta(days=14)


def describe_account(account: Any) -> Iterator[str]:
    """The account in a few lines: GitHub first, then what ends."""
    yield "Account"
    yield f"  GitHub  {describe_connection(account['connection'])}"
    if run := account["failed_run"]:
        yield f"  Failed  the re-sync of {run['ended_at'][:10]}: {run['error'] or 'no reason is known'}"
    for token in account["expiring_tokens"]:
        yield f"  Token   {token['id'][:8]}  {token['name']} ends on {token['expires_at'][:10]}"
    for kept in account["ending_trash"]:
        yield f"  Trash   {kept['id'][:8]}  {kept['title']} goes on {kept['expires_at'][:10]}"


def describe_connection(connection: Any) -> str:
    """How Forum stands with GitHub."""
    if connection is None:
        return "not connected"
    said = [f"connected as {connection['github_login']}"]
    if connection["state"] == "needs_reauth":
        said.append("connect it anew")
    if connection["last_success_at"]:
        said.append(f"read last on {connection['last_success_at'][:10]}")
    if connection["last_error"]:
        said.append(f"then {connection['last_error']}")
    if connection["paused_until"]:
        said.append(f"paused until {connection['paused_until'][:16].replace('T', ' ')} UTC")
    if connection["token_expires_at"]:
        said.append(f"its token until {connection['token_expires_at'][:10]}")
    return ", ".join(said)


def find_own_end(forum: Api) -> str | None:
    """The day on which the token in use ends, where that is soon."""
    ends = datetime.fromisoformat(forum.fetch(f"{PATH}/current")["expires_at"])
    return ends.date().isoformat() if ends - datetime.now(UTC) <= SOON else None
