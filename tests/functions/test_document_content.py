"""A document's content by itself: its Markdown, byte for byte."""

import pytest

from tests.functions.conftest import Client

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
