"""Requests about rows that are there, made from those that a schema allows."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from tests.functions.conftest import Client

OWN_IDS = {
    "products": "product_id",
    "repositories": "repository_id",
    "work": "work_item_id",
    "docs": "document_id",
    "app-info": "app_info_id",
    "tokens": "token_id",
    "trash": "trash_id",
}


@dataclass(frozen=True)
class Rows:
    """A row of each kind, by the name that its id has in the contract."""

    ids: dict[str, str]
    github_ids: list[int]
    token: str
    """The text of the access token."""

    def about(self, path: str) -> "Rows":
        """The same, where `id` by itself is that of the entity of a path."""
        name = OWN_IDS.get(path.removeprefix("/api/").partition("/")[0])
        return replace(self, ids={**self.ids, "id": self.ids[name]}) if name else self

    def put_into(self, value: Any, name: str = "") -> Any:
        """A value of a request with ids of rows that are there, in place of three out of four made-up ones.

        What is no id stays, so that a wrong request stays wrong.
        """
        if isinstance(value, dict):
            return {key: self.put_into(inner, key) for key, inner in value.items()}
        if name == "github_ids" and is_list_of_different_numbers(value):
            return [known for known, _ in zip(self.github_ids, value, strict=False)]
        if isinstance(value, list):
            return [self.put_into(inner, name) for inner in value]
        number = read_uuid(value)
        return self.ids[name] if name in self.ids and number is not None and number % 4 else value


def make_rows(client: Client, github_ids: list[int]) -> Rows:
    """Rows of a new product."""
    product = client.create_product()["id"]
    document = client.create_document(product)["id"]
    client.patch(f"/api/docs/{document}", {"content": "2"}).expect(200)
    entry = client.create_app_info(product)["id"]
    token = make_token(client)
    client.patch(f"/api/app-info/{entry}", {"value": "2"}).expect(200)
    path = f"/api/app-info/{entry}/environments/production"
    client.request("PUT", path, {"value": "3"}).expect(200)
    ids = {
        "product_id": product,
        "repository_id": client.create_repository(product)["id"],
        "work_item_id": client.create_work_item(product)["id"],
        "document_id": document,
        "app_info_id": entry,
        "environment": "production",
        # Of its only former value, and of the document's only revision.
        "number": "1",
        "token_id": token["id"],
        "trash_id": make_set(client),
        # What a search is for.
        "q": "auth",
        # Runs are made by what is about to be tested.
        "run_id": str(uuid4()),
    }
    return Rows(ids, github_ids, token["token"])


def make_set(client: Client) -> str:
    """What is in the trash of a product that was deleted."""
    product = client.create_product()["id"]
    client.delete(f"/api/products/{product}").expect(204)
    found: str = client.get(f"/api/trash?entity_id={product}").expect(200)["items"][0]["id"]
    return found


def make_token(client: Client) -> dict[str, Any]:
    """An access token, with its text, in place of those that requests before have made: fifty is the most."""
    for known in client.get("/api/tokens?limit=100").expect(200)["items"]:
        if known["revoked_at"] is None:
            client.delete(f"/api/tokens/{known['id']}").expect(204)
    token: dict[str, Any] = client.post("/api/tokens", {"name": "Agent"}).expect(201)
    return token


def is_list_of_different_numbers(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len({*map(str, value)}) == len(value) > 0
        and all(type(number) is int and 0 < number < 2**63 for number in value)
    )


def read_uuid(value: Any) -> int | None:
    try:
        found = UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.int if found is not None and str(found) == value.lower() else None


def name_variables(body: Any) -> None:
    """Give app info keys that are names: which are taken depends on the category, that need not be sent."""
    items = body.get("items", [body]) if isinstance(body, dict) else []
    for item in items:
        if "key" in item:
            item["key"] = f"KEY_{uuid4().hex}"
