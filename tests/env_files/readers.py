"""What reads the files that Forum writes."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from functions.app_info.env_files import read_env_file
from tests.patience import PATIENCE_SECONDS

SCRIPT = Path(__file__).with_name("node_dotenv.cjs")
ENV = shutil.which("env") or "env"

Values = dict[str, str | None]


class NodeDotenv:
    """A running Node with dotenv."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self, text: str) -> tuple[Values, Values]:
        """What `dotenv.parse` makes of a file, and what it makes of it with `fast`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        plain, fast = json.loads(self._process.stdout.readline())
        return plain, fast


@contextmanager
def run_node_dotenv() -> Iterator[NodeDotenv]:
    """One process for all files: starting Node takes longer than reading hundreds of them."""
    node = shutil.which("node")
    assert node is not None
    with subprocess.Popen(  # noqa: S603 - our own script
        [node, SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield NodeDotenv(process)
        process.communicate()


def read_with_forum(text: str) -> Values:
    return {str(line.key): line.value for line in read_env_file(text)}


def read_with_python_dotenv(text: str) -> Values:
    return dict(dotenv_values(stream=StringIO(text), interpolate=False))


def read_as_docker(file: bytes) -> dict[str, str]:
    """By the rules in docker/cli's kvfile.go: no quotes, no escapes, lines of up to 64 KiB."""
    read = {}
    for number, line in enumerate(file.split(b"\n")):
        assert len(line) < 64 * 1024, "bufio.Scanner: token too long"
        text = line.removesuffix(b"\r").decode()
        text = (text.removeprefix("\ufeff") if number == 0 else text).lstrip()
        if text and not text.startswith("#"):
            key, equals, value = text.partition("=")
            assert key, "no variable name"
            assert not {" ", "\t"} & set(key), "variable contains whitespaces"
            assert equals, "a variable that is taken from Docker's own environment"
            read[key] = value
    return read


def source(shell: str, locale: str, file: str, directory: Path) -> dict[str, str]:
    """The environment of a program that is started by a shell that has sourced a file, in a directory."""
    path = directory.with_suffix(".sh")
    path.write_bytes(file.encode())
    finished = subprocess.run(  # noqa: S603 - our own script, in a shell that the test names
        [shell, "-c", f'. "$0" && exec {ENV} -0', path],
        cwd=directory,
        env={"PATH": os.defpath, "LC_ALL": locale},
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, b"")
    pairs = finished.stdout.decode().split("\0")[:-1]
    return dict(pair.split("=", 1) for pair in pairs)
