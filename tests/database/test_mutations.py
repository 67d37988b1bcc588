"""Every check is worth something: each planted hole turns one of them red."""

import pytest

from tests.database.actors import Connection
from tests.database.behaviour_checks import BEHAVIOUR_CHECKS
from tests.database.catalog_checks import CATALOG_CHECKS
from tests.database.mutants import CHECKS_OF_A_NEW_TABLE, MEASURED, MUTANTS, NEW_TABLE, Check, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_hole_planted_in_the_migrated_database_is_found(database: Connection, mutant: Mutant) -> None:
    database.execute(mutant.statements)
    database.execute("set local search_path = ''")
    assert list(mutant.found_by(database)) != []


@pytest.mark.parametrize("check", CHECKS_OF_A_NEW_TABLE, ids=lambda check: check.__name__)
def test_new_table_made_in_a_hurry_is_found(database: Connection, check: Check) -> None:
    database.execute(NEW_TABLE)
    database.execute("set local search_path = ''")
    assert any("plans" in fault for fault in check(database))


def test_holes_measured_on_the_outside_checkers_are_all_here() -> None:
    assert len(MEASURED) == 19


def test_every_check_finds_some_hole() -> None:
    assert {mutant.found_by for mutant in MUTANTS} == {*BEHAVIOUR_CHECKS, *CATALOG_CHECKS}
