"""Full-text search over documents, at any size and with any words."""

import itertools
import string
from collections.abc import Callable
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest

from local.postgres import Postgres
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


def repeat(unit: str) -> str:
    """A mebibyte of the same."""
    return (unit * (MEBIBYTE // len(unit) + 1))[:MEBIBYTE]


HARD = {
    "different words": lambda: words(4, " "),
    "words with hyphens": lambda: words(4, "-"),
    "addresses": lambda: words(4, ".example/a "),
    "one word": lambda: "x" * MEBIBYTE,
    "no word": lambda: "<" * MEBIBYTE,
    "one name with _": lambda: repeat("user_created_product_"),
    "names with _ and blanks": lambda: repeat("a_" * 9 + " "),
    "nothing but _": lambda: repeat("_"),
    "steps in a path": lambda: repeat("./"),
    "homes in a path": lambda: repeat("~/"),
    "accounts": lambda: repeat("a1@"),
    "open comments": lambda: repeat("<!--"),
    "open comments in names": lambda: repeat("a_<!--b_"),
    "tags": lambda: repeat("<a b='"),
    "digits": lambda: repeat("1"),
    "dots": lambda: repeat("a.b.c."),
    "paths": lambda: repeat("a/b-c_d/"),
    "signs": lambda: repeat("1e+-"),
    "e-mail addresses": lambda: repeat("a_b@c.de"),
    "URLs": lambda: repeat("http://a.b/c_d?e=f"),
    "entities": lambda: repeat("&#1"),
    "combining marks": lambda: "e\u0301" * (MEBIBYTE // 3),
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


def count_searches(connection: Connection, change: LiteralString, document: UUID) -> int:
    """How often a change of a document has its words taken out."""
    counted = (
        "select coalesce(max(calls), 0) from pg_stat_xact_user_functions where funcname = 'document_search'"
    )
    before = one(connection, counted)
    connection.execute(change, (document,))
    return int(one(connection, counted)) - int(before)


def test_words_are_taken_out_only_when_title_or_content_change(postgres: Postgres) -> None:
    with psycopg.connect(postgres.superuser_url) as connection:
        connection.execute("set local track_functions = 'all'")
        owner = make_person(connection)
        document = owner.rows["documents"]
        with acting_as(connection, owner.actor):
            for change, searches in (
                ("update public.documents set is_pinned = not is_pinned where id = %s", 0),
                ("update public.documents set title = title, content = content where id = %s", 0),
                ("update public.documents set title = 'lighthouse' where id = %s", 1),
                ("update public.documents set content = 'quay' where id = %s", 1),
            ):
                assert count_searches(connection, change, document) == searches, change
            assert one(connection, FOUND, (document, "lighthouse quay")) == 1
        connection.rollback()


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
