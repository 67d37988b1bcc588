"""Documents: their size."""

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
