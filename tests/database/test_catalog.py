"""What the catalog of the migrated database says, table by table and function by function."""

from collections.abc import Callable, Iterator

import pytest

from tests.database.actors import Connection
from tests.database.catalog_checks import CATALOG_CHECKS


@pytest.mark.parametrize("check", CATALOG_CHECKS, ids=lambda check: check.__name__)
def test_catalog_of_the_migrated_database_is_without_fault(
    database: Connection, check: Callable[[Connection], Iterator[str]]
) -> None:
    # Names are then written with their schema, whatever the role's own search_path.
    database.execute("set local search_path = ''")
    assert list(check(database)) == []
