"""Full-text search over documents, at any size and with any words."""

import itertools
import string
from collections.abc import Callable

import pytest

from tests.database.actors import Connection, acting_as, one
from tests.database.world import Person, insert, make_person

MEBIBYTE = 1024 * 1024
HAN = "".join(map(chr, range(0x4E00, 0x5000)))
LETTERS = string.ascii_lowercase + string.digits

FOUND = (
    "select count(*) from public.documents where id = %s and search @@ websearch_to_tsquery('english', %s)"
)


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a row of everything."""
    return make_person(database)


def test_search_finds_words_of_title_and_content_in_any_form(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        document = insert(
            database,
            "documents",
            product_id=owner.rows["products"],
            title="Anchoring at night",
            content="Ropes were **fetched** at the quay.",
        )
        for words, found in (("anchor", 1), ("fetching ropes", 1), ('"at the quay"', 1), ("sail", 0)):
            assert one(database, FOUND, (document, words)) == found
        database.execute("update public.documents set content = 'sails' where id = %s", (document,))
        assert one(database, FOUND, (document, "sail")) == 1
        assert one(database, FOUND, (document, "rope")) == 0


def test_search_ranks_the_title_above_the_content(database: Connection, owner: Person) -> None:
    product = owner.rows["products"]
    with acting_as(database, owner.actor):
        insert(database, "documents", product_id=product, title="other", content="lighthouse")
        titled = insert(database, "documents", product_id=product, title="lighthouse", content="other")
        ranked = database.execute(
            "select id from public.documents, to_tsquery('english', 'lighthouse') as query"
            " where search @@ query order by ts_rank(search, query) desc"
        ).fetchall()
    assert len(ranked) == 2
    assert ranked[0] == (titled,)


def words(length: int, separator: str) -> str:
    """A mebibyte of words that are all different."""
    text = separator.join("".join(letters) for letters in itertools.product(LETTERS, repeat=length))
    return text[:MEBIBYTE].ljust(MEBIBYTE, "x")


HARD = {
    "different words": lambda: words(4, " "),
    "words with hyphens": lambda: words(4, "-"),
    "addresses": lambda: words(4, ".example/a "),
    "one word": lambda: "x" * MEBIBYTE,
    "no word": lambda: "<" * MEBIBYTE,
    # Two characters of three bytes and a blank are seven bytes.
    "words in Chinese": lambda: " ".join(map("".join, itertools.product(HAN, repeat=2)))[: MEBIBYTE // 7 * 3],
}


@pytest.mark.parametrize("content", HARD.values(), ids=HARD)
def test_document_of_a_mebibyte_is_stored_and_found_by_its_title_and_first_words(
    database: Connection, owner: Person, content: Callable[[], str]
) -> None:
    text = "aaaa " + content()[5:]
    # A client's own time-out holds for it.
    database.execute("set local statement_timeout = '8s'")
    with acting_as(database, owner.actor):
        document = insert(
            database,
            "documents",
            product_id=owner.rows["products"],
            title="lighthouse",
            content=text,
        )
        assert one(database, FOUND, (document, "lighthouse")) == 1
        assert one(database, FOUND, (document, "aaaa")) == 1
        stored = "select octet_length(content) from public.documents where id = %s"
        assert one(database, stored, (document,)) == len(text.encode())


def test_document_with_a_mebibyte_of_prose_is_found_by_its_last_word(
    database: Connection, owner: Person
) -> None:
    prose = ("the quick brown fox jumps over lazy dogs " * 26000)[: MEBIBYTE - 11] + " lighthouse"
    with acting_as(database, owner.actor):
        document = insert(database, "documents", product_id=owner.rows["products"], title="t", content=prose)
        assert one(database, FOUND, (document, "lighthouse")) == 1


def test_different_words_of_a_mebibyte_are_more_than_a_tsvector_holds(database: Connection) -> None:
    # Non-vacuous: without the leading part this document would be refused with 54000.
    with pytest.raises(Exception, match="too long for tsvector"):
        database.execute("select to_tsvector('english', %s)", (words(4, " "),))
