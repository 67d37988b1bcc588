"""Revisions: what a document was before each session of edits of one actor, on whatever way it was edited."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from tests.database.actors import Actor, Connection, acting_as, make_account, one, person
from tests.database.tokens import agent, make_token
from tests.database.world import Person, insert, make_person

MEBIBYTE = 1024 * 1024
KEPT = "select number, content from public.document_revisions where document_id = %s order by number"


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a row of everything."""
    return make_person(database)


@pytest.fixture
def document(database: Connection, owner: Person) -> UUID:
    """A document whose content is "0"."""
    with acting_as(database, owner.actor):
        return insert(database, "documents", product_id=owner.rows["products"], title="Plan", content="0")


def write(connection: Connection, actor: Actor, document: UUID, content: str) -> None:
    """A plain update, as PostgREST makes it."""
    with acting_as(connection, actor):
        connection.execute("update public.documents set content = %s where id = %s", (content, document))


def kept(connection: Connection, document: UUID) -> list[tuple[int, str]]:
    """The numbers and contents of a document's revisions, oldest first."""
    return [(number, content) for number, content in connection.execute(KEPT, (document,))]


def let_pass(connection: Connection, time: timedelta) -> None:
    """All that happened was so much earlier."""
    connection.execute("alter table public.document_revisions disable trigger user")
    connection.execute(
        "update public.document_revisions set created_at = created_at - %s, edited_until = edited_until - %s",
        (time, time),
    )
    connection.execute("alter table public.document_revisions enable trigger user")


def test_first_edit_keeps_what_the_document_was(database: Connection, owner: Person, document: UUID) -> None:
    write(database, owner.actor, document, "1")
    assert kept(database, document) == [(1, "0")]
    row = database.execute(
        "select title, content_bytes, actor, actor_id, product_id from public.document_revisions"
        " where document_id = %s",
        (document,),
    ).fetchone()
    assert row == ("Plan", 1, "person", owner.id, owner.rows["products"])


def test_what_changes_neither_title_nor_content_keeps_nothing(
    database: Connection, owner: Person, document: UUID
) -> None:
    with acting_as(database, owner.actor):
        database.execute(
            "update public.documents set is_pinned = true, content = content where id = %s", (document,)
        )
    assert kept(database, document) == []


def test_new_title_alone_keeps_a_revision(database: Connection, owner: Person, document: UUID) -> None:
    with acting_as(database, owner.actor):
        database.execute("update public.documents set title = 'Other' where id = %s", (document,))
    assert kept(database, document) == [(1, "0")]


@pytest.mark.parametrize(("minutes", "revisions"), [(9, ["0"]), (10, ["0", "1"])])
def test_session_ends_ten_minutes_after_its_last_edit(
    database: Connection, owner: Person, document: UUID, minutes: int, revisions: list[str]
) -> None:
    write(database, owner.actor, document, "1")
    let_pass(database, timedelta(minutes=minutes))
    write(database, owner.actor, document, "2")
    assert [content for _, content in kept(database, document)] == revisions


def test_session_ends_after_an_hour_however_often_its_actor_edits(
    database: Connection, owner: Person, document: UUID
) -> None:
    for edit in range(1, 9):
        write(database, owner.actor, document, str(edit))
        let_pass(database, timedelta(minutes=9))
    # After 63 minutes the eighth edit begins another session.
    assert kept(database, document) == [(1, "0"), (2, "7")]


def test_token_and_its_owner_never_share_a_session(
    database: Connection, owner: Person, document: UUID
) -> None:
    _, token_id = make_token(database, owner.id, None, "docs")
    write(database, owner.actor, document, "1")
    write(database, agent(owner.id, token_id, None, "docs"), document, "2")
    write(database, owner.actor, document, "3")
    assert kept(database, document) == [(1, "0"), (2, "1"), (3, "2")]


@dataclass
class Model:
    """What the rules say, in Python."""

    content: str = "0"
    now: int = 0
    revisions: list[tuple[int, str]] = field(default_factory=list)
    session: tuple[int, int, int] | None = None
    """Whose the newest session is, when it began and when its last edit was."""

    def edit(self, actor: int, content: str) -> None:
        """An edit now."""
        if content == self.content:
            return
        if self.session is not None and self.session[0] == actor:
            _, began, ended = self.session
            if self.now - ended < 10 and self.now - began < 60:
                self.session = (actor, began, self.now)
                self.content = content
                return
        number = self.revisions[-1][0] + 1 if self.revisions else 1
        self.revisions = [*self.revisions, (number, self.content)][-50:]
        self.session = (actor, self.now, self.now)
        self.content = content


@pytest.mark.parametrize("seed", range(5))
def test_edits_of_three_actors_at_random_times_keep_what_the_model_keeps(
    database: Connection, owner: Person, document: UUID, seed: int
) -> None:
    choice = random.Random(seed)  # noqa: S311 - which edits are tried is no secret
    tokens = [make_token(database, owner.id, None, "docs")[1] for _ in range(2)]
    actors = [owner.actor, *(agent(owner.id, token, None, "docs") for token in tokens)]
    model = Model()
    for _ in range(150):
        actor = choice.randrange(3) if choice.random() < 0.6 else 0
        content = str(choice.randrange(4))
        write(database, actors[actor], document, content)
        model.edit(actor, content)
        minutes = choice.choice((0, 1, 5, 9, 10, 11, 30))
        let_pass(database, timedelta(minutes=minutes))
        model.now += minutes
        assert kept(database, document) == model.revisions


def test_newest_fifty_are_kept(database: Connection, owner: Person, document: UUID) -> None:
    for edit in range(1, 54):
        write(database, owner.actor, document, str(edit))
        let_pass(database, timedelta(hours=1))
    assert kept(database, document) == [(number, str(number - 1)) for number in range(4, 54)]


@pytest.mark.parametrize(("size", "numbers"), [(MEBIBYTE, range(4, 12)), (MEBIBYTE // 2, range(1, 12))])
def test_at_most_eight_mebibytes_are_kept(
    database: Connection, owner: Person, document: UUID, size: int, numbers: range
) -> None:
    write(database, owner.actor, document, "0".ljust(size, "-"))
    database.execute("delete from public.document_revisions")
    for edit in range(1, 12):
        write(database, owner.actor, document, str(edit).ljust(size, "-"))
        let_pass(database, timedelta(hours=1))
    assert [number for number, _ in kept(database, document)] == list(numbers)


def test_five_are_kept_however_large(database: Connection, owner: Person, document: UUID) -> None:
    for edit in range(1, 8):
        write(database, owner.actor, document, str(edit))
        let_pass(database, timedelta(hours=1))
    # As of contents that nobody can write any more.
    database.execute("update public.document_revisions set content_bytes = 8388608")
    write(database, owner.actor, document, "8")
    assert [number for number, _ in kept(database, document)] == [4, 5, 6, 7, 8]


def test_document_that_moves_takes_its_revisions_out_of_a_tokens_sight(
    database: Connection, owner: Person, document: UUID
) -> None:
    write(database, owner.actor, document, "1")
    _, token_id = make_token(database, owner.id, owner.rows["products"])
    reader = agent(owner.id, token_id, owner.rows["products"])
    count = "select count(*) from public.document_revisions where document_id = %s"
    with acting_as(database, reader):
        assert one(database, count, (document,)) == 1
    with acting_as(database, owner.actor):
        elsewhere = insert(database, "products", name="Elsewhere")
        database.execute(
            "update public.documents set product_id = %s, repository_id = null where id = %s",
            (elsewhere, document),
        )
    with acting_as(database, reader):
        assert one(database, count, (document,)) == 0
    with acting_as(database, owner.actor):
        assert one(database, count, (document,)) == 1


def test_revisions_outlive_their_document_and_not_their_owner(
    database: Connection, owner: Person, document: UUID
) -> None:
    write(database, owner.actor, document, "1")
    with acting_as(database, owner.actor):
        database.execute("delete from public.documents where id = %s", (document,))
    assert kept(database, document) == [(1, "0")]
    database.execute("delete from auth.users where id = %s", (owner.id,))
    assert kept(database, document) == []


def test_nobody_sees_or_restores_what_is_anothers(
    database: Connection, owner: Person, document: UUID
) -> None:
    write(database, owner.actor, document, "1")
    with acting_as(database, person(make_account(database))):
        assert one(database, "select count(*) from public.document_revisions") == 0
        restored = database.execute(
            "select * from public.restore_document_revision(%s, 1)", (document,)
        ).fetchall()
    assert restored == []
    assert one(database, "select content from public.documents where id = %s", (document,)) == "1"


@pytest.mark.parametrize(
    "statement",
    [
        "update public.document_revisions set content = 'x'",
        "delete from public.document_revisions",
        "insert into public.document_revisions (document_id) select id from public.documents",
    ],
)
def test_nobody_edits_the_past(database: Connection, owner: Person, document: UUID, statement: str) -> None:
    write(database, owner.actor, document, "1")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(database, owner.actor):
        database.execute(statement.encode())


def test_restore_within_a_session_keeps_what_it_takes_back(
    database: Connection, owner: Person, document: UUID
) -> None:
    write(database, owner.actor, document, "1")
    with acting_as(database, owner.actor):
        database.execute("select public.restore_document_revision(%s, 1)", (document,))
        # The next edit goes on in the session that the restoring began.
        database.execute("update public.documents set content = '2' where id = %s", (document,))
    assert kept(database, document) == [(1, "0"), (2, "1")]
