"""Every CHECK by values just outside it, and every weaker form of it by the same values."""

import pytest

from tests.database.actors import Connection
from tests.database.constraint_cases import CASES
from tests.database.constraint_checks import Check, answers, list_checks
from tests.database.constraint_mutations import weaken


@pytest.fixture(scope="module", params=sorted(CASES))
def name(request: pytest.FixtureRequest) -> str:
    """A CHECK of the schema."""
    constraint: str = request.param
    return constraint


def test_check_weakened_in_one_piece_answers_some_case_otherwise(database: Connection, name: str) -> None:
    check = list_checks(database)[name]
    true = answers(database, check, CASES[name])
    alike = [
        weaker
        for weaker in weaken(check.expression)
        if answers(database, Check(check.table, weaker), CASES[name]) == true
    ]
    assert alike == []
