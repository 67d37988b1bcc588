"""When a limit ends and where the next page is: by table, and for anything that a header may hold."""

from email.utils import formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.github.answers import find_last_page, find_next_url, find_withheld
from shared.github.errors import GitHubRateLimited
from shared.github.limits import LONGEST_SECONDS, get_retry_at

NOW = 1_795_000_000.0
RESET = int(NOW) + 1200

ANY_HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80)


def on_the_wire(headers: dict[str, str]) -> httpx.Headers:
    """Headers as they arrive: bytes, which need not be ASCII."""
    return httpx.Headers(
        [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    )


def wait(status: int, message: str = "", **headers: str) -> float | None:
    """Seconds to wait, None if the answer is no limit."""
    moment = get_retry_at(status, on_the_wire(headers), message, NOW)
    return None if moment is None else moment - NOW


@pytest.mark.parametrize(
    ("status", "headers", "message", "expected"),
    [
        # No limit at all
        (200, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(RESET)}, "", None),
        (404, {"retry_after": "5"}, "", None),
        (403, {}, "", None),
        (403, {"x_ratelimit_remaining": "12"}, "Must have admin rights to Repository.", None),
        (503, {"retry_after": "5"}, "", None),
        # Primary
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(RESET)}, "", 1201),
        (429, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(RESET)}, "", 1201),
        (403, {"x_ratelimit_remaining": "0"}, "", 60),
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "soon"}, "", 60),
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "5"}, "", 1),
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "9" * 18}, "", LONGEST_SECONDS),
        (403, {}, "API rate limit exceeded for user ID 1.", 60),
        # Secondary
        (403, {"retry_after": "17"}, "", 17),
        (429, {"retry_after": "17"}, "", 17),
        (429, {}, "", 60),
        (403, {}, "You have exceeded a secondary rate limit. Please wait a few minutes.", 60),
        (403, {}, "You have triggered an abuse detection mechanism.", 60),
        (403, {"x_ratelimit_remaining": "4000"}, "You have exceeded a SECONDARY rate limit", 60),
        # Both at once: what is said for this answer counts before the hour's budget.
        (403, {"retry_after": "7", "x_ratelimit_remaining": "0", "x_ratelimit_reset": str(RESET)}, "", 7),
        # Odd values of Retry-After
        (403, {"retry_after": "0"}, "", 1),
        (403, {"retry_after": "-5"}, "", 60),
        (403, {"retry_after": "1.5"}, "", 60),
        (403, {"retry_after": "1_0"}, "", 60),
        (403, {"retry_after": "٣"}, "", 60),
        (403, {"retry_after": ""}, "", 60),
        (403, {"retry_after": "9" * 5000}, "", 60),
        (403, {"retry_after": "86401"}, "", LONGEST_SECONDS),
        (403, {"retry_after": formatdate(NOW + 90, usegmt=True)}, "", 90),
        (403, {"retry_after": formatdate(NOW - 90, usegmt=True)}, "", 1),
        (403, {"retry_after": "Fri, 31 Dec 99999 23:59:59 GMT"}, "", 60),
    ],
)
def test_answer_is_a_limit_with_its_end_or_none(
    status: int, headers: dict[str, str], message: str, expected: float | None
) -> None:
    assert wait(status, message, **headers) == expected


def test_header_names_are_found_in_any_case() -> None:
    headers = httpx.Headers({"Retry-After": "17", "X-RateLimit-Remaining": "0"})

    assert get_retry_at(403, headers, "", NOW) == NOW + 17


def test_limit_tells_seconds_and_moment_alike() -> None:
    limited = GitHubRateLimited(NOW + 17, NOW)

    assert limited.retry_after == 17
    assert limited.retry_at.timestamp() == NOW + 17
    assert "2026-11-" in str(limited)


@given(
    status=st.integers(100, 599),
    retry_after=st.none() | ANY_HEADER | st.integers().map(str),
    remaining=st.none() | ANY_HEADER | st.just("0"),
    reset=st.none() | ANY_HEADER | st.integers().map(str),
    message=st.text(max_size=50),
)
def test_limit_never_fails_and_never_ends_in_the_past_or_in_a_year(
    status: int, retry_after: str | None, remaining: str | None, reset: str | None, message: str
) -> None:
    values = {"retry_after": retry_after, "x_ratelimit_remaining": remaining, "x_ratelimit_reset": reset}

    seconds = wait(status, message, **{name: value for name, value in values.items() if value is not None})

    assert seconds is None or 1 <= seconds <= LONGEST_SECONDS
    if status not in {403, 429}:
        assert seconds is None
    if status == 429 or (status == 403 and remaining == "0"):
        assert seconds is not None
    if seconds is not None:
        assert 1 <= GitHubRateLimited(NOW + seconds, NOW).retry_after <= LONGEST_SECONDS


@given(seconds=st.integers(1, LONGEST_SECONDS))
def test_retry_after_is_kept_as_seconds_and_as_a_date(seconds: int) -> None:
    assert wait(403, retry_after=str(seconds)) == seconds
    assert wait(403, retry_after=formatdate(NOW + seconds, usegmt=True)) == seconds


def listed(link: str | None = None, **headers: str) -> httpx.Response:
    return httpx.Response(200, headers=on_the_wire(headers | ({} if link is None else {"link": link})))


@given(
    relations=st.lists(
        st.tuples(st.sampled_from(["next", "prev", "last", "first"]), st.integers(1, 10**6)),
        unique_by=lambda relation: relation[0],
    )
)
def test_link_relations_are_found_in_any_order(relations: list[tuple[str, int]]) -> None:
    def url(page: int) -> str:
        return f"https://api.github.com/user/repos?per_page=100&page={page}&sort=created"

    response = listed(", ".join(f'<{url(page)}>; rel="{relation}"' for relation, page in relations))
    pages = dict(relations)

    assert find_next_url(response) == (url(pages["next"]) if "next" in pages else None)
    if "last" in pages:
        assert find_last_page(response, 3, is_empty=False) == pages["last"]
    else:
        assert find_last_page(response, 3, is_empty=False) == (None if "next" in pages else 3)


@given(link=ANY_HEADER, sso=ANY_HEADER)
def test_listing_headers_of_any_kind_never_fail(link: str, sso: str) -> None:
    response = listed(link, x_github_sso=sso)

    find_next_url(response)
    assert (find_last_page(response, 1, is_empty=False) or 1) >= 0
    assert all(number >= 0 for number in find_withheld(response))


@pytest.mark.parametrize(
    ("link", "last"),
    [
        ('<https://x/y?page=12>; rel="last"', 12),
        ("<https://x/y?page=12>; rel=last", 12),
        ('<https://x/y?per_page=7&page=12&a=b>; rel="last"', 12),
        ('<https://x/y?per_page=7>; rel="last"', None),
        ('<https://x/y?page=-1>; rel="last"', None),
        ('<https://x/y?page=9999999999>; rel="last"', None),
        ('<https://x/y?page=2>; rel="next"', None),
        ('<https://x/y?page=2>; rel="prev"', 3),
    ],
)
def test_last_page_comes_from_the_link_or_from_its_absence(link: str, last: int | None) -> None:
    assert find_last_page(listed(link), 3, is_empty=False) == last


@pytest.mark.parametrize(
    ("header", "withheld"),
    [
        ("partial-results; organizations=21955855,20582480", (21955855, 20582480)),
        ("partial-results; organizations=1", (1,)),
        ("partial-results", ()),
        ("required; url=https://github.com/orgs/a/sso", ()),
        ("", ()),
    ],
)
def test_withheld_organisations_come_from_the_header(header: str, withheld: tuple[int, ...]) -> None:
    assert find_withheld(listed(x_github_sso=header)) == withheld
