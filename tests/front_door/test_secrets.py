"""A product's secrets through the running stack: in by hand and by file, out on the record, nowhere else."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from local.supabase import User
from tests.local.dev_process import Dev
from tests.patience import PATIENCE_SECONDS

CANARY = "canary-of-the-front-door"
PEM = "-----BEGIN KEY-----\nMC4CAQ+/=\n-----END KEY-----\n"


@pytest.fixture
def api(api_url: str, user: User) -> Iterator[httpx.Client]:
    """The API, called by a new user. The first answer of a function takes its start."""
    headers = {"authorization": f"Bearer {user.access_token}"}
    with httpx.Client(base_url=api_url, headers=headers, timeout=PATIENCE_SECONDS) as client:
        yield client


@pytest.fixture
def product(api: httpx.Client) -> str:
    """A product."""
    product_id: str = api.post("/api/products", json={"name": "Atlas"}).raise_for_status().json()["id"]
    return product_id


def create(api: httpx.Client, product: str, **values: Any) -> dict[str, Any]:
    """A secret."""
    body = {"product_id": product, "key": "TOKEN", "value": CANARY, "is_secret": True, **values}
    entry: dict[str, Any] = api.post("/api/app-info", json=body).raise_for_status().json()
    return entry


def test_secret_goes_in_and_comes_out_by_reveal_alone(
    dev: Dev, api: httpx.Client, product: str, user: User
) -> None:
    entry = create(api, product)
    assert (entry["value"], entry["has_value"]) == (None, True)
    url = f"/api/app-info/{entry['id']}"
    changed = api.patch(url, json={"value": f"{CANARY}-2"}).raise_for_status()
    shown = [changed, api.get(url), api.get("/api/app-info"), api.get(f"/api/products/{product}")]
    assert not any(CANARY in answer.raise_for_status().text for answer in shown)

    revealed = api.post(f"{url}/reveal").raise_for_status()
    assert (revealed.json()["value"], revealed.headers["cache-control"]) == (f"{CANARY}-2", "no-store")
    (former,) = api.get(f"{url}/versions").raise_for_status().json()["items"]
    api.post(f"{url}/versions/{former['number']}/restore").raise_for_status()
    assert api.post(f"{url}/reveal").json()["value"] == CANARY

    headers = {"apikey": dev.environment["SUPABASE_ANON_KEY"], "authorization": f"Bearer {user.access_token}"}
    with httpx.Client(base_url=f"{dev.environment['SUPABASE_URL']}/rest/v1/", headers=headers) as rest:
        (row,) = rest.get("app_info").raise_for_status().json()
        history = rest.get("activity", params={"action": "eq.revealed"}).raise_for_status()
    assert (row["value"], row["is_secret"]) == (None, True)
    assert len(history.json()) == 2
    assert CANARY not in history.text
    with psycopg.connect(dev.environment["DATABASE_URL"]) as connection:
        held = connection.execute("select t::text from private.app_info_values as t").fetchall()
    assert len(held) >= 3
    assert CANARY not in str(held)
    logs = "".join(path.read_text(errors="replace") for path in (dev.directory / "logs").glob("*.log"))
    assert "/api/app-info/{app_info_id}/reveal" in logs
    assert CANARY not in logs


def test_env_file_goes_in_and_comes_out_as_it_was(api: httpx.Client, product: str) -> None:
    content = f"# Forum\nPORT=8080\nexport GREETING='Hello, $USER'\nKEY='{PEM}'\nEMPTY=\n"
    body = {"product_id": product, "content": content}
    preview = api.post("/api/app-info/import", json={**body, "dry_run": True}).raise_for_status().json()
    assert [line["outcome"] for line in preview["items"]] == ["new"] * 4
    assert api.get("/api/app-info").json()["items"] == []
    api.post("/api/app-info/import", json=body).raise_for_status()

    query = {"product_id": product, "include_secrets": "true", "format": "json"}
    exported = api.get("/api/app-info/export", params=query).raise_for_status()
    assert exported.json() == {"EMPTY": "", "GREETING": "Hello, $USER", "KEY": PEM, "PORT": "8080"}
    without = api.get("/api/app-info/export", params={"product_id": product})
    assert (without.status_code, without.text) == (200, "")
    refused = api.get("/api/app-info/export", params={**query, "format": "docker"})
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["detail"].startswith("KEY: ")
