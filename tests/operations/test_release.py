"""A release: what it refuses, and what there is afterwards."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from operations import release as releasing
from operations.release import ReleaseError, date_changelog, find_unreleased, release
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 27)
DASH = "\N{EN DASH}"
CHANGELOG = f"""# Changelog

## Unreleased

### Added

- A thing.

### Changed

- Another, with a line
  of its own.

## 0.1.0 {DASH} 2026-11-25

The base.
"""
IDENTITY = {
    **{f"GIT_{who}_NAME": "Forum" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "forum@example.com" for who in ("AUTHOR", "COMMITTER")},
    # Neither a signature nor a hook of whoever runs the tests.
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(folder: Path, *arguments: str) -> str:
    """What git says of a checkout."""
    return subprocess.run(  # noqa: S603 - our own arguments
        ["git", *arguments],  # noqa: S607 - where git lives differs between systems
        cwd=folder,
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with what a release looks at before it builds anything."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(releasing, "ROOT", tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "cli").mkdir()
    for name in ("pyproject.toml", "cli/pyproject.toml"):
        (tmp_path / name).write_text('[project]\nname = "x"\nversion = "0.1.0"\n')
    commit_all(tmp_path)
    return tmp_path


def commit_all(folder: Path) -> None:
    """Makes a repository of a folder."""
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")


def test_what_was_unreleased_stands_under_the_version_and_the_day() -> None:
    dated = date_changelog(CHANGELOG, "0.2.0", DAY)
    assert dated == CHANGELOG.replace("## Unreleased\n", f"## Unreleased\n\n## 0.2.0 {DASH} 2026-11-27\n")


def test_changelog_of_forum_is_one_that_a_release_can_be_made_of() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    dated = date_changelog(changelog, "9.9.9", DAY)
    assert len(dated) == len(changelog) + len(f"\n## 9.9.9 {DASH} 2026-11-27\n")
    with pytest.raises(ReleaseError, match="nothing under Unreleased"):
        find_unreleased(dated)


@pytest.mark.parametrize("section", ["", "\n", "\n### Added\n\n### Changed\n", "\nSome day.\n"])
def test_release_that_changes_nothing_is_refused(checkout: Path, section: str) -> None:
    (checkout / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## Unreleased\n{section}\n## 0.1.0 {DASH} 2026-11-25\n\n- x\n"
    )
    git(checkout, "commit", "--all", "--quiet", "--message", "Say nothing")
    refuse(checkout, "0.2.0", "nothing under Unreleased")


@pytest.mark.parametrize("version", ["", "0.2", "v0.2.0", "0.2.0-rc.1", "00.2.0", "0.2.0\n", "--help"])
def test_what_is_no_version_is_refused(checkout: Path, version: str) -> None:
    refuse(checkout, version, "is not a version")


@pytest.mark.parametrize("version", ["0.0.9", "0.0.10"])
def test_version_before_the_one_there_is_is_refused(checkout: Path, version: str) -> None:
    refuse(checkout, version, "is before 0.1.0")


def test_version_with_a_section_is_refused(checkout: Path) -> None:
    refuse(checkout, "0.1.0", "0.1.0 has been released")


def test_version_with_a_tag_is_refused(checkout: Path) -> None:
    git(checkout, "tag", "v0.2.0")
    refuse(checkout, "0.2.0", "0.2.0 has been released")


@pytest.mark.parametrize("name", ["CHANGELOG.md", "new.py"])
def test_tree_with_changes_is_refused_and_left_as_it_is(checkout: Path, name: str) -> None:
    (checkout / name).write_text(CHANGELOG + "\n")
    refuse(checkout, "0.2.0", name)
    assert (checkout / name).read_text() == CHANGELOG + "\n"


def test_another_branch_is_refused(checkout: Path) -> None:
    git(checkout, "switch", "--quiet", "--create", "feature")
    refuse(checkout, "0.2.0", "a release is made on main, and this is feature")


def test_files_are_as_before_where_the_package_is_not_built(checkout: Path) -> None:
    # There is no local.openapi.write in this checkout.
    refuse(checkout, "0.2.0", "failed")
    assert git(checkout, "status", "--porcelain") == ""
    assert (checkout / "CHANGELOG.md").read_text() == CHANGELOG


def refuse(checkout: Path, version: str, said: str) -> None:
    """A release that is refused and leaves neither a commit nor a tag."""
    before = git(checkout, "for-each-ref") + git(checkout, "rev-parse", "HEAD")
    with pytest.raises(ReleaseError, match=re.escape(said)):
        release(version, DAY)
    assert git(checkout, "for-each-ref") + git(checkout, "rev-parse", "HEAD") == before


def test_release_is_a_commit_a_tag_and_a_package_with_its_hash(tmp_path: Path) -> None:
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    assets = Path("functions", "reference", "assets")
    shutil.copytree(ROOT / assets, tmp_path / assets)
    commit_all(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "operations.release", "7.8.9"],
        cwd=tmp_path,
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "git push --atomic origin main v7.8.9" in done.stdout

    assert git(tmp_path, "status", "--porcelain") == ""
    assert git(tmp_path, "log", "--format=%s") == "Release 7.8.9\nBegin\n"
    assert git(tmp_path, "rev-parse", "v7.8.9^{commit}") == git(tmp_path, "rev-parse", "HEAD")
    assert set(git(tmp_path, "diff", "--name-only", "HEAD~", "HEAD").split()) == {
        *("CHANGELOG.md", "openapi.json", "pyproject.toml", "cli/pyproject.toml"),
    }
    assert json.loads((tmp_path / "openapi.json").read_text())["info"]["version"] == "7.8.9"
    assert f"## 7.8.9 {DASH} {datetime.now(UTC).year}" in (tmp_path / "CHANGELOG.md").read_text()

    digest = hashlib.sha256((tmp_path / "dist" / "forum-7.8.9.zip").read_bytes()).hexdigest()
    assert (tmp_path / "dist" / "forum-7.8.9.zip.sha256").read_text() == f"{digest}  forum-7.8.9.zip\n"
    tagged = git(tmp_path, "tag", "--list", "--format=%(contents)", "v7.8.9")
    assert find_unreleased((ROOT / "CHANGELOG.md").read_text()) in tagged
    assert f"sha256 {digest}" in tagged
