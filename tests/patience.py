"""How long tests wait, in one place: for what a busy machine needs, not for what an idle one takes."""

from __future__ import annotations

from playwright.sync_api import Page

# For what takes a moment on an idle machine: a program that starts, a page that draws, a save.
PATIENCE_S = 60.0
# For what takes seconds there: several processes that start, photographs that are embedded.
LONG_S = 240.0

LONG_MS = 1000 * LONG_S


def drawn(page: Page) -> None:
    """Wait until the page shows what the last act made of it.

    The state is drawn on the next animation frame, the canvas on the one after; until then the page still
    shows what was.
    """
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
