"""Access tokens: shown once, of use at once, dead once revoked."""

import httpx
from playwright.sync_api import expect

from tests.page.visitor import Visitor


def test_token_is_shown_once_and_dead_once_it_is_revoked(visitor: Visitor) -> None:
    page = visitor.page
    product = visitor.make("products", name="Engine")
    visitor.open("/tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill("CI")
    page.get_by_label("For", exact=True).select_option("Engine")
    page.get_by_label("Create and change work items").check()
    page.get_by_role("button", name="Create", exact=True).click()
    token = page.get_by_role("dialog").locator("code").inner_text()

    def current() -> httpx.Response:
        url = f"{visitor.dev.environment['API_URL']}/api/tokens/current"
        return httpx.get(url, headers={"authorization": f"Bearer {token}"})

    said = current().json()
    assert (said["grants"], said["product_id"]) == (["work"], product["id"])
    page.get_by_role("button", name="Done").click()
    page.reload()
    expect(page.get_by_text(f"…{token[-4:]}")).to_be_visible()
    assert token not in page.content()
    page.get_by_role("button", name="Revoke CI").click()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("revoked")).to_be_visible()
    assert current().status_code == 401
