"""What the catalog of the migrated database says, table by table and function by function."""

from collections.abc import Callable, Iterator

import pytest

from tests.database.actors import Connection
from tests.database.catalog_checks import CATALOG_CHECKS
from tests.database.world import OWNED, PARTS


@pytest.mark.parametrize("check", CATALOG_CHECKS, ids=lambda check: check.__name__)
def test_catalog_of_the_migrated_database_is_without_fault(
    database: Connection, check: Callable[[Connection], Iterator[str]]
) -> None:
    # Names are then written with their schema, whatever the role's own search_path.
    database.execute("set local search_path = ''")
    assert list(check(database)) == []


def test_every_table_that_people_write_is_one_that_the_matrix_attacks(database: Connection) -> None:
    """tests/database asks the same of each of them, and can only ask what it knows of."""
    written = database.execute(
        "select relname from pg_catalog.pg_class where relnamespace = 'public'::regnamespace"
        " and relkind = 'r' and has_any_column_privilege('authenticated', oid, 'insert')"
    ).fetchall()
    assert {name for (name,) in written} == {*OWNED, *PARTS}
