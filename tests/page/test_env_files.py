"""A `.env` file in by paste, looked at first, and out again."""

from pathlib import Path

import pytest
from dotenv import dotenv_values
from playwright.sync_api import expect

from tests.page.visitor import JSON, Visitor

FILE = "DOMAIN_NAME=forum.example\nAPI_HOST=api.${DOMAIN_NAME}\nnot a line\n"


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product with its app info in front of the visitor."""
    product = visitor.make("products", name="Engine")
    visitor.open(f"/products/{product['id']}/app-info")
    return product


def paste(visitor: Visitor, content: str) -> None:
    """Pastes a file and asks what it would do."""
    visitor.page.get_by_role("button", name="Paste .env").click()
    visitor.page.get_by_role("textbox", name="File").fill(content)
    visitor.page.get_by_role("button", name="Preview").click()


def test_file_is_shown_line_by_line_before_anything_is_written(visitor: Visitor, product: JSON) -> None:
    paste(visitor, FILE)
    rows = visitor.page.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("DOMAIN_NAME")
    expect(rows.nth(1)).not_to_contain_text("not written")
    expect(rows.nth(3)).to_contain_text("cannot be read, not written")
    assert visitor.ask("GET", f"app_info?product_id=eq.{product['id']}") == []
    # What is changed after the look has to be looked at again.
    visitor.page.get_by_role("textbox", name="File").fill("OTHER=1")
    expect(visitor.page.get_by_role("button", name="Import", exact=True)).to_have_count(0)


def test_secret_that_is_there_is_written_over_only_where_that_is_wished(
    visitor: Visitor, product: JSON
) -> None:
    page = visitor.page
    paste(visitor, "API_KEY=first")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(visitor.notices).to_contain_text("One entry is written.")
    paste(visitor, "API_KEY=second")
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text("is a secret already, not written")
    page.get_by_label("Overwrite what is there").check()
    page.get_by_role("button", name="Preview").click()
    expect(row).not_to_contain_text("not written")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Reveal API_KEY").click()
    expect(page.get_by_text("second")).to_be_visible()
    assert len(visitor.ask("GET", f"app_info?product_id=eq.{product['id']}")) == 1


def test_file_comes_out_with_the_values_that_went_in(visitor: Visitor, product: JSON, tmp_path: Path) -> None:
    page = visitor.page
    paste(visitor, FILE)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(visitor.notices).to_contain_text("2 entries are written.")
    expect(page.get_by_role("button", name="Reveal API_HOST")).to_be_visible()
    page.get_by_role("button", name="Download .env").click()
    page.get_by_label("With the secrets").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    assert download.value.suggested_filename == "forum.env"
    download.value.save_as(tmp_path / "file")
    values = dotenv_values(tmp_path / "file", interpolate=False)
    assert values == {"DOMAIN_NAME": "forum.example", "API_HOST": "api.${DOMAIN_NAME}"}
    assert len(visitor.ask("GET", f"activity?action=eq.revealed&product_id=eq.{product['id']}")) == 2


def test_file_without_the_secrets_says_what_it_leaves_out(
    visitor: Visitor, product: JSON, tmp_path: Path
) -> None:
    page = visitor.page
    visitor.make("app_info", product_id=product["id"], key="PLAIN", value="1")
    paste(visitor, FILE)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(visitor.notices).to_contain_text("2 entries are written.")
    page.get_by_role("button", name="Download .env").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    expect(visitor.notices).to_contain_text("2 entries are not in the file")
    download.value.save_as(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "PLAIN=1\n"
    assert visitor.ask("GET", f"activity?action=eq.revealed&product_id=eq.{product['id']}") == []
