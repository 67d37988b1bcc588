"""A person at the page: what somebody who sees it, and no more than that, can do."""

import re
from dataclasses import dataclass
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from local.supabase import PASSWORD, User
from tests.local.dev_process import Dev
from tests.patience import PATIENCE_SECONDS

JSON = dict[str, Any]
WIDE = {"width": 1280, "height": 800}
STATUSES = {"todo": "To do", "in_progress": "In progress", "done": "Done"}


@dataclass(frozen=True)
class Visitor:
    """Somebody in front of a browser of their own."""

    dev: Dev
    context: BrowserContext
    page: Page
    user: User

    @property
    def url(self) -> str:
        """Where the page is."""
        return page_url(self.dev)

    def open(self, path: str) -> None:
        """Types an address."""
        self.page.goto(self.url + path)

    def sign_in(self, password: str = PASSWORD) -> None:
        """Fills in the form that is on the screen."""
        self.page.get_by_label("E-mail").fill(self.user.email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    @property
    def notices(self) -> Locator:
        """What the page says at its edge."""
        return self.page.locator(".notices")

    def column(self, status: str) -> Locator:
        """A column of the board."""
        return self.page.get_by_role("region", name=STATUSES[status])

    def card(self, title: str) -> Locator:
        """A work item on the board."""
        return self.page.get_by_role("listitem").filter(has_text=title)

    def make(self, table: str, **values: object) -> JSON:
        """A row of this user's, made elsewhere."""
        return self.ask("POST", table, values)[0]

    def change(self, table: str, row: JSON, **values: object) -> JSON:
        """A change of this user's, made elsewhere."""
        return self.ask("PATCH", f"{table}?id=eq.{row['id']}", values)[0]

    def read(self, table: str, row: JSON) -> JSON:
        """A row as it stands in the database."""
        return self.ask("GET", f"{table}?id=eq.{row['id']}")[0]

    def ask(self, method: str, path: str, values: JSON | list[JSON] | None = None) -> list[JSON]:
        """What PostgREST answers to this user, without the page."""
        environment = self.dev.environment
        answer = httpx.request(
            method,
            f"{environment['SUPABASE_URL']}/rest/v1/{path}",
            headers={
                "apikey": environment["SUPABASE_ANON_KEY"],
                "authorization": f"Bearer {self.user.access_token}",
                "prefer": "return=representation",
            },
            json=values,
        )
        rows: list[JSON] = answer.raise_for_status().json()
        return rows


def page_url(dev: Dev) -> str:
    """Where the page of a stack is."""
    assert "no page" not in dev.printed, "build the page first: make page"
    opened = re.search(r"^  Open +(\S+)$", dev.printed, re.MULTILINE)
    assert opened is not None
    return opened[1]


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser that knows nothing yet. Nothing is waited for but what has to come."""
    context = browser.new_context(**{"viewport": WIDE, **options})
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    return context


def visit(dev: Dev, browser: Browser, **options: Any) -> Visitor:
    """A new user who has signed in."""
    context = new_context(browser, **options)
    visitor = Visitor(dev, context, context.new_page(), dev.users.create())
    visitor.open("/")
    visitor.sign_in()
    visitor.page.get_by_role("heading", name="Resume").wait_for()
    return visitor
