"""When may this user's token be used again? Answered from what GitHub sent; nothing here waits.

docs.github.com, "Best practices for using the REST API": `retry-after` first; then, with nothing remaining,
`x-ratelimit-reset`; else a minute. The same limit comes as 403 or as 429 (KnpLabs/php-github-api#1070).
"""

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus

WITHOUT_A_HINT_SECONDS = 60
# The longest real wait is the hour of the primary limit. More than a day is a broken header, not a limit.
LONGEST_SECONDS = 24 * 60 * 60
# In the bodies of limits that carry no telling header, old and new wording.
PHRASES = (
    "secondary rate limit",
    "api rate limit exceeded",
    "api rate limit already exceeded",
    "abuse detection mechanism",
    # After several refused tokens of a person, good ones are refused as well for a while.
    "number of login attempts exceeded",
)


def get_retry_at(status: int, headers: Mapping[str, str], message: str, now: float) -> float | None:
    """The moment to try again, in epoch seconds; None where the answer is not about a rate limit.

    `headers` must find names in any case, as httpx's do.
    """
    if status not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    delay = _delay(headers.get("retry-after"), now)
    if delay is None and headers.get("x-ratelimit-remaining") == "0":
        delay = _until(headers.get("x-ratelimit-reset"), now)
    if delay is None:
        is_limit = status == HTTPStatus.TOO_MANY_REQUESTS or headers.get("x-ratelimit-remaining") == "0"
        if not is_limit and "retry-after" not in headers and not _speaks_of_a_limit(message):
            return None
        delay = WITHOUT_A_HINT_SECONDS
    return _bound(delay, now)


def get_graphql_retry_at(
    headers: Mapping[str, str], messages: Sequence[str], now: float, *, is_limited: bool
) -> float | None:
    """The same for GraphQL, which tells of its limits in an answer with status 200.

    The primary one can come while `x-ratelimit-remaining` is not yet 0 (octokit/plugin-throttling.js#636).
    """
    speaks = [message for message in messages if _speaks_of_a_limit(message)]
    if not is_limited and not speaks:
        return None
    delay = _delay(headers.get("retry-after"), now)
    if delay is None and not any("secondary" in message.lower() for message in messages):
        delay = _until(headers.get("x-ratelimit-reset"), now)
    return _bound(WITHOUT_A_HINT_SECONDS if delay is None else delay, now)


def _bound(delay: float, now: float) -> float:
    return now + min(max(delay, 1), LONGEST_SECONDS)


def _speaks_of_a_limit(message: str) -> bool:
    return any(phrase in message.lower() for phrase in PHRASES)


def _delay(retry_after: str | None, now: float) -> float | None:
    """RFC 9110: seconds, or an HTTP date."""
    if retry_after is None:
        return None
    seconds = _digits(retry_after)
    if seconds is not None:
        return seconds
    try:
        return parsedate_to_datetime(retry_after).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _until(reset: str | None, now: float) -> float | None:
    moment = _digits(reset or "")
    # A second more, as the reset happens in the course of the named one.
    return None if moment is None else moment + 1 - now


def _digits(text: str) -> int | None:
    # int() also takes "1_0", " 7 " and other scripts' digits, and raises at thousands of them.
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(2**63))
    return int(text) if is_number else None
