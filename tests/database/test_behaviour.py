"""What the migrated database does, whoever tries."""

from collections.abc import Callable, Iterator

import pytest

from tests.database.actors import Connection
from tests.database.behaviour_checks import BEHAVIOUR_CHECKS


@pytest.mark.parametrize("check", BEHAVIOUR_CHECKS, ids=lambda check: check.__name__)
def test_behaviour_on_the_migrated_database_is_without_fault(
    database: Connection, check: Callable[[Connection], Iterator[str]]
) -> None:
    assert list(check(database)) == []
