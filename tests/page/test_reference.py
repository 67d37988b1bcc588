"""The API's reference, opened from the page: calls are tried as whoever is signed in there."""

from playwright.sync_api import Browser, Page, expect

from tests.local.dev_process import Dev
from tests.page.visitor import Visitor, new_context


def try_products(reference: Page) -> None:
    """Asks for the products, as somebody who reads the page does."""
    operation = reference.locator("#operations-products-list_products")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()


def test_reference_that_the_page_opens_calls_as_who_is_signed_in(visitor: Visitor) -> None:
    visitor.make("products", name="Engine")
    with visitor.page.expect_popup() as opened:
        visitor.page.get_by_role("link", name="API").click()
    reference = opened.value
    expect(reference.locator(".authorize.locked, .authorize .locked").first).to_be_visible()
    try_products(reference)
    expect(reference.locator(".live-responses-table")).to_contain_text("Engine")
    stored = reference.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert visitor.user.access_token not in stored


def test_reference_that_another_page_opens_takes_no_token(dev: Dev, browser: Browser) -> None:
    context = new_context(browser)
    page = context.new_page()
    api = dev.environment["API_URL"]
    # A page of the API's own host is not Forum's page either.
    page.goto(f"{api}/health")
    with page.expect_popup() as opened:
        page.evaluate(
            """url => {
              const opened = window.open(url)
              setInterval(() => opened.postMessage({ token: "another's" }, "*"), 50)
            }""",
            f"{api}/reference",
        )
    reference = opened.value
    expect(reference.get_by_role("button", name="Authorize").first).to_be_visible()
    try_products(reference)
    expect(reference.locator(".live-responses-table")).to_contain_text("401")
    assert reference.locator(".authorize.locked, .authorize .locked").count() == 0
    context.close()


def test_reference_is_as_dark_as_the_system(dev: Dev, browser: Browser) -> None:
    context = new_context(browser)
    page = context.new_page()
    page.emulate_media(color_scheme="dark")
    page.goto(f"{dev.environment['API_URL']}/reference")
    expect(page.locator("html")).to_have_class("dark-mode")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).not_to_have_class("dark-mode")
    context.close()
