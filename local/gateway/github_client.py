"""GitHub as a way to sign in: the real one's web application flow, or the fake's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from local.gateway.errors import AuthError
from shared.settings import Settings

TIMEOUT_SECONDS = 30
FAILED = "Error getting user profile from external provider"


@dataclass(frozen=True)
class GithubApp:
    """Where GitHub is, and as which App Forum's users sign in."""

    api_url: str
    token_url: str
    client_id: str
    client_secret: str

    @property
    def authorize_url(self) -> str:
        """The page on which a person lets the App in."""
        return self.token_url.removesuffix("access_token") + "authorize"


def read_github_app(settings: Mapping[str, str]) -> GithubApp | None:
    """The App in the functions' own settings; None where there is none to sign in with."""
    client_id, secret = settings.get("GITHUB_APP_CLIENT_ID"), settings.get("GITHUB_APP_CLIENT_SECRET")
    if not client_id or not secret:
        return None
    urls = {
        field: settings.get(field.upper()) or str(Settings.model_fields[field].default)
        for field in ("github_api_url", "github_oauth_url")
    }
    return GithubApp(urls["github_api_url"].rstrip("/"), urls["github_oauth_url"], client_id, secret)


@dataclass(frozen=True)
class Profile:
    """Whoever signed in, and the tokens that GitHub gave for it."""

    claims: dict[str, Any]
    email: str
    tokens: dict[str, str]


class GithubClient:
    """The three requests of a sign-in."""

    def __init__(self, app: GithubApp, callback_url: str) -> None:
        self.app = app
        self.callback_url = callback_url

    def authorize_url(self, state: str, scopes: str) -> str:
        """Where to send the browser. GoTrue asks for the address on top of what the client asks for."""
        query = {
            "client_id": self.app.client_id,
            "redirect_uri": self.callback_url,
            "response_type": "code",
            "scope": " ".join(["user:email", *scopes.replace(",", " ").split()]),
            "state": state,
        }
        return f"{self.app.authorize_url}?{urlencode(query)}"

    async def read_profile(self, code: str) -> Profile:
        """Changes the code for tokens, and asks whose they are."""
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            try:
                tokens = await self._exchange(client, code)
                headers = {"authorization": f"Bearer {tokens['access_token']}"}
                user = await _read(client, f"{self.app.api_url}/user", headers)
                emails = await _read(client, f"{self.app.api_url}/user/emails", headers)
            except (httpx.HTTPError, KeyError, ValueError) as error:
                raise AuthError(500, "unexpected_failure", FAILED) from error
        return Profile(_claims(user, self.app.api_url), _verified_email(emails), _provider_tokens(tokens))

    async def _exchange(self, client: httpx.AsyncClient, code: str) -> dict[str, Any]:
        answer = await client.post(
            self.app.token_url,
            data={
                "client_id": self.app.client_id,
                "client_secret": self.app.client_secret,
                "code": code,
                "redirect_uri": self.callback_url,
            },
            headers={"accept": "application/json"},
        )
        tokens: dict[str, Any] = answer.raise_for_status().json()
        if "access_token" not in tokens:
            # GitHub answers 200 here; its description names neither the code nor the secret.
            message = f"Unable to exchange external code: {tokens.get('error_description', 'no token')}"
            raise AuthError(500, "unexpected_failure", message)
        return tokens


async def _read(client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> Any:
    return (await client.get(url, headers=headers)).raise_for_status().json()


def _claims(user: dict[str, Any], issuer: str) -> dict[str, Any]:
    """The identity's data with GoTrue's names."""
    number = str(user["id"])
    name = user.get("name") or user["login"]
    return {
        "iss": issuer,
        "sub": number,
        "provider_id": number,
        "name": name,
        "full_name": name,
        "preferred_username": user["login"],
        "user_name": user["login"],
        "avatar_url": user["avatar_url"],
        "phone_verified": False,
    }


def _verified_email(emails: list[dict[str, Any]]) -> str:
    """The primary address. One that GitHub has not verified may belong to somebody else's account here."""
    for email in emails:
        if email["primary"] and email["verified"]:
            return str(email["email"]).strip().lower()
    message = "Error getting user email from external provider: GitHub has no verified primary address."
    raise AuthError(422, "provider_email_needs_verification", message, oauth_error="access_denied")


def _provider_tokens(tokens: dict[str, Any]) -> dict[str, str]:
    """What supabase-js keeps as `provider_token` and `provider_refresh_token`."""
    found = {"provider_token": tokens["access_token"]}
    if refresh_token := tokens.get("refresh_token"):
        found["provider_refresh_token"] = refresh_token
    return found
