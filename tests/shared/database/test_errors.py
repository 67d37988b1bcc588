"""What each error of the database is to a client. Bodies as PostgREST gives them."""

import pytest
from postgrest import APIError

from shared.database.errors import to_problem


def make_error(
    code: str | None, message: str = "", details: str | None = None, hint: str | None = None
) -> APIError:
    return APIError({"code": code, "message": message, "details": details, "hint": hint})


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("23505", 409),
        ("23503", 409),
        ("23001", 409),
        ("23502", 422),
        ("23514", 422),
        ("22P02", 422),
        ("22P05", 422),
        ("22001", 422),
        ("22003", 422),
        ("54000", 422),
        ("54001", 422),
        ("55P03", 503),
        ("42501", 403),
        ("57014", 504),
        ("PGRST003", 504),
        ("504", 504),
        ("40P01", 503),
        ("08006", 503),
        ("53300", 503),
        ("57P03", 503),
        ("PGRST000", 503),
        ("PGRST001", 503),
        ("PGRST002", 503),
        ("503", 503),
        ("PGRST301", 401),
        ("PGRST302", 401),
        ("PGRST303", 401),
        ("401", 401),
        ("PGRST204", 502),
        ("PGRST205", 502),
        ("42703", 502),
        ("P0001", 502),
        ("XX000", 502),
        ("500", 502),
        ("", 502),
        (None, 502),
    ],
)
def test_code_decides_the_status(code: str | None, status: int) -> None:
    assert to_problem(make_error(code)).status == status


@pytest.mark.parametrize(
    ("constraint", "pointer"),
    [
        ("work_items_product_fkey", "/product_id"),
        ("documents_repository_fkey", "/repository_id"),
        ("app_info_product_key_unique", "/key"),
        ("repositories_product_github_unique", "/github_id"),
        ("work_items_title_length", None),
        ("work_items_title_visible", "/title"),
        ("products_name_visible", "/name"),
        ("repositories_full_name_visible", "/full_name"),
        ("app_info_key_visible", "/key"),
        ("app_info_key_trimmed", "/key"),
        ("app_info_key_variable", "/key"),
    ],
)
def test_violated_constraint_names_its_field(constraint: str, pointer: str | None) -> None:
    error = make_error(
        "23503", f'insert or update on table "x" violates foreign key constraint "{constraint}"'
    )
    assert [item.pointer for item in to_problem(error).errors] == [pointer]


@pytest.mark.parametrize("code", ["57014", "PGRST003", "504"])
def test_advice_of_a_timeout_fits_what_was_asked(code: str) -> None:
    assert "`limit`" in to_problem(make_error(code), of_a_read=True).detail
    assert "limit" not in to_problem(make_error(code)).detail


def test_request_whose_key_is_in_use_is_told_when_to_come_back() -> None:
    problem = to_problem(make_error("PT409", hint="idempotency_under_way"))
    assert (problem.slug, problem.headers) == ("idempotency-key-in-use", {"Retry-After": "1"})
    assert [error.parameter for error in problem.errors] == ["Idempotency-Key"]


def test_words_of_the_database_stay_inside() -> None:
    error = make_error("23505", "duplicate key s3cr3t-canary", "Key (key)=(s3cr3t-canary) already exists.")
    problem = to_problem(error)
    assert "s3cr3t" not in problem.detail + str(problem.errors) + str(problem.extensions)


@pytest.mark.parametrize(
    ("hint", "status"),
    [
        *(("account_gone", 401), ("product", 404), ("import_key", 502), ("app_info_key", 502)),
        *(("app_info", 404), ("app_info_version", 404), ("app_info_version_secret", 409)),
        ("app_info_secrecy", 409),
    ],
)
def test_hint_of_forums_own_functions_decides_before_the_code(hint: str, status: int) -> None:
    assert to_problem(make_error("PT409", hint=hint)).status == status
