"""Other values of an entry for development, preview and production."""

from pathlib import Path

import pytest
from dotenv import dotenv_values
from playwright.sync_api import Response, expect

from tests.page.looks import look
from tests.page.visitor import JSON, Visitor

SECRET = "s3cr3t-of-production"


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product with a plain entry and a secret one, in front of the visitor."""
    page = visitor.page
    product = visitor.make("products", name="Engine")
    visitor.make("app_info", product_id=product["id"], key="API_HOST", value="api.example")
    visitor.open(f"/products/{product['id']}/app-info")
    page.get_by_role("button", name="New entry").click()
    page.get_by_label("Key", exact=True).fill("API_KEY")
    page.get_by_label("Value").fill("base-key")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("button", name="Reveal API_KEY")).to_be_visible()
    return product


def open_environments(visitor: Visitor, key: str) -> None:
    """Opens the window with what an entry holds in each environment."""
    visitor.page.get_by_role("button", name=f"Environments of {key}").click()
    expect(visitor.page.get_by_role("dialog")).to_contain_text("Everywhere else")


def give(visitor: Visitor, key: str, environment: str, value: str, verb: str = "Set") -> None:
    """Gives an entry a value for an environment, in its window."""
    page = visitor.page
    page.get_by_role("button", name=f"{verb} {key}, {environment}").click()
    page.get_by_label(environment.capitalize(), exact=True).fill(value)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name=f"Change {key}, {environment}")).to_be_visible()


def close(visitor: Visitor) -> None:
    """Closes the window."""
    visitor.page.get_by_role("button", name="Close").click()
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("product")
def test_plain_value_of_an_environment_stands_below_the_entrys_own(visitor: Visitor, scheme: str) -> None:
    page = visitor.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_environments(visitor, "API_HOST")
    expect(page.get_by_role("dialog").get_by_text("as everywhere else")).to_have_count(3)
    give(visitor, "API_HOST", "preview", "preview.example")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        look(page)
    close(visitor)
    entry = page.get_by_role("listitem").filter(has_text="API_HOST")
    expect(entry).to_contain_text("api.example")
    expect(entry).to_contain_text("preview.example")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        look(page)
    (own,) = visitor.ask("GET", "app_info_overrides")
    assert (own["environment"], own["value"]) == ("preview", "preview.example")


@pytest.mark.usefixtures("product")
def test_value_of_an_environment_that_is_removed_leaves_the_entrys_own(visitor: Visitor) -> None:
    page = visitor.page
    open_environments(visitor, "API_HOST")
    give(visitor, "API_HOST", "production", "one.example")
    give(visitor, "API_HOST", "production", "two.example", "Change")
    page.get_by_role("button", name="Remove API_HOST, production").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("as everywhere else")).to_have_count(3)
    close(visitor)
    entry = page.get_by_role("listitem").filter(has_text="API_HOST")
    expect(entry).not_to_contain_text("two.example")
    expect(entry).to_contain_text("api.example")
    assert visitor.ask("GET", "app_info_overrides") == []


@pytest.mark.usefixtures("product")
def test_secret_of_an_environment_is_masked_and_revealed_by_itself(visitor: Visitor) -> None:
    page = visitor.page
    open_environments(visitor, "API_KEY")
    give(visitor, "API_KEY", "production", SECRET)
    close(visitor)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if "app_info" in answer.url else None)
    page.reload()
    expect(page.get_by_text("••••")).to_have_count(2)
    # Only now: a body that is asked for while events are handled may come after what they are waited for.
    bodies = [answer.text() for answer in answers if answer.request.method == "GET"]
    assert bodies
    assert SECRET not in "".join(bodies) + page.content()
    page.get_by_role("button", name="Reveal API_KEY, production").click()
    expect(page.get_by_text(SECRET)).to_be_visible()
    expect(page.get_by_text("base-key")).to_have_count(0)
    page.get_by_role("button", name="Reveal API_KEY", exact=True).click()
    expect(page.get_by_text("base-key")).to_be_visible()
    assert len(visitor.ask("GET", "activity?action=eq.revealed")) == 2
    page.get_by_role("button", name="Hide API_KEY, production").click()
    assert SECRET not in page.content()


@pytest.mark.usefixtures("product")
def test_editor_of_a_secret_begins_empty(visitor: Visitor) -> None:
    page = visitor.page
    open_environments(visitor, "API_KEY")
    give(visitor, "API_KEY", "production", SECRET)
    page.get_by_role("button", name="Change API_KEY, production").click()
    expect(page.get_by_label("Production", exact=True)).to_have_value("")
    assert SECRET not in page.content()


@pytest.mark.usefixtures("product")
def test_value_of_an_environment_that_came_second_shows_both(visitor: Visitor) -> None:
    page = visitor.page
    (entry,) = visitor.ask("GET", "app_info?key=eq.API_HOST")
    open_environments(visitor, "API_HOST")
    page.get_by_role("button", name="Set API_HOST, production").click()
    page.get_by_label("Production", exact=True).fill("mine.example")
    visitor.ask(
        "POST",
        "app_info_overrides",
        {"app_info_id": entry["id"], "environment": "production", "value": "theirs.example"},
    )
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("theirs.example")
    look(page)
    (own,) = visitor.ask("GET", "app_info_overrides")
    assert own["value"] == "theirs.example"
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_role("button", name="Change API_HOST, production")).to_be_visible()
    (own,) = visitor.ask("GET", "app_info_overrides")
    assert own["value"] == "mine.example"


@pytest.mark.usefixtures("product")
def test_value_that_cannot_be_sent_is_kept_in_its_editor_with_the_reason(visitor: Visitor) -> None:
    page = visitor.page
    open_environments(visitor, "API_HOST")
    page.route("**/environments/production", lambda route: route.abort())
    page.get_by_role("button", name="Set API_HOST, production").click()
    page.get_by_label("Production", exact=True).fill("mine.example")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Forum cannot be reached")
    expect(page.get_by_label("Production", exact=True)).to_have_value("mine.example")
    assert visitor.ask("GET", "app_info_overrides") == []


@pytest.mark.usefixtures("product")
def test_file_of_an_environment_goes_in_and_comes_out_beside_the_others(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.page
    page.get_by_role("button", name="Paste .env").click()
    page.get_by_role("textbox", name="File").fill("API_HOST=prod.example\nAPI_KEY=prod-key\n")
    page.get_by_label("For", exact=True).select_option("Production")
    page.get_by_label("The values are secrets").uncheck()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("new")
    # Another environment is another question.
    page.get_by_label("For", exact=True).select_option("Preview")
    expect(page.get_by_role("button", name="Import", exact=True)).to_have_count(0)
    page.get_by_label("For", exact=True).select_option("Production")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(visitor.notices).to_contain_text("2 entries are written.")
    held = {}
    for environment in ("The entries' own", "Development", "Production"):
        page.get_by_role("button", name="Download .env").click()
        page.get_by_label("Values").select_option(environment)
        page.get_by_label("With the secrets").check()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download", exact=True).click()
        download.value.save_as(tmp_path / "file")
        held[download.value.suggested_filename] = dotenv_values(tmp_path / "file", interpolate=False)
    everywhere = {"API_HOST": "api.example", "API_KEY": "base-key"}
    assert held == {
        "forum.env": everywhere,
        "forum.development.env": everywhere,
        "forum.production.env": {"API_HOST": "prod.example", "API_KEY": "prod-key"},
    }
