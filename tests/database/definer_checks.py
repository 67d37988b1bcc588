"""What definers do with another user's ids, in each of their arguments, with all keys in hand."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.actors import NOBODY, SERVICE, Actor, Connection, acting_as, person, undone
from tests.database.definer_calls import INNER, OF_EVERYBODY, PEOPLES, SERVICES, make_tenant
from tests.database.world import Person

Path = tuple[int | str, ...]
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def definers_refuse_what_is_anothers(connection: Connection) -> Iterator[str]:
    """A definer does what its caller may ask, and with another's id what it does with one that is nobody's.

    Neither the other user's rows nor the answer may tell a difference, whoever holds the functions' keys.
    """
    yield from definers_without_a_call(connection)
    for function, prepare in (PEOPLES | SERVICES).items():
        with undone(connection):
            owner, stranger = make_tenant(connection), make_tenant(connection)
            theirs, own = prepare(connection, owner), prepare(connection, stranger)
            yield from with_anothers_values(connection, function, (owner, theirs), (stranger, own))


def definers_without_a_call(connection: Connection) -> Iterator[str]:
    """Each definer that the API's roles may call is called here."""
    known = {f"private.{name}" for name in (*PEOPLES, *SERVICES, *OF_EVERYBODY)}
    rows = connection.execute(
        """
        select p.oid::regprocedure::text
        from pg_proc as p
        where p.prosecdef and p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
          and (
            has_function_privilege('anon', p.oid, 'execute')
            or has_function_privilege('authenticated', p.oid, 'execute')
            or has_function_privilege('service_role', p.oid, 'execute')
            or has_function_privilege('forum_agent', p.oid, 'execute')
          )
        """
    )
    callable_ = {name for (name,) in rows}
    for name in sorted(callable_ ^ known):
        yield f"{name} runs with its owner's rights and is not in definer_calls, or the other way round"


def definers_take_no_caller_from_a_token_that_is_no_persons(connection: Connection) -> Iterator[str]:
    """With the owner's own arguments and all keys, such a token is answered as one of nobody is.

    No pre-request is called here: a project can lose it, and what is not PostgREST calls none.
    """
    for function, prepare in PEOPLES.items():
        with undone(connection):
            owner = make_tenant(connection)
            arguments = prepare(connection, owner)
            nobody = call(connection, function, NOBODY, arguments)
            before = rows_of_everything(connection, owner)
            for more in (
                {"client_id": "x"},
                {"amr": ["oauth_provider/authorization_code"]},
                {"is_anonymous": True},
            ):
                with undone(connection):
                    answer = call(connection, function, person(owner.id, **more), arguments, keep=True)
                    if rows_of_everything(connection, owner) != before:
                        yield f"{function} changes its owner's rows for {more}"
                if anonymous(answer) != anonymous(nobody):
                    yield f"{function} answers {more} otherwise than nobody: {answer} and {nobody}"


def with_anothers_values(
    connection: Connection,
    function: str,
    victim: tuple[Person, Sequence[Any]],
    caller: tuple[Person, Sequence[Any]],
) -> Iterator[str]:
    """The faults of one function: each of the victim's values in turn among the caller's, then all."""
    (owner, theirs), (stranger, own) = victim, caller
    as_owner, as_stranger = (who.actor if function in PEOPLES else SERVICE for who in (owner, stranger))
    refused, answer = call(connection, function, as_owner, theirs)
    if refused:
        yield f"{function} is refused to its owner: {answer}"
    for path, value in leaves(theirs):
        if value == leaf(own, path):
            continue
        before = rows_of_everything(connection, owner)
        with undone(connection):
            foreign = call(connection, function, as_stranger, replaced(own, path, value), keep=True)
            if rows_of_everything(connection, owner) != before:
                yield f"{function} changes another's rows by {path}"
        if names(foreign[1], owner) - names(value, owner):
            yield f"{function} shows another's rows by {path}: {foreign[1]}"
        if function in SERVICES and not foreign[0]:
            yield f"{function} believes a message whose ids do not belong together by {path}"
        made_up = replaced(own, path, invented(value))
        missing = call(connection, function, as_stranger, made_up)
        if anonymous(foreign) != anonymous(missing):
            yield f"{function} tells whether {path} is another's: {foreign} and {missing}"
    if function in PEOPLES:
        yield from with_all_of_anothers_values(connection, function, owner, stranger, theirs)


def with_all_of_anothers_values(
    connection: Connection, function: str, owner: Person, stranger: Person, theirs: Sequence[Any]
) -> Iterator[str]:
    """The faults of one function that somebody calls just as its owner would."""
    before = rows_of_everything(connection, owner)
    with undone(connection):
        _, answer = call(connection, function, stranger.actor, theirs, keep=True)
        if names(answer, owner) - names(theirs, owner):
            yield f"{function} shows the owner's rows to a stranger: {answer}"
        if rows_of_everything(connection, owner) != before:
            yield f"{function} changes the owner's rows for a stranger"


def call(
    connection: Connection, function: str, actor: Actor, arguments: Sequence[Any], *, keep: bool = False
) -> tuple[bool, str]:
    """Whether a call is refused, and its answer or its refusal. Undone unless it is to be looked at."""
    statement = sql.SQL("select to_jsonb(answer)::text from {}.{}({}) as answer").format(
        sql.Identifier("private" if function in INNER else "public"),
        sql.Identifier(function.partition("(")[0]),
        sql.SQL(", ").join([sql.Placeholder()] * len(arguments)),
    )
    try:
        with connection.transaction(force_rollback=not keep), acting_as(connection, actor):
            return False, str(connection.execute(statement, arguments).fetchall())
    except psycopg.Error as error:
        diag = error.diag
        return True, str((diag.sqlstate, diag.message_primary, diag.message_detail, diag.message_hint))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value in a call's arguments and where it stands."""
    if isinstance(value, Jsonb):
        yield from leaves(value.obj, path)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, (list, tuple)):
        for place, each in enumerate(value):
            yield from leaves(each, (*path, place))
    else:
        yield path, value


def leaf(value: Any, path: Path) -> Any:
    """What stands at a place."""
    for step in path:
        value = (value.obj if isinstance(value, Jsonb) else value)[step]
    return value


def replaced(value: Any, path: Path, becomes: Any) -> Any:
    """The same arguments with another value at a place."""
    if not path:
        return becomes
    if isinstance(value, Jsonb):
        return Jsonb(replaced(value.obj, path, becomes))
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {key: replaced(each, rest, becomes) if key == step else each for key, each in value.items()}
    return type(value)(replaced(each, rest, becomes) if n == step else each for n, each in enumerate(value))


def invented(value: Any) -> Any:
    """A value of the same kind that is nobody's."""
    if isinstance(value, UUID):
        return uuid4()
    if isinstance(value, str):
        return ID.sub(lambda _: str(uuid4()), value)
    return value


def anonymous(answer: tuple[bool, str]) -> tuple[bool, str]:
    """An answer without ids and times, which differ from call to call."""
    text = re.sub(
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(\+\d\d:\d\d|Z)?", "<time>", ID.sub("<id>", answer[1])
    )
    return answer[0], text


def names(answer: Any, person: Person) -> set[str]:
    """What is a person's in an answer: their ids, and words that only they wrote."""
    ids = {str(row_id) for row_id in (person.id, *person.rows.values())}
    text = str(answer)
    return {word for word in (*ids, f"canary-{person.id}", f"canary-{str(person.id)[:8]}") if word in text}


def rows_of_everything(connection: Connection, person: Person) -> list[str]:
    """All rows of a person in every table, with their places: an update leaves a trace."""
    tables = connection.execute(
        """
        select c.oid::regclass::text
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
        where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
        order by 1
        """
    ).fetchall()
    return [
        f"{table}{row}"
        for (table,) in tables
        for (row,) in connection.execute(
            sql.SQL("select (t.ctid, t.xmin, t)::text from {} as t where user_id = %s order by id").format(
                sql.SQL(table)
            ),
            (person.id,),
        )
    ]
