"""People who have been here before: their browser does not start the tutorial."""

from __future__ import annotations

from playwright.sync_api import BrowserContext

from tests.live_product import LiveProduct


def make_returning(context: BrowserContext, product: LiveProduct, person: str) -> None:
    """The person has had the tutorial of the workbench in this browser."""
    known = product.session(person).get("/api/v1/me").json()["id"]
    context.add_init_script(
        f"localStorage.setItem('maskwright.tutorial.{known}', JSON.stringify({{ had: true }}))"
    )
