"""POST /login/oauth/access_token: a GitHub App changes a code for a user's tokens, or renews them.

Success as documented (docs.github.com, "Generating a user access token" and "Refreshing user access tokens");
the error, which has status 200, as quoted in interlink-hq/interLink PR 262.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from local.fake_github.account import Account
from local.fake_github.reply import Reply
from local.fake_github.tokens import APP_TOKEN_SECONDS, REFRESH_TOKEN_SECONDS

PATH = "/login/oauth/access_token"
HELP = (
    "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/"
)


@dataclass(frozen=True)
class App:
    """The GitHub App that the fake knows."""

    client_id: str = "Iv23liFakeOfForum"
    client_secret: str = "a secret that opens nothing but the fake"  # noqa: S105  the fake's only


def read_parameters(query: Iterable[tuple[str, str]], content_type: str, body: bytes) -> dict[str, str]:
    """GitHub takes them from the query, a form or JSON."""
    found = dict(query)
    if content_type.startswith("application/json"):
        return found | {name: str(value) for name, value in json.loads(body or b"{}").items()}
    return found | dict(parse_qsl(body.decode("ascii", "replace")))


def owner_of(accounts: Iterable[Account], parameters: dict[str, str]) -> Account | None:
    """Whose refresh token or code it is."""
    token, code = parameters.get("refresh_token", ""), parameters.get("code", "")
    return next(
        (account for account in accounts if token in account.refresh_tokens or code in account.codes), None
    )


def answer(app: App, account: Account | None, parameters: dict[str, str], accept: str) -> Reply:
    """The new pair, or an error; a form unless JSON is asked for."""
    given = (parameters.get("client_id"), parameters.get("client_secret"))
    if given != (app.client_id, app.client_secret):
        return _written(
            _error(
                "incorrect_client_credentials",
                "The client_id and/or client_secret passed are incorrect.",
                "incorrect-client-credentials",
            ),
            accept,
        )
    renews = parameters.get("grant_type") == "refresh_token"
    pair = None
    if account is not None and renews:
        pair = account.refresh(parameters.get("refresh_token", ""))
    elif account is not None:
        pair = account.redeem(parameters.get("code", ""), parameters.get("redirect_uri", ""))
    if pair is None:
        wrong = ("bad_refresh_token", "refresh token") if renews else ("bad_verification_code", "code")
        description = f"The {wrong[1]} passed is incorrect or expired."
        return _written(_error(wrong[0], description, "bad-verification-code"), accept)
    content: dict[str, str | int] = {
        "access_token": pair.access_token,
        "expires_in": APP_TOKEN_SECONDS,
        "refresh_token": pair.refresh_token,
        "refresh_token_expires_in": REFRESH_TOKEN_SECONDS,
        "scope": "",
        "token_type": "bearer",
    }
    return _written(content, accept)


def _error(code: str, description: str, anchor: str) -> dict[str, str | int]:
    return {"error": code, "error_description": description, "error_uri": f"{HELP}#{anchor}"}


def _written(content: dict[str, str | int], accept: str) -> Reply:
    if "json" in accept:
        return Reply.of(content)
    form = "application/x-www-form-urlencoded; charset=utf-8"
    return Reply(200, urlencode(content).encode(), {"content-type": form})
