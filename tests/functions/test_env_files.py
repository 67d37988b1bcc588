"""`.env` files into a product and out of it: previewed, all or nothing, equal on the way back."""

from io import StringIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.app_info.env_files import write_env_file
from local.supabase import Supabase
from tests.env_files.values import ORDINARY
from tests.functions.conftest import Client
from tests.functions.events import Answer
from tests.functions.secret_entries import create_secret, everything_stored, reveal, reveals

CONTENT = "# Ports\nPORT=8080\nexport HOST='example.com'\nEMPTY=\n"


@pytest.fixture
def product(owner: Client) -> str:
    """A product without entries."""
    product_id: str = owner.create_product()["id"]
    return product_id


def send(client: Client, product: str, content: str, **options: Any) -> Answer:
    """An import."""
    return client.post("/api/app-info/import", {"product_id": product, "content": content, **options})


def outcomes(answer: Answer) -> list[tuple[str | None, str, bool]]:
    """Key, outcome and whether it was written, of each line."""
    items = answer.expect(200)["items"]
    return [(item["key"], item["outcome"], item["written"]) for item in items]


def entries(client: Client, product: str) -> dict[str, dict[str, Any]]:
    """A product's entries by key."""
    items = client.get(f"/api/app-info?product_id={product}&limit=100").expect(200)["items"]
    return {item["key"]: item for item in items}


def export(client: Client, product: str, query: str = "") -> Answer:
    """An export."""
    return client.get(f"/api/app-info/export?product_id={product}&{query}".rstrip("&"))


def export_json(client: Client, product: str) -> Any:
    """Everything that a product holds."""
    return export(client, product, "format=json&include_secrets=true").expect(200)


def test_file_becomes_secrets_unless_it_is_said_otherwise(owner: Client, product: str) -> None:
    assert outcomes(send(owner, product, CONTENT)) == [
        ("PORT", "new", True),
        ("HOST", "new", True),
        ("EMPTY", "new", True),
    ]
    found = entries(owner, product)
    assert {(entry["is_secret"], entry["value"], entry["category"]) for entry in found.values()} == {
        (True, None, "env_var")
    }
    assert [reveal(owner, found[key]) for key in ("PORT", "HOST", "EMPTY")] == ["8080", "example.com", ""]


def test_file_becomes_plain_entries_where_it_is_asked_for(owner: Client, product: str) -> None:
    send(owner, product, CONTENT, is_secret=False).expect(200)
    assert {key: entry["value"] for key, entry in entries(owner, product).items()} == {
        "PORT": "8080",
        "HOST": "example.com",
        "EMPTY": "",
    }


def test_import_of_a_thousand_assignments_is_two_requests(
    owner: Client, product: str, supabase_requests: list[httpx.Request]
) -> None:
    content = "".join(f"KEY_{number}=canary-{number}\n" for number in range(1_000))
    supabase_requests.clear()
    send(owner, product, content).expect(200)
    assert len(supabase_requests) == 2
    assert not any(b"canary" in request.content for request in supabase_requests)
    assert len(export_json(owner, product)) == 1_000


def test_dry_run_tells_what_each_line_would_do_and_writes_nothing(
    owner: Client, product: str, supabase: Supabase
) -> None:
    same = create_secret(owner, "same-canary", product_id=product, key="SAME")
    changed = create_secret(owner, "old-canary", product_id=product, key="CHANGED")
    owner.create_app_info(product, key="PLAIN", value="same")
    content = (
        "SAME=same-canary\nCHANGED=first\nnonsense\nNEW=1\nCHANGED=new-canary\nPLAIN=same\nBROKEN='open\n"
    )
    answer = send(owner, product, content, dry_run=True)
    assert outcomes(answer) == [
        ("SAME", "same", False),
        ("CHANGED", "duplicate", False),
        (None, "invalid", False),
        ("NEW", "new", False),
        ("CHANGED", "changed", False),
        ("PLAIN", "same", False),
        ("BROKEN", "invalid", False),
    ]
    items = answer.json["items"]
    assert [item["line"] for item in items] == [1, 2, 3, 4, 5, 6, 7]
    assert items[1]["reason"] == "line 5 sets it again"
    assert "=" in items[2]["reason"]
    assert "quotation mark" in items[6]["reason"]
    assert "canary" not in answer.text
    assert entries(owner, product).keys() == {"SAME", "CHANGED", "PLAIN"}
    assert [reveal(owner, entry) for entry in (same, changed)] == ["same-canary", "old-canary"]
    assert reveals(supabase, same) == [1], "only the reveal of this test: comparing shows nothing"


def test_existing_value_that_differs_stops_the_import_by_default(owner: Client, product: str) -> None:
    owner.create_app_info(product, key="PORT", value="1")
    problem = send(owner, product, CONTENT).expect_problem(409, "env-file-conflict")
    assert problem["errors"] == [{"detail": "Line 2: PORT has another value.", "pointer": "/content"}]
    assert entries(owner, product).keys() == {"PORT"}


def test_existing_value_is_skipped_where_it_is_asked_for(owner: Client, product: str) -> None:
    owner.create_app_info(product, key="PORT", value="1")
    answer = send(owner, product, CONTENT, on_conflict="skip", is_secret=False)
    assert outcomes(answer)[0] == ("PORT", "changed", False)
    assert {key: entry["value"] for key, entry in entries(owner, product).items()} == {
        "PORT": "1",
        "HOST": "example.com",
        "EMPTY": "",
    }


def test_existing_value_is_overwritten_where_it_is_asked_for_and_kept_as_a_former_one(
    owner: Client, product: str, supabase: Supabase
) -> None:
    entry = create_secret(owner, "old-canary", product_id=product, key="PORT", category="credential")
    answer = send(owner, product, "PORT=new-canary", on_conflict="overwrite", is_secret=False)
    assert outcomes(answer) == [("PORT", "changed", True)]
    after = entries(owner, product)["PORT"]
    assert (after["is_secret"], after["category"], after["version"]) == (True, "credential", 2)
    assert reveal(owner, entry) == "new-canary"
    former = owner.post(f"/api/app-info/{entry['id']}/versions/1/reveal").expect(200)
    assert former["value"] == "old-canary"
    assert "canary" not in everything_stored(supabase, entry)


def test_plain_entry_that_is_imported_as_a_secret_leaves_no_plain_copy(
    owner: Client, product: str, supabase: Supabase
) -> None:
    entry = owner.create_app_info(product, key="TOKEN", value="canary")
    preview = send(owner, product, "TOKEN=canary", on_conflict="overwrite", dry_run=True)
    assert outcomes(preview) == [("TOKEN", "changed", False)]
    send(owner, product, "TOKEN=canary", on_conflict="overwrite").expect(200)
    assert "canary" not in everything_stored(supabase, entry)
    assert reveal(owner, entry) == "canary"


@pytest.mark.parametrize("on_conflict", ["skip", "overwrite", "fail"])
def test_import_is_safe_to_repeat(owner: Client, product: str, on_conflict: str) -> None:
    send(owner, product, CONTENT, on_conflict=on_conflict).expect(200)
    before = entries(owner, product)
    again = send(owner, product, CONTENT, on_conflict=on_conflict)
    assert {outcome for _, outcome, _ in outcomes(again)} == {"same"}
    assert entries(owner, product) == before


def test_file_with_an_invalid_line_is_refused_by_line_and_writes_nothing(owner: Client, product: str) -> None:
    answer = send(owner, product, "A=1\nthe-canary\nB='canary\n", on_conflict="overwrite")
    problem = answer.expect_problem(422, "env-file-invalid")
    assert [error["detail"].partition(":")[0] for error in problem["errors"]] == ["Line 2", "Line 3"]
    assert {error["pointer"] for error in problem["errors"]} == {"/content"}
    assert "canary" not in answer.text
    assert entries(owner, product) == {}


@pytest.mark.parametrize(
    ("content", "rule"),
    [("A=b\n" * 1_001, "1000 assignments"), ("#\n" * 20_001, "20000 lines")],
    ids=["assignments", "lines"],
)
def test_file_that_is_too_long_is_refused(owner: Client, product: str, content: str, rule: str) -> None:
    problem = send(owner, product, content, dry_run=True).expect_problem(422, "env-file-invalid")
    assert rule in problem["errors"][0]["detail"]


def test_file_without_assignments_writes_nothing(owner: Client, product: str) -> None:
    assert outcomes(send(owner, product, "# nothing\n\n")) == []


def test_product_that_is_not_the_callers_is_404_for_import_and_export(stranger: Client, product: str) -> None:
    for found in (product, str(uuid4())):
        send(stranger, found, CONTENT).expect_problem(404, "not-found")
        send(stranger, found, CONTENT, dry_run=True).expect_problem(404, "not-found")
        send(stranger, found, "").expect_problem(404, "not-found")
        export(stranger, found, "include_secrets=true").expect_problem(404, "not-found")


def test_export_leaves_secrets_out_unless_asked_and_records_each_that_it_shows(
    owner: Client, product: str, supabase: Supabase
) -> None:
    secret = create_secret(owner, "canary", product_id=product, key="TOKEN")
    plain = owner.create_app_info(product, key="PORT", value="8080")
    owner.create_app_info(product, key="NONE", value=None)
    without = export(owner, product)
    assert (without.status, without.text) == (200, "PORT=8080\n")
    assert reveals(supabase, secret) == []
    with_secrets = export(owner, product, "include_secrets=true")
    assert (with_secrets.status, with_secrets.text) == (200, "PORT=8080\nTOKEN=canary\n")
    assert reveals(supabase, secret) == [1]
    assert reveals(supabase, plain) == []
    assert entries(owner, product)["TOKEN"]["last_revealed_at"] is not None


@pytest.mark.parametrize(
    ("format_", "media_type", "text"),
    [
        ("dotenv", "text/plain", "GREETING='Hello $USER'\nPORT=8080\n"),
        ("docker", "text/plain", "GREETING=Hello $USER\nPORT=8080\n"),
        ("shell", "text/plain", "export GREETING='Hello $USER'\nexport PORT=8080\n"),
        ("json", "application/json", None),
    ],
)
def test_export_speaks_each_format_and_is_stored_by_no_cache(
    owner: Client, product: str, format_: str, media_type: str, text: str | None
) -> None:
    owner.create_app_info(product, key="PORT", value="8080")
    owner.create_app_info(product, key="GREETING", value="Hello $USER")
    answer = export(owner, product, f"format={format_}")
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.headers["cache-control"] == "no-store"
    if text is None:
        assert answer.expect(200) == {"GREETING": "Hello $USER", "PORT": "8080"}
    else:
        assert answer.text == text


def test_export_of_some_categories_holds_those_only(owner: Client, product: str) -> None:
    owner.create_app_info(product, key="PORT", value="8080")
    owner.create_app_info(product, key="SITE", value="https://example.com", category="url")
    owner.create_app_info(product, key="how to deploy", value="Read\nthis", category="note")
    answer = export(owner, product, "category=env_var&category=url")
    assert answer.text == "PORT=8080\nSITE=https://example.com\n"


def test_value_that_the_format_cannot_carry_is_refused_by_its_key_and_never_quoted(
    owner: Client, product: str
) -> None:
    create_secret(owner, "two\ncanary-lines", product_id=product, key="PEM")
    owner.create_app_info(product, key="how to", value="canary", category="note")
    owner.create_app_info(product, key="PORT", value="8080")
    answer = export(owner, product, "format=docker&include_secrets=true")
    problem = answer.expect_problem(409, "format-cannot-carry")
    assert sorted(error["detail"].partition(":")[0] for error in problem["errors"]) == ["PEM", "how to"]
    assert "canary" not in answer.text


def test_export_that_lambda_could_not_answer_is_refused(owner: Client, product: str) -> None:
    for number in range(90):
        owner.create_app_info(product, key=f"KEY_{number}", value="x" * 60_000)
    export(owner, product, "format=json").expect_problem(409, "export-too-large")
    owner.delete(f"/api/products/{product}").expect(204)


def test_ordinary_values_come_out_as_they_went_in_through_every_format(owner: Client, product: str) -> None:
    values = {f"KEY_{number}": value for number, value in enumerate(ORDINARY.values())}
    send(owner, product, write_env_file(values, "dotenv")).expect(200)
    assert export_json(owner, product) == values
    text = export(owner, product, "include_secrets=true").text
    assert dotenv_values(stream=StringIO(text), interpolate=False) == values
    other = owner.create_product()["id"]
    send(owner, other, text).expect(200)
    assert export(owner, other, "include_secrets=true").text == text


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60),
        max_size=8,
    )
)
def test_any_value_that_is_stored_is_exported_as_it_is(owner: Client, values: dict[str, str]) -> None:
    product = owner.create_product()["id"]
    items = [
        {"product_id": product, "key": key, "value": value, "is_secret": number % 2 == 0}
        for number, (key, value) in enumerate(values.items())
    ]
    if items:
        owner.post("/api/app-info/bulk", {"items": items}).expect(201)
    assert export_json(owner, product) == values
    text = export(owner, product, "include_secrets=true")
    if text.status == 200:
        assert dotenv_values(stream=StringIO(text.text), interpolate=False) == values
        again = send(owner, product, text.text)
        assert {outcome for _, outcome, _ in outcomes(again)} <= {"same"}
