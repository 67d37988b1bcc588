"""Make a release on this machine: `make release version=0.2.0`.

What the changelog has under Unreleased becomes the version's section, pyproject.toml and openapi.json name
the version, the package is built with its SHA-256 beside it, and a commit gets the tag. Nothing is pushed: a
pushed tag deploys production (docs/deployment.md, section 9).
"""

import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from operations.package import CannotPackage, Target, build

ROOT = Path(__file__).parents[1]
CHANGELOG = "CHANGELOG.md"
# The command's wheel has the version of what it was made with.
NAMING_THE_VERSION = ("pyproject.toml", "cli/pyproject.toml")
MAIN = "main"
UNRELEASED = "## Unreleased"
# Semantic Versioning's, without what goes before a release.
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
VERSION_LINE = re.compile(r'^version = "(.+)"$', re.MULTILINE)


class ReleaseError(Exception):
    """Why there is no release. Nothing has changed."""


def find_unreleased(changelog: str) -> str:
    """What stands under Unreleased, up to the version before. Raises `ReleaseError` where that is nothing."""
    found = re.search(rf"^{UNRELEASED}\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ReleaseError(f"{CHANGELOG} has no section {UNRELEASED!r}")
    # Its headings alone say nothing.
    if not re.search(r"^- \S", found[1], re.MULTILINE):
        raise ReleaseError(f"{CHANGELOG} has nothing under Unreleased: say there what has changed")
    return found[1].strip("\n")


def date_changelog(changelog: str, version: str, day: date) -> str:
    """The changelog with what was unreleased under the version, and an empty section before it."""
    section = find_unreleased(changelog)
    dated = f"{UNRELEASED}\n\n## {version} \N{EN DASH} {day.isoformat()}\n\n{section}\n"
    return changelog.replace(f"{UNRELEASED}\n\n{section}\n", dated, 1)


def check(version: str, changelog: str, current: str) -> None:
    """Raises `ReleaseError` where there cannot be this release here and now."""
    if VERSION.fullmatch(version) is None:
        raise ReleaseError(f"{version!r} is not a version: say three numbers, such as 0.2.0")
    if git("tag", "--list", f"v{version}") or re.search(
        rf"^## {re.escape(version)}\s", changelog, re.MULTILINE
    ):
        raise ReleaseError(f"{version} has been released: say another version")
    if split(version) < split(current):
        raise ReleaseError(f"{version} is before {current}, which pyproject.toml names")
    find_unreleased(changelog)
    if dirty := git("status", "--porcelain"):
        raise ReleaseError(f"commit or remove first what differs from the last commit:\n{dirty}")
    if (branch := git("branch", "--show-current")) != MAIN:
        # The workflow deploys no tag that is not on it.
        raise ReleaseError(f"a release is made on {MAIN}, and this is {branch or 'no branch'}")


def split(version: str) -> list[int]:
    """Its numbers, to compare by."""
    return [int(number) for number in version.split(".")]


def release(version: str, day: date) -> Path:
    """Makes the release. Returns its package. Raises `ReleaseError` and `CannotPackage`."""
    changelog = (ROOT / CHANGELOG).read_text(encoding="utf-8")
    found = VERSION_LINE.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    check(version, changelog, found[1] if found else "0.0.0")
    artifact = ROOT / "dist" / f"forum-{version}.zip"
    try:
        name_version(version, date_changelog(changelog, version, day))
        # Without bytecode: the same on every machine, so that whoever builds the tag finds the same hash.
        digest = build(artifact, Target())
        git("commit", "--all", "--quiet", "--message", f"Release {version}")
    except (ReleaseError, CannotPackage):
        git("restore", "--staged", "--worktree", ".")
        raise
    # As sha256sum reads it.
    artifact.with_suffix(".zip.sha256").write_text(f"{digest}  {artifact.name}\n", encoding="utf-8")
    message = f"Forum {version}\n\n{find_unreleased(changelog)}\n\nforum-{version}.zip: sha256 {digest}\n"
    # The headings of the changelog would be comments.
    git("tag", "--annotate", f"v{version}", "--cleanup=verbatim", "--message", message)
    return artifact


def name_version(version: str, changelog: str) -> None:
    """Writes the files that name the version."""
    (ROOT / CHANGELOG).write_text(changelog, encoding="utf-8")
    for name in NAMING_THE_VERSION:
        text = (ROOT / name).read_text(encoding="utf-8")
        (ROOT / name).write_text(VERSION_LINE.sub(f'version = "{version}"', text, count=1), encoding="utf-8")
    run(sys.executable, "-m", "local.openapi.write")


def git(*arguments: str) -> str:
    """What git says. Raises `ReleaseError`."""
    return run("git", *arguments)


def run(*command: str) -> str:
    """What a program says. Raises `ReleaseError`."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{' '.join(command[:3])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = ArgumentParser(prog="python -m operations.release", description="Make a release.")
    parser.add_argument("version", help="such as 0.2.0")
    version = parser.parse_args(arguments).version
    try:
        artifact = release(version, datetime.now(UTC).date())
    except (ReleaseError, CannotPackage) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{artifact}, and its SHA-256 beside it.")
    print(f"Look at it with `git show v{version}`, then: git push --atomic origin {MAIN} v{version}")
    print("Where GitHub Actions deploys, the tag goes to production.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
