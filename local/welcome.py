"""What `make dev` says once everything runs."""

import json

import psycopg

from local.fake_github.seed import DEMO_TOKEN
from local.stack import Stack


def welcome(stack: Stack, email: str, token: str, seconds: float) -> str:
    """Where everything is, and three requests to paste."""
    github = "a fake; GITHUB_API_URL names another" if stack.github.is_fake else "GITHUB_API_URL"
    lines = [
        "",
        f"Forum runs, {seconds:.0f} seconds after its start. Ctrl-C stops it; the data stay.",
        "",
        f"  API       {stack.api.url}",
        f"  Supabase  {stack.supabase.url}",
        f"  Postgres  {stack.supabase.database_url}",
        f"  GitHub    {stack.github.url} ({github})",
        f"  AWS       {stack.aws.url} (moto)",
        f"  settings  {stack.directory / 'env'}",
        f"  logs      {stack.directory / 'logs'}",
        "",
        f"A token of {email}, good for an hour (another one: make -s token email={email}):",
        "",
        token,
    ]
    for title, command in curl_lines(stack, email, token).items():
        lines += ["", f"# {title}", command]
    return "\n".join([*lines, ""])


def curl_lines(stack: Stack, email: str, token: str) -> dict[str, str]:
    """Each is whole: it can be pasted alone, anywhere on this machine."""
    curl = f"curl -sS -H 'Authorization: Bearer {token}'"
    work = f"{curl} {stack.api.url}/api/work"
    product_id = oldest_product_id(stack, email)
    if product_id is not None:
        item = json.dumps({"product_id": product_id, "title": "Try Forum", "priority": 3})
        work += f" -H 'Content-Type: application/json' -d '{item}'"
    github_token = DEMO_TOKEN if stack.github.is_fake else "$GITHUB_TOKEN"
    return {
        "the products": f"{curl} {stack.api.url}/api/products",
        "a new work item" if product_id else "the work items": work,
        "the repositories on GitHub that can be imported": (
            f'{curl} -H "X-GitHub-Token: {github_token}" {stack.api.url}/api/github/repos'
        ),
        "a stored GitHub token, which the schedule and `make sync` use": (
            f"{curl} -X PUT {stack.api.url}/api/github/connection -H 'Content-Type: application/json'"
            f' -d "{{\\"token\\": \\"{github_token}\\"}}"'
        ),
    }


def oldest_product_id(stack: Stack, email: str) -> str | None:
    """A product to put a work item into, from the database: the API may be what is being worked on."""
    with psycopg.connect(stack.supabase.database_url) as connection:
        row = connection.execute(
            """
            select product.id::text from public.products product
            join auth.users account on account.id = product.user_id
            where account.email = %s order by product.created_at limit 1
            """,
            (email,),
        ).fetchone()
    return None if row is None else str(row[0])
