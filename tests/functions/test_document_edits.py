"""Edits in one place of a document."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.functions.conftest import Client, in_own_loop
from tests.functions.events import Answer


def create(client: Client, content: str) -> str:
    """The path of a new document."""
    return f"/api/docs/{client.create_document(client.create_product()['id'], content=content)['id']}"


def edit(client: Client, path: str, mode: str, text: str, **more: Any) -> Answer:
    """One edit."""
    headers = more.pop("headers", {})
    return client.post(f"{path}/edit", {"mode": mode, "text": text, **more}, headers=headers)


def read(client: Client, path: str) -> str:
    """The whole content."""
    content: str = client.get(path).expect(200)["content"]
    return content


def test_text_is_put_at_the_end_and_at_the_start_as_it_is(owner: Client) -> None:
    path = create(owner, "b\r\n")
    answer = edit(owner, path, "append", "ü\n")
    row = answer.expect(200)
    assert (row["version"], row["content_bytes"], row["around"]) == (2, 6, None)
    assert "content" not in row
    assert answer.headers["etag"] == '"2"'
    edit(owner, path, "prepend", "\ufeffa").expect(200)
    assert read(owner, path) == "\ufeffab\r\nü\n"


def test_passage_is_replaced_and_shown_between_what_stands_around_it(owner: Client) -> None:
    path = create(owner, "\U0001f30a" * 300 + "old\r\n" + "e\u0301" * 300)
    row = edit(owner, path, "replace_passage", "new", find="old\r\n").expect(200)
    assert row["around"] == {"before": "\U0001f30a" * 200, "after": "e\u0301" * 100}
    assert read(owner, path) == "\U0001f30a" * 300 + "new" + "e\u0301" * 300


def test_passage_is_taken_to_the_letter(owner: Client) -> None:
    path = create(owner, r"a.c \1 %s abc")
    edit(owner, path, "replace_passage", r"\0&$1", find="a.c").expect(200)
    assert read(owner, path) == r"\0&$1 \1 %s abc"
    edit(owner, path, "replace_passage", "x", find="ABC").expect_problem(409, "passage-missing")


def test_passage_that_is_missing_changes_nothing(owner: Client) -> None:
    path = create(owner, "one")
    problem = edit(owner, path, "replace_passage", "x", find="two").expect_problem(409, "passage-missing")
    assert problem["errors"][0]["pointer"] == "/find"
    assert owner.get(path).expect(200)["version"] == 1


@pytest.mark.parametrize(
    ("content", "find", "count"), [("aaa", "aa", 2), ("x.x.x", "x", 3), ("a" * 50, "a", 10)]
)
def test_passage_that_occurs_more_than_once_changes_nothing(
    owner: Client, content: str, find: str, count: int
) -> None:
    path = create(owner, content)
    answer = edit(owner, path, "replace_passage", "x", find=find)
    assert answer.expect_problem(409, "passage-ambiguous")["count"] == count
    assert read(owner, path) == content


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "replace_passage", "text": "x"},
        {"mode": "replace_passage", "text": "x", "find": None},
        {"mode": "replace_passage", "text": "x", "find": ""},
        {"mode": "replace_passage", "text": "x", "find": "x" * 4_001},
        {"mode": "append", "text": "x", "find": "x"},
    ],
)
def test_passage_that_does_not_fit_the_mode_is_422_by_its_name(owner: Client, body: dict[str, Any]) -> None:
    problem = owner.post(f"{create(owner, 'x')}/edit", body).expect_problem(422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == ["/find"]


def test_edit_to_more_than_a_mebibyte_is_413_and_changes_nothing(owner: Client) -> None:
    path = create(owner, "x" * (1024 * 1024 - 2))
    edit(owner, path, "append", "ü").expect(200)
    edit(owner, path, "append", "x").expect_problem(413, "document-too-large")
    assert owner.get(path).expect(200)["version"] == 2


def test_edit_of_another_version_is_412(owner: Client) -> None:
    path = create(owner, "a")
    edit(owner, path, "append", "b", headers={"If-Match": '"1"'}).expect(200)
    stale = edit(owner, path, "append", "c", headers={"If-Match": '"1"'})
    assert stale.expect_problem(412, "version-mismatch")["current"]["content"] == "ab"


def test_edit_of_anothers_document_is_404(owner: Client, stranger: Client) -> None:
    path = create(owner, "a")
    for mode, more in (("append", {}), ("replace_passage", {"find": "a"})):
        edit(stranger, path, mode, "b", **more).expect_problem(404, "not-found")
    assert read(owner, path) == "a"


def test_token_edits_with_docs_and_in_its_product_only(owner: Client) -> None:
    path = create(owner, "a")
    edit(owner.create_token("work"), path, "append", "b").expect_problem(403, "token-scope")
    other = owner.create_token("docs", product_id=owner.create_product()["id"])
    edit(other, path, "append", "b").expect_problem(404, "not-found")
    edit(owner.create_token("docs"), path, "append", "b").expect(200)
    assert read(owner, path) == "ab"


def test_edit_takes_one_request_of_supabase(owner: Client, supabase_requests: list[httpx.Request]) -> None:
    path = create(owner, "a")
    supabase_requests.clear()
    edit(owner, path, "append", "b").expect(200)
    assert len(supabase_requests) == 1


def test_twenty_appends_at_once_are_all_there(owner: Client) -> None:
    path = create(owner, "")
    lines = [f"line {number}\n" for number in range(20)]

    def append(line: str) -> None:
        # Who cannot have the row within a second is told so, and sends it again.
        while (answer := in_own_loop(lambda: edit(owner, path, "append", line))).status == 503:
            pass
        answer.expect(200)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(append, lines))
    assert sorted(read(owner, path).splitlines(keepends=True)) == sorted(lines)
    assert owner.get(path).expect(200)["version"] == 21


def test_of_two_replacements_of_one_passage_at_once_one_is_409(owner: Client) -> None:
    path = create(owner, "- who? -")

    def replace(name: str) -> int:
        return in_own_loop(lambda: edit(owner, path, "replace_passage", name, find="who?")).status

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(replace, ("Ada", "Grace"))) == [200, 409]
    assert read(owner, path) in {"- Ada -", "- Grace -"}
