"""The account: what it holds, what it is connected to, and its end."""

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from local.fake_github.seed import DEMO_TOKEN
from local.supabase import PASSWORD
from tests.page.looks import look
from tests.page.visitor import Visitor, new_context

# As if an hour had gone by: supabase-js renews the token before it sends the next request.
EXPIRE = """() => {
  const isSession = ([, value]) => value.includes("access_token")
  const [name, text] = Object.entries(localStorage).find(isSession)
  localStorage.setItem(name, JSON.stringify({ ...JSON.parse(text), expires_at: 1 }))
}"""


def run_sql(visitor: Visitor, statement: str) -> int:
    """Does to this user's rows, by `%s`, what only time or an operator does. How many rows it was."""
    with psycopg.connect(visitor.dev.environment["DATABASE_URL"]) as connection:
        return connection.execute(statement.encode(), (visitor.user.id,)).rowcount


def open_account(visitor: Visitor) -> None:
    """Goes there as somebody does who does not know the address."""
    visitor.page.get_by_role("link", name="Account").click()
    expect(visitor.page.get_by_role("heading", name=visitor.user.email)).to_be_visible()
    expect(visitor.page.get_by_text("of 200")).to_be_visible()


def connect(visitor: Visitor) -> None:
    """Stores a token by the page."""
    visitor.page.get_by_role("button", name="Connect", exact=True).click()
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label("GitHub token").fill(DEMO_TOKEN)
    dialog.get_by_role("button", name="Connect").click()
    expect(visitor.page.get_by_text("mira-solberg")).to_be_visible()


def confirm(visitor: Visitor) -> None:
    """Says by its address that the account is to be deleted."""
    page = visitor.page
    page.get_by_role("button", name="Delete the account").click()
    page.get_by_label(f"Type {visitor.user.email} to confirm").fill(visitor.user.email.upper())
    page.get_by_role("button", name="Delete everything").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_account_tells_what_it_holds_and_how_much_it_may(visitor: Visitor, scheme: str) -> None:
    page = visitor.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    product = visitor.make("products", name="Engine")
    visitor.make("documents", product_id=product["id"], title="Long", content="x" * 3000)
    gone = visitor.make("documents", product_id=product["id"], title="Gone", content="x" * 3000)
    visitor.ask("DELETE", f"documents?id=eq.{gone['id']}")
    open_account(visitor)
    rows = page.get_by_role("region", name="Usage").get_by_role("row")
    expect(rows.filter(has_text="Products")).to_contain_text("1 of 200")
    expect(rows.filter(has_text="Documents")).to_contain_text("1 of 10,000")
    expect(rows.filter(has_text="Text")).to_contain_text("KiB of 1 GiB")
    expect(rows.filter(has_text="Text")).to_contain_text("in the trash")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        look(page)
    page.get_by_role("button", name="Delete the account").click()
    look(page)


def test_github_is_connected_and_forgotten(visitor: Visitor) -> None:
    page = visitor.page
    open_account(visitor)
    expect(page.get_by_text("Not connected.")).to_be_visible()
    connect(visitor)
    assert DEMO_TOKEN not in page.content()
    look(page)
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Not connected.")).to_be_visible()
    assert run_sql(visitor, "select from private.github_connections where user_id = %s") == 0


def test_connection_that_github_refuses_is_told_on_the_first_page_and_leads_here(visitor: Visitor) -> None:
    page = visitor.page
    open_account(visitor)
    connect(visitor)
    refused = "update private.github_connections set state = 'needs_reauth' where user_id = %s"
    assert run_sql(visitor, refused) == 1
    visitor.open("/")
    page.get_by_role("link", name="GitHub refuses Forum's token").click()
    expect(page.get_by_text("GitHub refuses this token.")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Connect again").click()
    page.get_by_label("GitHub token").fill(DEMO_TOKEN)
    page.get_by_role("dialog").get_by_role("button", name="Connect").click()
    expect(visitor.notices).to_contain_text("GitHub is connected.")
    expect(page.get_by_text("GitHub refuses this token.")).to_have_count(0)


def test_sign_out_everywhere_ends_the_session_of_another_browser(visitor: Visitor, browser: Browser) -> None:
    context = new_context(browser)
    elsewhere = Visitor(visitor.dev, context, context.new_page(), visitor.user)
    elsewhere.open("/")
    elsewhere.sign_in()
    expect(elsewhere.page.get_by_role("heading", name="Resume")).to_be_visible()
    open_account(visitor)
    visitor.page.get_by_role("button", name="Sign out everywhere").click()
    expect(visitor.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(visitor.page.get_by_text("Your session has ended.")).to_have_count(0)
    elsewhere.page.evaluate(EXPIRE)
    elsewhere.page.get_by_role("link", name="Products", exact=True).click()
    expect(elsewhere.page.get_by_text("Your session has ended.")).to_be_visible()
    context.close()


def test_account_is_deleted_once_its_address_is_typed(visitor: Visitor) -> None:
    page = visitor.page
    visitor.make("products", name="Engine")
    open_account(visitor)
    page.get_by_role("button", name="Delete the account").click()
    page.get_by_label("to confirm").fill("somebody@example.com")
    expect(page.get_by_role("button", name="Delete everything")).to_be_disabled()
    page.get_by_role("button", name="Cancel").click()
    confirm(visitor)
    expect(visitor.notices).to_contain_text("The account is deleted.")
    expect(page.get_by_text("Your session has ended.")).to_have_count(0)
    assert run_sql(visitor, "select from auth.users where id = %s") == 0
    visitor.sign_in()
    expect(page.get_by_role("alert")).to_have_text("The address or the password is wrong.")


def test_deletion_long_after_the_sign_in_asks_for_the_password(visitor: Visitor) -> None:
    page = visitor.page
    long_ago = "update auth.sessions set created_at = now() - interval '11 minutes' where user_id = %s"
    assert run_sql(visitor, long_ago) > 0
    page.evaluate(EXPIRE)
    open_account(visitor)
    confirm(visitor)
    page.get_by_label("Password").fill("not this one")
    look(page)
    page.get_by_role("button", name="Sign in and delete everything").click()
    expect(page.get_by_role("alert")).to_have_text("The address or the password is wrong.")
    assert run_sql(visitor, "select from auth.users where id = %s") == 1
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in and delete everything").click()
    expect(visitor.notices).to_contain_text("The account is deleted.")
    assert run_sql(visitor, "select from auth.users where id = %s") == 0


def test_deletion_that_cannot_be_reached_deletes_nothing_and_says_so(visitor: Visitor) -> None:
    open_account(visitor)
    visitor.page.route("**/api/account", lambda route: route.abort())
    confirm(visitor)
    expect(visitor.page.get_by_role("alert")).to_contain_text("Forum cannot be reached")
    assert run_sql(visitor, "select from auth.users where id = %s") == 1
