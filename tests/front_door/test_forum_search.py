"""`forum search`: the wheel against the running stack."""

from typing import Any

import httpx

from tests.front_door.terminal import Terminal, create


def test_search_finds_by_the_beginning_of_a_word_and_says_where(
    linked: Terminal, person: httpx.Client, product: str
) -> None:
    create(person, "/api/docs", product_id=product, title="Other", content="The harbour\nis full")
    key: Any = create(
        person, "/api/app-info", product_id=product, key="HARBOUR_KEY", value="s3cr3t", is_secret=True
    )
    shown = linked.succeed("search", "harb")
    assert f"{key['id'][:8]}  key  HARBOUR_KEY  (Atlas)" in shown
    assert "doc  Other  (Atlas)" in shown
    assert "harbour is full" in shown
    assert "s3cr3t" not in shown
    only = linked.read_json("search", "harb", "-k", "doc", "--here")["items"]
    assert [hit["title"] for hit in only] == ["Other"]
    assert linked.succeed("search", "harb", "nowhere") == ""
    assert linked.run("search").returncode == 2
