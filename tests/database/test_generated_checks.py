"""Definers, CHECKs, indexes, options and identities on the migrated database, and with a hole in each."""

from collections.abc import Callable, Iterator

import pytest

from tests.database.actors import Connection
from tests.database.generated_checks import GENERATED_CHECKS
from tests.database.generated_mutants import GENERATED_MUTANTS
from tests.database.list_indexes import LISTS
from tests.database.mutants import Mutant
from tests.database.option_checks import lists_have_their_index, roles_are_bounded_as_listed


@pytest.mark.parametrize("check", GENERATED_CHECKS, ids=lambda check: check.__name__)
def test_migrated_database_is_without_fault(
    database: Connection, check: Callable[[Connection], Iterator[str]]
) -> None:
    database.execute("set local search_path = ''")
    assert list(check(database)) == []


@pytest.mark.parametrize("mutant", GENERATED_MUTANTS, ids=lambda mutant: mutant.name)
def test_hole_planted_in_the_migrated_database_is_found(database: Connection, mutant: Mutant) -> None:
    database.execute("set local search_path = ''")
    database.execute(mutant.statements)
    # The first fault will do: what a check goes on to find costs seconds.
    assert next(mutant.found_by(database), None) is not None


def test_index_that_is_dropped_is_missed(database: Connection) -> None:
    database.execute("set local search_path = ''")
    for index in LISTS:
        with database.transaction(force_rollback=True):
            database.execute(f"drop index {index} cascade".encode())
            assert any(index in fault for fault in lists_have_their_index(database))


def test_every_check_but_that_of_the_roles_finds_some_hole() -> None:
    # Only Supabase's own role may change the settings of the API's roles.
    found = {mutant.found_by for mutant in GENERATED_MUTANTS}
    assert found == {*GENERATED_CHECKS} - {roles_are_bounded_as_listed}
