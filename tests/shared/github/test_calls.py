"""What every call to GitHub looks at, whatever it is about."""

from contextlib import nullcontext
from dataclasses import dataclass, field

import httpx
import pytest

from shared.github.calls import API_VERSION, TIMEOUT, Calls
from shared.github.errors import GitHubRateLimited, GitHubTimedOut, GitHubUnavailable, TokenRejected
from shared.runtime.deadlines import Deadline

URL = httpx.URL("https://api.github.com/user")
OK = httpx.Response(200, json={})
Step = httpx.Response | type[httpx.TransportError]


@dataclass
class Script:
    """A GitHub that answers by turns, and what it was sent."""

    steps: list[Step]
    sent: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        step = self.steps[min(len(self.sent), len(self.steps)) - 1]
        if isinstance(step, httpx.Response):
            return httpx.Response(step.status_code, headers=step.headers, content=step.content)
        raise step("it fails", request=request)

    @property
    def tokens(self) -> list[str]:
        return [request.headers["authorization"].removeprefix("Bearer ") for request in self.sent]


@dataclass
class Source:
    """A store of tokens."""

    replacements: list[str]
    limits: list[GitHubRateLimited] = field(default_factory=list)
    refused: int = 0

    def replace_refused(self) -> str | None:
        self.refused += 1
        return self.replacements.pop(0) if self.replacements else None

    def note_limit(self, limit: GitHubRateLimited) -> None:
        self.limits.append(limit)


def read(script: Script, source: Source | None = None, seconds: float | None = None) -> httpx.Response:
    """One GET, for a person who waits for so long."""
    deadline = None if seconds is None else Deadline.after(seconds)
    with httpx.Client(transport=httpx.MockTransport(script)) as http:
        return Calls(http, "gho_first", source=source, deadline=deadline).get(URL)


def ask(headers: dict[str, str], times: int = 1) -> None:
    """Calls a GitHub that answers with these headers."""
    answers = httpx.MockTransport(lambda _: httpx.Response(200, json={}, headers=headers))
    with httpx.Client(transport=answers) as http:
        for _ in range(times):
            Calls(http, "gho_any").get(httpx.URL("https://api.github.com/user"))


def test_end_of_the_api_version_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    ask({"sunset": "Fri, 10 Mar 2028 00:00:00 GMT"}, times=3)
    (record,) = [record for record in caplog.records if record.message == "github_sunset"]
    assert (record.levelname, vars(record)["date"]) == ("WARNING", "Fri, 10 Mar 2028 00:00:00 GMT")
    assert vars(record)["api_version"] == API_VERSION


def test_no_end_of_the_api_version_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    ask({})
    assert caplog.records == []


# What fails in passing

PASSING: tuple[Step, ...] = (
    *(httpx.Response(status) for status in (500, 502, 503, 504)),
    *(httpx.Response(200, content=body) for body in (b"", b'[{"id": 1, "name": "cut o', b"<html></html>")),
    *(httpx.ReadTimeout, httpx.ConnectTimeout, httpx.ConnectError, httpx.RemoteProtocolError),
)


@pytest.mark.parametrize("failure", PASSING, ids=repr)
def test_read_that_fails_in_passing_is_tried_once_more(failure: Step) -> None:
    script = Script([failure, OK])
    assert read(script, seconds=60).json() == {}
    assert len(script.sent) == 2


@pytest.mark.parametrize("failure", PASSING, ids=repr)
def test_read_that_keeps_failing_is_tried_twice_in_all(failure: Step) -> None:
    script = Script([failure])
    if isinstance(failure, httpx.Response):
        assert read(script, seconds=60).status_code == failure.status_code
    else:
        with pytest.raises((GitHubTimedOut, GitHubUnavailable)):
            read(script, seconds=60)
    assert len(script.sent) == 2


@pytest.mark.parametrize("status", [301, 304, 400, 401, 403, 404, 410, 422, 429, 451])
def test_answer_that_will_be_the_same_is_not_asked_for_again(status: int) -> None:
    script = Script([httpx.Response(status)])
    assert read(script, seconds=60).status_code == status
    assert len(script.sent) == 1


@pytest.mark.parametrize("failure", [httpx.Response(502), httpx.ReadTimeout], ids=repr)
def test_write_is_never_sent_twice(failure: Step) -> None:
    script = Script([failure, OK])
    with httpx.Client(transport=httpx.MockTransport(script)) as http:
        calls = Calls(http, "gho_first", deadline=Deadline.after(60))
        with nullcontext() if isinstance(failure, httpx.Response) else pytest.raises(GitHubTimedOut):
            calls.post(URL, {})
    assert len(script.sent) == 1


# Until when there is time


def test_request_waits_no_longer_than_until_the_deadline() -> None:
    script = Script([OK])
    read(script, seconds=4)
    waits = script.sent[0].extensions["timeout"]
    assert max(waits.values()) <= 4
    assert waits["connect"] == TIMEOUT.connect


@pytest.mark.parametrize("seconds", [-1, 0, 0.5])
def test_request_that_has_no_time_is_not_sent(seconds: float) -> None:
    script = Script([OK])
    with pytest.raises(GitHubTimedOut):
        read(script, seconds=seconds)
    assert script.sent == []


# What a stored token's calls learn


def test_refused_token_is_replaced_and_only_what_was_refused_asked_again() -> None:
    script = Script([httpx.Response(401), OK])
    source = Source(["gho_second"])
    assert read(script, source, 60).status_code == 200
    assert script.tokens == ["gho_first", "gho_second"]


def test_refused_token_without_another_one_costs_one_request() -> None:
    script, source = Script([httpx.Response(401)]), Source([])
    assert read(script, source, 60).status_code == 401
    assert (script.tokens, source.refused) == (["gho_first"], 1)


def test_source_is_told_of_each_token_that_is_refused() -> None:
    script, source = Script([httpx.Response(401)]), Source(["gho_second"])
    assert read(script, source, 60).status_code == 401
    assert (script.tokens, source.refused) == (["gho_first", "gho_second"], 2)


def test_replacement_that_no_header_can_carry_is_not_sent() -> None:
    script = Script([httpx.Response(401)])
    with pytest.raises(TokenRejected):
        read(script, Source(["gho second"]), 60)
    assert script.tokens == ["gho_first"]


@pytest.mark.parametrize("status", [403, 429])
def test_limit_is_noted_once(status: int) -> None:
    script = Script([httpx.Response(status, headers={"retry-after": "17"})])
    source = Source([])
    assert read(script, source, 60).status_code == status
    assert [limit.retry_after for limit in source.limits] == [17]
    assert len(script.sent) == 1


def test_refusal_that_is_no_limit_is_none() -> None:
    source = Source([])
    read(Script([httpx.Response(403, json={"message": "Resource not accessible"})]), source, 60)
    assert source.limits == []
