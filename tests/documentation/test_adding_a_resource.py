"""docs/adding-a-resource.md works: who follows it has a resource that passes what holds for all of them.

A page that does not fit any more is made anew by doing what it says in a clone, until `make check` and the
tests that it names pass there.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.documentation.worked_example import (
    ROOT,
    Block,
    PageError,
    copy_project,
    read_blocks,
    run,
    run_python,
)

PAGE = ROOT / "docs" / "adding-a-resource.md"

# As many as prove each part of the page; all tests of the copy would take as long as all tests do.
TESTS = (
    *(
        "tests/database/test_catalog.py",
        "tests/database/test_behaviour.py",
        "tests/database/test_advisors.py",
    ),
    *("tests/database/test_rest_matrix.py", "tests/database/test_bulk.py", "tests/database/test_limits.py"),
    *("tests/database/test_references.py", "tests/database/test_idempotency.py"),
    *("tests/database/test_schemas.py", "tests/database/test_tokens.py"),
    *("tests/functions/test_rows.py", "tests/functions/test_bulk.py", "tests/functions/test_products.py"),
    *("tests/functions/test_lists.py", "tests/functions/test_releases.py"),
    *("tests/project/test_serverless.py", "tests/project/test_readme.py", "tests/openapi/test_document.py"),
)
CHOSEN = (
    "(releases and not 15-) or test_catalog or test_behaviour or find_nothing or finds_nothing"
    " or test_products or test_serverless or test_readme or test_document"
    " or same_database or what_it_is_for or tokens_do_what_they_are_granted"
)


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    """What the page has to be done, in its order."""
    return read_blocks(PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(blocks: list[Block], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project after somebody has followed the page, its commands included."""
    copy = tmp_path_factory.mktemp("project")
    copy_project(copy)
    follow(blocks, copy)
    # The page's `make openapi`.
    written = run_python(copy, "local.openapi.write")
    assert written.returncode == 0, written.stderr
    return copy


def follow(blocks: list[Block], copy: Path) -> None:
    """What the page shows, and its `make migration`, whose first lines are a person's to complete."""
    for block in blocks:
        block.apply(copy)
    ran = run_python(copy, "local", "migration", "releases_access")
    assert ran.returncode == 0, ran.stderr
    assert "By hand" not in ran.stdout
    (migration,) = (copy / "supabase" / "migrations").glob("*_releases_access.sql")
    migration.write_text(re.sub("^(.*)…$", r"\1Said by a person.", migration.read_text(), flags=re.MULTILINE))


def test_page_tells_which_commands_to_run() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "\nmake openapi\n" in page
    assert "\nmake migration name=releases_access " in page


def test_page_shows_each_file_once(blocks: list[Block]) -> None:
    assert [path for path, count in Counter(block.path for block in blocks).items() if count > 1] == []


def test_files_that_the_page_makes_are_of_one_resource(blocks: list[Block]) -> None:
    """Everything that is new is named after it, so that a reader can take it for a pattern."""
    new = [block.path for block in blocks if block.language != "diff"]
    assert len(new) == 9
    assert [path for path in new if "releases" not in path] == []


def test_code_of_the_page_is_formatted_and_linted(project: Path, blocks: list[Block]) -> None:
    paths = [block.path for block in blocks if block.path.endswith(".py")]
    for arguments in (["format", "--check", *paths], ["check", "--no-cache", *paths]):
        looked = run_python(project, "ruff", *arguments)
        assert looked.returncode == 0, looked.stdout + looked.stderr


def test_functions_of_the_copy_import_each_other_as_little_as_before(project: Path) -> None:
    looked = run([str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"], project)
    assert looked.returncode == 0, looked.stdout + looked.stderr
    # A run that looked at nothing ends well, too.
    assert re.search(r"^Contracts: [1-9]\d* kept, 0 broken\.", looked.stdout, re.MULTILINE), looked.stdout


def test_resource_of_the_page_passes_the_tests_that_hold_for_every_resource(
    project: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.xml"
    ran = run_python(
        project, "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *TESTS, "-k", CHOSEN
    )
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    cases = [case for case in ET.parse(report).iter("testcase") if not list(case)]  # noqa: S314 - pytest has just written it
    passed = Counter(case.attrib["classname"] for case in cases)
    # A file that has lost its tests of the new resource to a new name proves nothing.
    assert {name.removesuffix(".py").replace("/", ".") for name in TESTS} == set(passed)
    of_releases = Counter(case.attrib["classname"] for case in cases if "releases" in case.attrib["name"])
    assert of_releases["tests.database.test_rest_matrix"] >= 10
    assert of_releases["tests.functions.test_rows"] >= 10


def test_page_without_the_grants_is_found_out_by_the_catalog(blocks: list[Block], tmp_path: Path) -> None:
    """What the copy's tests say is about the copy: the same page with a step left out fails them."""
    copy_project(tmp_path)
    follow([block for block in blocks if block.path != "tests/database/intended.py"], tmp_path)
    ran = run_python(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "tests/database/test_catalog.py")
    assert ran.returncode == 1, ran.stderr
    assert set(re.findall(r"^FAILED \S+\[(\w+)\]", ran.stdout, re.MULTILINE)) == {
        "tables_are_granted_as_listed",
        "functions_are_granted_as_listed",
    }


def test_new_file_is_made_with_its_folders(tmp_path: Path) -> None:
    (block,) = read_blocks('Look:\n\n**`a/b.py`**\n\n```python\nx = 1\n\ny = "```"\n```\n')
    block.apply(tmp_path)
    assert (tmp_path / "a/b.py").read_text() == 'x = 1\n\ny = "```"\n'
    with pytest.raises(PageError, match=r"a/b\.py is there already"):
        block.apply(tmp_path)


DIFF = """\
**`a.txt`**

```diff
--- a/a.txt
+++ b/a.txt
@@ -1,4 +1,5 @@
 one
 two
+new
 three
 four
```
"""


def test_diff_is_applied_where_its_place_has_moved_to_and_its_surroundings_have_changed(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text("zero\nzero\nonce\ntwo\nthree\nfor\nfive\n")
    (block,) = read_blocks(DIFF)
    block.apply(tmp_path)
    assert (tmp_path / "a.txt").read_text() == "zero\nzero\nonce\ntwo\nnew\nthree\nfor\nfive\n"


@pytest.mark.parametrize("there", ["one\n2\n3\nfour\n", None])
def test_diff_that_does_not_fit_names_its_file(there: str | None, tmp_path: Path) -> None:
    if there is not None:
        (tmp_path / "a.txt").write_text(there)
    (block,) = read_blocks(DIFF)
    with pytest.raises(PageError, match=r"diff of a\.txt does not fit"):
        block.apply(tmp_path)


def test_diff_of_another_file_than_its_path_says_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\nfour\n")
    (block,) = read_blocks(DIFF.replace("**`a.txt`**", "**`b.txt`**"))
    with pytest.raises(PageError, match=r"under b\.txt is of \['a\.txt'\]"):
        block.apply(tmp_path)


def test_block_without_a_path_is_refused_unless_it_is_for_a_terminal() -> None:
    assert read_blocks("Then:\n\n```sh\nmake check\n```\n") == []
    with pytest.raises(PageError, match="block in line 3 has no path"):
        read_blocks("Then:\n\n```python\nx = 1\n```\n")
    with pytest.raises(PageError, match="block in line 3 does not end"):
        read_blocks("**`a.py`**\n\n```python\nx = 1\n")
