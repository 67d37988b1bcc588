"""Words by which rows are found, how the database looks for them, and that nobody finds what is another's."""

import random
import re
from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local.postgres import Postgres
from tests.database.actors import Connection, acting_as, one, person, refusal
from tests.database.cpu import read_cpu_seconds
from tests.database.mutants import edited
from tests.database.test_documents import HAN, HARD, MEBIBYTE
from tests.database.test_documents import count_searches as count_stems
from tests.database.tokens import agent, make_token
from tests.database.world import OWNED, Person, insert, make_person

FIND_ITEMS: LiteralString = "private.find_work_items(tsquery,tsquery,uuid,integer)"
SEARCHED: LiteralString = "select id from public.search(%s, want => 101)"
FOUND: LiteralString = "select id from public.find_work_items(%s)"

WORDS = (
    "auth",
    "author",
    "authTs",
    "getUser",
    "user",
    "数据库",
    "数据",
    "café",
    "cafe",
    "1.2",
    "12",
    "v1",
    "x",
)


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a row of everything."""
    return make_person(database)


def list_words(connection: Connection, text: str) -> set[str]:
    """The words by which a text is found."""
    return set(one(connection, "select private.list_search_words(%s)", (text,)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("src/auth.ts", {"src", "auth", "ts"}),
        ("API_TOKEN", {"api", "token"}),
        ("getUserName", {"getusername", "get", "user", "name"}),
        ("HTTPServer SHA256Sum", {"httpserver", "http", "server", "sha256sum", "sha256", "sum"}),
        ("ÉcoleNormale", {"ecolenormale", "ecole", "normale"}),
        ("v1.2.3", {"v1", "1", "2", "3"}),
        ("e\u0301te\u0301 été", {"ete"}),
        ("数据库", {"数据", "据库", "库"}),
        ("库", {"库"}),
        ("iPhone手机", {"iphone", "i", "phone", "手机", "机"}),
        ("한국어", {"한국", "국어", "어"}),
        ("हिन्दी", {"हिन्दी"}),
        ("ΟΔΟΣ οδος", {"οδοσ"}),
        ("...", set()),
        ("x" * 201, set()),
    ],
)
def test_text_falls_into_the_words_that_people_ask_for(
    text: str, words: set[str], database: Connection
) -> None:
    assert list_words(database, text) == words


def matches(connection: Connection, text: str, asked: str) -> bool:
    """What a search is, told by words alone: the same ones on both sides, the last as a beginning."""
    found = list_words(connection, text)
    parts = [part for part in re.split(r"[^\w]+", asked) if part]
    for place, part in enumerate(parts):
        is_last = place == len(parts) - 1
        if is_last and place and re.fullmatch("[a-z]", part):
            continue
        if re.match("[\u4e00-\u9fff]", part):
            pairs = {part[at : at + 2] for at in range(len(part) - 1)}
            if not (pairs <= found if pairs else any(word.startswith(part) for word in found)):
                return False
            continue
        spellings = [[one(connection, "select private.lower_words(private.fold(%s))", (part,))]]
        split = one(
            connection, "select private.lower_words(private.split_compounds(private.fold(%s)))", (part,)
        ).split()
        spellings.append(split)
        begun = is_last and len(part) > 1
        for *whole, last in spellings:
            ends = any(word.startswith(last) for word in found) if begun else last in found
            if ends and set(whole) <= found:
                break
        else:
            return False
    return bool(parts)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    titles=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), min_size=1, max_size=6),
    asked=st.lists(st.sampled_from((*WORDS, "a", "au", "数", "zz")), min_size=1, max_size=3),
    joint=st.sampled_from([" ", "/", ", "]),
    newest=st.sampled_from([1, 3, 2000]),
)
@example(titles=[["auth"], ["author"], ["x"]], asked=["au"], joint=" ", newest=1)
def test_hits_are_the_rows_that_have_the_words_among_the_newest_and_beyond(
    titles: list[list[str]], asked: list[str], joint: str, newest: int, database: Connection
) -> None:
    with database.transaction(force_rollback=True):
        owner = make_person(database)
        if newest != 2000:
            database.execute(edited(FIND_ITEMS, "2000", str(newest)))
        with acting_as(database, owner.actor):
            database.execute("delete from public.work_items")
            for title in titles:
                insert(database, "work_items", product_id=owner.rows["products"], title=joint.join(title))
            rows = database.execute("select id, title from public.work_items").fetchall()
            found = database.execute(FOUND, (" ".join(asked),)).fetchall()
            hits = database.execute(
                "select id from public.search(%s, array['work_items'])", (" ".join(asked),)
            ).fetchall()
        expected = {row_id for row_id, title in rows if matches(database, title, " ".join(asked))}
        assert {row_id for (row_id,) in found} == expected
        assert {row_id for (row_id,) in hits} == expected


def test_search_without_an_owner_in_its_definers_shows_nobody_elses_rows(database: Connection) -> None:
    """They give hints. Whoever calls reads the rows with these ids as the caller."""
    owner, stranger = make_person(database), make_person(database)
    for function in (FIND_ITEMS, FIND_ITEMS.replace("work_items", "documents")):
        database.execute(edited(function, "known.user_id = owner_id and", "true and"))
        database.execute(edited(function, "known.user_id = owner_id\n", "true\n"))
    with acting_as(database, stranger.actor):
        hints = database.execute(
            "select private.find_work_items($$'forecast':*$$, $$'forecast':*$$, null, 100)"
        ).fetchall()
        assert (owner.rows["work_items"],) in hints
        found = {row_id for (row_id,) in database.execute(SEARCHED, ("forecast",))}
        listed = {row_id for (row_id,) in database.execute(FOUND, ("forecast",))}
    assert found == {stranger.rows[table] for table in ("work_items", "documents", "app_info")}
    assert listed == {stranger.rows["work_items"]}


def test_search_without_a_scope_in_its_definers_shows_a_token_nothing_of_another_product(
    database: Connection, owner: Person
) -> None:
    for function in (FIND_ITEMS, FIND_ITEMS.replace("work_items", "documents")):
        database.execute(edited(function, "coalesce(of_product, private.token_product_id())", "null"))
        database.execute(edited(function, "private.is_in_token_scope(scope)", "true"))
    with acting_as(database, owner.actor):
        other = insert(database, "products", name="Forecast too")
        insert(database, "work_items", product_id=other, title="Forecast")
    _, token_id = make_token(database, owner.id, other)
    with acting_as(database, agent(owner.id, token_id, other)):
        found = database.execute("select product_id from public.search('forecast')").fetchall()
    assert set(found) == {(other,)}


def count_terms(connection: Connection, change: LiteralString, row_id: UUID) -> int:
    """How often a change of a row has its words made."""
    counted = "select coalesce(max(calls), 0) from pg_stat_xact_user_functions where funcname = 'make_terms'"
    before = one(connection, counted)
    connection.execute(change, (row_id,))
    return int(one(connection, counted)) - int(before)


CHANGED: dict[str, tuple[LiteralString, LiteralString]] = {
    "products": (
        "update public.products set color = '#000000', name = name where id = %s",
        "update public.products set description = 'lighthouse' where id = %s",
    ),
    "repositories": (
        "update public.repositories set is_private = not is_private where id = %s",
        "update public.repositories set notes = 'lighthouse' where id = %s",
    ),
    "work_items": (
        "update public.work_items set priority = 4, title = title where id = %s",
        "update public.work_items set title = 'lighthouse' where id = %s",
    ),
    "documents": (
        "update public.documents set is_pinned = not is_pinned, content = content where id = %s",
        "update public.documents set content = 'lighthouse' where id = %s",
    ),
    "app_info": (
        "update public.app_info set value = 'lighthouse' where id = %s",
        "update public.app_info set description = 'lighthouse' where id = %s",
    ),
}


@pytest.mark.parametrize("table", OWNED)
def test_words_are_made_only_when_a_text_has_changed(table: str, postgres: Postgres) -> None:
    other, text = CHANGED[table]
    with psycopg.connect(postgres.superuser_url) as connection:
        connection.execute("set local track_functions = 'all'")
        owner = make_person(connection)
        with acting_as(connection, owner.actor):
            assert count_terms(connection, other, owner.rows[table]) == 0
            assert connection.execute(SEARCHED, ("lighthouse",)).fetchall() == []
            assert count_terms(connection, text, owner.rows[table]) == 1
            assert connection.execute(SEARCHED, ("lighthouse",)).fetchall() == [(owner.rows[table],)]
        connection.rollback()


@pytest.mark.parametrize("table", OWNED)
def test_words_are_no_part_of_the_history_or_of_an_answer_that_is_kept(
    table: str, database: Connection, owner: Person
) -> None:
    with acting_as(database, owner.actor):
        database.execute(CHANGED[table][1], (owner.rows[table],))
    told = "select count(*) from public.activity where user_id = %s and changes ? 'terms'"
    assert one(database, told, (owner.id,)) == 0


HOSTILE = {
    **HARD,
    "names with capitals": lambda: ("getUserName setHTTPServer " * (MEBIBYTE // 26 + 1))[:MEBIBYTE],
    "capitals in turn": lambda: "aB" * (MEBIBYTE // 2),
    "marks out of order": lambda: "\u0301\u0316" * (MEBIBYTE // 4),
    "vowels out of order": lambda: "\u05b0\u0301\u05bc" * (MEBIBYTE // 6),
    "marks on each letter": lambda: ("a" + "\u0301\u0316" * 4) * (MEBIBYTE // 17),
    "half-width marks on each letter": lambda: ("a" + "\u0301\uff9e" * 4 + "\u0301") * (MEBIBYTE // 23),
    "half-width kana": lambda: "\uff76\uff9e" * (MEBIBYTE // 6),
    "one sign for a sentence": lambda: "\ufdfa" * (MEBIBYTE // 3),
    "Thai": lambda: "ภาษาไทยเป็นภาษาที่มีวรรณยุกต์" * (MEBIBYTE // 87),
    "pictures": lambda: "\U0001f600" * (MEBIBYTE // 4),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_words_of_a_mebibyte_are_made_within_the_time_of_a_statement(text: Any, database: Connection) -> None:
    database.execute("set local statement_timeout = '8s'")
    content = "aaaa " + text()[5:]
    terms = "select private.make_terms('lighthouse', %s, '{}') @@ $$'aaaa' & '=lighthouse'$$"
    assert one(database, terms, (content,)) is True


def test_letter_that_becomes_a_mark_ends_no_run_of_marks(database: Connection) -> None:
    """Marks are sorted by exchanging neighbours, and no time-out ends that. A base before them would."""
    letters = one(
        database,
        "select string_agg(chr(point), '') from generate_series(1, 1114111) as point"
        " where point not between 55296 and 57343 and chr(point) collate \"und-x-icu\" ~ '[[:alnum:]]'",
    )
    # The mark of the highest class stays in front of what is no mark of a lower one.
    marks: list[str] = one(
        database,
        "select array_agg(letter) from regexp_split_to_table(%s, '') as letter"
        " where normalize(U&'\\0345' || letter, nfkd) collate \"C\" !~ U&'^\\0345'",
        (letters,),
    )
    assert marks == ["\uff9e", "\uff9f"]
    for mark in marks:
        kept = one(database, "select private.compose(%s)", ("a" + ("\u0301" * 9 + mark) * 2 + "b",))
        assert kept == "a b"


def test_half_width_marks_in_a_run_of_marks_take_no_more_time_than_letters(database: Connection) -> None:
    # Sorted among each other, so many take ten seconds: enough to tell, and it ends.
    text = ("\u0301" * 9 + "\uff9e") * 10_000
    before = read_cpu_seconds(database)
    words = list_words(database, f"aaaa {text}")
    assert read_cpu_seconds(database) - before < 4
    assert words == {"aaaa"}


def test_half_width_kana_with_voiced_marks_are_found_by_kana(database: Connection) -> None:
    assert list_words(database, "ｶﾞｷﾞﾊﾟ") == list_words(database, "ガギパ")


ENTRANCES: dict[str, LiteralString] = {
    "search": "select * from public.search(%s)",
    "products": "select * from public.find_products(%s)",
    "repositories": "select * from public.find_repositories(%s)",
    "work_items": "select * from public.find_work_items(%s)",
    "documents": "select * from public.find_documents(%s)",
    "app_info": "select * from public.find_app_info(%s)",
}


@pytest.mark.parametrize("asked", ["a" * 201, "数" * 201, "数" * (MEBIBYTE // 3), "a " * 9])
@pytest.mark.parametrize("entrance", ENTRANCES)
def test_search_that_is_too_long_is_refused_before_it_is_folded(
    entrance: str, asked: str, database: Connection, owner: Person
) -> None:
    database.execute(
        "create or replace function private.fold(written text) returns text language plpgsql immutable"
        " set search_path = '' as $$ begin raise 'folded'; end $$"
    )
    refused = refusal(database, owner.actor, ENTRANCES[entrance], (asked,))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT422", "query_too_long")


def test_of_more_words_than_a_vector_holds_those_of_the_beginning_stay(database: Connection) -> None:
    # Nearly each two characters are a new pair, of six bytes.
    content = "".join(random.Random(1).choices(HAN, k=MEBIBYTE // 3))  # noqa: S311 - the same ones each time
    words = one(database, "select cardinality(private.list_search_words(%s))", (content,))
    kept = set(one(database, "select tsvector_to_array(private.make_terms('t', %s, '{~stem}'))", (content,)))
    assert len(kept) < words
    assert {"t", "=t", content[:2]} <= kept
    assert 250_000 < sum(len(word.encode()) for word in kept) <= 1_000_000


def test_documents_stems_are_taken_out_once(postgres: Postgres) -> None:
    with psycopg.connect(postgres.superuser_url) as connection:
        connection.execute("set local track_functions = 'all'")
        owner = make_person(connection)
        change: LiteralString = "update public.documents set content = 'fetched ropes' where id = %s"
        with acting_as(connection, owner.actor):
            assert count_stems(connection, change, owner.rows["documents"]) == 1
            assert connection.execute(SEARCHED, ("fetching rope",)).fetchall() == [(owner.rows["documents"],)]
        connection.rollback()


@pytest.fixture
def many(database: Connection) -> Iterator[tuple[Connection, UUID, UUID]]:
    """Somebody with 2,100 items, of which the oldest has a word that no other has, and a product of it."""
    owner = make_person(database)
    database.execute("alter table public.work_items disable trigger user")
    database.execute(
        "insert into public.work_items (user_id, product_id, title, created_at, updated_at, terms)"
        " select %s, %s, 'item', now() - n * interval '1 minute', now() - n * interval '1 minute',"
        " (case when n = 2100 then 'oldest' when n %% 2 = 0 then 'even =even' else 'item' end)::tsvector"
        " from generate_series(1, 2100) as n",
        (owner.id, owner.rows["products"]),
    )
    database.execute("analyze public.work_items")
    yield database, owner.id, owner.rows["products"]
    database.execute("alter table public.work_items enable trigger user")


def test_rare_word_of_an_old_row_is_found_beyond_the_newest(many: tuple[Connection, UUID, UUID]) -> None:
    connection, user, product = many
    with acting_as(connection, person(user)):
        for scope in (None, product):
            found = connection.execute(
                "select title from public.search('oldest', null, %s)", (scope,)
            ).fetchall()
            assert len(found) == 1
        everything = connection.execute(FOUND, ("even",)).fetchall()
        titled = connection.execute("select in_title from public.search('even', want => 200)").fetchall()
    assert len(everything) == 1049
    assert titled == [(True,)] * 101


BLOCKS: LiteralString = (
    "explain (analyze, buffers, timing off, format json)"
    " select * from private.find_work_items(private.make_search_query('olde', ''), null, null, 21)"
)


def count_blocks(connection: Connection, user: UUID) -> int:
    """What a search for the beginning of a word looks at, beyond the newest rows."""
    with acting_as(connection, person(user)):
        connection.execute(BLOCKS)
        (found,) = one(connection, BLOCKS)
    plan = found["Plan"]
    assert plan["Actual Rows"] == 1
    blocks: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return blocks


def test_words_of_others_cost_a_search_nothing(many: tuple[Connection, UUID, UUID]) -> None:
    """Whoever writes very many words that begin alike would slow down each search for that beginning."""
    connection, user, _ = many
    # The table is so small that all of it would be read.
    connection.execute("set local enable_seqscan = off")
    other = make_person(connection)
    before = count_blocks(connection, user)
    connection.execute(
        "insert into public.work_items (user_id, product_id, title, terms)"
        " select %s, %s, 'item', (select array_to_tsvector(array_agg('olde' || n * 1000 + word))"
        " from generate_series(1, 1000) as word where n > 0) from generate_series(1, 50) as n",
        (other.id, other.rows["products"]),
    )
    # A level more of the index, and not the 190 pages in which these words are.
    assert count_blocks(connection, user) <= before + 10


@pytest.mark.parametrize(
    "asked", ["cafe", "getUser", "v1.2", "src/auth.ts n", "数据", "数", "ภาษา", "aus Straße", "\U0001f600 x"]
)
def test_words_with_their_owner_match_as_they_do_without(asked: str, database: Connection) -> None:
    text = "Café getUserName v1.2.3 src/auth.ts 数据库 ภาษาไทย straße o'neil \\x 'quoted'"
    mine, others = uuid4(), uuid4()
    for mark in ("", "="):
        matches = database.execute(
            """
            select
              terms @@ words,
              private.own_terms(%(mine)s, terms) @@ private.own_words(%(mine)s, words),
              private.own_terms(%(others)s, terms) @@ private.own_words(%(mine)s, words)
            from private.make_terms(%(text)s, %(text)s, '{~stem}') as terms,
              private.make_search_query(%(asked)s, %(mark)s) as words
            """,
            {"mine": mine, "others": others, "text": text, "asked": asked, "mark": mark},
        ).fetchall()
        assert matches in ([(True, True, False)], [(False, False, False)], [(None, None, None)])


def test_more_words_than_fit_with_their_owner_leave_out_the_last_ones(database: Connection) -> None:
    """Of a row that had its words before the indexes named owners, or comes out of the trash with them."""
    kept = one(
        database,
        "select cardinality(tsvector_to_array(private.own_terms(%s, array_to_tsvector(array_agg(n::text)))))"
        " from generate_series(1, 150000) as n",
        (uuid4(),),
    )
    assert 100_000 < kept < 150_000


@pytest.mark.parametrize("stems", ["{}", "{~stem}"])
def test_words_of_a_row_always_fit_with_their_owner(stems: str, database: Connection) -> None:
    content = " ".join(str(number) for number in range(150_000))
    made, owned = database.execute(
        "select length(terms), length(private.own_terms(%s, terms))"
        " from private.make_terms('t', %s, %s) as terms",
        (uuid4(), content, stems),
    ).fetchall()[0]
    assert made == owned
    assert made > 50_000
