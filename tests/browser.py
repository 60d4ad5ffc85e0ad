"""Pages in Debian's Chromium, without a window: what a page logs, what it asks for, how it fits, who can use it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (390, 820, 1440)
"""Of a phone, a tablet and a desk, in CSS pixels."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # nothing leaves this machine
    "--use-fake-device-for-media-stream",  # a camera that shows a moving picture
    "--use-fake-ui-for-media-stream",
]

PAINTED = "document.fonts.ready.then(() => new Promise(done => requestAnimationFrame(() => setTimeout(done))))"

BEYOND = """() => [`window ${innerWidth}`, ...[...document.querySelectorAll("body *")]
  .filter((e) => !e.closest(".scroll, svg, .hidden") && e.getBoundingClientRect().right > innerWidth)
  .map((e) => `${e.tagName}.${e.className} ends at ${e.getBoundingClientRect().right}`).slice(0, 10)]"""


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser with a new and empty user folder; skips the test where Chromium or Playwright is not installed."""
    where = shutil.which("chromium") or shutil.which("chromium-browser")
    if where is None:
        pytest.skip("no chromium here: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=where, args=FLAGS)  # --headless, in a folder of its own
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page that is open, what it wrote on its console as an error, and what it asked for."""

    page: "Page"
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def overflow(self) -> int:
        """By how many pixels the page stays wider than its window: a busy machine may paint before all is in place."""
        left = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        for _ in range(20):
            if (pixels := int(self.page.evaluate(left))) <= 0:
                break
            self.page.wait_for_timeout(100)
        return pixels

    def beyond(self) -> list[str]:
        """What sticks out of the window and does not scroll by itself, with where it ends; first the window's width."""
        found: list[str] = self.page.evaluate(BEYOND)
        return found

    def violations(self, *tags: str) -> list[str]:
        """What axe-core finds against WCAG 2 A and AA (or these of its tags): the rule, and the elements."""
        from axe_playwright_python.sync_playwright import Axe

        wanted = list(tags or ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa"))
        found: Any = Axe().run(self.page, options={"runOnly": {"type": "tag", "values": wanted}}).response["violations"]
        return [f"{rule['id']}: {json.dumps([node['target'] for node in rule['nodes']][:5])}" for rule in found]


@contextmanager
def visit(browser: "Browser", url: str, width: int = 1440, height: int = 900, dark: bool = False) -> Iterator[Visit]:
    """Open a page in a window of its own, with no cookies nor cache."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", accept_downloads=True
    )
    seen = Visit(context.new_page())
    seen.page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    try:
        seen.page.goto(url)
        seen.page.evaluate(PAINTED)  # on a busy machine a page is loaded before it has its layout
        yield seen
    finally:
        context.close()
