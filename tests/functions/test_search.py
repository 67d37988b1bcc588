"""One search over everything: what it finds, in which order, and for whom."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.functions.conftest import Client, MakeClient
from tests.functions.secret_entries import create_secret

CANARY = "zebrafish"


def search(client: Client, text: str, rest: str = "") -> list[dict[str, Any]]:
    """What is found, in its order."""
    items: list[dict[str, Any]] = client.get(f"/api/search?q={quote(text)}{rest}").expect(200)["items"]
    return items


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def make_one_of_each(owner: Client, word: str) -> dict[str, str]:
    """A row of each kind that has a word."""
    product = owner.create_product(name=f"{word} product")["id"]
    return {
        "products": product,
        "repositories": owner.create_repository(product, name=word)["id"],
        "work_items": owner.create_work_item(product, title=f"Fix {word}")["id"],
        "documents": owner.create_document(product, title=f"On {word}")["id"],
        "app_info": owner.create_app_info(product, key=f"{word.upper()}_KEY")["id"],
    }


def test_search_finds_every_kind_each_with_its_product(owner: Client) -> None:
    made = make_one_of_each(owner, "lantern")
    found = search(owner, "lantern")
    assert {item["entity"]: item["id"] for item in found} == made
    assert {item["product_id"] for item in found} == {made["products"]}
    assert all(item["in_title"] for item in found)


def test_search_looks_only_where_it_is_asked_to(owner: Client) -> None:
    first, second = make_one_of_each(owner, "lantern"), make_one_of_each(owner, "lantern")
    assert ids(search(owner, "lantern", "&kind=documents")) == [second["documents"], first["documents"]]
    some = search(owner, "lantern", f"&kind=work_items&kind=app_info&product_id={first['products']}")
    assert set(ids(some)) == {first["work_items"], first["app_info"]}
    assert set(ids(search(owner, "lantern", f"&product_id={second['products']}"))) == set(second.values())


def test_titles_come_first_then_what_was_changed_last(owner: Client) -> None:
    product = owner.create_product(name="P")["id"]
    titled = owner.create_document(product, title="The lantern")["id"]
    older = owner.create_work_item(product, title="a", description="lantern")["id"]
    newer = owner.create_document(product, title="b", content="lantern")["id"]
    found = search(owner, "lantern")
    assert [(item["id"], item["in_title"]) for item in found] == [
        *((titled, True), (newer, False), (older, False)),
    ]
    owner.patch(f"/api/work/{older}", {"priority": 1}).expect(200)
    assert ids(search(owner, "lantern")) == [titled, older, newer]


def test_search_says_whether_there_is_more(owner: Client) -> None:
    product = owner.create_product(name="P")["id"]
    for number in range(3):
        owner.create_work_item(product, title=f"lantern {number}")
    for limit, more in ((2, True), (3, False)):
        answer = owner.get(f"/api/search?q=lantern&limit={limit}").expect(200)
        assert (len(answer["items"]), answer["more"]) == (limit, more)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("see src/auth.ts there", "auth.ts"),
        ("see src/auth.ts there", "src/auth"),
        ("Release v1.2.3", "1.2.3"),
        ("Release 1.2.3", "v1.2.3"),
        ("数据库设计", "数据库"),
        ("数据库设计", "库"),
        ("テストを書く", "テスト"),
        ("한국어 검색 기능", "검색"),
        ("ภาษาไทยเป็นภาษา", "ภาษาไทย"),
        ("हिन्दी भाषा", "हिन्दी"),
        ("Le Café du port", "cafe"),
        ("Le cafe du port", "CAFÉ"),
        ("Le cafe\u0301 du port", "café"),
        ("déploiement continu", "deploiement"),
        # As wide as a character of Chinese.
        ("\uff21\uff22\uff23\uff11\uff12\uff13", "abc123"),
        ("Straße", "straße"),
        ("ΟΔΟΣ ΑΘΗΝΑΣ", "οδός"),
        ("getUserName()", "getusername"),
        ("getUserName()", "user"),
        ("user_name", "userName"),
        ("GitHub", "github"),
        ("github", "GitHub"),
        ("HTTPServer", "server"),
        ("API_TOKEN", "token"),
        ("user/repo-name.git", "repo name"),
        ("3f2a9c41d0e7", "3f2a9c"),
        ("to be or not to be", "not to be"),
        ("iPhone手机", "手机 iphone"),
    ],
)
def test_texts_of_every_script_and_of_code_are_found(written: str, asked: str, owner: Client) -> None:
    product = owner.create_product(name="P")["id"]
    item = owner.create_work_item(product, title="x", description=written)["id"]
    document = owner.create_document(product, title="x", content=written)["id"]
    owner.create_document(product, title="x", content="other 其他 다른 อื่น")
    assert set(ids(search(owner, asked))) == {item, document}


@pytest.mark.parametrize(
    "text",
    [
        "'",
        "a:*",
        "!",
        "a & b | c",
        "\\",
        "\\'",
        "<->",
        "😀" * 200,
        "'':A*",
        "(((",
        "$$",
        "%",
        "\u200b",
        "ﷺ" * 200,
    ],
)
def test_hostile_text_is_looked_for_and_finds_nothing(text: str, owner: Client) -> None:
    owner.create_work_item(owner.create_product(name="P")["id"], title="something else")
    assert search(owner, text) == []


@pytest.mark.parametrize("text", ["x" * 201, "1 2 3 4 5 6 7 8 9", "ab " * 100])
def test_search_that_is_too_long_is_refused(text: str, owner: Client) -> None:
    problem = owner.get(f"/api/search?q={quote(text)}").expect_problem(422, "query-too-long")
    assert problem["errors"][0]["parameter"] == "q"


def test_nobody_finds_what_is_anothers(make_client: MakeClient) -> None:
    first, second = make_client(), make_client()
    mine, theirs = (make_one_of_each(client, "lantern") for client in (first, second))
    assert set(ids(search(first, "lantern"))) == set(mine.values())
    assert set(ids(search(second, "lantern"))) == set(theirs.values())
    assert search(second, "lantern", f"&product_id={mine['products']}") == []


def test_token_of_a_product_finds_what_is_in_it_and_nothing_else(owner: Client) -> None:
    inside, outside = make_one_of_each(owner, "lantern"), make_one_of_each(owner, "lantern")
    body = {"name": "Agent", "product_id": inside["products"]}
    agent = Client(None, owner.post("/api/tokens", body).expect(201)["token"])
    assert set(ids(search(agent, "lantern"))) == set(inside.values())
    assert search(agent, "lantern", f"&product_id={outside['products']}") == []
    assert ids(agent.get("/api/work?q=lantern").expect(200)["items"]) == [inside["work_items"]]
    everywhere = Client(None, owner.post("/api/tokens", {"name": "Agent"}).expect(201)["token"])
    assert set(ids(search(everywhere, "lantern"))) == {*inside.values(), *outside.values()}


def test_values_of_app_info_are_never_found(owner: Client) -> None:
    product = owner.create_product(name="P")["id"]
    plain = owner.create_app_info(product, key="PLAIN", value=CANARY)["id"]
    secret = create_secret(owner, CANARY, product_id=product, key="SECRET")["id"]
    assert search(owner, CANARY) == []
    owner.patch(f"/api/app-info/{plain}", {"value": f"{CANARY} again"}).expect(200)
    owner.patch(f"/api/app-info/{secret}", {"is_secret": False}).expect(200)
    assert search(owner, CANARY) == []
    assert owner.get(f"/api/app-info?q={CANARY}").expect(200)["items"] == []
    found = search(owner, "plain")
    assert ids(found) == [plain]
    assert CANARY not in str(found)


def test_excerpt_shows_the_text_around_the_first_word(owner: Client) -> None:
    product = owner.create_product(name="P")["id"]
    text = "At the quay.\n\n" * 50 + "The Café lies behind it. " + "And so on. " * 50
    owner.create_document(product, title="x", content=text)
    (found,) = search(owner, "CAFE behind")
    assert "The Café lies behind it." in found["excerpt"]
    assert len(found["excerpt"]) <= 162
    assert (found["excerpt"][0], found["excerpt"][-1]) == ("…", "…")
    owner.create_work_item(product, title="Lantern")
    (item,) = search(owner, "lantern")
    assert item["excerpt"] is None


def test_text_that_has_changed_is_found_by_its_new_words_only(owner: Client) -> None:
    product = owner.create_product(name="P")["id"]
    document = owner.create_document(product, title="Lantern", content="quay")["id"]
    owner.patch(f"/api/docs/{document}", {"title": "Beacon"}).expect(200)
    assert search(owner, "lantern") == []
    assert ids(search(owner, "beacon quay")) == [document]
