"""What definers do for access tokens: no policy restricts them, so each is tried in each of its arguments."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.database.actors import Actor, Connection, acting_as, undone
from tests.database.definer_calls import PEOPLES, make_tenant
from tests.database.definer_checks import (
    anonymous,
    call,
    invented,
    leaf,
    leaves,
    replaced,
    rows_of_everything,
)
from tests.database.intended import OWN_TO_A_TOKEN
from tests.database.secrets import make_secret
from tests.database.tokens import GRANTS, agent, make_token
from tests.database.world import CHILDREN, SAMPLES, Person, insert

# The grant that each needs. A definer that is open to tokens and is not here fails the checks.
NEEDED = {
    "list_app_info_versions(uuid)": "read",
    "find_work_items(tsquery,tsquery,uuid,integer)": "read",
    "find_documents(tsquery,tsquery,uuid,integer)": "read",
    "write_app_info(jsonb,text)": "keys",
    "import_app_info(uuid,jsonb,text[],text)": "keys",
    "compare_app_info(uuid,text[],text)": "keys",
    "read_app_info_places(uuid[],boolean,text)": "keys",
    "restore_app_info(uuid,integer,integer[])": "keys",
    "reveal_app_info(uuid,integer,text,text)": "reveal",
    # With secrets, as it is called here.
    "read_app_info_export(uuid,text[],boolean,text,text)": "reveal",
    "record_app_info_export(uuid,jsonb,text,text,text)": "reveal",
}


def open_to_tokens(connection: Connection) -> list[str]:
    """The definers that a token may call, but for those that are about the token alone."""
    rows = connection.execute(
        """
        select p.oid::regprocedure::text
        from pg_proc as p
        where p.prosecdef and has_function_privilege('forum_agent', p.oid, 'execute')
          and p.pronamespace = 'private'::regnamespace
        """
    )
    return sorted(name.removeprefix("private.") for (name,) in rows if name not in OWN_TO_A_TOKEN)


def definers_hold_tokens_to_their_product(connection: Connection) -> Iterator[str]:
    """What is the owner's and out of a token's scope is for a definer as good as not there.

    Neither the rows of the other product nor the answer may tell a difference, whoever holds the keys.
    """
    for function in open_to_tokens(connection):
        with undone(connection):
            owner = make_tenant(connection)
            own = another_product_of(connection, owner)
            theirs, in_scope = PEOPLES[function](connection, owner), PEOPLES[function](connection, own)
            _, token_id = make_token(connection, owner.id, own.rows["products"], *GRANTS)
            actor = agent(owner.id, token_id, own.rows["products"], *GRANTS)
            refused, answer = call(connection, function, actor, in_scope)
            if refused:
                yield f"{function} is refused to a token in its scope: {answer}"
            asked = Asked(function, actor, in_scope, owner)
            for path, value in leaves(theirs):
                if value != leaf(in_scope, path):
                    yield from with_a_value_out_of_scope(connection, asked, path, value)
            before = rows_that_name(connection, owner)
            with undone(connection):
                call(connection, function, actor, theirs, keep=True)
                if rows_that_name(connection, owner) != before:
                    yield f"{function} changes rows out of a token's scope"


class Asked(NamedTuple):
    """A call by a token, whose owner has another product as well."""

    function: str
    actor: Actor
    own: Any
    """The arguments, all in the token's scope."""
    owner: Person
    """With the rows of the product that is not."""


def with_a_value_out_of_scope(
    connection: Connection, asked: Asked, path: tuple[int | str, ...], value: Any
) -> Iterator[str]:
    """The faults of one function with one value of the other product among the token's own."""
    function, actor, own, owner = asked
    before = rows_that_name(connection, owner)
    with undone(connection):
        foreign = call(connection, function, actor, replaced(own, path, value), keep=True)
        if rows_that_name(connection, owner) != before:
            yield f"{function} changes rows out of a token's scope by {path}"
    if ids_in(foreign[1], owner) - ids_in(value, owner):
        yield f"{function} shows rows out of a token's scope by {path}: {foreign[1]}"
    missing = call(connection, function, actor, replaced(own, path, invented(value)))
    if anonymous(foreign) != anonymous(missing):
        yield f"{function} tells a token that {path} is there: {foreign} and {missing}"


def definers_ask_for_the_grant(connection: Connection) -> Iterator[str]:
    """Without its grant, and with all others, a definer refuses a token, and says which it needs."""
    functions = open_to_tokens(connection)
    for function in sorted(set(functions) ^ NEEDED.keys()):
        yield f"{function} is open to tokens, or it is known which grant it needs, not both"
    for function in functions:
        needed = NEEDED[function]
        with undone(connection):
            owner = make_tenant(connection)
            arguments = PEOPLES[function](connection, owner)
            _, token_id = make_token(connection, owner.id)
            without = [grant for grant in GRANTS if grant != needed]
            refused, answer = call(connection, function, agent(owner.id, token_id, None, *GRANTS), arguments)
            if refused:
                yield f"{function} is refused to a token with all grants: {answer}"
            refused, answer = call(connection, function, agent(owner.id, token_id, None, *without), arguments)
            if refused != (needed != "read"):
                yield f"{function} answers a token without {needed}: {answer}"
            elif refused and not answer.endswith(f"'{needed}', 'token_scope')"):
                yield f"{function} does not say that it needs {needed}: {answer}"


def another_product_of(connection: Connection, owner: Person) -> Person:
    """The same account, and another product with a row of everything and a secret."""
    rows = {"users": owner.id}
    with acting_as(connection, owner.actor):
        rows["products"] = insert(connection, "products", **SAMPLES["products"])
        for table in CHILDREN:
            rows[table] = insert(connection, table, product_id=rows["products"], **SAMPLES[table])
    own = Person(owner.id, rows)
    make_secret(connection, own)
    return own


def ids_in(answer: Any, owner: Person) -> set[str]:
    """Which ids of a product's rows stand in an answer."""
    ids = {str(row_id) for table, row_id in owner.rows.items() if table != "users"}
    return {row_id for row_id in ids if row_id in str(answer)}


def rows_that_name(connection: Connection, owner: Person) -> list[str]:
    """The rows of a product and what is about them, with their places: an update leaves a trace."""
    return [row for row in rows_of_everything(connection, owner) if ids_in(row, owner)]
