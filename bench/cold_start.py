"""From a new process to the first answered `GET /api/products`, against a hello-world function.

Both run on the artifact's own dependencies, by the bare interpreter, with bytecode.
"""

import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from bench.events import make_event
from bench.line import Line
from bench.timing import compare
from local.supabase import User
from operations.package import build, get_this_machine

HERE = Path(__file__).parent
TIMES = 25
BOUND = 1.35


def measure_cold_start(folder: Path, settings: dict[str, str], user: User) -> Line:
    """Starts both again and again. `folder` is empty."""
    build(folder / "forum.zip", get_this_machine(), Path(sys.executable))
    artifact, hello = folder / "artifact", folder / "hello"
    with ZipFile(folder / "forum.zip") as archive:
        archive.extractall(artifact)
    hello.mkdir()
    (hello / "hello_world.py").write_bytes((HERE / "hello_world.py").read_bytes())
    subprocess.run([sys.executable, "-m", "compileall", "-q", hello], check=True)
    event = json.dumps(make_event("GET", "/api/products", user))
    environment = {**settings, "AWS_LAMBDA_FUNCTION_NAME": "forum-bench-products"}

    def start(*arguments: str) -> None:
        # -S: the virtual environment's packages are not the artifact's.
        interpreter = Path(sys.base_prefix) / "bin" / "python3"
        command = [str(interpreter), "-I", "-S", "-B", str(HERE / "first_answer.py"), *arguments, event]
        ended = subprocess.run(
            command, env=environment, cwd=artifact, capture_output=True, text=True, check=True
        )
        if ended.stdout.splitlines()[-1] != "200":
            raise ValueError(f"the function has not answered 200:\n{ended.stdout}{ended.stderr}")

    compared = compare(
        lambda: start(str(artifact), "functions.products.handler"),
        lambda: start(str(artifact), str(hello), "hello_world"),
        TIMES,
    )
    return Line(
        "cold start to the first answered GET /api/products",
        "hello-world FastAPI + Mangum",
        str(compared),
        f"{BOUND}",
        compared.ratio <= BOUND,
    )
