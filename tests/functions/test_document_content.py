"""A document's content by itself: its Markdown, byte for byte."""

import pytest

from tests.functions.conftest import Client
from tests.functions.events import Answer

EVERYTHING = "".join(map(chr, (*range(1, 0xD800), *range(0xE000, 0x1_0000), *range(0x1_F300, 0x1_F700))))


def create(client: Client, content: str) -> str:
    """The path of a new document."""
    return f"/api/docs/{client.create_document(client.create_product()['id'], content=content)['id']}"


@pytest.mark.parametrize("content", ["", "\ufeff# Ü\r\n\r e\u0301  \n\n", EVERYTHING])
def test_content_is_given_as_it_was_sent(owner: Client, content: str) -> None:
    answer = owner.get(f"{create(owner, content)}/content")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["etag"] == '"1"'
    assert answer.text.encode() == content.encode()


def test_content_that_the_client_has_is_304(owner: Client) -> None:
    path = create(owner, "# One")
    assert owner.get(f"{path}/content", headers={"If-None-Match": '"1"'}).status == 304
    owner.patch(path, {"content": "# Two"}).expect(200)
    assert owner.get(f"{path}/content", headers={"If-None-Match": '"1"'}).text == "# Two"


def test_content_of_anothers_document_is_404(owner: Client, stranger: Client) -> None:
    stranger.get(f"{create(owner, '# One')}/content").expect_problem(404, "not-found")


def put(client: Client, path: str, content: bytes, tag: str = "*", **headers: str) -> Answer:
    sent = {"content-type": "text/markdown", "if-match": tag, **headers}
    return client.request("PUT", f"{path}/content", raw=content, headers=sent)


@pytest.mark.parametrize("content", ["", "\ufeff# Ü\r\n\r e\u0301  \n\n", EVERYTHING, "x" * 1024 * 1024])
def test_content_is_replaced_byte_for_byte(owner: Client, content: str) -> None:
    path = create(owner, "# One")
    answer = put(owner, path, content.encode(), '"1"', **{"content-type": "text/markdown; charset=UTF-8"})
    row = answer.expect(200)
    assert answer.headers["etag"] == f'"{row["version"]}"' == '"2"'
    assert "content" not in row
    assert owner.get(f"{path}/content").text == content


@pytest.mark.parametrize("first", range(0x1_0000, 0x11_0000, 0x4_0000), ids=hex)
def test_every_character_beyond_the_first_plane_goes_in_and_out(owner: Client, first: int) -> None:
    """A mebibyte each; those of the first plane are in `EVERYTHING`."""
    path = create(owner, "# One")
    content = "".join(map(chr, range(first, first + 0x4_0000)))
    put(owner, path, content.encode()).expect(200)
    assert owner.get(f"{path}/content").text == content


def test_what_was_replaced_is_a_revision(owner: Client) -> None:
    path = create(owner, "# One")
    put(owner, path, b"# Two").expect(200)
    assert owner.get(f"{path}/revisions/1").expect(200)["content"] == "# One"


def test_replacing_without_a_version_is_428_and_changes_nothing(owner: Client) -> None:
    path = create(owner, "# One")
    answer = owner.request("PUT", f"{path}/content", raw=b"x", headers={"content-type": "text/markdown"})
    answer.expect_problem(428, "precondition-required")
    assert owner.get(f"{path}/content").text == "# One"


@pytest.mark.parametrize("tag", ['"2"', '"1-5d41402a", "3"', 'W/"3"', '"foreign"'])
def test_replacing_another_version_is_412_with_the_row(owner: Client, tag: str) -> None:
    path = create(owner, "# One")
    for words in ("# Two", "# Three"):
        put(owner, path, words.encode()).expect(200)
    owner.patch(path, {"title": "Four"}).expect(200)
    problem = put(owner, path, b"# Mine", tag).expect_problem(412, "version-mismatch")
    assert (problem["current"]["version"], problem["current"]["content"]) == (4, "# Three")


@pytest.mark.parametrize(
    ("content", "slug", "detail"),
    [
        (b"ab\xff", "not-utf8", "The text is not UTF-8, at byte 2."),
        ("ä".encode("utf-16"), "not-utf8", "The text is not UTF-8, at byte 0."),
        (b"\xed\xa0\x80", "not-utf8", "The text is not UTF-8, at byte 0."),
        (b"abc\0", "invalid", "The text has the character U+0000 in it, at byte 3."),
    ],
)
def test_what_no_document_can_hold_is_422_with_its_place(
    owner: Client, content: bytes, slug: str, detail: str
) -> None:
    path = create(owner, "# One")
    problem = put(owner, path, content).expect_problem(422, slug)
    assert problem["detail"] == detail
    assert owner.get(f"{path}/content").text == "# One"


def test_text_of_more_than_a_mebibyte_is_413(owner: Client) -> None:
    path = create(owner, "# One")
    for content in ("x" * (1024 * 1024 + 1), "ü" * (512 * 1024 + 1)):
        put(owner, path, content.encode()).expect_problem(413, "document-too-large")
    put(owner, path, b"x" * (6 * 1024 * 1024 + 1)).expect_problem(413, "body-too-large")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "text/markdown; charset=latin1"},
        {"content-type": "text/markdown", "content-encoding": "gzip"},
        {"content-type": ""},
    ],
)
def test_body_that_does_not_say_it_is_markdown_in_utf_8_is_415(
    owner: Client, headers: dict[str, str]
) -> None:
    put(owner, create(owner, "# One"), b"x", **headers).expect_problem(415, "unsupported-media-type")


def test_replacing_a_document_that_is_not_ones_own_is_404(owner: Client, stranger: Client) -> None:
    path = create(owner, "# One")
    for tag in ("*", '"1"'):
        put(stranger, path, b"x", tag).expect_problem(404, "not-found")
    assert owner.get(f"{path}/content").text == "# One"


def test_token_replaces_content_with_the_grant_only(owner: Client) -> None:
    path = create(owner, "# One")
    put(owner.create_token("work"), path, b"x").expect_problem(403, "token-scope")
    put(owner.create_token("docs"), path, b"x").expect(200)


def test_whoever_is_not_signed_in_is_told_so_first(owner: Client) -> None:
    path = f"{create(owner, '# One')}/content"
    answer = Client(None).request("PUT", path, raw=b"\xff", headers={"content-type": "text/markdown"})
    answer.expect_problem(401, "unauthorized")
