"""What a document was: listed, read, compared and brought back."""

import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.functions.conftest import Client


def edit(client: Client, *contents: str, **values: Any) -> str:
    """The path of a new document that has had these contents, each but the last kept as a revision."""
    document = client.create_document(client.create_product()["id"], content=contents[0], **values)["id"]
    # Two actors in turn: one's edits within ten minutes would be one session.
    editors = (client, client.create_token("docs"))
    for index, content in enumerate(contents[1:]):
        editors[index % 2].patch(f"/api/docs/{document}", {"content": content}).expect(200)
    return f"/api/docs/{document}"


def test_revisions_are_listed_newest_first_and_read_with_their_content(owner: Client) -> None:
    path = edit(owner, "# One", "# Zwei ü", "# Three")
    items = owner.get(f"{path}/revisions").expect(200)["items"]
    assert [(item["number"], item["actor"], item["content_bytes"]) for item in items] == [
        (2, "token", 9),
        (1, "person", 5),
    ]
    assert all("content" not in item for item in items)
    assert owner.get(f"{path}/revisions/2").expect(200) == items[0] | {"content": "# Zwei ü"}


def test_document_without_edits_has_no_revisions(owner: Client) -> None:
    assert owner.get(f"{edit(owner, '# One')}/revisions").expect(200) == {"items": []}


def test_revisions_take_one_request_of_supabase(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    path = edit(owner, "a\n", "b\n", "c\n")
    for what in ("revisions", "revisions/1", "revisions/1/diff", "revisions/1/diff?against=2"):
        supabase_requests.clear()
        owner.get(f"{path}/{what}")
        assert len(supabase_requests) == 1


def test_restore_brings_title_and_content_back_and_keeps_what_it_replaces(owner: Client) -> None:
    path = edit(owner, "# One", title="First")
    owner.patch(path, {"title": "Second", "content": "# Two"}).expect(200)
    answer = owner.post(f"{path}/revisions/1/restore")
    restored = answer.expect(200)
    assert (restored["title"], restored["content"], restored["version"]) == ("First", "# One", 3)
    assert answer.headers["etag"] == '"3"'
    assert owner.get(f"{path}/revisions/2").expect(200)["content"] == "# Two"


def test_restore_of_a_version_that_has_passed_is_412_and_changes_nothing(owner: Client) -> None:
    path = edit(owner, "# One", "# Two")
    stale = owner.post(f"{path}/revisions/1/restore", headers={"If-Match": '"1"'})
    assert stale.expect_problem(412, "version-mismatch")["current"]["content"] == "# Two"
    owner.post(f"{path}/revisions/1/restore", headers={"If-Match": '"2"'}).expect(200)


def test_token_restores_with_docs_and_reads_without(owner: Client) -> None:
    path = edit(owner, "# One", "# Two")
    reader = owner.create_token()
    assert reader.get(f"{path}/revisions/1").expect(200)["content"] == "# One"
    reader.post(f"{path}/revisions/1/restore").expect_problem(403, "token-scope")
    owner.create_token("docs").post(f"{path}/revisions/1/restore").expect(200)


@pytest.mark.parametrize("what", ["revisions/2", "revisions/2/diff", "revisions/1/diff?against=2"])
def test_revision_that_is_not_there_is_404(owner: Client, what: str) -> None:
    path = edit(owner, "# One", "# Two")
    owner.get(f"{path}/{what}").expect_problem(404, "not-found")
    owner.post(f"{path}/revisions/2/restore").expect_problem(404, "not-found")


def test_revisions_of_another_and_of_a_document_that_is_gone_are_404(owner: Client, stranger: Client) -> None:
    path = edit(owner, "# One", "# Two")
    for client, target in ((stranger, path), (owner, f"/api/docs/{uuid4()}")):
        for what in ("revisions", "revisions/1", "revisions/1/diff"):
            client.get(f"{target}/{what}").expect_problem(404, "not-found")
        client.post(f"{target}/revisions/1/restore").expect_problem(404, "not-found")
    owner.delete(path).expect(204)
    owner.get(f"{path}/revisions").expect_problem(404, "not-found")


def test_diff_is_one_that_patch_applies(owner: Client, tmp_path: Path) -> None:
    before = "one\ntwo \u2028 still two\r\nthree\x0bthree"
    after = "one\ntwo \u2028 still 2\r\nthree\x0bthree\nfour\n"
    answer = owner.get(f"{edit(owner, before, after)}/revisions/1/diff")
    assert answer.headers["content-type"] == "text/x-diff; charset=utf-8"
    target = tmp_path / "document.md"
    target.write_bytes(before.encode())
    patch = shutil.which("patch")
    assert patch is not None
    command = [patch, "--binary", str(target)]
    subprocess.run(command, input=answer.text.encode(), check=True, cwd=tmp_path)  # noqa: S603 - our own text
    assert target.read_bytes() == after.encode()


def test_diff_is_against_the_document_or_another_revision(owner: Client) -> None:
    path = edit(owner, "a\n", "b\n", "c\n")
    assert owner.get(f"{path}/revisions/1/diff").text == "--- revision 1\n+++ current\n@@ -1 +1 @@\n-a\n+c\n"
    assert (
        owner.get(f"{path}/revisions/2/diff?against=1").text
        == "--- revision 2\n+++ revision 1\n@@ -1 +1 @@\n-b\n+a\n"
    )
    assert owner.get(f"{path}/revisions/1/diff?against=1").text == ""
    owner.get(f"{path}/revisions/1/diff?against=0").expect_problem(422, "invalid")


@pytest.mark.parametrize("longer", ["x" * (256 * 1024 + 1), "x\n" * 5_001])
def test_diff_of_what_is_too_long_is_413(owner: Client, longer: str) -> None:
    for contents in ((longer, "x"), ("x", longer)):
        path = edit(owner, *contents)
        owner.get(f"{path}/revisions/1/diff").expect_problem(413, "diff-too-large")
    # A line and a byte less are compared.
    owner.get(f"{edit(owner, longer[:-2], 'x')}/revisions/1/diff")
