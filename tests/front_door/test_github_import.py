"""Twenty repositories of the fake account, from the list to a product's detail, through the front door."""

import httpx

from local.fake_github.seed import DEMO_TOKEN
from local.supabase import User
from tests.local.dev_process import Dev
from tests.patience import PATIENCE_SECONDS


def api(api_url: str, user: User) -> httpx.Client:
    headers = {"authorization": f"Bearer {user.access_token}", "x-github-token": DEMO_TOKEN}
    return httpx.Client(base_url=api_url, headers=headers, timeout=PATIENCE_SECONDS)


def test_twenty_imported_repositories_are_in_the_detail_of_their_product(
    dev: Dev, api_url: str, user: User
) -> None:
    with api(api_url, user) as client:
        product = client.post("/api/products", json={"name": "Imported"}).raise_for_status().json()
        listed = client.get("/api/github/repos").raise_for_status().json()["items"]
        chosen = [repository["github_id"] for repository in listed[:20]]
        assert len(chosen) == 20
        body = {"product_id": product["id"], "github_ids": chosen}
        client.post("/api/github/import", json=body).raise_for_status()
        client.post("/api/github/import", json=body).raise_for_status()
        detail = client.get(f"/api/products/{product['id']}").raise_for_status().json()
    assert {repository["github_id"] for repository in detail["repositories"]} == set(chosen)
    assert len(detail["repositories"]) == 20

    with api(api_url, dev.users.create()) as stranger:
        assert stranger.get(f"/api/products/{product['id']}").status_code == 404
        assert stranger.get("/api/repositories").json()["items"] == []
        refused = stranger.post("/api/github/import", json=body)
    assert refused.status_code == 404
