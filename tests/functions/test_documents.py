"""Documents: their size."""

from uuid import uuid4

from tests.functions.conftest import Client


def test_document_of_a_mebibyte_is_stored_and_longer_is_422(owner: Client) -> None:
    product = owner.create_product()["id"]
    words = " ".join(f"w{number:06d}" for number in range(131_073))[: 1024 * 1024]
    assert len(words) == 1024 * 1024
    document = owner.create_document(product, content=words)
    assert owner.get(f"/api/docs/{document['id']}").expect(200)["content"] == words
    for content in (words + "x", "ü" * (512 * 1024 + 1)):
        body = {"product_id": product, "title": "x", "content": content}
        problem = owner.post("/api/docs", body).expect_problem(422, "invalid")
        assert problem["errors"][0]["pointer"] == "/content"


def test_answers_to_single_requests_carry_the_content(owner: Client) -> None:
    product = owner.create_product()["id"]
    created = owner.create_document(product, content="# One")
    assert created["content"] == "# One"
    url = f"/api/docs/{created['id']}"
    assert owner.patch(url, {"content": "# Two"}).expect(200)["content"] == "# Two"
    assert owner.patch(url, {}).expect(200)["content"] == "# Two"
    stale = owner.patch(url, {"content": "# Three"}, headers={"If-Match": '"1"'})
    assert stale.expect_problem(412, "version-mismatch")["current"]["content"] == "# Two"


def test_replay_carries_the_content_that_was_stored_first(owner: Client) -> None:
    product = owner.create_product()["id"]
    for body in ({"content": "# One"}, {}):
        headers = {"Idempotency-Key": str(uuid4())}
        sent = {"product_id": product, "title": "x", **body}
        first = owner.post("/api/docs", sent, headers=headers).expect(201)
        owner.patch(f"/api/docs/{first['id']}", {"content": "# Two"}).expect(200)
        assert owner.post("/api/docs", sent, headers=headers).expect(201) == first


def test_answers_to_bulk_requests_leave_the_content_out(owner: Client) -> None:
    product = owner.create_product()["id"]
    items = [{"product_id": product, "title": "x", "content": "# One"}]
    (created,) = owner.post("/api/docs/bulk", {"items": items}).expect(201)["items"]
    assert "content" not in created
    (changed,) = owner.patch("/api/docs/bulk", {"items": [{"id": created["id"], "title": "y"}]}).expect(200)[
        "items"
    ]
    assert "content" not in changed
