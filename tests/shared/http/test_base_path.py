"""A path that a domain puts before the API's own, as API Gateway leaves it in the event."""

from typing import Any

import pytest
from fastapi import APIRouter, Response
from pydantic import ValidationError

from shared.http.app import create_app, create_handler
from shared.http.routes import StrictRoute
from shared.settings import Settings
from tests.functions.events import Answer, make_event

BASE = "/backend/v1"
SETTINGS = {
    "SUPABASE_URL": "https://project.supabase.co",
    "SUPABASE_ANON_KEY": "sb_publishable_x",
    "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
}

router = APIRouter(route_class=StrictRoute)


@router.get("/api/things/{number}")
async def get_thing(number: int, response: Response) -> int:
    """One."""
    response.headers["Location"] = f"/api/things/{number}"
    return number


@router.get("/api/elsewhere")
async def get_elsewhere(response: Response) -> None:
    """Another host."""
    response.headers["Location"] = "https://another.example/api"


handler = create_handler(create_app(router))


def get(path: str) -> Answer:
    event: dict[str, Any] = make_event("GET", path, {}, None)
    answer = handler(event, None)  # type: ignore[arg-type]  # Forum reads nothing of the context
    return Answer(answer, event["requestContext"]["requestId"])


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_BASE_PATH", BASE)


@pytest.mark.usefixtures("base")
def test_request_with_the_base_path_is_answered_and_led_on_with_it() -> None:
    answer = get(f"{BASE}/api/things/7")
    assert answer.expect(200) == 7
    assert answer.headers["location"] == f"{BASE}/api/things/7"
    assert get(f"{BASE}/api/elsewhere").headers["location"] == "https://another.example/api"


@pytest.mark.usefixtures("base")
def test_request_at_the_own_address_of_the_api_is_answered_without_it() -> None:
    answer = get("/api/things/7")
    assert answer.expect(200) == 7
    assert answer.headers["location"] == "/api/things/7"


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize(
    "path", [f"{BASE}x/api/things/7", f"/x{BASE}/api/things/7", f"{BASE}{BASE}/api/things/7", BASE]
)
def test_path_that_only_looks_alike_is_404(path: str) -> None:
    get(path).expect_problem(404, "no-such-path")


def test_without_the_setting_no_path_is_taken_off() -> None:
    get(f"{BASE}/api/things/7").expect_problem(404, "no-such-path")


@pytest.mark.parametrize("path", ["", "/backend", "/backend/v1", "/a-b_c.d~e"])
def test_base_path_is_segments_that_each_begin_with_a_slash(path: str) -> None:
    assert Settings.model_validate({**SETTINGS, "API_BASE_PATH": path}).api_base_path == path


@pytest.mark.parametrize(
    "path", ["backend", "/", "/backend/", "//backend", "/a b", "/a?b", "https://a.example/b"]
)
def test_other_base_path_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="API_BASE_PATH"):
        Settings.model_validate({**SETTINGS, "API_BASE_PATH": path})
