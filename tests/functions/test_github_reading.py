"""Reading chosen repositories when time or GitHub gives out."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from functions.github_import.reading import read_chosen
from local.fake_github import DEMO_TOKEN, FakeGitHub, demo_account, run_fake_github
from local.fake_github.account import Fault
from shared.github import GitHub, GitHubNotFound, GitHubRateLimited, GitHubTimedOut, GitHubUnavailable


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with run_fake_github(account=demo_account(494)) as fake:
        yield fake


@pytest.fixture
def github(fake: FakeGitHub) -> Iterator[GitHub]:
    with httpx.Client() as http:
        yield GitHub(http, fake.url, DEMO_TOKEN)


def always() -> bool:
    return True


def times(count: int) -> Callable[[], bool]:
    """Time for so many requests."""
    answers = iter([True] * count)
    return lambda: next(answers, False)


def oldest(fake: FakeGitHub, count: int) -> list[int]:
    return [r.id for r in sorted(fake.account.repositories.values(), key=lambda r: r.created_at)[:count]]


def test_no_time_left_midway_ends_with_what_was_read(fake: FakeGitHub, github: GitHub) -> None:
    reading = read_chosen(github, list(fake.account.repositories), times(3))

    assert len(reading.found) == 300
    assert isinstance(reading.stopped_by, GitHubTimedOut)
    assert len(fake.exchanges) == 3


def test_no_time_left_among_single_reads_ends_there(fake: FakeGitHub, github: GitHub) -> None:
    reading = read_chosen(github, oldest(fake, 4), times(3))

    assert list(reading.found) == oldest(fake, 4)[:2]
    assert isinstance(reading.stopped_by, GitHubTimedOut)


def test_no_time_at_all_is_timed_out(fake: FakeGitHub, github: GitHub) -> None:
    reading = read_chosen(github, oldest(fake, 2), times(0))

    assert isinstance(reading.failure, GitHubTimedOut)
    assert len(fake.exchanges) == 0


def test_one_broken_repository_is_left_out(fake: FakeGitHub, github: GitHub) -> None:
    fake.account.fail_next(Fault(), after=2)

    reading = read_chosen(github, oldest(fake, 4), always)

    assert len(reading.found) == 3
    assert [type(e) for e in reading.failed.values()] == [GitHubUnavailable]
    assert reading.stopped_by is None


def test_two_outages_in_a_row_end_the_reading(fake: FakeGitHub, github: GitHub) -> None:
    fake.account.fail_next(Fault(), after=2, times=3)

    reading = read_chosen(github, oldest(fake, 4), always)

    assert len(reading.found) == 1
    assert len(reading.failed) == 2
    assert isinstance(reading.stopped_by, GitHubUnavailable)
    # The last one asks whether GitHub answers anything at all.
    assert len(fake.exchanges) == 5


def test_broken_repositories_in_a_row_are_left_out_while_github_answers(
    fake: FakeGitHub, github: GitHub
) -> None:
    chosen = oldest(fake, 4)
    fake.account.troubles.breaking = set(chosen[:3])

    reading = read_chosen(github, chosen, always)

    assert list(reading.failed) == chosen[:3]
    assert list(reading.found) == chosen[3:]
    assert reading.stopped_by is None


def test_repositories_that_cannot_be_read_are_left_out_with_the_field_that_is_wrong(
    fake: FakeGitHub, github: GitHub
) -> None:
    chosen = [r.id for r in fake.account.repositories.values()][:120]
    fake.account.troubles.unreadable = set(chosen[:5])

    reading = read_chosen(github, chosen, always)

    assert sorted(reading.failed) == sorted(chosen[:5])
    assert {str(error).partition(" (")[0] for error in reading.failed.values()} == {
        "GitHub sent a body that cannot be read"
    }
    assert len(reading.found) == 115
    assert (reading.stopped_by, reading.failure) == (None, None)


def test_outages_with_a_repository_between_them_do_not_end_the_reading(
    fake: FakeGitHub, github: GitHub
) -> None:
    first, second, third, fourth = oldest(fake, 4)
    fake.account.fail_next(Fault(), after=1)
    fake.account.fail_next(Fault(), after=1)

    reading = read_chosen(github, [first, second, third, fourth], always)

    assert list(reading.failed) == [first, third]
    assert list(reading.found) == [second, fourth]


def test_outages_with_an_answer_between_them_do_not_end_the_reading(fake: FakeGitHub, github: GitHub) -> None:
    first, second, third, fourth = oldest(fake, 4)
    fake.account.fail_next(Fault(), after=1)
    fake.account.fail_next(Fault(), after=1)
    fake.account.delete(second)

    reading = read_chosen(github, [first, second, third, fourth], always)

    assert [type(e) for e in reading.failed.values()] == [
        GitHubUnavailable,
        GitHubNotFound,
        GitHubUnavailable,
    ]
    assert list(reading.found) == [fourth]


def test_outage_of_which_nothing_is_known_is_a_failure(fake: FakeGitHub, github: GitHub) -> None:
    fake.account.fail_next(Fault(), after=1, times=3)

    assert isinstance(read_chosen(github, oldest(fake, 3), always).failure, GitHubUnavailable)


def test_outage_after_a_telling_answer_is_not_raised(fake: FakeGitHub, github: GitHub) -> None:
    first, second, third = oldest(fake, 3)
    fake.account.delete(first)
    fake.account.fail_next(Fault(), after=2, times=2)

    reading = read_chosen(github, [first, second, third], always)

    assert reading.found == {}
    assert [type(e) for e in reading.failed.values()] == [
        GitHubNotFound,
        GitHubUnavailable,
        GitHubUnavailable,
    ]


def test_limit_among_single_reads_ends_there_for_good(fake: FakeGitHub, github: GitHub) -> None:
    fake.account.core.remaining = 3

    reading = read_chosen(github, oldest(fake, 4), always)

    assert len(reading.found) == 2
    assert isinstance(reading.stopped_by, GitHubRateLimited)
    assert len(fake.exchanges) == 4


def test_repository_deleted_between_two_pages_hides_none(fake: FakeGitHub, github: GitHub) -> None:
    """The listing moves up by one then: whoever slipped over the edge of a page is read by itself."""
    everything = list(fake.account.repositories)
    deleted = max(fake.account.repositories.values(), key=lambda r: r.created_at).id

    def delete_after_two_pages() -> bool:
        if len(fake.exchanges) == 2:
            fake.account.repositories.pop(deleted, None)
        return True

    reading = read_chosen(github, everything, delete_after_two_pages)

    assert set(reading.found) == set(everything)
    assert len(fake.exchanges) == 6


def test_listing_that_does_not_say_how_long_it_is_is_read_to_its_end(fake: FakeGitHub) -> None:
    """GitHub leaves `last` out where counting would cost it too much."""
    wanted = oldest(fake, 20)

    def without_last(request: httpx.Request) -> httpx.Response:
        answer = httpx.get(str(request.url), headers=request.headers)
        links = [part for part in answer.headers.get("link", "").split(", ") if 'rel="last"' not in part]
        return httpx.Response(answer.status_code, headers={"link": ", ".join(links)}, content=answer.content)

    with httpx.Client(transport=httpx.MockTransport(without_last)) as http:
        reading = read_chosen(GitHub(http, fake.url, DEMO_TOKEN), wanted, always)

    assert set(reading.found) == set(wanted)
    assert len(fake.exchanges) == 5
