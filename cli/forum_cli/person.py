"""Forum as a person, signed in for a moment: access tokens are made and revoked by people only."""

import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import click

from forum_cli.api import Api, Server
from forum_cli.credentials import Credentials, check_api
from forum_cli.failures import Failure, NotSignedIn

# Ways to sign in that are no page to be sent to.
WITHOUT_A_PAGE = frozenset({"email", "phone", "anonymous_users"})
GITHUB = "github"


@contextmanager
def sign_in(api: str, email: str | None) -> Iterator[Api]:
    """Forum with a session of a person's: by a code in a mail, or in a browser.

    The session ends with the block, and is kept nowhere.
    """
    with Server(api) as forum:
        options: Any = forum.send("GET", "/.well-known/forum").json()
    with Server(check_api(options["supabase_url"]), {"apikey": options["publishable_key"]}) as supabase:
        if email is None:
            session = sign_in_by_browser(supabase, options["providers"])
        else:
            session = sign_in_by_mail(supabase, email)
        try:
            with Api(Credentials(api, session, "nowhere")) as forum:
                yield forum
        finally:
            with suppress(Failure):  # it ends by itself within the hour
                headers = {"authorization": f"Bearer {session}"}
                supabase.send("POST", "/auth/v1/logout?scope=local", headers=headers)


def sign_in_by_mail(supabase: Server, email: str) -> str:
    """A session for the six digits that were sent to an address. It needs no browser, so it goes over SSH."""
    supabase.send("POST", "/auth/v1/otp", json={"email": email, "create_user": False})
    click.echo(f"A mail with a code is on its way to {email}.", err=True)
    code = click.prompt("Code", err=True)
    body = {"type": "email", "email": email, "token": code.strip()}
    return start_session(supabase, "/auth/v1/verify", body)


def sign_in_by_browser(supabase: Server, providers: Sequence[str]) -> str:
    """A session by the code that a browser brings back.

    PKCE (RFC 7636): whoever else sees the code cannot use it, and a code of somebody else's is refused.
    """
    from forum_cli.landing import Landing  # noqa: PLC0415 - its server would cost `--help` a third more

    provider = choose_provider(providers)
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    with Landing() as landing:
        query = {
            "provider": provider,
            "redirect_to": landing.address,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "s256",
        }
        open_browser(f"{supabase.address}/auth/v1/authorize?{urlencode(query)}")
        code = landing.wait_for_code()
    body = {"auth_code": code, "code_verifier": verifier}
    return start_session(supabase, "/auth/v1/token?grant_type=pkce", body)


def choose_provider(providers: Sequence[str]) -> str:
    """GitHub, or whatever else has a page to sign in on."""
    found = [name for name in providers if name not in WITHOUT_A_PAGE]
    if not found:
        raise Failure("This Forum has no sign-in by browser. By a code in a mail: forum login --email you@…")
    return GITHUB if GITHUB in found else found[0]


def open_browser(address: str) -> None:
    """Show the page to sign in on, and the address for whoever sees none."""
    # What Python would start in a terminal without a display is a browser for text, in place of this command.
    if os.environ.get("BROWSER") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        has_browser = True
    else:
        has_browser = sys.platform in {"darwin", "win32"}
    where = "Your browser asks you to sign in." if has_browser else "Open this in a browser of this machine."
    click.echo(f"{where} By a code in a mail it goes without one: --email you@…\n  {address}", err=True)
    if has_browser:
        import webbrowser  # noqa: PLC0415 - it looks for browsers

        webbrowser.open(address)


def start_session(supabase: Server, path: str, body: dict[str, str]) -> str:
    """The access token of a new session."""
    try:
        token: str = supabase.send("POST", path, json=body).json()["access_token"]
    except Failure as failure:
        raise NotSignedIn(failure.message) from None
    return token
