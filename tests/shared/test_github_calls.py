"""What every call to GitHub looks at, whatever it is about."""

import httpx
import pytest

from shared.github.calls import API_VERSION, Calls


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
