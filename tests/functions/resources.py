"""What the tests that hold for every resource have to know of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.functions.conftest import Client

Values = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource: where it is, how a row comes to be, what a change of it looks like."""

    path: str
    create: Callable[[Client], Values]
    changes: Values
    clearable: str
    required: str
    text: str
    max_length: int
    requests_of_a_change: int = 1

    def __str__(self) -> str:
        return self.path


def in_new_product(create: Callable[[Client, str], Values]) -> Callable[[Client], Values]:
    """A row in a product of its own."""
    return lambda client: create(client, client.create_product()["id"])


RESOURCES = [
    Resource(
        path="/api/products",
        create=lambda client: client.create_product(description="One", icon="🧭", color="#a1B2c3"),
        changes={"name": "Renamed", "color": "#000000"},
        clearable="description",
        required="name",
        text="name",
        max_length=200,
    ),
    Resource(
        path="/api/repositories",
        create=in_new_product(lambda client, product: client.create_repository(product, notes="mine")),
        changes={"name": "renamed", "url": "https://example.com/forum"},
        clearable="notes",
        required="name",
        text="name",
        max_length=200,
    ),
    Resource(
        path="/api/work",
        create=in_new_product(lambda client, product: client.create_work_item(product, description="How")),
        changes={"title": "Ship it well", "priority": 1},
        clearable="description",
        required="title",
        text="title",
        max_length=500,
    ),
    Resource(
        path="/api/docs",
        create=in_new_product(
            lambda client, product: client.create_document(
                product, repository_id=client.create_repository(product)["id"]
            )
        ),
        changes={"title": "Plan B", "is_pinned": True},
        clearable="repository_id",
        required="title",
        text="title",
        max_length=500,
    ),
    Resource(
        path="/api/app-info",
        create=in_new_product(lambda client, product: client.create_app_info(product, description="Port")),
        changes={"value": "2", "category": "other"},
        # The entry is looked at first: sent blindly, the value of a secret would go in the clear.
        requests_of_a_change=2,
        clearable="description",
        required="key",
        text="key",
        max_length=255,
    ),
]

every_resource = pytest.mark.parametrize("resource", RESOURCES, ids=str)
every_child = pytest.mark.parametrize("resource", RESOURCES[1:], ids=str)
