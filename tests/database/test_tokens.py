"""Access tokens in the database, on the migrated one and on one with a hole in it."""

from collections.abc import Callable, Iterator

import pytest

from tests.database.actors import Connection
from tests.database.mutants import Mutant
from tests.database.token_checks import TOKEN_CHECKS
from tests.database.token_mutants import TOKEN_MUTANTS


@pytest.mark.parametrize("check", TOKEN_CHECKS, ids=lambda check: check.__name__)
def test_tokens_of_the_migrated_database_are_without_fault(
    database: Connection, check: Callable[[Connection], Iterator[str]]
) -> None:
    assert list(check(database)) == []


@pytest.mark.parametrize("mutant", TOKEN_MUTANTS, ids=lambda mutant: mutant.name)
def test_hole_in_what_holds_of_tokens_is_found(database: Connection, mutant: Mutant) -> None:
    database.execute(mutant.statements)
    # The first fault will do.
    assert next(mutant.found_by(database), None) is not None


def test_every_check_of_tokens_finds_some_hole() -> None:
    assert {mutant.found_by for mutant in TOKEN_MUTANTS} == {*TOKEN_CHECKS}
