"""`.env` files into a product and out of it: previewed, all or nothing, equal on the way back."""

from io import StringIO
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.app_info.env_files import Format, write_env_file
from local.supabase import Supabase
from tests.env_files.values import HOSTILE, ORDINARY, keep_carried
from tests.functions.conftest import Client
from tests.functions.events import Answer
from tests.functions.secret_entries import (
    create_secret,
    everything_stored,
    history,
    read,
    reveal,
    reveals,
)
from tests.functions.test_secrets_racing import meanwhile

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
    secret = create_secret(owner, "old-canary", product_id=product, key="SECRET")
    owner.create_app_info(product, key="PLAIN", value="same")
    owner.create_app_info(product, key="OTHER", value="other")
    content = "SECRET=first\nnonsense\nNEW=1\nSECRET=new-canary\nPLAIN=same\nOTHER=1\nBROKEN='open\n"
    answer = send(owner, product, content, dry_run=True)
    assert outcomes(answer) == [
        ("SECRET", "duplicate", False),
        (None, "invalid", False),
        ("NEW", "new", False),
        ("SECRET", "exists", False),
        ("PLAIN", "same", False),
        ("OTHER", "changed", False),
        ("BROKEN", "invalid", False),
    ]
    items = answer.json["items"]
    assert [item["line"] for item in items] == [1, 2, 3, 4, 5, 6, 7]
    assert items[0]["reason"] == "line 4 sets it again"
    assert "=" in items[1]["reason"]
    assert "never disclosed" in items[3]["reason"]
    assert "quotation mark" in items[6]["reason"]
    assert "canary" not in answer.text
    assert entries(owner, product).keys() == {"SECRET", "PLAIN", "OTHER"}
    assert reveals(supabase, secret) == []
    assert reveal(owner, secret) == "old-canary"


@pytest.mark.parametrize(
    "options",
    [
        {"dry_run": True},
        {"dry_run": True, "on_conflict": "overwrite", "is_secret": False},
        {"on_conflict": "fail"},
        {"on_conflict": "skip"},
        {"on_conflict": "overwrite"},
        {"on_conflict": "overwrite", "is_secret": False},
    ],
    ids=str,
)
def test_guess_at_a_secret_gets_the_same_answer_whether_it_is_right_or_wrong(
    owner: Client, product: str, supabase: Supabase, options: dict[str, Any]
) -> None:
    told = []
    for key in ("RIGHT", "WRONG"):
        entry = create_secret(owner, "4711", product_id=product, key=key)
        guess = "4711" if key == "RIGHT" else "4712"
        answer = send(owner, product, f"{key}={guess}", **options)
        after = entries(owner, product)[key]
        former = owner.get(f"/api/app-info/{entry['id']}/versions").expect(200)["items"]
        told.append(
            (
                answer.status,
                answer.text.replace(key, "KEY").replace(answer.request_id, ""),
                answer.headers.keys(),
                [line[0] for line in history(supabase, entry)],
                [each["number"] for each in former],
                (after["version"], after["value_changed_at"] == entry["value_changed_at"]),
                (after["version"], after["updated_at"] == entry["updated_at"]),
            )
        )
    assert told[0] == told[1]


@pytest.mark.parametrize("change", [{"value": "4711"}, {"value": "4711", "is_secret": True}], ids=str)
def test_secret_that_is_set_to_what_it_was_counts_as_changed(
    owner: Client, product: str, change: dict[str, Any]
) -> None:
    """Otherwise the version would tell whether a guess is right."""
    entry = create_secret(owner, "4711", product_id=product)
    single = owner.patch(f"/api/app-info/{entry['id']}", change).expect(200)
    bulk = {"items": [{"id": entry["id"], **change}]}
    (again,) = owner.patch("/api/app-info/bulk", bulk).expect(200)["items"]
    assert (single["version"], again["version"]) == (2, 3)
    assert entry["value_changed_at"] < single["value_changed_at"] < again["value_changed_at"]


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
    assert outcomes(answer) == [("PORT", "exists", True)]
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
def test_import_of_plain_values_is_safe_to_repeat(owner: Client, product: str, on_conflict: str) -> None:
    send(owner, product, CONTENT, on_conflict=on_conflict, is_secret=False).expect(200)
    before = entries(owner, product)
    again = send(owner, product, CONTENT, on_conflict=on_conflict, is_secret=False)
    assert {outcome for _, outcome, _ in outcomes(again)} == {"same"}
    assert entries(owner, product) == before


def test_import_of_secrets_is_repeated_by_skipping_them(owner: Client, product: str) -> None:
    send(owner, product, CONTENT).expect(200)
    before = entries(owner, product)
    problem = send(owner, product, CONTENT).expect_problem(409, "env-file-conflict")
    assert problem["errors"][0]["detail"] == "Line 2: PORT is a secret that is there already."
    again = send(owner, product, CONTENT + "NEW=1\n", on_conflict="skip")
    assert outcomes(again)[0] == ("PORT", "exists", False)
    assert outcomes(again)[-1] == ("NEW", "new", True)
    after = entries(owner, product)
    assert {key: after[key] for key in before} == before


def test_file_with_an_invalid_line_is_refused_by_line_and_writes_nothing(owner: Client, product: str) -> None:
    answer = send(owner, product, "A=1\nthe-canary\nB='canary\n", on_conflict="overwrite")
    problem = answer.expect_problem(422, "env-file-invalid")
    assert [error["detail"].partition(":")[0] for error in problem["errors"]] == ["Line 2", "Line 3"]
    assert {error["pointer"] for error in problem["errors"]} == {"/content"}
    assert "canary" not in answer.text
    assert entries(owner, product) == {}


@pytest.mark.parametrize("later", ["", "A='open\n"], ids=["once", "and again, broken"])
def test_invalid_lines_are_skipped_where_it_is_asked_for_and_named_one_by_one(
    owner: Client, product: str, later: str
) -> None:
    content = f"A=1\n2FA_KEY=canary\nB=2\nthe-canary\n{later}"
    told = [("A", "new"), (None, "invalid"), ("B", "new"), (None, "invalid")]
    told += [("A", "invalid")] if later else []
    preview = send(owner, product, content, on_invalid="skip", dry_run=True)
    assert outcomes(preview) == [(key, outcome, False) for key, outcome in told]
    answer = send(owner, product, content, on_invalid="skip")
    assert outcomes(answer) == [(key, outcome, outcome == "new") for key, outcome in told]
    assert [(each["line"], each["reason"]) for each in answer.json["items"]] == [
        (each["line"], each["reason"]) for each in preview.json["items"]
    ]
    assert "not a valid name" in answer.json["items"][1]["reason"]
    assert "canary" not in answer.text
    assert export_json(owner, product) == {"A": "1", "B": "2"}


@pytest.mark.parametrize("on_invalid", ["fail", "skip"])
def test_file_that_is_not_of_its_format_at_all_is_refused(
    owner: Client, product: str, on_invalid: str
) -> None:
    for dry_run in (True, False):
        options = {"format": "json", "on_invalid": on_invalid, "dry_run": dry_run}
        problem = send(owner, product, '{"A": "1"', **options).expect_problem(422, "env-file-invalid")
        assert problem["errors"] == [{"detail": "The file is no JSON object.", "pointer": "/content"}]
    assert entries(owner, product) == {}


def test_key_that_comes_twice_in_one_line_of_json_counts_as_the_last(owner: Client, product: str) -> None:
    answer = send(owner, product, '{"A": "1", "A": "2", "B": "3"}', format="json")
    assert outcomes(answer) == [("A", "duplicate", False), ("A", "new", True), ("B", "new", True)]
    assert export_json(owner, product) == {"A": "2", "B": "3"}


def test_line_that_is_kept_as_it_stands_says_so(owner: Client, product: str) -> None:
    content = "A=`b`\nB='${A}'\nC=it's\nD=plain\n"
    backticks, reference, apostrophe, plain = send(owner, product, content, dry_run=True).expect(200)["items"]
    assert "backticks are part of the value" in backticks["reason"]
    assert "${NAME} is kept as it stands" in reference["reason"]
    assert "quotation marks" in apostrophe["reason"]
    assert plain["reason"] is None
    assert {item["outcome"] for item in (backticks, reference, apostrophe, plain)} == {"new"}


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
    assert (with_secrets.status, with_secrets.text) == (200, "TOKEN=canary\nPORT=8080\n")
    assert reveals(supabase, secret) == [1]
    assert reveals(supabase, plain) == []
    assert entries(owner, product)["TOKEN"]["last_revealed_at"] is not None


@pytest.mark.parametrize(
    ("format_", "media_type", "text"),
    [
        ("dotenv", "text/plain", "PORT=8080\nGREETING='Hello $USER'\n"),
        ("docker", "text/plain", "PORT=8080\nGREETING=Hello $USER\n"),
        ("shell", "text/plain", "export PORT=8080\nexport GREETING='Hello $USER'\n"),
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


def left_out(answer: Answer) -> dict[str, str]:
    """What an export says that it leaves out, and why."""
    told = answer.headers.get("forum-left-out", "")
    keys = [item.split(";reason=") for item in told.split(", ") if item]
    assert answer.headers["forum-left-out-count"] == str(len(keys))
    return {unquote(key): reason for key, reason in keys}


def test_default_export_holds_what_is_an_environment_and_says_what_it_leaves_out(
    owner: Client, product: str
) -> None:
    owner.create_app_info(product, key="PORT", value="8080")
    owner.create_app_info(product, key="How to deploy: grüße, alle", value="Read\nthis", category="note")
    owner.create_app_info(product, key="SITE", value="https://example.com", category="url")
    owner.create_app_info(product, key="the site", value="https://example.com", category="url")
    owner.create_app_info(product, key="npm.token", value="plain", category="credential")
    owner.create_app_info(product, key="OTHER", value="x", category="other")
    owner.create_app_info(product, key="NONE", value=None)
    create_secret(owner, "canary", product_id=product, key="TOKEN", category="credential")
    always = {
        "How to deploy: grüße, alle": "category",
        "the site": "key",
        "npm.token": "key",
        "OTHER": "category",
        "NONE": "no-value",
    }
    answer = export(owner, product)
    assert answer.text == "PORT=8080\nSITE=https://example.com\n"
    assert left_out(answer) == {**always, "TOKEN": "secret"}
    shell = export(owner, product, "format=shell&include_secrets=true")
    assert shell.text == "export PORT=8080\nexport SITE=https://example.com\nexport TOKEN=canary\n"
    assert left_out(shell) == always
    as_json = export(owner, product, "format=json&include_secrets=true")
    assert as_json.expect(200).keys() == {"PORT", "SITE", "TOKEN"}
    assert left_out(as_json) == always
    assert "canary" not in answer.text + str(answer.headers)


def test_header_that_names_what_is_left_out_stays_within_what_api_gateway_delivers(
    owner: Client, product: str
) -> None:
    items = [
        {"product_id": product, "key": f"{number} " + "ü" * 200, "category": "note"} for number in range(20)
    ]
    owner.post("/api/app-info/bulk", {"items": items}).expect(201)
    answer = export(owner, product)
    assert answer.headers["forum-left-out-count"] == "20"
    assert 2_000 < len(answer.headers["forum-left-out"]) <= 4_000
    assert answer.headers["forum-left-out"].endswith(";reason=category")


def test_export_of_some_categories_holds_those_only(owner: Client, product: str) -> None:
    owner.create_app_info(product, key="PORT", value="8080")
    owner.create_app_info(product, key="SITE", value="https://example.com", category="url")
    owner.create_app_info(product, key="how to deploy", value="Read\nthis", category="note")
    answer = export(owner, product, "category=env_var&category=url")
    assert answer.text == "PORT=8080\nSITE=https://example.com\n"
    assert left_out(answer) == {}


def test_value_that_the_format_cannot_carry_is_refused_by_its_key_and_never_quoted(
    owner: Client, product: str
) -> None:
    create_secret(owner, "two\ncanary-lines", product_id=product, key="PEM")
    owner.create_app_info(product, key="how to", value="canary", category="note")
    owner.create_app_info(product, key="PORT", value="8080")
    query = "format=docker&include_secrets=true&category=env_var&category=note"
    problem = export(owner, product, query).expect_problem(409, "format-cannot-carry")
    assert sorted(error["detail"].partition(":")[0] for error in problem["errors"]) == ["PEM", "how to"]
    assert "canary" not in str(problem)


@pytest.mark.parametrize("query", ["format=docker", "format=shell&category=note&category=env_var"])
def test_export_that_is_refused_reveals_nothing_and_is_recorded_as_refused(
    owner: Client, product: str, supabase: Supabase, query: str
) -> None:
    secret = create_secret(owner, "two\ncanary-lines", product_id=product, key="PEM")
    other = create_secret(owner, "canary", product_id=product, key="TOKEN")
    owner.create_app_info(product, key="how to", value="canary", category="note")
    for _ in range(3):
        answer = export(owner, product, f"{query}&include_secrets=true")
        answer.expect_problem(409, "format-cannot-carry")
    for entry in (secret, other):
        assert reveals(supabase, entry) == []
        assert read(owner, entry)["last_revealed_at"] is None
    refused = [line for line in history(supabase, {"id": product}) if line[0] == "export_refused"]
    assert refused == [
        ("export_refused", {"export": {"refused_by": query.partition("&")[0][7:], "secrets": 2}})
    ], "once an hour, and no more"


def test_export_that_is_too_large_reveals_nothing(owner: Client, product: str, supabase: Supabase) -> None:
    """Quotation marks are two bytes each in the file's JSON, and four in what Lambda delivers."""
    secret = create_secret(owner, "canary", product_id=product, key="TOKEN")
    for number in range(27):
        owner.create_app_info(product, key=f"KEY_{number}", value='"' * 60_000)
    query = "format=json&include_secrets=true"
    export(owner, product, f"{query}&category=note").expect(200)
    export(owner, product, query).expect_problem(409, "export-too-large")
    assert reveals(supabase, secret) == []
    owner.delete(f"/api/products/{product}").expect(204)


def test_secret_that_changes_while_it_is_exported_is_read_anew(
    owner: Client, product: str, supabase: Supabase
) -> None:
    secret = create_secret(owner, "old", product_id=product, key="TOKEN")
    rename = "update public.app_info set description = 'other' where id = %s"
    with meanwhile(supabase, "POST", "/rpc/record_app_info_export", rename, secret["id"]):
        answer = export(owner, product, "include_secrets=true")
    assert (answer.status, answer.text) == (200, "TOKEN=old\n")
    assert reveals(supabase, secret) == [1], "recorded once, as it was shown"


def test_secret_that_goes_while_it_is_exported_is_not_shown(
    owner: Client, product: str, supabase: Supabase
) -> None:
    secret = create_secret(owner, "canary", product_id=product, key="TOKEN")
    delete = "delete from public.app_info where id = %s"
    with meanwhile(supabase, "POST", "/rpc/record_app_info_export", delete, secret["id"]):
        answer = export(owner, product, "include_secrets=true")
    assert (answer.status, answer.text) == (200, "")
    assert reveals(supabase, secret) == []


REFERENCES = "DOMAIN_NAME=shop.test\nAPI_HOST=api.${DOMAIN_NAME}\n"


def test_line_that_names_another_comes_behind_it_in_the_export(owner: Client, product: str) -> None:
    send(owner, product, REFERENCES, is_secret=False).expect(200)
    text = export(owner, product).text
    assert list(dotenv_values(stream=StringIO(text), interpolate=True).items()) == [
        ("DOMAIN_NAME", "shop.test"),
        ("API_HOST", "api.shop.test"),
    ]


@pytest.mark.parametrize("on_conflict", ["skip", "overwrite"])
def test_import_gives_entries_that_were_there_the_order_of_its_lines(
    owner: Client, product: str, on_conflict: str
) -> None:
    for key in ("FIRST", "API_HOST", "LAST"):
        owner.create_app_info(product, key=key, value="1")
    send(owner, product, REFERENCES, is_secret=False, on_conflict=on_conflict).expect(200)
    assert list(export_json(owner, product)) == ["FIRST", "DOMAIN_NAME", "API_HOST", "LAST"]
    versions = {key: entry["version"] for key, entry in entries(owner, product).items()}
    assert (versions["FIRST"], versions["LAST"]) == (1, 1), "being moved is no change"


@pytest.mark.parametrize(
    ("there", "file", "after"),
    [
        ("", "CAB", "CAB"),
        ("ABC", "", "ABC"),
        ("ABC", "B", "ABC"),
        ("ABC", "AC", "ABC"),
        ("ABC", "CA", "BCA"),
        ("ABC", "XYZ", "ABCXYZ"),
        ("ABC", "AXC", "AXBC"),
        ("ABC", "XB", "AXBC"),
        ("ABC", "BX", "ABXC"),
        ("ABCD", "DXA", "BCDXA"),
        ("ABC", "CBA", "CBA"),
        ("ABC", "XCYAZ", "XBCYAZ"),
    ],
)
def test_file_changes_the_order_of_its_own_keys_and_of_no_others(
    owner: Client, product: str, there: str, file: str, after: str
) -> None:
    for key in there:
        owner.create_app_info(product, key=key, value="1")
    content = "".join(f"{key}=1\n" for key in file)
    send(owner, product, content, on_conflict="skip").expect(200)
    items = owner.get(f"/api/app-info?product_id={product}&sort=position").expect(200)["items"]
    assert "".join(item["key"] for item in items) == after
    positions = [item["position"] for item in items]
    assert positions == sorted(set(positions))


def test_ordinary_values_come_out_as_they_went_in_through_every_format(owner: Client, product: str) -> None:
    values = {f"KEY_{number}": value for number, value in enumerate(ORDINARY.values())}
    send(owner, product, write_env_file(values, "dotenv")).expect(200)
    assert export_json(owner, product) == values
    text = export(owner, product, "include_secrets=true").text
    assert dotenv_values(stream=StringIO(text), interpolate=False) == values
    other = owner.create_product()["id"]
    send(owner, other, text).expect(200)
    assert export(owner, other, "include_secrets=true").text == text


@pytest.mark.parametrize("format_", ["dotenv", "docker", "shell", "json"])
def test_export_of_each_format_is_imported_again_with_the_same_values_in_the_same_order(
    owner: Client, product: str, format_: Format
) -> None:
    values = {f"KEY_{number}": value for number, value in enumerate([*ORDINARY.values(), *HOSTILE])}
    carried = keep_carried(values, format_)
    assert len(carried) > 0.8 * len(values)
    items = [{"product_id": product, "key": key, "value": value} for key, value in carried.items()]
    for start in range(0, len(items), 100):
        owner.post("/api/app-info/bulk", {"items": items[start : start + 100]}).expect(201)
    text = export(owner, product, f"format={format_}").text
    other = owner.create_product()["id"]
    assert {each[1] for each in outcomes(send(owner, other, text, format=format_))} == {"new"}
    assert export(owner, other, f"format={format_}&include_secrets=true").text == text
    assert list(export_json(owner, other).items()) == list(carried.items())


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
        again = send(owner, product, text.text, dry_run=True)
        assert {outcome for _, outcome, _ in outcomes(again)} <= {"same", "exists"}
