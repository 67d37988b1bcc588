"""The statements of supabase/schemas that make functions, policies and triggers, by these objects' names."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
from pglast import ast, parse_sql
from pglast.enums import FunctionParameterMode
from pglast.stream import RawStream

from local.schemas import list_schemas

INPUT_MODES = {
    FunctionParameterMode.FUNC_PARAM_IN,
    FunctionParameterMode.FUNC_PARAM_INOUT,
    FunctionParameterMode.FUNC_PARAM_VARIADIC,
    FunctionParameterMode.FUNC_PARAM_DEFAULT,
}


def read_statements(connection: psycopg.Connection, directory: Path) -> Mapping[tuple[str, str], str]:
    """By kind and name as in the catalogue, in the order of the files, which have to be applied there."""
    found = {}
    connection.execute("set search_path = ''")
    for path in list_schemas(directory):
        for tree, text in split(path.read_text()):
            match tree:
                case ast.CreateFunctionStmt():
                    found["function", name_function(connection, tree)] = text
                case ast.CreatePolicyStmt(policy_name=name, table=table):
                    found["policy", name_on_table(connection, name, table)] = text
                case ast.CreateTrigStmt(trigname=name, relation=table):
                    found["trigger", name_on_table(connection, name, table)] = text
    connection.execute("reset search_path")
    return found


def split(script: str) -> Iterator[tuple[ast.Node, str]]:
    """Each statement, parsed and as it is written, without the comments above it."""
    for raw in parse_sql(script):
        end = raw.stmt_location + (raw.stmt_len or len(script))
        lines = script[raw.stmt_location : end].splitlines()
        while lines and (not lines[0].strip() or lines[0].lstrip().startswith("--")):
            del lines[0]
        yield raw.stmt, "\n".join(lines).rstrip()


def name_function(connection: psycopg.Connection, tree: ast.CreateFunctionStmt) -> str:
    """A function's name with the types of its arguments."""
    name = ".".join(part.sval for part in tree.funcname)
    types = [RawStream()(each.argType) for each in tree.parameters or () if each.mode in INPUT_MODES]
    return ask(connection, "select %s::regprocedure::text", f"{name}({', '.join(types)})")


def name_on_table(connection: psycopg.Connection, name: str, table: ast.RangeVar) -> str:
    """The name of a policy or trigger with its table's."""
    return ask(
        connection,
        "select format('%%I on %%s', %s::text, %s::regclass)",
        name,
        f"{table.schemaname}.{table.relname}",
    )


def ask(connection: psycopg.Connection, query: str, *arguments: str) -> str:
    """The one answer to a query."""
    row = connection.execute(query.encode(), arguments).fetchone()
    if row is None:
        raise LookupError(query)
    return str(row[0])
