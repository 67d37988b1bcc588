"""Who is in, who is out, and that nobody sees another's rows."""

import secrets
from collections.abc import Callable

import httpx
import psycopg
from playwright.sync_api import Browser, expect

from tests.local.dev_process import Dev
from tests.page.chromium import MISSING, find_chromium
from tests.page.visitor import Visitor, new_context, page_url


def test_sign_up_leads_to_a_page_that_says_what_a_product_is(dev: Dev, browser: Browser) -> None:
    context = new_context(browser)
    page = context.new_page()
    page.goto(page_url(dev))
    page.get_by_role("button", name="Create an account").click()
    page.get_by_label("E-mail").fill(f"{secrets.token_hex(6)}@example.com")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("A product is a thing that you run")).to_be_visible()
    page.get_by_role("button", name="Make the first one").click()
    page.get_by_label("Name").fill("Atlas")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="Atlas")).to_be_visible()
    context.close()


def test_wrong_password_is_said_and_lets_nobody_in(visitor: Visitor) -> None:
    visitor.page.get_by_role("button", name="Sign out").click()
    visitor.sign_in("not this one")
    expect(visitor.page.get_by_role("alert")).to_have_text("The address or the password is wrong.")
    expect(visitor.page.get_by_role("heading", name="Resume")).to_have_count(0)


def test_demo_user_is_one_click_away(dev: Dev, browser: Browser) -> None:
    context = new_context(browser)
    page = context.new_page()
    page.goto(page_url(dev))
    page.get_by_role("button", name="Look around as the demo user").click()
    expect(page.get_by_role("link", name="Havørn")).to_be_visible()
    context.close()


def test_sign_in_with_github_hands_its_token_over_for_imports(dev: Dev, browser: Browser) -> None:
    context = new_context(browser)
    page = context.new_page()
    page.goto(page_url(dev))
    with page.expect_response(lambda answer: answer.url.endswith("/api/github/connection")) as handed_over:
        page.get_by_role("button", name="Continue with GitHub").click()
        # The fake GitHub asks which of its users this is.
        page.get_by_role("button").first.click()
    assert handed_over.value.request.method in {"PUT", "OPTIONS"}
    expect(page.get_by_role("heading", name="Resume")).to_be_visible()
    session = page.evaluate("Object.values(localStorage).map(JSON.parse).find((value) => value.access_token)")
    connection = httpx.get(
        f"{dev.environment['API_URL']}/api/github/connection",
        headers={"authorization": f"Bearer {session['access_token']}"},
    )
    assert connection.json()["state"] == "active"
    assert "code=" not in page.url
    context.close()


def test_two_users_see_their_own_rows_only(arrive: Callable[[], Visitor]) -> None:
    ada, bob = arrive(), arrive()
    product = ada.make("products", name="Engine")
    ada.make("work_items", product_id=product["id"], title="Turn the crank")
    ada.open(f"/products/{product['id']}")
    expect(ada.page.get_by_text("Turn the crank")).to_be_visible()
    bob.open(f"/products/{product['id']}")
    expect(bob.page.get_by_role("heading", name="No such product")).to_be_visible()
    bob.open("/")
    expect(bob.page.get_by_text("Nothing here yet")).to_be_visible()
    expect(bob.page.get_by_text("Engine")).to_have_count(0)


def test_next_user_of_a_browser_sees_nothing_of_the_one_before(
    arrive: Callable[[], Visitor], dev: Dev
) -> None:
    ada = arrive()
    ada.make("products", name="Engine")
    ada.open("/")
    expect(ada.page.get_by_text("Engine")).to_be_visible()
    ada.page.get_by_role("button", name="Sign out").click()
    bob = Visitor(dev, ada.context, ada.page, dev.users.create())
    # What is on the way for the new user could hide what is still there of the old one.
    ada.page.route("**/rest/v1/products*", lambda route: route.abort())
    bob.sign_in()
    expect(bob.page.get_by_role("heading", name="Resume")).to_be_visible()
    expect(bob.page.get_by_text("Engine")).to_have_count(0)


def test_session_that_has_ended_asks_to_sign_in_and_leads_back(visitor: Visitor) -> None:
    product = visitor.make("products", name="Engine")
    visitor.open(f"/products/{product['id']}/documents")
    expect(visitor.page.get_by_role("heading", name="Documents")).to_be_visible()
    with psycopg.connect(visitor.dev.environment["DATABASE_URL"]) as connection:
        connection.execute("delete from auth.sessions where user_id = %s", (visitor.user.id,))
    # As if an hour had gone by.
    visitor.page.evaluate(
        """() => {
          const isSession = ([, value]) => value.includes("access_token")
          const [name, text] = Object.entries(localStorage).find(isSession)
          localStorage.setItem(name, JSON.stringify({ ...JSON.parse(text), expires_at: 1 }))
        }"""
    )
    visitor.page.get_by_role("link", name="App info").click()
    expect(visitor.page.get_by_text("Your session has ended.")).to_be_visible()
    visitor.sign_in()
    expect(visitor.page.get_by_role("heading", name="App info")).to_be_visible()


def test_missing_browser_is_named_with_the_command_that_installs_it() -> None:
    assert find_chromium() is not None
    assert "apt-get install chromium" in MISSING
