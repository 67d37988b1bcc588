"""A product's documents as a zip: each a file of Markdown with front matter, its content byte for byte."""

import re
from io import BytesIO
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from functions.documents.exports import ExportedDocument, pack
from tests.functions.conftest import Client
from tests.functions.test_document_content import EVERYTHING

EXPORT = "/api/docs/export?product_id="


def unpack(content: bytes) -> dict[str, bytes]:
    """The files of a zip by name."""
    with ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(set(map(str.lower, names))) == len(names)
        return {name: archive.read(name) for name in names}


def export(client: Client, product: str) -> dict[str, bytes]:
    answer = client.get(f"{EXPORT}{product}")
    assert answer.status == 200, answer.text
    return unpack(answer.content)


def read(file: bytes) -> tuple[dict[str, Any], bytes]:
    """The front matter of a file and what is behind it."""
    start, front_matter, content = file.split(b"---\n", 2)
    assert start == b""
    return yaml.safe_load(front_matter), content


def make(title: str, **values: Any) -> ExportedDocument:
    known: dict[str, Any] = {
        "id": uuid4(),
        "title": title,
        "type": "note",
        "is_pinned": False,
        "repository": None,
        "created_at": "2026-11-22T20:30:00Z",
        "updated_at": "2026-11-22T20:30:00Z",
        "version": 1,
        "content": "",
    }
    return ExportedDocument.model_validate(known | values)


def test_file_has_what_is_known_of_the_document_before_its_content(owner: Client) -> None:
    product = owner.create_product()["id"]
    repository = owner.create_repository(product, name="forum", full_name="ada/forum")["id"]
    document = owner.create_document(
        product,
        title="Ship the beta",
        content="# Why\r\n",
        type="plan",
        is_pinned=True,
        repository_id=repository,
    )
    ((name, file),) = export(owner, product).items()
    assert name == f"ship-the-beta-{document['id'][:8]}.md"
    known, content = read(file)
    assert content == b"# Why\r\n"
    assert known.pop("created_at").replace("+00:00", "Z") == document["created_at"]
    assert known.pop("updated_at").replace("+00:00", "Z") == document["updated_at"]
    assert known == {
        "id": document["id"],
        "title": "Ship the beta",
        "type": "plan",
        "pinned": True,
        "repository": "ada/forum",
        "version": 1,
    }


@pytest.mark.parametrize("content", ["", "---\ntitle: mine\n---\nx", "\ufeff# Ü\r\n\r  \n\n", EVERYTHING])
def test_content_comes_out_byte_for_byte(owner: Client, content: str) -> None:
    product = owner.create_product()["id"]
    owner.create_document(product, content=content)
    (file,) = export(owner, product).values()
    assert read(file)[1] == content.encode()


def test_export_has_all_documents_of_the_product_and_no_others_in_one_request(
    owner: Client, stranger: Client, supabase_requests: list[httpx.Request]
) -> None:
    product, other, foreign = (client.create_product()["id"] for client in (owner, owner, stranger))
    owner.create_document(other, title="other")
    stranger.create_document(foreign, title="foreign")
    for index in range(120):
        owner.create_document(product, title=f"Plan {index}")
    supabase_requests.clear()
    files = export(owner, product)
    assert len(supabase_requests) == 1
    assert [re.sub(r"-[0-9a-f]{8}\.md", "", name) for name in files] == [f"plan-{n}" for n in range(120)]


def test_product_without_documents_is_an_empty_zip(owner: Client) -> None:
    assert export(owner, owner.create_product()["id"]) == {}


def test_answer_is_a_file_to_save(owner: Client) -> None:
    url = f"{EXPORT}{owner.create_product()['id']}"
    answer = owner.get(url)
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="documents.zip"'
    assert answer.headers["cache-control"] == "no-store"
    assert (owner.head(url).status, owner.head(url).text) == (200, "")


def test_product_that_is_not_ones_own_is_404(owner: Client, stranger: Client) -> None:
    for product in (owner.create_product()["id"], str(uuid4())):
        stranger.get(f"{EXPORT}{product}").expect_problem(404, "not-found")


def test_token_exports_its_own_product_only(owner: Client) -> None:
    product, other = owner.create_product()["id"], owner.create_product()["id"]
    owner.create_document(product)
    token = owner.create_token(product_id=product)
    assert len(export(token, product)) == 1
    token.get(f"{EXPORT}{other}").expect_problem(404, "not-found")


def test_documents_of_more_than_4_mib_are_413_and_of_less_are_not(owner: Client) -> None:
    product = owner.create_product()["id"]
    for _ in range(4):
        # The database stores it in much less; how long it is counts.
        owner.create_document(product, content="x" * (1024 * 1024 - 600))
    assert sum(map(len, export(owner, product).values())) > 4_000_000
    owner.create_document(product, content="x" * 600)
    owner.get(f"{EXPORT}{product}").expect_problem(413, "export-too-large")


def test_product_has_to_be_named(owner: Client) -> None:
    problem = owner.get("/api/docs/export").expect_problem(422, "invalid")
    assert problem["detail"] == "`product_id`: This is required."


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Größe über alles", "groe-uber-alles"),
        ("../../etc/passwd", "etc-passwd"),
        ("CON", "con"),
        ("a" * 500, "a" * 60),
        ("数据库", "document"),
        ('C:\\x|y?*<>"', "c-x-y"),
        ("-", "document"),
        ("Ver\uff53ion ½", "version-12"),
    ],
)
def test_file_name_is_one_that_every_system_takes(title: str, slug: str) -> None:
    document = make(title)
    (name,) = unpack(pack([document]))
    assert name == f"{slug}-{document.id.hex[:8]}.md"


def test_files_of_the_same_title_have_different_names() -> None:
    first = "7d9f1c4e-2b5a-4c8e-9a57-3f1f6f0f8f0"
    documents = [make("Plan", id=f"{first}{n}", content=str(n)) for n in range(3)]
    files = unpack(pack(documents))
    assert sorted(read(file)[1] for file in files.values()) == [b"0", b"1", b"2"]


@pytest.mark.parametrize(
    "title",
    ['"', "\\", "a: b # c", "- x", "yes", "2026-11-22", "\x01\x7f\x9b", "\ufeff🧭\u200b", "{{x}}", "é\u00a0"],
)
def test_front_matter_reads_as_it_was(title: str) -> None:
    (file,) = unpack(pack([make(title)])).values()
    assert read(file)[0]["title"] == title


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


@given(st.lists(st.tuples(texts.filter(bool), texts), max_size=5))
def test_whatever_is_packed_comes_out(documents: list[tuple[str, str]]) -> None:
    packed = [make(title, content=content) for title, content in documents]
    files = unpack(pack(packed))
    found = [read(file) for file in files.values()]
    assert [(known["title"], content.decode()) for known, content in found] == documents
    assert [
        name for name in files if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{8,32}\.md", name)
    ] == []


def test_largest_zip_fits_into_what_lambda_sends() -> None:
    """Text that cannot be packed, in as many files as 4 MiB can be."""
    many = [make("\x01" * 200, content="".join(map(chr, range(0x4E00, 0x4E00 + 60)))) for _ in range(4_700)]
    assert len(pack(many)) * 4 / 3 < 6_000_000
