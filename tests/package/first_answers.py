"""What a function does in a new process: started by file, with the artifact, a module and an event or none.

Tells what is loaded, what the collector has done, and for each of two calls how many connections it opened.
"""

import gc
import json
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Loads the handler and calls it twice, where there is an event."""
    artifact, module, event = sys.argv[1:]
    sys.path.insert(0, artifact)
    opened: list[Any] = []
    sys.addaudithook(lambda name, told: opened.append(told) if name == "socket.connect" else None)
    before = count_collections()
    handler = import_module(module).handler
    told: dict[str, Any] = {
        "collections": count_collections() - before,
        "collects_after": gc.get_threshold()[0] if gc.isenabled() else None,
        "frozen": gc.get_freeze_count(),
        "statuses": [],
        "connections": [],
    }
    for _ in range(2 if event else 0):
        opened.clear()
        told["statuses"].append(handler(json.loads(event), None)["statusCode"])
        told["connections"].append(len(opened))
    told["modules"] = sorted(sys.modules)
    print(json.dumps(told))  # noqa: T201 - the test reads it


def count_collections() -> int:
    """How often the garbage collector has run."""
    return sum(int(generation["collections"]) for generation in gc.get_stats())


if __name__ == "__main__":
    main()
