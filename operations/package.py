"""Builds what is deployed: one zip for all functions, by `make package`, on any machine and without Docker.

The wheels are those of Lambda's platform, whatever this machine is, in the versions of requirements.txt. The
same sources give the same bytes: entries are sorted, and their times and modes are fixed.

Bytecode is left out unless `--compile` asks for it, or `--compile-with` names an interpreter of the target's
version. It is good for one version of Python only, and Lambda's is hardly that of every machine: a zip that
held it wherever somebody happens to have that interpreter would differ from one machine to the next. `make
deploy` asks for it: Lambda keeps no bytecode of its own, and to compile more than doubles a cold start.

boto3 comes with Lambda's runtime, so it is left out.
"""

import argparse
import hashlib
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "requirements.txt"
ARTIFACT = ROOT / "dist" / "forum.zip"

# Forum's own part. serverless-offline reads the checkout itself; only this zip goes to Lambda.
SOURCES = (
    "LICENSE",
    "functions/**/*.py",
    "functions/reference/*.html",
    "functions/reference/*.js",
    "functions/reference/assets/*",
    "openapi.json",
    "shared/**/*.py",
)
# npm's part of it, which a checkout without `make install` does not have.
ASSET = "functions/reference/assets/swagger-ui-bundle.js"

# HTTP/2, which `postgrest` asks for and Forum does not speak: httpcore loads it wherever it is installed.
UNUSED = ("h2", "hpack", "hyperframe")

# Scripts name the interpreter of the machine that installed them, and RECORD their hashes. The other two say
# who installed what. Metadata and licences stay. Some wheels bring tests of their own.
NOT_PACKAGED = re.compile(
    r"\.lock"  # uv's
    r"|bin/.*"
    r"|[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED)"
    r"|.*/tests/.*"
    r"|.*/_testcapi\.[^/]+\.so"
    rf"|({'|'.join(UNUSED)})(-[^/]+\.dist-info)?/.*"
)

# As `make bench` has it.
MAX_BYTES = 20 * 1024 * 1024
# The first moment that a zip can name.
TIME = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644
UNIX = 3
COMPRESSION = 9


class CannotPackage(Exception):
    """The artifact cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """What the artifact is to run on."""

    platform: str = "aarch64-manylinux2014"  # as uv names it
    python_version: str = "3.13"


def get_this_machine() -> Target:
    """This machine and this Python, to run an artifact right here."""
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    system = "apple-darwin" if sys.platform == "darwin" else "manylinux_2_28"
    return Target(f"{machine}-{system}", f"{sys.version_info.major}.{sys.version_info.minor}")


def build(artifact: Path, target: Target, compile_with: Path | None = None) -> str:
    """Writes the artifact. Returns its SHA-256. Raises `CannotPackage`."""
    sources = list_sources()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "artifact"
        install(folder, target)
        for name in sources:
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
        if compile_with is not None:
            compile_sources(folder, target, compile_with)
        artifact.parent.mkdir(parents=True, exist_ok=True)
        # In one step: nobody deploys half a file.
        partial = artifact.with_name(f"{artifact.name}.partial")
        write(partial, folder)
    content = partial.read_bytes()
    if len(content) > MAX_BYTES:
        partial.unlink()
        raise CannotPackage(f"The artifact has {len(content):,} bytes, more than the {MAX_BYTES:,} allowed.")
    partial.replace(artifact)
    return hashlib.sha256(content).hexdigest()


def list_sources() -> list[str]:
    """Forum's own files, by their names in the artifact. Raises `CannotPackage`."""
    if not (ROOT / ASSET).exists():
        raise CannotPackage("The files of the page at /reference are missing: run `make install`.")
    found = {
        path.relative_to(ROOT).as_posix()
        for pattern in SOURCES
        for path in ROOT.glob(pattern)
        if path.is_file()
    }
    return sorted(found)


def install(folder: Path, target: Target) -> None:
    """Puts the pinned wheels of the target there. Raises `CannotPackage`."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet"),
        # What is not in requirements.txt is not deployed, nor is a file with another hash than it says, and
        # nothing is built here.
        *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
        *("--target", str(folder), "--python", sys.executable),
        *("--python-platform", target.platform, "--python-version", target.python_version),
        *("--requirements", str(REQUIREMENTS)),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise CannotPackage(f"uv cannot install for {target}:\n{ended.stderr}")


def find_interpreter(target: Target) -> Path:
    """One of the target's version: this one, one on PATH, or one of uv's. Raises `CannotPackage`."""
    command = [sys.executable, "-m", "uv", "python", "find", "--managed-python", target.python_version]
    managed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    for found in (sys.executable, shutil.which(f"python{target.python_version}"), managed):
        if found and _get_version(found) == target.python_version:
            return Path(found)
    raise CannotPackage(
        f"Bytecode takes Python {target.python_version}, and there is none here."
        f" Get one: `.venv/bin/uv python install {target.python_version}`."
    )


def _get_version(interpreter: Path | str) -> str:
    """The version of Python that an interpreter is, empty for what does not start."""
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([interpreter, "-c", version], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def compile_sources(folder: Path, target: Target, interpreter: Path) -> None:
    """Puts bytecode beside each source, which Python takes unchecked. Raises `CannotPackage`."""
    if _get_version(interpreter) != target.python_version:
        raise CannotPackage(f"{interpreter} is not Python {target.python_version}.")
    # In a process, -j 1: how strings are shared in bytecode depends on what was compiled before.
    options = ["-q", "-j", "1", "-s", str(folder), "-p", "/var/task", "--invalidation-mode", "unchecked-hash"]
    ended = subprocess.run(
        [interpreter, "-I", "-m", "compileall", *options, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise CannotPackage(f"Not everything compiles:\n{ended.stdout}{ended.stderr}")


def list_packaged(folder: Path) -> list[str]:
    """The files of a folder that are packaged, in their order."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if not NOT_PACKAGED.fullmatch(name))


def write(artifact: Path, folder: Path) -> None:
    """Zips a folder, the same bytes for the same files."""
    with ZipFile(artifact, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        for name in list_packaged(folder):
            entry = ZipInfo(name, TIME)
            entry.create_system, entry.external_attr = UNIX, MODE << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, (folder / name).read_bytes(), compresslevel=COMPRESSION)


def main() -> None:
    """Builds the artifact and says what it has become."""
    default = Target()
    parser = argparse.ArgumentParser(prog="python -m operations.package", description=__doc__)
    parser.add_argument("--output", type=Path, default=ARTIFACT)
    parser.add_argument("--platform", default=default.platform, help="as uv names it")
    parser.add_argument("--python-version", default=default.python_version)
    bytecode = parser.add_mutually_exclusive_group()
    bytecode.add_argument("--compile", action="store_true", help="add bytecode")
    bytecode.add_argument(
        "--compile-with", type=Path, help="add bytecode by this interpreter of that version"
    )
    arguments = parser.parse_args()
    target = Target(arguments.platform, arguments.python_version)
    try:
        interpreter = find_interpreter(target) if arguments.compile else arguments.compile_with
        digest = build(arguments.output, target, interpreter)
    except CannotPackage as error:
        sys.exit(str(error))
    size = arguments.output.stat().st_size / 1024**2
    print(f"{arguments.output}: {size:.1f} MB for Python {target.python_version}, {target.platform}")
    print(f"sha256 {digest}")


if __name__ == "__main__":
    main()
