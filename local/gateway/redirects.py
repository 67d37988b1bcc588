"""Where a browser goes after a sign-in, and what it takes along, in GoTrue's form."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from local.gateway.answer import JSON
from local.gateway.errors import AuthError
from local.ports import LOOPBACK_HOSTS

OAUTH_ERRORS = {400: "invalid_request", 401: "unauthorized_client", 403: "access_denied", 500: "server_error"}


def choose_redirect(wanted: str, site_url: str) -> str:
    """The address that a client asked for if it is on this machine, else the site's.

    Stops a page elsewhere from having the session of whoever is signed in to GitHub sent to it.
    """
    try:
        parts = urlsplit(wanted)
        is_local = parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK_HOSTS
    except ValueError:
        is_local = False
    return wanted if is_local else site_url


def with_query(url: str, added: Mapping[str, str]) -> str:
    """The address with more parameters."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **added}
    return urlunsplit(parts._replace(query=urlencode(query)))


def with_fragment(url: str, added: Mapping[str, str]) -> str:
    """The address with values that no server sees. `sb` marks them as Supabase's."""
    return urlunsplit(urlsplit(url)._replace(fragment=urlencode({**added, "sb": ""})))


def with_session(url: str, session: JSON, added: Mapping[str, str]) -> str:
    """The address with a session for a page that began without a code challenge."""
    names = ("access_token", "expires_at", "expires_in", "refresh_token", "token_type")
    return with_fragment(url, {**{name: str(session[name]) for name in names}, **added})


def with_error(url: str, error: AuthError) -> str:
    """The address with a refusal: for a server in the query, for a page in the fragment."""
    found = {
        "error": error.oauth_error or OAUTH_ERRORS.get(error.status, "server_error"),
        "error_code": error.code,
        "error_description": error.message,
    }
    return with_fragment(with_query(url, found), found)
