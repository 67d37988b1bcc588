"""From a new process to its first answer, against hello world: a list of products, and a tool of an agent.

Both run on the artifact's own dependencies, by the bare interpreter, with bytecode.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from bench.events import make_event
from bench.line import Line
from bench.timing import compare
from local.supabase import User
from operations.package import build, get_this_machine

HERE = Path(__file__).parent
TIMES = 25
BOUND = 1.35


# The tool that agents begin with.
TOOL_CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "list_work", "arguments": {}},
}


def measure_cold_starts(folder: Path, settings: dict[str, str], user: User) -> Iterator[Line]:
    """Starts them again and again. `folder` is empty."""
    build(folder / "forum.zip", get_this_machine(), Path(sys.executable))
    artifact, hello = folder / "artifact", folder / "hello"
    with ZipFile(folder / "forum.zip") as archive:
        archive.extractall(artifact)
    hello.mkdir()
    (hello / "hello_world.py").write_bytes((HERE / "hello_world.py").read_bytes())
    subprocess.run([sys.executable, "-m", "compileall", "-q", hello], check=True)
    hello_event = make_event("GET", "/api/products", user)

    def start(event: dict[str, Any], function: str, *arguments: str) -> None:
        environment = {**settings, "AWS_LAMBDA_FUNCTION_NAME": f"forum-bench-{function}"}
        # -S: the virtual environment's packages are not the artifact's.
        interpreter = Path(sys.base_prefix) / "bin" / "python3"
        command = [str(interpreter), "-I", "-S", "-B", str(HERE / "first_answer.py"), *arguments]
        command.append(json.dumps(event))
        ended = subprocess.run(
            command, env=environment, cwd=artifact, capture_output=True, text=True, check=True
        )
        if ended.stdout.splitlines()[-1] != "200":
            raise ValueError(f"the function has not answered 200:\n{ended.stdout}{ended.stderr}")

    for function, what, event in (
        ("products", "GET /api/products", hello_event),
        ("mcp", "call of an agent's tool", make_event("POST", "/mcp", user, TOOL_CALL)),
    ):
        compared = compare(
            partial(start, event, function, str(artifact), f"functions.{function}.handler"),
            partial(start, hello_event, function, str(artifact), str(hello), "hello_world"),
            TIMES,
        )
        yield Line(
            f"cold start to the first answered {what}",
            "hello-world FastAPI + Mangum",
            str(compared),
            f"{BOUND}",
            compared.ratio <= BOUND,
        )
