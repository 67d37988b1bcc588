"""The functions as Lambda calls them, over a real Supabase; two people who use them."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from uuid import uuid4

import httpx
import pytest

from functions.account import handler as account
from functions.account_import import handler as account_import
from functions.activity import handler as activity
from functions.app_info import handler as app_info
from functions.documents import handler as documents
from functions.export import handler as export
from functions.github_connection import handler as github_connection
from functions.github_import import handler as github_import
from functions.github_runs import handler as github_runs
from functions.github_sync import handler as github_sync
from functions.health import handler as health
from functions.mcp import handler as mcp
from functions.products import handler as products
from functions.repositories import handler as repositories
from functions.resume import handler as resume
from functions.search import handler as search
from functions.tokens import handler as tokens
from functions.trash import handler as trash
from functions.work_items import handler as work_items
from local.supabase import Supabase, User
from shared.auth.sign_in import get_signing_keys
from shared.http_client import get_http_client
from shared.settings import get_settings
from tests.functions.events import Answer, make_event

HANDLERS = {
    "/api/products": products.handler,
    "/api/repositories": repositories.handler,
    "/api/work": work_items.handler,
    "/api/docs": documents.handler,
    "/api/app-info": app_info.handler,
    "/api/resume": resume.handler,
    "/api/activity": activity.handler,
    "/api/github": github_import.handler,
    "/api/github/connection": github_connection.handler,
    "/api/github/runs": github_runs.handler,
    "/api/github/missing": github_runs.handler,
    "/api/github/sync": github_sync.handler,
    "/api/search": search.handler,
    "/api/tokens": tokens.handler,
    "/api/account": account.handler,
    "/api/export": export.handler,
    "/api/import": account_import.handler,
    "/api/trash": trash.handler,
    "/mcp": mcp.handler,
    "/health": health.handler,
    "/.well-known/forum": health.handler,
}


class Client:
    """One person's requests, each an event to the function whose route it is."""

    def __init__(self, user: User | None, token: str | None = None) -> None:
        self.user = user
        self.token = token or (user.access_token if user else None)

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Call a function. `body` goes out as JSON, `raw` as it is."""
        sent = {"content-type": "application/json"} if body is not None or raw is not None else {}
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        content = raw if body is None else json.dumps(body).encode()
        event = make_event(method, url, {**sent, **(headers or {})}, content)
        prefix = max((prefix for prefix in HANDLERS if url.startswith(prefix)), key=len)
        return Answer(HANDLERS[prefix](event, None), event["requestContext"]["requestId"])  # type: ignore[arg-type]  # Forum reads nothing of the context

    def head(self, url: str, **options: Any) -> Answer:
        """HEAD."""
        return self.request("HEAD", url, **options)

    def get(self, url: str, **options: Any) -> Answer:
        """GET."""
        return self.request("GET", url, **options)

    def post(self, url: str, body: Any = None, **options: Any) -> Answer:
        """POST."""
        return self.request("POST", url, body, **options)

    def patch(self, url: str, body: Any = None, **options: Any) -> Answer:
        """PATCH."""
        return self.request("PATCH", url, body, **options)

    def delete(self, url: str, **options: Any) -> Answer:
        """DELETE."""
        return self.request("DELETE", url, **options)

    def create_product(self, **values: Any) -> dict[str, Any]:
        """A product of this person."""
        product: dict[str, Any] = self.post("/api/products", {"name": "Forum", **values}).expect(201)
        return product

    def create_repository(self, product_id: str, **values: Any) -> dict[str, Any]:
        """A repository that is not on GitHub."""
        body = {"product_id": product_id, "name": "forum", **values}
        repository: dict[str, Any] = self.post("/api/repositories", body).expect(201)
        return repository

    def create_work_item(self, product_id: str, **values: Any) -> dict[str, Any]:
        """A work item."""
        body = {"product_id": product_id, "title": "Ship it", **values}
        work_item: dict[str, Any] = self.post("/api/work", body).expect(201)
        return work_item

    def create_document(self, product_id: str, **values: Any) -> dict[str, Any]:
        """A document."""
        body = {"product_id": product_id, "title": "Plan", "content": "# Plan", **values}
        document: dict[str, Any] = self.post("/api/docs", body).expect(201)
        return document

    def create_app_info(self, product_id: str, **values: Any) -> dict[str, Any]:
        """An app-info entry."""
        body = {"product_id": product_id, "key": f"KEY_{uuid4().hex}", "value": "1", **values}
        entry: dict[str, Any] = self.post("/api/app-info", body).expect(201)
        return entry

    def create_token(self, *grants: str, **values: Any) -> "Client":
        """Somebody who has an access token of this person's, and nothing else."""
        body = {"name": "Agent", "grants": list(grants), **values}
        created = self.post("/api/tokens", body).expect(201)
        return Client(self.user, created["token"])


def in_own_loop(call: Callable[[], Answer]) -> Answer:
    """Call a function from a thread of a test: Mangum takes the event loop of its thread."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        return call()


class MakeClient(Protocol):
    """A new account, signed in."""

    def __call__(self) -> Client: ...


@pytest.fixture(scope="session", autouse=True)
def settings(supabase: Supabase) -> Iterator[None]:
    """The environment of the functions, as `make dev` sets it: keys from the JWKS."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SUPABASE_URL", supabase.url)
        environment.setenv("SUPABASE_ANON_KEY", supabase.anon_key)
        environment.setenv("SUPABASE_JWKS_URL", supabase.jwks_url)
        environment.setenv("SUPABASE_JWT_ISSUER", supabase.issuer)
        environment.setenv("GITHUB_IMPORT_KEY", supabase.import_key)
        environment.setenv("APP_INFO_KEY", supabase.app_info_key)
        environment.setenv("ENCRYPTION_KEY", supabase.keys.encryption_key)
        get_settings.cache_clear()
        yield
    get_http_client().close()
    get_http_client.cache_clear()
    get_settings.cache_clear()
    get_signing_keys.cache_clear()


@pytest.fixture
def make_client(supabase: Supabase) -> MakeClient:
    """Makes people."""
    return lambda: Client(supabase.create_user())


@pytest.fixture
def owner(make_client: MakeClient) -> Client:
    """Somebody with nothing in Forum yet."""
    return make_client()


@pytest.fixture
def stranger(make_client: MakeClient) -> Client:
    """Somebody else."""
    return make_client()


@pytest.fixture
def anonymous() -> Client:
    """Nobody."""
    return Client(None)


@pytest.fixture
def supabase_requests() -> Iterator[list[httpx.Request]]:
    """The requests that the functions send to Supabase during the test."""
    requests: list[httpx.Request] = []
    hooks = get_http_client().event_hooks
    get_http_client().event_hooks = {"request": [requests.append]}
    yield requests
    get_http_client().event_hooks = hooks
