"""The document as schemathesis reads it, and the gateway as the place where it sends its requests."""

import json
import re
from typing import Any

import schemathesis
from schemathesis.specs.openapi.schemas import OpenApiSchema

from local.write_openapi import DOCUMENT
from tests.openapi.gateway import gateway

# What schemathesis allows by itself, and 412: a good `If-Match` may name another version.
TAKEN = ["2xx", "3xx", "401", "403", "404", "409", "412", "429"]

EACH_BY_ITSELF: dict[str, Any] = {
    "seed": 1,
    "generation": {"max-examples": 20, "deterministic": True},
    "checks": {"positive_data_acceptance": {"expected-statuses": TAKEN}},
    "operations": [
        # GET of /api/products/bulk is GET of /api/products/{product_id} with an id that is none: 422, no 405.
        {
            "include-path-regex": "/bulk$|/app-info/(import|export)$",
            "checks": {"unsupported_method": {"enabled": False}},
        },
    ],
}


# Good requests along the document's own links, and no links that schemathesis thinks up.
SEQUENCES: dict[str, Any] = {
    **EACH_BY_ITSELF,
    "generation": {**EACH_BY_ITSELF["generation"], "mode": "positive"},
    "phases": {"stateful": {"inference": {"algorithms": []}}},
}


def load_contract(config: dict[str, Any], paths: str = ".*") -> OpenApiSchema:
    """The operations of openapi.json whose paths match."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["paths"] = {
        path: operations for path, operations in document["paths"].items() if re.fullmatch(paths, path)
    }
    contract = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(config))
    contract.app = gateway
    return contract
