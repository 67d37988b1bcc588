"""What `make dev` says once everything runs."""

import json

import httpx

from local.fake_github.seed import DEMO_TOKEN
from local.stack import Stack


def welcome(stack: Stack, email: str, token: str, seconds: float) -> str:
    """Where everything is, and three requests to paste."""
    github = "a fake; GITHUB_API_URL names another" if stack.github_is_fake else "GITHUB_API_URL"
    lines = [
        "",
        f"Forum runs, {seconds:.0f} seconds after its start. Ctrl-C stops it; the data stay.",
        "",
        f"  API       {stack.api.url}",
        f"  Supabase  {stack.supabase.url}",
        f"  Postgres  {stack.supabase.database_url}",
        f"  GitHub    {stack.github_url} ({github})",
        f"  settings  {stack.directory / 'env'}",
        f"  logs      {stack.directory / 'logs'}",
        "",
        f"A token of {email}, good for an hour (another one: make -s token email={email}):",
        "",
        token,
    ]
    for title, command in curl_lines(stack, token).items():
        lines += ["", f"# {title}", command]
    return "\n".join([*lines, ""])


def curl_lines(stack: Stack, token: str) -> dict[str, str]:
    """Each is whole: it can be pasted alone, anywhere on this machine."""
    curl = f"curl -sS -H 'Authorization: Bearer {token}'"
    item = {"product_id": first_product_id(stack, token), "title": "Try Forum", "priority": 3}
    github_token = DEMO_TOKEN if stack.github_is_fake else "$GITHUB_TOKEN"
    return {
        "the products": f"{curl} {stack.api.url}/api/products",
        "a new work item": (
            f"{curl} -H 'Content-Type: application/json' -d '{json.dumps(item)}' {stack.api.url}/api/work"
        ),
        "the repositories on GitHub that can be imported": (
            f'{curl} -H "X-GitHub-Token: {github_token}" {stack.api.url}/api/github/repos'
        ),
    }


def first_product_id(stack: Stack, token: str) -> str:
    """A product to put a work item into, through the API that the person is about to use."""
    answer = httpx.get(
        f"{stack.api.url}/api/products?sort=created_at&limit=1",
        headers={"authorization": f"Bearer {token}"},
        timeout=20,
    )
    items = answer.raise_for_status().json()["items"]
    return str(items[0]["id"]) if items else "id-of-a-product"
