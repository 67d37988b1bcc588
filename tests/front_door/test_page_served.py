"""The page as `make dev` serves it: at the printed address, with its backend, and allowed to call it."""

import re

import httpx
import pytest

from tests.local.dev_process import Dev


@pytest.fixture
def page(dev: Dev) -> str:
    """The first address that stands in the terminal."""
    opened = re.search(r"^  \w+ +(http\S+)$", dev.printed, re.MULTILINE)
    assert opened is not None
    return opened[1]


def test_the_first_printed_address_is_the_pages(dev: Dev, page: str) -> None:
    assert page == f"http://127.0.0.1:{dev.ports.page_port}", "build the page first: make page"
    assert "<title>Forum</title>" in httpx.get(page).text


def test_the_page_is_told_where_its_backend_is(dev: Dev, page: str) -> None:
    config = httpx.get(f"{page}/config.json").json()
    named = {"SUPABASE_URL": "supabaseUrl", "SUPABASE_ANON_KEY": "supabaseAnonKey", "API_URL": "apiUrl"}
    assert {name: config[key] for name, key in named.items()} == {
        name: dev.environment[name] for name in named
    }


def test_the_apis_front_page_leads_to_it(api_url: str, page: str) -> None:
    assert httpx.get(api_url).headers["location"] == page


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_api_lets_the_page_in_and_no_other(dev: Dev, api_url: str, host: str) -> None:
    def allowed_origin(origin: str) -> str:
        asked = {"origin": origin, "access-control-request-method": "POST"}
        answer = httpx.options(f"{api_url}/api/products", headers=asked)
        return str(answer.headers.get("access-control-allow-origin", "none"))

    own = f"http://{host}:{dev.ports.page_port}"
    assert allowed_origin(own) == own
    assert allowed_origin("http://elsewhere.example") != "http://elsewhere.example"
