"""What holds for whatever is on the screen: fit for screen readers, and nothing beyond the edge."""

from playwright.sync_api import Page, expect

from local.postgres import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2 AA, and what axe calls good practice.
FAULTS = """axe.run().then(({ violations }) =>
  violations.map((each) => [each.id, ...each.nodes.map((node) => node.html)]))"""
# What sticks out of a page wider than the screen. A text may, and its element not: the width comes first.
BEYOND = """width => document.documentElement.scrollWidth <= width ? [] : [
  `${document.documentElement.scrollWidth} pixels wide`,
  ...[...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > width || each.scrollWidth > width)
    .map((each) => each.outerHTML.slice(0, 80)),
]"""


def look(page: Page) -> None:
    """Holds what is on the screen to the rules, once it is there."""
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.evaluate(AXE.read_text())
    faults = page.evaluate(FAULTS)
    assert faults == [], faults
    assert page.viewport_size is not None
    width = page.viewport_size["width"]
    beyond = page.evaluate(BEYOND, width)
    assert beyond == [], beyond
