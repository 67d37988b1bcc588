"""`make agent-token`: an access token of a local user, made as they would make it."""

from typing import Any
from uuid import UUID

import httpx

from local.part import PartError

# The first answer of a function takes its start.
ANSWER_SECONDS = 60
NAME = "make agent-token"


def make_agent_token(api_url: str, session: str, product: str | None, grants: list[str]) -> str:
    """The text of a new token, for a product by its id or its name, or for all."""
    headers = {"authorization": f"Bearer {session}"}
    with httpx.Client(base_url=api_url, headers=headers, timeout=ANSWER_SECONDS) as api:
        body = {"name": NAME, "grants": grants}
        if product is not None:
            body["product_id"] = find_product(api, product)
        token: str = read(api.post("/api/tokens", json=body))["token"]
        return token


def find_product(api: httpx.Client, product: str) -> str:
    """The id of the user's product that is called so, or has this id."""
    try:
        return str(UUID(product))
    except ValueError:
        found = read(api.get("/api/products", params={"q": product, "limit": 100}))["items"]
    ids = [str(each["id"]) for each in found if each["name"] == product]
    if len(ids) != 1:
        raise PartError(f"{len(ids)} products of this user are called {product}: name one by its id.")
    return ids[0]


def read(answer: httpx.Response) -> dict[str, Any]:
    """The body of an answer that is no problem."""
    body: dict[str, Any] = answer.json()
    if answer.is_error:
        raise PartError(body["detail"])
    return body
