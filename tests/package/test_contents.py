"""What is in the artifact, and what is not."""

import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from operations import package
from operations.package import (
    MAX_BYTES,
    REQUIREMENTS,
    UNUSED,
    CannotPackage,
    Target,
    build,
    find_interpreter,
    get_this_machine,
)

ROOT = Path(__file__).parents[2]
# ELF's numbers of machines, where its header has them.
AARCH64 = 183
MACHINE = slice(18, 20)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The artifact for Lambda."""
    artifact = tmp_path_factory.mktemp("deployed") / "forum.zip"
    build(artifact, Target())
    return ZipFile(artifact)


def get_top_level(artifact: ZipFile) -> set[str]:
    return {name.partition("/")[0] for name in artifact.namelist()}


def test_artifact_is_small_enough(deployed: ZipFile) -> None:
    assert deployed.filename is not None
    assert Path(deployed.filename).stat().st_size <= MAX_BYTES


def test_artifact_has_every_function_and_what_it_reads(deployed: ZipFile) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "functions", "shared", "openapi.json"],  # noqa: S607 - git is where it is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert set(filter(lambda name: (ROOT / name).exists(), tracked)) <= set(deployed.namelist())
    assert "functions/reference/assets/swagger-ui-bundle.js" in deployed.namelist()
    assert deployed.read("openapi.json") == (ROOT / "openapi.json").read_bytes()


def test_artifact_has_nothing_of_development(deployed: ZipFile) -> None:
    assert not get_top_level(deployed) & {
        *("tests", "local", "operations", "bench", "supabase.md", "bin", "node_modules", "serverless.yml"),
        *("pytest", "moto", "mypy", "uvicorn", "boto3", "botocore", "psycopg", "hypothesis", "awslambdaric"),
        *("uv", "ruff", "Makefile", "pyproject.toml", ".env", ".env.example", ".local"),
    }
    assert [name for name in deployed.namelist() if "/tests/" in name or "__pycache__" in name] == []
    # `supabase` is the client, not the migrations.
    assert [name for name in deployed.namelist() if name.endswith(".sql")] == []


def test_artifact_has_metadata_and_licence_of_each_dependency(deployed: ZipFile) -> None:
    pinned = re.findall(r"^([a-z0-9-]+)==([^ \n]+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    folders = {
        f"{name.replace('-', '_')}-{version}.dist-info" for name, version in pinned if name not in UNUSED
    }
    found = {name for name in get_top_level(deployed) if name.endswith(".dist-info")}
    assert found == folders
    assert {f"{folder}/METADATA" for folder in folders} <= set(deployed.namelist())
    assert "LICENSE" in deployed.namelist()
    assert "functions/reference/assets/swagger-ui-bundle.js.LICENSE.txt" in deployed.namelist()
    assert any(re.fullmatch(r"cryptography-.*/licenses/LICENSE", name) for name in deployed.namelist())


def test_artifact_has_nothing_of_http_2(deployed: ZipFile) -> None:
    assert {"httpx", "httpcore", "h11"} <= get_top_level(deployed)
    assert [name for name in deployed.namelist() if name.startswith(("h2", "hpack", "hyperframe"))] == []


def test_every_library_is_for_lambdas_machine_and_python(deployed: ZipFile) -> None:
    libraries = [name for name in deployed.namelist() if ".so" in Path(name).suffixes]
    assert any(name.startswith("pydantic_core/") for name in libraries)
    machines = {int.from_bytes(deployed.read(name)[MACHINE], "little") for name in libraries}
    assert machines == {AARCH64}
    assert [
        name for name in libraries if not re.search(r"\.(abi3|cpython-313-aarch64-linux-gnu)\.so$", name)
    ] == []


def test_two_builds_are_the_same_bytes(deployed: ZipFile, tmp_path: Path) -> None:
    assert deployed.filename is not None
    build(tmp_path / "again.zip", Target())
    assert (tmp_path / "again.zip").read_bytes() == Path(deployed.filename).read_bytes()


def test_two_builds_with_bytecode_are_the_same_bytes(zipped: Path, tmp_path: Path) -> None:
    build(tmp_path / "again.zip", get_this_machine(), Path(sys.executable))
    assert (tmp_path / "again.zip").read_bytes() == zipped.read_bytes()


def test_times_and_modes_are_nobodys(deployed: ZipFile) -> None:
    entries = deployed.infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {oct(entry.external_attr >> 16) for entry in entries} == {"0o100644"}
    assert [entry.filename for entry in entries] == sorted({entry.filename for entry in entries})


def test_bytecode_is_unchecked_and_for_this_python(zipped: Path) -> None:
    # importlib's header: magic number, then flags; 1 says "by hash", 2 would say "checked".
    with ZipFile(zipped) as artifact:
        compiled = [name for name in artifact.namelist() if name.endswith(".pyc")]
        flags = {int.from_bytes(artifact.read(name)[4:8], "little") for name in compiled}
    assert any(name.startswith("functions/products/__pycache__/handler.") for name in compiled)
    assert flags == {1}


def test_interpreter_of_another_version_compiles_nothing(tmp_path: Path) -> None:
    with pytest.raises(CannotPackage, match=r"is not Python 3\.13"):
        build(tmp_path / "forum.zip", Target(), Path(sys.executable))
    assert list(tmp_path.iterdir()) == []


def test_interpreter_of_the_targets_version_is_found() -> None:
    interpreter = str(find_interpreter(get_this_machine()))
    command = [interpreter, "-c", "import sys; print(sys.version_info[:2])"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - as found
    assert told.strip() == str(sys.version_info[:2])


def test_version_that_is_not_here_is_told_how_to_get_it() -> None:
    with pytest.raises(CannotPackage, match=r"uv python install 3\.99"):
        find_interpreter(Target(python_version="3.99"))


def test_what_is_deployed_has_bytecode() -> None:
    # -n only says what it would do.
    said = subprocess.run(
        ["make", "-n", "deploy", "stage=production"],  # noqa: S607 - make is where it is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    packages, deploys = said.index("operations.package --compile"), said.index("operations.deploy production")
    assert packages < deploys


def test_unknown_platform_leaves_the_artifact_of_before(tmp_path: Path) -> None:
    artifact = tmp_path / "forum.zip"
    artifact.write_bytes(b"of before")
    with pytest.raises(CannotPackage, match="uv cannot install"):
        build(artifact, Target(platform="abacus"))
    assert artifact.read_bytes() == b"of before"


@pytest.mark.parametrize(
    ("name", "known"),
    [("", "fastapi"), ("-uv", "uv"), ("-stack", "moto"), ("-dev", "pytest")],
)
def test_every_package_is_locked_to_the_hashes_of_its_files(name: str, known: str) -> None:
    lines = (ROOT / f"requirements{name}.txt").read_text().replace("\\\n", "").splitlines()
    locked = [line for line in lines if "==" in line]
    assert known in {line.partition("==")[0] for line in locked}
    assert [line for line in locked if "--hash=sha256:" not in line] == []


def test_artifact_is_not_built_of_a_file_that_is_another_than_was_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = re.search(r"^annotated-doc==\S+", REQUIREMENTS.read_text(), re.MULTILINE)
    assert found is not None
    changed = tmp_path / "requirements.txt"
    monkeypatch.setattr(package, "REQUIREMENTS", changed)
    for hashes in (f" --hash=sha256:{'0' * 64}", ""):
        changed.write_text(f"{found[0]}{hashes}\n")
        with pytest.raises(CannotPackage, match=r"(?i)hash"):
            build(tmp_path / "forum.zip", Target())
