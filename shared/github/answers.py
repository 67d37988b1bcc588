"""What GitHub's answers mean. A response goes in, a value or an exception comes out; no I/O."""

import re
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from shared.github.errors import (
    Blocked,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubUnavailable,
    SsoRequired,
    TokenRejected,
    Unreadable,
)
from shared.github.limits import get_retry_at

AnswerT = TypeVar("AnswerT")

LONGEST_QUOTE = 200
NOT_ALLOWED = "GitHub does not allow this with this token."


def read_body(adapter: TypeAdapter[AnswerT], response: httpx.Response, now: float) -> AnswerT:
    """The body of a successful answer. Raises a `GitHubError` for every other answer."""
    if response.status_code != httpx.codes.OK:
        raise explain(response, now)
    try:
        return adapter.validate_json(response.content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise Unreadable(f"GitHub sent a body that cannot be read ({place}: {first['type']}).") from None


def find_next_url(response: httpx.Response) -> str | None:
    """Where the next page is, word for word: GitHub may name it by another path than was asked for."""
    return response.links.get("next", {}).get("url")


def find_last_page(response: httpx.Response, number: int, *, is_empty: bool) -> int | None:
    """How many pages there are. GitHub does not say it on the last one, nor where counting costs too much."""
    links = response.links
    if "last" in links:
        found = re.search(r"[?&]page=(\d{1,9})(?:&|$)", links["last"].get("url", ""), re.ASCII)
        return int(found.group(1)) if found else None
    if "next" in links or (is_empty and number > 1):
        return None
    return number


def find_withheld(response: httpx.Response) -> tuple[int, ...]:
    """The organisations whose repositories are missing from a listing, for want of single sign-on."""
    header = response.headers.get("x-github-sso", "")
    found = re.match(r"partial-results;\s*organizations=([\d,]+)", header, re.ASCII)
    return tuple(int(number) for number in found.group(1).split(",") if number) if found else ()


def hides_a_part(response: httpx.Response) -> bool:
    """Whether an answer leaves out what stands behind an organisation's single sign-on."""
    sso: str = response.headers.get("x-github-sso", "")
    return sso.startswith("partial-results")


def find_sso_url(response: httpx.Response) -> str | None:
    """Where to authorise the token for an organisation's single sign-on. It comes beside data as well."""
    sso = response.headers.get("x-github-sso", "")
    found = re.search(r"url=([^;,\s]+)", sso) if sso.startswith("required") else None
    return _keep_web_address(found.group(1)) if found else None


def explain(response: httpx.Response, now: float) -> GitHubError:
    """Why GitHub refused or failed."""
    status = response.status_code
    if status == httpx.codes.UNAUTHORIZED:
        return TokenRejected()
    if status == httpx.codes.NOT_FOUND:
        return GitHubNotFound("GitHub knows no such repository, or does not show it to this token.")
    body = _read_error(response)
    # Some takedowns come as 403 with the body of a 451 (PyGithub#1015, fork-cleaner#99).
    if status == httpx.codes.UNAVAILABLE_FOR_LEGAL_REASONS or isinstance(body.get("block"), dict):
        return _explain_block(body.get("block"))
    # First: a token may need the sign-on and have nothing remaining, and waiting ends only one of them.
    needs_sso = response.headers.get("x-github-sso", "").startswith("required")
    retry_at = (
        None if needs_sso else get_retry_at(status, response.headers, str(body.get("message", "")), now)
    )
    if retry_at is not None:
        return GitHubRateLimited(retry_at, now)
    if status == httpx.codes.FORBIDDEN:
        return _explain_refusal(response, body)
    return GitHubUnavailable(f"GitHub answered with status {status}.")


def quote(message: object) -> str | None:
    """GitHub's own words, such as those about an organisation's list of addresses: one line, in bounds.

    What does not print is left out: it could forge a line of a log, or turn the text of a page around.
    """
    if not isinstance(message, str):
        return None
    printed = "".join(character if character.isprintable() else " " for character in message)
    return " ".join(printed.split())[:LONGEST_QUOTE] or None


def _explain_refusal(response: httpx.Response, body: dict[str, Any]) -> GitHubForbidden:
    if not response.headers.get("x-github-sso", "").startswith("required"):
        return GitHubForbidden(quote(body.get("message")) or NOT_ALLOWED)
    return SsoRequired(find_sso_url(response))


def _read_error(response: httpx.Response) -> dict[str, Any]:
    """The fields of an error. A proxy's HTML page has none."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _explain_block(block: object) -> Blocked:
    fields = block if isinstance(block, dict) else {}
    reason = fields.get("reason")
    return Blocked(quote(reason) or "unknown", _keep_web_address(fields.get("html_url")))


def _keep_web_address(url: object) -> str | None:
    """Only what a browser may be sent to: a frontend will make a link of it."""
    return url if isinstance(url, str) and re.fullmatch(r"https://[\x21-\x7e]{1,1990}", url) else None
