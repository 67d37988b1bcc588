"""App info: a secret is in the browser only between Reveal and Hide."""

import pytest
from playwright.sync_api import Response, expect

from tests.page.visitor import JSON, Visitor

VALUE = "s3cr3t-that-is-masked"


@pytest.fixture
def secret(visitor: Visitor) -> JSON:
    """A secret that the visitor has just stored by the page."""
    product = visitor.make("products", name="Engine")
    page = visitor.page
    visitor.open(f"/products/{product['id']}/app-info")
    page.get_by_role("button", name="New entry").click()
    page.get_by_label("Key", exact=True).fill("API_KEY")
    page.get_by_label("Value").fill(VALUE)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("button", name="Reveal API_KEY")).to_be_visible()
    return visitor.ask("GET", "app_info?key=eq.API_KEY")[0]


def test_secret_is_stored_sealed_and_shown_masked(visitor: Visitor, secret: JSON) -> None:
    assert (secret["is_secret"], secret["has_value"], secret["value"]) == (True, True, None)
    answers: list[Response] = []
    visitor.page.on("response", lambda answer: answers.append(answer) if "app_info" in answer.url else None)
    visitor.page.reload()
    expect(visitor.page.get_by_text("••••")).to_be_visible()
    # Only now: a body that is asked for while events are handled may come after what they are waited for.
    bodies = [answer.text() for answer in answers if answer.request.method == "GET"]
    assert bodies
    assert VALUE not in "".join(bodies) + visitor.page.content()


def test_revealed_secret_is_on_the_record_and_can_be_hidden(visitor: Visitor, secret: JSON) -> None:
    visitor.page.get_by_role("button", name="Reveal API_KEY").click()
    expect(visitor.page.get_by_text(VALUE)).to_be_visible()
    revealed = f"activity?action=eq.revealed&entity_id=eq.{secret['id']}"
    assert len(visitor.ask("GET", revealed)) == 1
    visitor.page.get_by_role("button", name="Hide API_KEY").click()
    assert VALUE not in visitor.page.content()
    stored = visitor.page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert VALUE not in stored


def test_reveal_that_is_refused_shows_nothing_and_says_why(visitor: Visitor, secret: JSON) -> None:
    assert secret
    visitor.page.route("**/reveal", lambda route: route.abort())
    visitor.page.get_by_role("button", name="Reveal API_KEY").click()
    expect(visitor.notices).to_contain_text("Forum cannot be reached")
    expect(visitor.page.get_by_text("••••")).to_be_visible()


@pytest.mark.usefixtures("secret")
def test_key_that_no_shell_would_take_is_refused_in_words(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="New entry").click()
    page.get_by_label("Key", exact=True).fill("2 WORDS")
    page.get_by_label("Secret").uncheck()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("letters, digits and _ only")


def open_change(visitor: Visitor, key: str) -> None:
    """Opens the window that changes an entry."""
    visitor.page.get_by_role("button", name=f"Change {key}").click()


def save(visitor: Visitor) -> None:
    """Saves what the window holds, which then closes."""
    visitor.page.get_by_role("button", name="Save", exact=True).click()
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)


def test_secret_gets_a_new_value_without_showing_the_one_before(visitor: Visitor, secret: JSON) -> None:
    page = visitor.page
    open_change(visitor, "API_KEY")
    expect(page.get_by_label("Value")).to_have_value("")
    assert VALUE not in page.content()
    page.get_by_label("Value").fill("another-one")
    page.get_by_label("Description").fill("Of the forecast")
    save(visitor)
    expect(page.get_by_text("Of the forecast")).to_be_visible()
    row = visitor.read("app_info", secret)
    assert (row["is_secret"], row["value"]) == (True, None)
    page.get_by_role("button", name="Reveal API_KEY").click()
    expect(page.get_by_text("another-one")).to_be_visible()


def test_secret_whose_description_changes_keeps_its_value(visitor: Visitor, secret: JSON) -> None:
    open_change(visitor, "API_KEY")
    visitor.page.get_by_label("Description").fill("Of the forecast")
    save(visitor)
    assert visitor.read("app_info", secret)["description"] == "Of the forecast"
    visitor.page.get_by_role("button", name="Reveal API_KEY").click()
    expect(visitor.page.get_by_text(VALUE)).to_be_visible()


def test_entry_that_becomes_a_secret_leaves_no_plain_value(visitor: Visitor, secret: JSON) -> None:
    page = visitor.page
    plain = visitor.make("app_info", product_id=secret["product_id"], key="PLAIN", value="was-plain")
    page.reload()
    open_change(visitor, "PLAIN")
    page.get_by_label("Secret").check()
    save(visitor)
    expect(page.get_by_role("button", name="Reveal PLAIN")).to_be_visible()
    row = visitor.read("app_info", plain)
    assert (row["is_secret"], row["has_value"], row["value"]) == (True, True, None)
    page.get_by_role("button", name="Reveal PLAIN").click()
    expect(page.get_by_text("was-plain")).to_be_visible()


@pytest.mark.parametrize("key", ["PLAIN", "API_KEY"])
def test_change_of_an_entry_that_came_second_shows_both(visitor: Visitor, secret: JSON, key: str) -> None:
    page = visitor.page
    plain = visitor.make("app_info", product_id=secret["product_id"], key="PLAIN", value="before")
    page.reload()
    open_change(visitor, key)
    page.get_by_label("Description").fill("Mine")
    row = {"PLAIN": plain, "API_KEY": secret}[key]
    visitor.change("app_info", row, description="Theirs")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Theirs")
    assert visitor.read("app_info", row)["description"] == "Theirs"
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert visitor.read("app_info", row)["description"] == "Mine"


def test_ends_of_a_key_are_kept_and_shown_and_cleared(visitor: Visitor, secret: JSON) -> None:
    page = visitor.page
    plain = visitor.make("app_info", product_id=secret["product_id"], key="PLAIN", value="1")
    page.reload()
    for key, row in (("API_KEY", secret), ("PLAIN", plain)):
        open_change(visitor, key)
        page.get_by_label("Expires on").fill("2020-03-31")
        page.get_by_label("Renew every").fill("90")
        save(visitor)
        kept = visitor.read("app_info", row)
        assert (kept["expires_at"], kept["rotate_every"]) == ("2020-03-31T00:00:00+00:00", "90 days")
        expect(page.get_by_role("listitem").filter(has_text=key)).to_contain_text("renewal due")
        open_change(visitor, key)
        expect(page.get_by_label("Renew every")).to_have_value("90")
        page.get_by_label("Renew every").fill("")
        save(visitor)
        kept = visitor.read("app_info", row)
        assert (kept["expires_at"], kept["rotate_every"]) == ("2020-03-31T00:00:00+00:00", None)
        expect(page.get_by_role("listitem").filter(has_text=key).locator(".near")).to_contain_text("expires")
