"""What Supabase Realtime is told of changes, and who hears it: a stand-in has its part of the database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.types.json import Jsonb

from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import Postgres, run_postgres
from tests.database.actors import ANONYMOUS, SERVICE, Actor, Connection, acting_as, one, person, refusal
from tests.database.realtime import STAND_IN
from tests.database.secrets import know_app_info_key, make_secret
from tests.database.tokens import agent, make_token
from tests.database.world import OWNED, Person, change, insert, make_person

CONNECT: LiteralString = "select private.connect_realtime()"
HEARD: LiteralString = "select topic, payload from realtime.messages order by inserted_at, id"
MANY = {"entity": None, "entity_id": None, "action": "many"}
SEVERAL: LiteralString = (
    "insert into public.work_items (product_id, title) select %s, 'One of many' from generate_series(1, %s)"
)


def connect(connection: Connection) -> bool:
    """What a migration and a deployment do, as whom they do it."""
    connection.execute("set local role postgres")
    connected: bool = one(connection, CONNECT)
    connection.execute("reset role")
    return connected


@pytest.fixture
def project(postgres: Postgres) -> Iterator[Connection]:
    """A project with Realtime, which all changes are sent to."""
    with psycopg.connect(postgres.superuser_url) as connection:
        connection.execute(STAND_IN)
        assert connect(connection)
        yield connection
        connection.rollback()


@pytest.fixture
def owner(project: Connection) -> Person:
    """Somebody with a row of everything, of which nothing is heard any more."""
    somebody = make_person(project)
    forget(project)
    return somebody


def forget(connection: Connection) -> None:
    """As a new transaction is: nothing has been said in it."""
    connection.execute("delete from realtime.messages")
    connection.execute("select set_config('forum.changes_told', '', true)")


def sent(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
    """The topic and the payload of each message, without the id that Realtime gives it."""
    return [
        (topic, {name: value for name, value in payload.items() if name != "id"})
        for topic, payload in connection.execute(HEARD)
    ]


def test_project_without_realtime_has_no_trigger_and_no_cost(database: Connection) -> None:
    assert one(database, CONNECT) is False
    make_person(database)
    triggers = "select count(*) from pg_trigger where tgfoid = 'private.send_changes'::regproc"
    assert one(database, triggers) == 0


def test_migrations_connect_a_project_that_has_realtime(tmp_path: Path) -> None:
    with run_postgres(tmp_path / "postgres", free_port(), settings={"fsync": "off"}) as server:
        with psycopg.connect(server.superuser_url) as connection:
            connection.execute(STAND_IN)
        apply_migrations(server.url)
        with psycopg.connect(server.url) as connection:
            # Again, as each deployment does.
            assert one(connection, CONNECT) is True
            policies = connection.execute(
                "select policyname, permissive, cmd, roles::text from pg_policies"
                " where schemaname = 'realtime'"
            ).fetchall()
            make_person(connection)
            assert one(connection, "select count(*) from realtime.messages") > 0
    assert policies == [("People can hear of their own changes", "PERMISSIVE", "SELECT", "{authenticated}")]


@pytest.mark.parametrize("table", OWNED)
def test_change_is_told_with_its_row_and_without_a_value(
    table: str, project: Connection, owner: Person
) -> None:
    column = "title" if table == "documents" else "description"
    with acting_as(project, owner.actor):
        project.execute(change(table, {column: ""}), {column: "canary-value"})
    row = {"entity": table, "entity_id": str(owner.rows[table]), "action": "updated"}
    assert sent(project) == [(f"user:{owner.id}", row)]
    rows = project.execute("select event, private, extension, to_jsonb(m)::text from realtime.messages as m")
    ((event, is_private, extension, everything),) = rows.fetchall()
    assert (event, is_private, extension) == ("changed", True, "broadcast")
    assert "canary-value" not in everything


def test_secret_is_told_as_a_change_of_its_entry(project: Connection, owner: Person) -> None:
    know_app_info_key(project)
    forget(project)
    make_secret(project, owner)
    assert {(told["entity"], told["entity_id"]) for _, told in sent(project)} == {
        ("app_info", str(owner.rows["app_info"]))
    }


def test_deletion_and_restoration_are_told(project: Connection, owner: Person) -> None:
    with acting_as(project, owner.actor):
        project.execute("delete from public.documents")
    # Deletions of a transaction are a set, and the person's rows have left one before.
    set_id = one(
        project, "select set_id from private.trash_rows where entity_id = %s", (owner.rows["documents"],)
    )
    with acting_as(project, owner.actor):
        project.execute("select public.restore_trash(%s)", (set_id,))
    document = str(owner.rows["documents"])
    told = {(line["entity"], line["action"]) for _, line in sent(project) if line["entity_id"] == document}
    assert told == {("documents", "deleted"), ("documents", "restored")}


def hears(connection: Connection, actor: Actor) -> set[str]:
    """The topics of which somebody reads messages, as Realtime asks when they join."""
    with acting_as(connection, actor):
        return {topic for (topic,) in connection.execute("select topic from realtime.messages")}


def test_messages_are_their_owners_to_hear_and_nobody_elses(project: Connection, owner: Person) -> None:
    stranger = make_person(project)
    project.execute("delete from realtime.messages")
    for somebody in (owner, stranger):
        with acting_as(project, somebody.actor):
            project.execute("update public.products set description = 'changed'")
    project.execute(
        "insert into realtime.messages (topic, extension) values (%s, 'presence')", (f"user:{owner.id}",)
    )
    project.execute("insert into realtime.messages (topic, extension) values ('room', 'broadcast')")
    for somebody in (owner, stranger):
        assert hears(project, somebody.actor) == {f"user:{somebody.id}"}
        with acting_as(project, somebody.actor):
            assert one(project, "select count(*) from realtime.messages") == 1
    for nobody in (
        ANONYMOUS,
        Actor("authenticated"),
        person(owner.id, client_id="x"),
        person(owner.id, amr=[{"method": "totp"}, {"method": "oauth_provider/authorization_code"}]),
        person(owner.id, is_anonymous=True),
    ):
        assert hears(project, nobody) == set()


def test_access_token_hears_nothing(project: Connection, owner: Person) -> None:
    _, token_id = make_token(project, owner.id, None, "work", "docs", "keys", "reveal", "delete")
    refused = refusal(project, agent(owner.id, token_id, None, "work"), HEARD)
    assert refused is not None
    assert refused.sqlstate == "42501"


@pytest.mark.parametrize("topic", ["own", "another's"])
def test_no_client_sends_to_a_topic(topic: str, project: Connection, owner: Person) -> None:
    stranger = make_person(project)
    whose = owner if topic == "own" else stranger
    send = "insert into realtime.messages (topic, extension, payload) values (%s, 'broadcast', '{}')"
    for actor in (owner.actor, ANONYMOUS):
        refused = refusal(project, actor, send, (f"user:{whose.id}",))
        assert refused is not None
        assert refused.sqlstate == "42501"
    refused = refusal(project, owner.actor, "select private.send_changes()")
    assert refused is not None


def test_bulk_is_told_in_eleven_messages_and_one_statement_of_many_lines_in_one(
    project: Connection, owner: Person
) -> None:
    items = Jsonb([{"product_id": str(owner.rows["products"]), "title": str(n)} for n in range(100)])
    with acting_as(project, owner.actor):
        project.execute("select public.create_work_items(%s)", (items,))
    told = [line for _, line in sent(project)]
    assert len(told) == 11
    assert told.count(MANY) == 1
    forget(project)
    with acting_as(project, owner.actor):
        project.execute("delete from public.work_items")
    assert [line for _, line in sent(project)] == [MANY]


@pytest.mark.parametrize(("number", "messages"), [(10, 10), (11, 11), (500, 11)])
def test_transaction_sends_ten_messages_and_that_there_was_more(
    number: int, messages: int, project: Connection, owner: Person
) -> None:
    with acting_as(project, owner.actor):
        project.execute(SEVERAL, (owner.rows["products"], number))
    told = [line for _, line in sent(project)]
    assert (len(told), told.count(MANY)) == (messages, messages // 11)


def test_accounts_in_one_transaction_are_told_each_of_their_own(project: Connection, owner: Person) -> None:
    other = make_person(project)
    with acting_as(project, owner.actor):
        project.execute(SEVERAL, (owner.rows["products"], 20))
    forget(project)
    project.execute(
        "update public.products set description = 'By an operator' where user_id = any (%s)",
        ([owner.id, other.id],),
    )
    assert {(topic, line["entity_id"]) for topic, line in sent(project)} == {
        (f"user:{each.id}", str(each.rows["products"])) for each in (owner, other)
    }


BROKEN: dict[str, LiteralString] = {
    "gone": "drop schema realtime cascade",
    "failing": """
      create or replace function realtime.send(
        payload jsonb, event text, topic text, private boolean default true
      )
      returns void language plpgsql as $$ begin raise 'no'; end $$
    """,
    "of another kind": "drop function realtime.send(jsonb, text, text, boolean)",
    "without a table": "drop table realtime.messages",
    "closed": """
      revoke all on schema realtime from postgres, public;
      revoke supabase_realtime_admin from postgres
    """,
}


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN)
def test_realtime_that_fails_lets_the_change_pass(
    breaking: LiteralString, project: Connection, owner: Person
) -> None:
    project.execute(breaking)
    with acting_as(project, owner.actor):
        project.execute("update public.products set description = 'changed'")
        project.execute(SEVERAL, (owner.rows["products"], 20))
        project.execute("delete from public.work_items")
    assert (
        one(project, "select description from public.products where user_id = %s", (owner.id,)) == "changed"
    )
    told = "select count(*) from public.activity where user_id = %s and entity = 'work_items'"
    assert one(project, told, (owner.id,)) == 1 + 20 + 21


def test_change_does_not_wait_for_realtime(postgres: Postgres) -> None:
    """Its partitions are made and dropped by a process of its own, under a lock of the table."""
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(STAND_IN)
        try:
            with connection.transaction():
                assert connect(connection)
            with connection.transaction():
                owner = make_person(connection)
            with psycopg.connect(postgres.superuser_url) as partitions:
                partitions.execute("lock table realtime.messages in access exclusive mode")
                # Nobody ends this lock: what waits for it, waits for the time-out.
                with acting_as(connection, owner.actor):
                    connection.execute("set local statement_timeout = '8s'")
                    insert(connection, "products", name="While it is locked")
        finally:
            connection.execute("drop trigger if exists send_changes on public.activity")
            connection.execute("drop schema realtime cascade")
            connection.execute("drop role supabase_realtime_admin")
            connection.execute("delete from auth.users where id = %s", (owner.id,))


def test_who_deploys_without_the_right_is_told_and_goes_on(project: Connection) -> None:
    project.execute("drop trigger send_changes on public.activity")
    project.execute('drop policy "People can hear of their own changes" on realtime.messages')
    project.execute("revoke supabase_realtime_admin from postgres")
    warnings: list[str] = []
    project.add_notice_handler(lambda notice: warnings.append(notice.message_primary or ""))
    assert not connect(project)
    assert any("changes are not sent by Realtime" in warning for warning in warnings)


def test_no_client_connects_realtime(project: Connection, owner: Person) -> None:
    for actor in (owner.actor, ANONYMOUS, SERVICE):
        refused = refusal(project, actor, CONNECT)
        assert refused is not None
        assert refused.sqlstate == "42501"
