"""Cuts the part that Forum uses out of GitHub's OpenAPI description.

The npm package that carries it is too large to install (385 MB). In a directory outside the checkout:

    npm pack @octokit/openapi@23.0.2
    tar xzf octokit-openapi-23.0.2.tgz package/generated/api.github.com.json
    python -m local.fake_github.extract_openapi package/generated/api.github.com.json
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "tests" / "local" / "fake_github" / "github-openapi.json"
PATHS = ("/user", "/user/emails", "/user/repos", "/repos/{owner}/{repo}", "/rate_limit")
# Used, though the paths above do not lead to it: 400 stands in no description of ours.
COMPONENTS = ("#/components/responses/bad_request",)
# Prose and examples are three quarters of the weight and check nothing.
PROSE = {"description", "summary", "tags", "example", "examples", "externalDocs"}
NAMED = {"properties", "schemas"}


def without_prose(node: Any, *, are_names: bool = False) -> Any:
    """The node without prose. Below `properties` the keys are names: a field may be called description."""
    if isinstance(node, list):
        return [without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_prose(value, are_names=key in NAMED and not are_names)
        for key, value in node.items()
        if are_names or (key not in PROSE and not key.startswith("x-"))
    }


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def extract(description: dict[str, Any]) -> dict[str, Any]:
    """The paths, with every component that they reach."""
    paths = {path: {"get": without_prose(description["paths"][path]["get"])} for path in PATHS}
    components: dict[str, dict[str, Any]] = {}
    waiting = {*references(paths), *COMPONENTS}
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name not in components.setdefault(kind, {}):
            found = without_prose(description["components"][kind][name])
            components[kind][name] = found
            waiting.update(references(found))
    info = {name: description["info"][name] for name in ("title", "version", "license")}
    info["x-source"] = (
        "generated/api.github.com.json of npm @octokit/openapi; see local/fake_github/extract_openapi.py"
    )
    return {"openapi": description["openapi"], "info": info, "paths": paths, "components": components}


if __name__ == "__main__":
    extracted = extract(json.loads(Path(sys.argv[1]).read_bytes()))
    TARGET.write_text(json.dumps(extracted, indent=1, sort_keys=True) + "\n")
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")
