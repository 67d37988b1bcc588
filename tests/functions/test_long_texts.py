"""Long texts: cut in lists by the database, whole in the row, and no answer larger than Lambda delivers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.supabase import Supabase
from shared.http.answer_size import MAX_ANSWER_BYTES
from shared.http_client import get_http_client
from tests.functions.conftest import Client
from tests.functions.events import Answer

LONGEST = 100_000
# One byte of it is seven on the way: JSON makes \u0001 of it, and Lambda escapes the backslash.
CONTROL = "\x01"
# Four bytes, which nothing escapes.
EMOJI = "🧭"


@dataclass(frozen=True)
class Kind:
    """A kind of rows with long texts."""

    path: str
    name: str
    longest_name: int
    texts: dict[str, int]

    def make_body(self, product: str, name: str, **values: Any) -> dict[str, Any]:
        """What creates a row of this kind."""
        belongs = {} if self.path == "/api/products" else {"product_id": product}
        other = {"category": "other"} if self.path == "/api/app-info" else {}
        return {**belongs, **other, self.name: name, **values}


KINDS = [
    Kind("/api/products", "name", 200, {"description": 10_000}),
    Kind("/api/repositories", "name", 200, {"description": 10_000, "notes": LONGEST}),
    Kind("/api/work", "title", 500, {"description": LONGEST}),
    Kind("/api/app-info", "key", 255, {"value": 65_536, "description": 10_000}),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.path for kind in KINDS])


@pytest.fixture
def received() -> Iterator[list[int]]:
    """How many bytes each answer of Supabase had."""
    sizes: list[int] = []
    client = get_http_client()
    hooks = client.event_hooks
    client.event_hooks = {"response": [lambda response: sizes.append(len(response.read()))]}
    yield sizes
    client.event_hooks = hooks


def measure(answer: Answer) -> int:
    """The bytes that Lambda would deliver, as its runtime for Python 3.13 writes them."""
    result = {
        "statusCode": answer.status,
        "headers": answer.headers,
        "body": answer.text,
        "isBase64Encoded": False,
    }
    return len(json.dumps(result, ensure_ascii=False).encode())


def create_many(client: Client, path: str, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in requests of ten, so that the longest texts fit into a request."""
    items: list[dict[str, Any]] = []
    for start in range(0, len(bodies), 10):
        items += client.post(f"{path}/bulk", {"items": bodies[start : start + 10]}).expect(201)["items"]
    return items


def find(client: Client, path: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row, as the list shows it."""
    found: dict[str, Any]
    (found,) = [item for item in client.get(path).expect(200)["items"] if item["id"] == row["id"]]
    return found


@every_kind
def test_long_text_is_cut_in_a_list_and_whole_in_its_row(
    kind: Kind, owner: Client, received: list[int]
) -> None:
    texts = {field: f"é{EMOJI}" * (length // 8) for field, length in kind.texts.items()}
    row = owner.post(kind.path, kind.make_body(owner.create_product()["id"], "x", **texts)).expect(201)
    received.clear()
    listed = find(owner, kind.path, row)
    # Cut where they lie: the whole of them never travels.
    assert received[0] < 40_000
    changed = owner.patch(f"{kind.path}/bulk", {"items": [{"id": row["id"], kind.name: "y"}]})
    url = f"{kind.path}/{row['id']}"
    stale = {"id": row["id"], kind.name: "z", "version": 99}
    refused = owner.patch(f"{kind.path}/bulk", {"items": [stale]}).expect_problem(412, "version-mismatch")
    for field, text in texts.items():
        for shown in (listed, changed.expect(200)["items"][0], refused["current"]):
            assert (shown[field], shown[f"{field}_truncated"]) == (text[:2_000], True)
        assert row[field] == text
        assert owner.get(url).expect(200)[field] == text
        assert owner.patch(url, {kind.name: "x"}).expect(200)[field] == text
        problem = owner.patch(url, {kind.name: "z"}, headers={"If-Match": '"99"'})
        assert problem.expect_problem(412, "version-mismatch")["current"][field] == text


@every_kind
@pytest.mark.parametrize("text", ["", "a", "a" * 2_000, EMOJI * 2_000, 'q"\\\n' * 500, None])
def test_text_of_up_to_2000_characters_is_whole_in_a_list(
    text: str | None, kind: Kind, owner: Client
) -> None:
    body = kind.make_body(owner.create_product()["id"], "x", **dict.fromkeys(kind.texts, text))
    listed = find(owner, kind.path, owner.post(kind.path, body).expect(201))
    for field in kind.texts:
        assert listed[field] == text
        assert f"{field}_truncated" not in listed


@every_kind
def test_text_of_2001_characters_is_cut(kind: Kind, owner: Client) -> None:
    text = EMOJI * 2_001
    body = kind.make_body(owner.create_product()["id"], "x", **dict.fromkeys(kind.texts, text))
    created = owner.post(f"{kind.path}/bulk", {"items": [body]}).expect(201)["items"][0]
    for field in kind.texts:
        assert (created[field], created[f"{field}_truncated"]) == (text[:2_000], True)


def test_long_texts_in_nested_lists_are_cut(owner: Client) -> None:
    product = owner.create_product()["id"]
    repository = owner.create_repository(product, notes="n" * 5_000, description="short")
    item = owner.create_work_item(product, repository_id=repository["id"], description="d" * 5_000)
    entry = owner.create_app_info(product, value="v" * 5_000)
    detail = owner.get(f"/api/products/{product}").expect(200)
    for nested, row, field in (
        ("repositories", repository, "notes"),
        ("work_items", item, "description"),
        ("app_info", entry, "value"),
    ):
        (shown,) = detail[nested]
        assert shown == {**row, field: row[field][:2_000], f"{field}_truncated": True}
    (shown,) = owner.get(f"/api/repositories/{repository['id']}").expect(200)["work_items"]
    assert (len(shown["description"]), shown["description_truncated"]) == (2_000, True)


def test_repeat_of_a_bulk_is_cut_as_the_first_answer_was(owner: Client) -> None:
    body = {"items": [{"name": "x", "description": "d" * 5_000}]}
    first = owner.post("/api/products/bulk", body, headers={"Idempotency-Key": "k"}).expect(201)
    assert owner.post("/api/products/bulk", body, headers={"Idempotency-Key": "k"}).expect(201) == first


def test_secret_in_a_bulk_is_no_excerpt(owner: Client) -> None:
    product = owner.create_product()["id"]
    body = {"product_id": product, "key": "K", "value": "v" * 5_000, "is_secret": True}
    (entry,) = owner.post("/api/app-info/bulk", {"items": [body]}).expect(201)["items"]
    assert (entry["value"], entry["has_value"]) == (None, True)
    assert "value_truncated" not in entry
    assert owner.post(f"/api/app-info/{entry['id']}/reveal").expect(200)["value"] == "v" * 5_000


@pytest.mark.parametrize("character", [EMOJI, CONTROL, '"'])
def test_largest_answers_of_all_are_delivered(character: str, owner: Client) -> None:
    """A hundred rows of each kind with every text as long as it may be, of what grows most on the way."""
    product = owner.create_product(name="x" + character * 199, description=character * 10_000)["id"]
    for kind in KINDS[1:]:
        long: dict[str, str] = dict.fromkeys(kind.texts, character * 2_500)
        if kind.path == "/api/repositories":
            long |= {"full_name": "x" + character * 299, "default_branch": character * 255}
            # No control character gets into a URL.
            long |= {"language": character * 100, "url": "https://" + character.replace(CONTROL, "x") * 1_992}
        names = [f"x{character * (kind.longest_name - 4)}{number:03}" for number in range(100)]
        create_many(owner, kind.path, [kind.make_body(product, name, **long) for name in names])
        listed = owner.get(f"{kind.path}?limit=100")
        assert len(listed.expect(200)["items"]) == 100
        assert measure(listed) <= MAX_ANSWER_BYTES
    bodies = [{"product_id": product, "title": "x" + character * 499, "content": "c"} for _ in range(100)]
    create_many(owner, "/api/docs", bodies)
    answer = owner.get(f"/api/products/{product}")
    detail = answer.expect(200)
    assert measure(answer) <= MAX_ANSWER_BYTES
    nested = ("repositories", "work_items", "documents", "app_info")
    assert [len(detail[kind]) for kind in nested] == [100] * 4
    assert detail["description"] == character * 10_000
    if character != CONTROL:
        # What people write is never cut to less.
        assert {len(row["description"]) for row in detail["work_items"]} == {2_000}
    assert {row["description_truncated"] for row in detail["work_items"]} == {True}
    assert (
        owner.get(f"/api/products/{product}", headers={"If-None-Match": answer.headers["etag"]}).status == 304
    )


def test_hundred_longest_descriptions_are_a_list(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    product = owner.create_product()["id"]
    bodies = [{"product_id": product, "title": str(n), "description": "d" * 99_000} for n in range(100)]
    create_many(owner, "/api/work", bodies)
    supabase_requests.clear()
    for url in ("/api/work?limit=100", f"/api/products/{product}"):
        answer = owner.get(url)
        answer.expect(200)
        assert measure(answer) < 300_000
    assert len(supabase_requests) == 2


def test_answer_that_lambda_would_not_deliver_is_a_problem_that_says_so(
    owner: Client, supabase: Supabase
) -> None:
    document = owner.create_document(owner.create_product()["id"])
    httpx.patch(
        f"{supabase.url}/rest/v1/documents?id=eq.{document['id']}",
        json={"content": CONTROL * 1_048_576},
        headers={"apikey": supabase.anon_key, "authorization": f"Bearer {owner.token}"},
        timeout=60,
    ).raise_for_status()
    url = f"/api/docs/{document['id']}"
    problem = owner.get(url).expect_problem(500, "answer-too-large")
    assert problem["detail"].startswith("The answer is larger than the 6 MB")
    problem = owner.patch(url, {"title": "y"}).expect_problem(500, "answer-too-large")
    assert problem["detail"].startswith("What was asked for is done, but the answer")
    stale = owner.patch(url, {"title": "z"}, headers={"If-Match": '"99"'})
    assert stale.expect_problem(500, "answer-too-large")["detail"].startswith("The answer is larger")
    assert owner.get("/api/docs").expect(200)["items"][0]["title"] == "y"


def test_body_that_lambda_would_not_deliver_to_the_function_is_413(owner: Client) -> None:
    body = {"product_id": owner.create_product()["id"], "title": "x", "content": CONTROL * 900_000}
    assert len(json.dumps(body)) < 6 * 1024 * 1024
    owner.post("/api/docs", body).expect_problem(413, "body-too-large")
    assert owner.get("/api/docs").expect(200)["items"] == []
