"""Documents: Markdown as it is meant, and nothing of it that runs."""

import pytest
from playwright.sync_api import Browser, expect

from tests.local.dev_process import Dev
from tests.page.visitor import JSON, Visitor, visit

HOSTILE = """# Plan

<script>window.ran = "script"</script>
<img src="/icon.svg" onload="window.ran = 'img'">
<svg onload="window.ran = 'svg'"></svg>
<iframe srcdoc="<script>parent.ran = 'iframe'</script>"></iframe>
<a href="javascript:window.ran = 'link'">click me</a>
[or me](javascript:window.ran='markdown')
<form action="https://elsewhere.example"><button>Sign in</button></form>
<style>body { display: none }</style>
![spy](https://elsewhere.example/pixel.png)

The **end**.
"""


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product of the visitor's."""
    return visitor.make("products", name="Engine")


def write(visitor: Visitor, product: JSON, content: str) -> JSON:
    """A document in front of the visitor."""
    document = visitor.make("documents", product_id=product["id"], title="How it works", content=content)
    visitor.open(f"/products/{product['id']}/documents/{document['id']}")
    expect(visitor.page.get_by_role("heading", name="How it works")).to_be_visible()
    return document


def test_markdown_is_shown_as_it_is_meant(visitor: Visitor, product: JSON) -> None:
    write(
        visitor, product, "# Gears\n\n- [x] **oiled**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n"
    )
    shown = visitor.page.locator(".markdown")
    expect(shown.get_by_role("heading", name="Gears")).to_be_visible()
    expect(shown.get_by_role("listitem")).to_have_text("☑ oiled")
    expect(shown.get_by_role("cell", name="2")).to_be_visible()


@pytest.mark.parametrize("bypass_csp", [False, True], ids=["as it is served", "without its policy"])
def test_script_in_a_document_does_not_run(dev: Dev, browser: Browser, bypass_csp: bool) -> None:  # noqa: FBT001 - Playwright's own flag
    visitor = visit(dev, browser, bypass_csp=bypass_csp)
    product = visitor.make("products", name="Engine")
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    write(visitor, product, HOSTILE)
    shown = visitor.page.locator(".markdown")
    expect(shown.get_by_text("The end.")).to_be_visible()
    for link in shown.get_by_role("link").all():
        assert not (link.get_attribute("href") or "").startswith("javascript:")
    shown.get_by_text("click me").click()
    assert visitor.page.evaluate("window.ran") is None
    assert shown.locator("script, iframe, form, button, style, img, svg").count() == 0
    assert [url for url in asked if "elsewhere" in url] == []
    visitor.context.close()


def test_policy_stops_what_a_hole_in_the_sanitiser_would_let_in(visitor: Visitor, product: JSON) -> None:
    write(visitor, product, "x")
    ran = visitor.page.evaluate(
        """async () => {
          const script = document.createElement("script")
          let refused = ""
          try { script.textContent = "window.ran = 1" } catch (error) { refused = error.name }
          document.body.append(script)
          const button = document.createElement("button")
          try { button.setAttribute("onclick", "window.ran = 2") } catch (error) { refused += error.name }
          document.body.append(button)
          button.click()
          const picture = "<img src=x onerror='window.ran = 3'>"
          try { button.innerHTML = picture } catch (error) { refused += error.name }
          const sent = await fetch("https://elsewhere.example/").then(() => "sent", () => "refused")
          return [window.ran ?? null, refused, sent]
        }"""
    )
    assert ran == [None, "TypeError" * 3, "refused"]


def test_document_is_made_written_and_pinned(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    visitor.open(f"/products/{product['id']}/documents")
    page.get_by_role("button", name="New document").click()
    page.get_by_label("Title").fill("Decisions")
    page.get_by_role("button", name="Create", exact=True).click()
    page.get_by_label("Content").fill("We *keep* it small.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".markdown em")).to_have_text("keep")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_role("button", name="Unpin")).to_be_visible()
    (made,) = visitor.ask("GET", "documents?title=eq.Decisions")
    assert (made["content"], made["is_pinned"]) == ("We *keep* it small.", True)


def test_documents_beyond_the_first_page_come_when_they_are_asked_for(
    visitor: Visitor, product: JSON
) -> None:
    titles = [{"product_id": product["id"], "title": f"Note {number}"} for number in range(105)]
    visitor.ask("POST", "documents", titles)
    visitor.open(f"/products/{product['id']}/documents")
    rows = visitor.page.get_by_role("main").get_by_role("listitem")
    expect(rows).to_have_count(100)
    visitor.page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(105)
    expect(visitor.page.get_by_role("button", name="Show more")).to_have_count(0)


def test_document_that_was_changed_meanwhile_is_not_lost(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    document = write(visitor, product, "Before")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Content").fill("Mine")
    visitor.change("documents", document, content="Theirs")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Theirs")
    assert visitor.read("documents", document)["content"] == "Theirs"
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.locator(".markdown")).to_have_text("Mine")
    assert visitor.read("documents", document)["content"] == "Mine"


def test_revision_shows_what_has_changed_since_and_can_be_restored(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    document = write(visitor, product, "First\nSame\n")
    visitor.change("documents", document, content="Second\nSame\n")
    page.reload()
    expect(page.locator(".markdown")).to_contain_text("Second")
    page.get_by_role("button", name="Revisions").click()
    page.get_by_role("radio").first.check()
    expect(page.locator(".removed")).to_have_text("-First")
    expect(page.locator(".added")).to_have_text("+Second")
    page.get_by_role("button", name="Restore this one").click()
    expect(page.locator(".markdown")).to_contain_text("First")
    assert visitor.read("documents", document)["content"] == "First\nSame\n"
