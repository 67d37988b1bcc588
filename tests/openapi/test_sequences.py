"""schemathesis follows the document's links: a new row is read, changed, moved and deleted in any order.

Its checks for sequences are that what was deleted is gone, and that what was created is there.
"""

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, Response
from schemathesis.generation.stateful import run_state_machine_as_test

from local.supabase import User
from tests.openapi.contract import SEQUENCES, load_contract
from tests.openapi.rows import OWN_IDS, Rows, name_variables


# A token that is revoked stays in the list, and no request makes a set of the trash by itself.
@pytest.mark.parametrize("path", [f"/api/{kind}" for kind in OWN_IDS if kind not in {"tokens", "trash"}])
def test_sequence_of_requests_about_a_row_holds(path: str, user: User, rows: Rows) -> None:
    contract = load_contract(SEQUENCES, f"{path}(/{{.*)?")
    done: Counter[str] = Counter()

    class Sequences(contract.as_state_machine()):  # type: ignore[misc]  # made at run time
        def before_call(self, case: Case[Any]) -> None:
            case.body = rows.put_into(case.body)
            name_variables(case.body)
            if "Idempotency-Key" in case.headers:
                case.headers["Idempotency-Key"] = str(uuid4())

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:  # noqa: ARG002 - as it is called
            return {"headers": {"Authorization": f"Bearer {user.access_token}"}}

        def after_call(self, response: Response, case: Case[Any]) -> None:
            super().after_call(response, case)
            done[f"{case.operation.method} {response.status_code}"] += 1

    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=10,
            stateful_step_count=8,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    # It has come beyond rows that nobody has.
    for reached in ("post 201", "get 200", "patch 200", "delete 204", "get 404"):
        assert done[reached] > 0, done
