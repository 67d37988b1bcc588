"""What has to hold whoever tries, as functions that yield a line for each fault they find.

The tests call them on the migrated database, the mutation tests on one with a hole in it. Each looks at the
state afterwards, not at the error, and first shows that what is denied here would work for somebody else.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.actors import (
    ANONYMOUS,
    NOBODY,
    SERVICE,
    Actor,
    Connection,
    acting_as,
    one,
    person,
    refusal,
    refused_code,
    undone,
)
from tests.database.document_checks import documents_lose_nothing, passages_are_replaced_where_they_are_one
from tests.database.secrets import (
    APP_INFO_KEY,
    PLACES,
    RESTORE,
    VERSIONS,
    WRITE,
    calls,
    count_reveals,
    held,
    know_app_info_key,
    make_secret,
    placed,
    told,
    write,
)
from tests.database.trash_checks import deletions_lose_nothing
from tests.database.world import (
    CHANGES,
    CHILDREN,
    DELETABLE,
    OWNED,
    READABLE,
    SAMPLES,
    Person,
    World,
    change,
    insert,
    insertion,
    make_world,
    rows_of,
)

SECRET = "hunter2-hunter2"

SHOWING = ("reveal", "export", "record")
"""What shows secret values or records that they are shown, of what a person's function is asked for."""

CLIENT_CHANGES = {table: columns for table, columns in CHANGES.items() if table != "activity"}

TRANSITIONS = {"todo": {"in_progress"}, "in_progress": {"todo", "done"}, "done": {"todo"}}


def attackers(world: World) -> dict[str, Actor]:
    """Everybody through whom the API could be asked, but the owner."""
    return {"stranger": world.stranger.actor, "nobody": NOBODY, "anonymous": ANONYMOUS, "service": SERVICE}


def strangers_read_nothing(connection: Connection) -> Iterator[str]:
    """A row is seen by its owner and by nobody else."""
    world = make_world(connection)
    for table in READABLE:
        everything = sql.SQL("select id from public.{}").format(sql.Identifier(table))
        if world.owner.rows[table] not in ids(connection, world.owner.actor, everything):
            yield f"{table}: the owner cannot read their own row"
        for name, actor in attackers(world).items():
            if world.owner.rows[table] in ids(connection, actor, everything):
                yield f"{table}: {name} reads the owner's row"


def ids(connection: Connection, actor: Actor, statement: sql.Composed) -> set[UUID]:
    """The ids that a statement returns to somebody; none when it is refused."""
    try:
        with undone(connection), acting_as(connection, actor):
            return {row_id for (row_id,) in connection.execute(statement)}
    except psycopg.errors.InsufficientPrivilege:
        return set()


def strangers_change_nothing(connection: Connection) -> Iterator[str]:
    """Neither an update by id nor one without a filter changes a row of somebody else."""
    world = make_world(connection)
    for table, columns in CLIENT_CHANGES.items():
        everything = change(table, columns)
        this_row = everything + sql.SQL(" where id = %(id)s")
        parameters = {**columns, "id": world.owner.rows[table]}
        if not changes(connection, world.owner, world.owner.actor, this_row, parameters):
            yield f"{table}: the owner cannot change their own row"
        for name, actor in attackers(world).items():
            for how, statement in (("by id", this_row), ("unfiltered", everything)):
                if changes(connection, world.owner, actor, statement, parameters):
                    yield f"{table}: {name} changes the owner's row {how}"


def strangers_delete_nothing(connection: Connection) -> Iterator[str]:
    """Neither a delete by id nor one without a filter takes a row of somebody else."""
    world = make_world(connection)
    for table in DELETABLE:
        everything = sql.SQL("delete from public.{}").format(sql.Identifier(table))
        this_row = everything + sql.SQL(" where id = %(id)s")
        parameters = {"id": world.owner.rows[table]}
        if not changes(connection, world.owner, world.owner.actor, this_row, parameters):
            yield f"{table}: the owner cannot delete their own row"
        for name, actor in attackers(world).items():
            for how, statement in (("by id", this_row), ("unfiltered", everything)):
                if changes(connection, world.owner, actor, statement, parameters):
                    yield f"{table}: {name} deletes the owner's row {how}"


def strangers_create_nothing(connection: Connection) -> Iterator[str]:
    """Nobody makes a row for somebody else, nor one that hangs under somebody else's product."""
    world = make_world(connection)
    for table in OWNED:
        parent = {} if table == "products" else {"product_id": world.owner.rows["products"]}
        # Another key than the one there: the reason for a refusal must not be that.
        row = {**SAMPLES[table], **parent, **({"key": "OTHER"} if table == "app_info" else {})}
        attempts: dict[str, dict[str, Any]] = {"naming the owner": {**row, "user_id": world.owner.id}}
        if parent:
            attempts["under the owner's product"] = row
        if not changes(connection, world.owner, world.owner.actor, insertion(table, row), row):
            yield f"{table}: the owner cannot create a row"
        for name, actor in attackers(world).items():
            for how, columns in attempts.items():
                if refused_code(connection, actor, insertion(table, columns), columns) is None:
                    yield f"{table}: {name} creates a row {how}"


def strangers_upsert_nothing(connection: Connection) -> Iterator[str]:
    """An upsert that names somebody else's row by id changes nothing, and says nothing about it either."""
    world = make_world(connection)
    for table in OWNED:
        parent = {} if table == "products" else {"product_id": world.stranger.rows["products"]}
        row = {**SAMPLES[table], **CHANGES[table], **parent}
        answers = set()
        for row_id in (world.owner.rows[table], uuid4()):
            columns = {**row, "id": row_id}
            statement = insertion(table, columns) + sql.SQL(
                " on conflict (id) do update set {0} = excluded.{0}"
            ).format(sql.Identifier(next(iter(CHANGES[table]))))
            refused = refusal(connection, world.stranger.actor, statement, columns)
            answers.add(None if refused is None else (refused.sqlstate, refused.message_primary))
            if changes(connection, world.owner, world.stranger.actor, statement, columns):
                yield f"{table}: a stranger upserts over the owner's row"
        if len(answers) > 1 or None in answers:
            yield f"{table}: an upsert tells whether an id exists, or lets it be chosen: {answers}"


def changes(
    connection: Connection, victim: Person, actor: Actor, statement: sql.Composed, parameters: Any
) -> bool:
    """Whether a statement changes anything that the victim has. It is undone either way."""
    before = rows_of(connection, victim.id)
    with undone(connection):
        try:
            with acting_as(connection, actor):
                connection.execute(statement, parameters)
        except psycopg.Error:
            # Refused, which is not the question here: what counts is the state.
            return rows_of(connection, victim.id) != before
        return rows_of(connection, victim.id) != before


def children_stay_with_their_owner(connection: Connection) -> Iterator[str]:
    """No path hangs a child under another user's parent, and a foreign parent looks like a missing one."""
    world = make_world(connection)
    for table in CHILDREN:
        own = {"id": world.stranger.rows[table]}
        links = {"product_id": "products"}
        if table in ("work_items", "documents"):
            links["repository_id"] = "repositories"
        for column, parent in links.items():
            # app_info's key is one that the owner's product has: unique keys are checked before foreign ones.
            row = {"product_id": world.stranger.rows["products"], **SAMPLES[table]}
            foreign, missing = world.owner.rows[parent], uuid4()
            for how, actor in (("a client", world.stranger.actor), ("the owner of the tables", None)):
                for what, statement in (
                    ("create", insertion(table, {**row, column: None, **user(actor)})),
                    ("move", change(table, {column: None}) + sql.SQL(" where id = %(id)s")),
                ):
                    told = [
                        attempt(
                            connection,
                            actor,
                            statement,
                            {**own, **row, **user_of(actor, world), column: value},
                        )
                        for value in (foreign, missing)
                    ]
                    if told[0] is None or told[0][0] != "23503":
                        yield f"{table}: {how} can {what} a row with a foreign {column}: {told[0]}"
                    elif actor is not None and told[0] != told[1]:
                        yield f"{table}: foreign and missing {column} differ on {what}: {told}"


def user(actor: Actor | None) -> dict[str, Any]:
    """The column that a privileged path has to send and a client cannot."""
    return {"user_id": None} if actor is None else {}


def user_of(actor: Actor | None, world: World) -> dict[str, Any]:
    """Its value: the stranger's rows are the ones that are moved about."""
    return {"user_id": world.stranger.id} if actor is None else {}


def attempt(
    connection: Connection, actor: Actor | None, statement: sql.Composed, parameters: Any
) -> tuple[str | None, ...] | None:
    """Why a statement was refused, in full; None if it was not. Without an actor postgres runs it."""
    try:
        with undone(connection):
            if actor is None:
                connection.execute(statement, parameters)
            else:
                with acting_as(connection, actor):
                    connection.execute(statement, parameters)
    except psycopg.Error as error:
        diag = error.diag
        return (diag.sqlstate, diag.message_primary, diag.message_detail, diag.message_hint)
    return None


def rows_keep_what_the_database_owns(connection: Connection) -> Iterator[str]:
    """Clients cannot write a column that is not theirs; a privileged path that tries changes nothing."""
    world = make_world(connection)
    forged: dict[str, Any] = {
        "id": uuid4(),
        "user_id": world.stranger.id,
        "created_at": "2001-01-01T00:00:00Z",
        "updated_at": "2001-01-01T00:00:00Z",
        "version": 99,
    }
    for table in (*OWNED, "users"):
        for column, value in forged.items():
            if table == "users" and column == "user_id":
                continue
            statement = change(table, {column: value}) + sql.SQL(" where id = %(row)s")
            parameters = {column: value, "row": world.owner.rows[table]}
            if refused_code(connection, world.owner.actor, statement, parameters) != "42501":
                yield f"{table}: a client can write {column}"
            before = rows_of(connection, world.owner.id)
            with undone(connection):
                told = attempt(connection, None, statement, parameters)
                if told is not None:
                    yield f"{table}: a privileged update of {column} is answered {told}"
                    continue
                connection.execute(statement, parameters)
                if rows_of(connection, world.owner.id) != before:
                    yield f"{table}: a privileged update changes {column}"


def versions_count_real_changes(connection: Connection) -> Iterator[str]:
    """An update that changes nothing keeps version and updated_at; one that does raises both."""
    world = make_world(connection)
    # Within one transaction now() stands still, so the rows are made old.
    for table, columns in CLIENT_CHANGES.items():
        row_id = world.owner.rows[table]
        age(connection, table)
        look = sql.SQL("select version, updated_at = now() from public.{} where id = %s").format(
            sql.Identifier(table)
        )
        statement = change(table, columns) + sql.SQL(" where id = %(id)s")
        for round_, expected in (("first", (2, True)), ("second", (2, True))):
            with acting_as(connection, world.owner.actor):
                connection.execute(statement, {**columns, "id": row_id})
            if connection.execute(look, (row_id,)).fetchone() != expected:
                yield f"{table}: the {round_} update does not leave version 2"
        age(connection, table)
        with acting_as(connection, world.owner.actor):
            connection.execute(statement, {**columns, "id": row_id})
        if connection.execute(look, (row_id,)).fetchone() != (2, False):
            yield f"{table}: an update that changes nothing raises version or updated_at"


def age(connection: Connection, table: str) -> None:
    """Makes every row of a table an hour old, past the trigger that keeps updated_at."""
    name = sql.Identifier(table)
    connection.execute(sql.SQL("alter table public.{} disable trigger user").format(name))
    connection.execute(sql.SQL("update public.{} set updated_at = now() - interval '1 hour'").format(name))
    connection.execute(sql.SQL("alter table public.{} enable trigger user").format(name))


def work_items_follow_their_path(connection: Connection) -> Iterator[str]:
    """Each pair of statuses, as a client and as the owner of the tables."""
    world = make_world(connection)
    statement = change("work_items", {"status": ""}) + sql.SQL(" where id = %(id)s")
    for start, allowed in TRANSITIONS.items():
        for end in TRANSITIONS:
            for actor in (world.owner.actor, None):
                with undone(connection):
                    row_id = work_item_in(connection, world.owner, start)
                    told = attempt(connection, actor, statement, {"status": end, "id": row_id})
                    expected = None
                    if end != start and end not in allowed:
                        named = ",".join(status for status in TRANSITIONS if status in allowed)
                        message = f"work item cannot move from {start} to {end}"
                        expected = ("PT409", message, named, "work_item_transition")
                    if told != expected:
                        yield f"{start} to {end} is answered {told}"
    for status in TRANSITIONS:
        row = {"product_id": world.owner.rows["products"], "title": "t", "status": status}
        told = attempt(connection, world.owner.actor, insertion("work_items", row), row)
        expected = None
        if status != "todo":
            expected = ("PT409", f"work item cannot start as {status}", "todo", "work_item_transition")
        if told != expected:
            yield f"starting as {status} is answered {told}"


def work_item_in(connection: Connection, owner: Person, status: str) -> UUID:
    """A new work item that has come to this status the allowed way."""
    with acting_as(connection, owner.actor):
        row_id = insert(connection, "work_items", product_id=owner.rows["products"], title="Walk the path")
        for step in {"todo": (), "in_progress": ("in_progress",), "done": ("in_progress", "done")}[status]:
            connection.execute("update public.work_items set status = %s where id = %s", (step, row_id))
    return row_id


def github_columns_are_githubs(connection: Connection) -> Iterator[str]:
    """A client can neither set what only GitHub knows nor change what GitHub says."""
    world = make_world(connection)
    row_id = world.owner.rows["repositories"]
    values: dict[str, Any] = {
        "name": "changed",
        "full_name": "changed/changed",
        "description": "changed",
        "url": "https://example.com/changed",
        "default_branch": "changed",
        "is_private": True,
        "language": "changed",
    }
    only_githubs: dict[str, Any] = {
        "github_id": 7,
        "node_id": "R_7",
        "stars_count": 7,
        "forks_count": 7,
        "is_archived": True,
        "pushed_at": "2026-01-01T00:00:00Z",
        "sync_state": "active",
        "synced_at": "2026-01-01T00:00:00Z",
    }
    for column, value in only_githubs.items():
        row = {"product_id": world.owner.rows["products"], "name": "forged", column: value}
        if refused_code(connection, world.owner.actor, insertion("repositories", row), row) != "42501":
            yield f"a client can create a repository with {column}"
        if (
            refused_code(connection, world.owner.actor, change("repositories", {column: value}), row)
            != "42501"
        ):
            yield f"a client can change {column}"
    for column, value in values.items():
        statement = change("repositories", {column: value}) + sql.SQL(" where id = %(id)s")
        if attempt(connection, world.owner.actor, statement, {column: value, "id": row_id}) is not None:
            yield f"the owner cannot change {column} of a repository entered by hand"
    with undone(connection):
        connection.execute(
            "update public.repositories set github_id = 7, sync_state = 'active' where id = %s", (row_id,)
        )
        for column, value in values.items():
            statement = change("repositories", {column: value}) + sql.SQL(" where id = %(id)s")
            told = attempt(connection, world.owner.actor, statement, {column: value, "id": row_id})
            if told is None or (told[0], *told[2:]) != ("PT409", column, "github_owned_column"):
                yield f"a client's change of {column} of an imported repository is answered {told}"
        statement = change("repositories", {"notes": ""}) + sql.SQL(" where id = %(id)s")
        if (
            attempt(connection, world.owner.actor, statement, {"notes": "still mine", "id": row_id})
            is not None
        ):
            yield "the owner cannot change the notes of an imported repository"


def history_tells_who_and_what(connection: Connection) -> Iterator[str]:
    """Each create, update and delete of each table leaves one line with actor, row and fields."""
    world = make_world(connection)
    for table in OWNED:
        row_id = world.owner.rows[table]
        statement = change(table, CHANGES[table]) + sql.SQL(" where id = %(id)s")
        with undone(connection):
            with acting_as(connection, world.owner.actor):
                connection.execute(statement, {**CHANGES[table], "id": row_id})
                connection.execute(
                    sql.SQL("delete from public.{} where id = %s").format(sql.Identifier(table)), (row_id,)
                )
            lines = connection.execute(
                "select action, actor, actor_id, product_id, changes from public.activity"
                " where user_id = %s and entity = %s and entity_id = %s order by created_at",
                (world.owner.id, table, row_id),
            ).fetchall()
        told = [(action, actor, actor_id, product_id) for action, actor, actor_id, product_id, _ in lines]
        who = ("person", world.owner.id, world.owner.rows["products"])
        if told != [("created", *who), ("updated", *who), ("deleted", *who)]:
            yield f"{table}: the history is {told}"
            continue
        ((field, value),) = CHANGES[table].items()
        expected: dict[str, Any] = {"old": SAMPLES[table][field], "new": value}
        if field == "content":
            expected = {"changed": True}
        if lines[1][4] != {field: expected}:
            yield f"{table}: the update is told as {lines[1][4]}"


def history_keeps_secrets(connection: Connection) -> Iterator[str]:
    """Neither a document's content nor a secret's value is ever in the history, nor what was plain before."""
    world = make_world(connection)
    document, entry = world.owner.rows["documents"], world.owner.rows["app_info"]
    with acting_as(connection, world.owner.actor):
        connection.execute("update public.documents set content = %s where id = %s", (SECRET, document))
        connection.execute("update public.app_info set value = %s where id = %s", (SECRET, entry))
    count = "select count(*) from public.activity where user_id = %s and strpos(changes::text, %s) > 0"
    if one(connection, count + " and entity = 'app_info'", (world.owner.id, SECRET)) != 1:
        yield "a plain value is not in the history, so that it is not there proves nothing"
    connection.execute("update public.app_info set is_secret = true, value = null where id = %s", (entry,))
    connection.execute(
        "update public.app_info set is_secret = false, value = %s where id = %s", (SECRET, entry)
    )
    connection.execute("update public.app_info set is_secret = true, value = null where id = %s", (entry,))
    connection.execute("delete from public.app_info where id = %s", (entry,))
    connection.execute("delete from public.documents where id = %s", (document,))
    if one(connection, count, (world.owner.id, SECRET)) != 0:
        yield "the history holds what it must not"


def secrets_are_not_stored_plain(connection: Connection) -> Iterator[str]:
    """No path stores a value in a row that is marked secret, and clients cannot mark one."""
    world = make_world(connection)
    row_id = world.owner.rows["app_info"]
    mark = "update public.app_info set is_secret = true where id = %s"
    if refused_code(connection, world.owner.actor, mark, (row_id,)) != "42501":
        yield "a client can mark a secret"
    try:
        with undone(connection):
            connection.execute(mark, (row_id,))
    except psycopg.errors.CheckViolation:
        return
    yield "a secret can be stored in the clear"


def secret_values_are_forums_to_handle(connection: Connection) -> Iterator[str]:
    """Whoever lacks the key reaches no sealed value, nor whoever has it and is somebody else."""
    know_app_info_key(connection)
    world = make_world(connection)
    entry = make_secret(connection, world.owner)
    before = held(connection, entry)
    tries = {
        "the owner without the key": (world.owner.actor, None),
        "a stranger with the key": (world.stranger.actor, APP_INFO_KEY),
    }
    for name, (statement, parameters) in calls(world.owner).items():
        if refused_code(connection, world.owner.actor, statement, parameters) is not None:
            yield f"{name} is refused to whom it is for"
        for who, (actor, key) in tries.items():
            given = calls(world.owner, key)[name][1]
            if refused_code(connection, actor, statement, given) is None:
                yield f"{who} reaches a secret by {name}"
    if told(connection, world.stranger.actor, VERSIONS, (entry,)) != ((None,),):
        yield "a stranger lists former values"
    if refused_code(connection, world.owner.actor, PLACES, ([entry], True, None)) is None:
        yield "the owner without the key reads sealed values"
    if told(connection, world.stranger.actor, PLACES, ([entry], True, APP_INFO_KEY)) != (([],),):
        yield "a stranger with the key reads sealed values"
    if refused_code(connection, world.stranger.actor, RESTORE, (entry, 1)) is None:
        yield "a stranger restores a value"
    if held(connection, entry) != before:
        yield "a secret has changed"


def secrets_are_shown_on_the_record(connection: Connection) -> Iterator[str]:
    """Each way out for a value is written into the history."""
    know_app_info_key(connection)
    owner = make_world(connection).owner
    entry = make_secret(connection, owner)
    shows = {"reveal": True, "compare": False, "import": False, "export": True, "record": False}
    for name, is_shown in shows.items():
        statement, parameters = calls(owner)[name]
        with undone(connection):
            with acting_as(connection, owner.actor):
                shown = one(connection, statement, parameters)
            if ("ciphertext" in str(shown)) != is_shown:
                yield f"{name} shows a secret, or does not show the one that it is for"
            # What an export reads leaves Forum's function only when it is recorded.
            if count_reveals(connection, entry) != (name in {"reveal", "record"}):
                yield f"{name} is not in the history, or wrongly so"
    statement, (product, _, _, key) = calls(owner)["record"]
    former = Jsonb([{"id": str(entry), "version": 1}])
    if refused_code(connection, owner.actor, statement, (product, former, None, key)) != "PT409":
        yield "what has changed since it was read is recorded as if it were shown"


def sealed_values_keep_their_place(connection: Connection) -> Iterator[str]:
    """No path gives an entry a key, a product or a number under which its values do not open."""
    know_app_info_key(connection)
    world = make_world(connection)
    owner, entry = world.owner, world.owner.rows["app_info"]
    make_secret(connection, owner)
    write(connection, owner.actor, placed(connection, entry, "two"))
    changes = {
        "renamed": "update public.app_info set key = 'RENAMED' where id = %s",
        "moved": "update public.app_info set product_id = (select id from public.products"
        " where user_id = app_info.user_id and id <> product_id) where id = %s",
        "given a former value": "update public.app_info set secret_number = 1 where id = %s",
    }
    with acting_as(connection, owner.actor):
        connection.execute("insert into public.products (name) values ('Another')")
    for name, statement in changes.items():
        try:
            with undone(connection):
                connection.execute(statement.encode(), (entry,))
        except psycopg.Error as error:
            if error.sqlstate == "PT409":
                continue
        yield f"a secret can be {name}"
    wrong = {"key": "OTHER"}, {"product_id": str(uuid4())}, {"number": 2}, {"number": 4}
    for place in wrong:
        item = placed(connection, entry, "three", **place)
        refused = refused_code(connection, owner.actor, WRITE, (Jsonb([item]), APP_INFO_KEY))
        if refused != "PT409":
            yield f"a value is stored that was sealed for another place: {place}"


def secrets_are_shown_to_living_sessions(connection: Connection) -> Iterator[str]:
    """A token whose session has ended reaches no sealed value, nor one of before the second factor."""
    know_app_info_key(connection)
    owner = make_world(connection).owner
    make_secret(connection, owner)
    ends = {
        "has ended": "delete from auth.sessions where user_id = %s",
        "lacks the second factor": "insert into auth.mfa_factors"
        " (id, user_id, factor_type, status, created_at, updated_at)"
        " values (gen_random_uuid(), %s, 'totp', 'verified', now(), now())",
        "is a client's": "update auth.sessions set oauth_client_id = gen_random_uuid() where user_id = %s",
    }
    for name, (statement, parameters) in calls(owner).items():
        if refused_code(connection, owner.actor, statement, parameters) is not None:
            yield f"{name} is refused to whom it is for"
        for end, ending in ends.items():
            with undone(connection):
                connection.execute(ending, (owner.id,))
                refused = refused_code(connection, owner.actor, statement, parameters)
            if (refused is not None) != (name in SHOWING or end != "lacks the second factor"):
                yield f"{name}: {refused} for a session that {end}"


def secrets_are_shown_within_a_limit(connection: Connection) -> Iterator[str]:
    """Whoever was shown ten thousand secrets within an hour is shown none, and everybody else is."""
    know_app_info_key(connection)
    world = make_world(connection)
    for each in (world.owner, world.stranger):
        make_secret(connection, each)
    lines = (
        "insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, created_at)"
        " select %s, 'person', %s, %s, 'app_info', gen_random_uuid(), now() - %s::interval"
        " from generate_series(1, 10000)"
    )
    seen = {
        "were shown to them": (world.owner, "revealed", "59 minutes", SHOWING),
        "were shown to somebody else": (world.stranger, "revealed", "59 minutes", ()),
        "were shown to them before": (world.owner, "revealed", "61 minutes", ()),
        "were changed by them": (world.owner, "updated", "59 minutes", ()),
    }
    for what, (shown, action, age, refused_calls) in seen.items():
        with undone(connection):
            connection.execute(lines, (shown.id, shown.id, action, age))
            for name, (statement, parameters) in calls(world.owner).items():
                refused = refused_code(connection, world.owner.actor, statement, parameters)
                if refused != ("PT429" if name in refused_calls else None):
                    yield f"{name}: {refused} when ten thousand {what}"


def only_people_themselves_come_in(connection: Connection) -> Iterator[str]:
    """A token of an OAuth client or of an anonymous user reaches no row, and no request of theirs passes."""
    world = make_world(connection)
    begun_by_a_client = [{"method": "totp"}, {"method": "oauth_provider/authorization_code"}]
    for more in ({"client_id": "x"}, {"amr": begun_by_a_client}, {"is_anonymous": True}):
        actor = person(world.owner.id, **more)
        if refused_code(connection, actor, "select private.check_request()") != "PT401":
            yield f"a request of {more} passes"
        for table in READABLE:
            everything = sql.SQL("select id from public.{}").format(sql.Identifier(table))
            if ids(connection, actor, everything):
                yield f"{table}: {more} reads it"
        for table, columns in CLIENT_CHANGES.items():
            if changes(connection, world.owner, actor, change(table, columns), columns):
                yield f"{table}: {more} changes it"
        if (
            refused_code(connection, actor, insertion("products", SAMPLES["products"]), SAMPLES["products"])
            is None
        ):
            yield f"{more} makes a product"
    if refused_code(connection, world.owner.actor, "select private.check_request()") is not None:
        yield "a person's request does not pass"


def secrets_leave_no_plain_copy(connection: Connection) -> Iterator[str]:
    """An entry that becomes a secret takes the plain values that it had out of the former ones."""
    know_app_info_key(connection)
    owner = make_world(connection).owner
    entry = owner.rows["app_info"]
    with acting_as(connection, owner.actor):
        connection.execute("update public.app_info set value = %s where id = %s", (SECRET, entry))
        connection.execute("update public.app_info set value = 'other' where id = %s", (entry,))
    if SECRET not in str(held(connection, entry)):
        yield "a plain value is not kept, so that it goes proves nothing"
    make_secret(connection, owner)
    if SECRET in str(held(connection, entry)):
        yield "a former value is left in the clear"


def estimates_are_shown_to_nobody(connection: Connection) -> Iterator[str]:
    """A client's statement that only shows its plan is refused, whatever it is about; others are not."""
    world = make_world(connection)
    for table in READABLE:
        statement = sql.SQL("select from public.{}").format(sql.Identifier(table))
        for headers in ({"accept": "*/*"}, {"prefer": "tx=commit"}):
            with undone(connection):
                connection.execute("select set_config('request.headers', %s, true)", (json.dumps(headers),))
                if refusal(connection, world.owner.actor, statement) is not None:
                    yield f"{table}: its owner cannot read it"
                for explain in ("explain (format json) ", " \n EXPLAIN ANALYZE "):
                    refused = refusal(connection, world.owner.actor, sql.SQL(explain) + statement)
                    if refused is None or refused.message_hint != "estimates":
                        yield f"{table}: a client is shown the plan of a query"
        if refusal(connection, world.owner.actor, sql.SQL("explain ") + statement) is not None:
            yield f"{table}: an operator cannot look at a plan"


def history_cannot_be_edited(connection: Connection) -> Iterator[str]:
    """Nobody who comes through the API writes, changes or deletes a line, the owner included."""
    world = make_world(connection)
    line = {
        "user_id": world.owner.id,
        "actor": "system",
        "action": "created",
        "entity": "products",
        "entity_id": uuid4(),
    }
    statements: list[tuple[sql.Composed, Any]] = [
        (insertion("activity", line), line),
        (change("activity", CHANGES["activity"]), CHANGES["activity"]),
        (sql.SQL("delete from public.{}").format(sql.Identifier("activity")), None),
    ]
    for statement, parameters in statements:
        with undone(connection):
            before = rows_of(connection, world.owner.id)
            connection.execute(statement, parameters)
            if rows_of(connection, world.owner.id) == before:
                yield "the attempt changes nothing anyway"
        for name, actor in {"owner": world.owner.actor, **attackers(world)}.items():
            if changes(connection, world.owner, actor, statement, parameters):
                yield f"{name} edits the history"


def accounts_go_without_a_trace(connection: Connection) -> Iterator[str]:
    """Deleting an account takes all its rows, history included, and nobody else's."""
    world = make_world(connection)
    others = rows_of(connection, world.stranger.id)
    connection.execute("delete from auth.users where id = %s", (world.owner.id,))
    if any(rows_of(connection, world.owner.id).values()):
        yield "rows are left of a deleted account"
    if rows_of(connection, world.stranger.id) != others:
        yield "deleting an account changes somebody else's rows"


BEHAVIOUR_CHECKS = (
    strangers_read_nothing,
    strangers_change_nothing,
    strangers_delete_nothing,
    strangers_create_nothing,
    strangers_upsert_nothing,
    children_stay_with_their_owner,
    rows_keep_what_the_database_owns,
    versions_count_real_changes,
    work_items_follow_their_path,
    github_columns_are_githubs,
    history_tells_who_and_what,
    history_keeps_secrets,
    secrets_are_not_stored_plain,
    secret_values_are_forums_to_handle,
    secrets_are_shown_on_the_record,
    sealed_values_keep_their_place,
    secrets_are_shown_to_living_sessions,
    secrets_are_shown_within_a_limit,
    only_people_themselves_come_in,
    secrets_leave_no_plain_copy,
    estimates_are_shown_to_nobody,
    history_cannot_be_edited,
    documents_lose_nothing,
    passages_are_replaced_where_they_are_one,
    deletions_lose_nothing,
    accounts_go_without_a_trace,
)
