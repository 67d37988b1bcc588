"""A new process's first answer: started by file, with a folder for sys.path, a module and an event."""

import json
import sys
from importlib import import_module


def main() -> None:
    """Loads the handler, calls it once, and says which status it answers."""
    *folders, module, event = sys.argv[1:]
    sys.path[:0] = folders
    answer = import_module(module).handler(json.loads(event), None)
    print(answer["statusCode"], flush=True)


if __name__ == "__main__":
    main()
