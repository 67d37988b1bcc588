"""The document as schemathesis reads it, and the gateway as the place where it sends its requests."""

import json
import re
from collections.abc import Callable
from typing import Any

import schemathesis
from schemathesis import Case
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.specs.openapi.schemas import OpenApiSchema

from local.openapi.write import DOCUMENT
from shared.entities.visible_names import RARE_MODIFIERS, SEEN
from tests.openapi.gateway import gateway

# What schemathesis allows by itself, and 412: a good `If-Match` may name another version.
TAKEN = ["2xx", "3xx", "401", "403", "404", "409", "412", "429"]

EACH_BY_ITSELF: dict[str, Any] = {
    "seed": 1,
    "generation": {"max-examples": 20, "deterministic": True},
    "checks": {
        "positive_data_acceptance": {"expected-statuses": TAKEN},
        # A missing `If-Match` has a status of its own (RFC 6585).
        "missing_required_header": {"expected-statuses": ["400", "401", "422", "428"]},
    },
    "operations": [
        # GET of /api/products/bulk is GET of /api/products/{product_id} with an id that is none: 422, no 405.
        {
            "include-path-regex": "/bulk$|/app-info/(import|export|drift)$|/docs/export$|/tokens/current$",
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


def list_operations() -> list[str]:
    """Each operation of openapi.json as its method and its path: `GET /health`."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    paths = document["paths"].items()
    return [f"{method.upper()} {path}" for path, operations in paths for method in operations]


def try_operation(contract: OpenApiSchema, operation: str, check: Callable[[Case[Any]], None]) -> None:
    """Check all requests that schemathesis makes up for an operation, as its `parametrize` has pytest do.

    That makes up the requests of all operations at collection, in each of pytest's processes, whichever tests
    are asked for: 40 seconds. Its `from_fixture` waits for the test, but does not run under pytest 9.2 yet.
    """
    method, path = operation.split()
    build_operation_test(
        config=contract.config,
        operation=contract[path][method],
        test_func=check,
        given_kwargs={},
        feedback=FeedbackSources(constants_value_source=make_constants_value_source(contract)),
    )()


def load_contract(config: dict[str, Any], paths: str = ".*") -> OpenApiSchema:
    """The operations of openapi.json whose paths match."""
    document = json.loads(_refuse_names_that_nobody_sees(DOCUMENT.read_text(encoding="utf-8")))
    document["paths"] = {
        path: operations for path, operations in document["paths"].items() if re.fullmatch(paths, path)
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            # Of two ways to sign in schemathesis makes an optional header, and sends numbers in others.
            operation["security"] = operation.get("security", [])[:1]
    contract = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(config))
    contract.app = gateway
    return contract


def _refuse_names_that_nobody_sees(document: str) -> str:
    """The document with the rule for names in full, of which it leaves out what JavaScript could not read."""
    assert SEEN.endswith("]")
    lenient = json.dumps(SEEN, ensure_ascii=False)
    strict = json.dumps(f"{SEEN[:-1]}{RARE_MODIFIERS}]", ensure_ascii=False)
    assert lenient in document
    return document.replace(lenient, strict)
