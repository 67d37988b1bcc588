"""A whole stack with the page, and a real browser."""

import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.local.dev_process import Dev, free_ports, start_dev
from tests.page.chromium import MISSING, find_chromium
from tests.page.visitor import Visitor, visit
from tests.patience import PATIENCE_SECONDS

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A running `make dev`."""
    dev = start_dev(tmp_path_factory.mktemp("page") / "data", free_ports())
    try:
        yield dev.running()
    finally:
        assert dev.stop(signal.SIGINT) == 0, dev.printed


# For a module only: while it runs, the main thread's event loop is Playwright's, and other tests need theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    program = find_chromium()
    if program is None:
        pytest.fail(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture
def arrive(dev: Dev, browser: Browser) -> Iterator[Callable[[], Visitor]]:
    """Lets another new user sign in, in a browser that shares nothing with the others."""
    visitors: list[Visitor] = []

    def arrive() -> Visitor:
        visitors.append(visit(dev, browser))
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.context.close()


@pytest.fixture
def visitor(arrive: Callable[[], Visitor]) -> Visitor:
    """A new user who has signed in."""
    return arrive()
