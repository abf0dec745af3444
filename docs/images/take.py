"""`python -m docs.images.take LINK`: takes the pictures of the workbench that docs/workbench.md shows.

LINK is a new sign-in link of the demo's annotator (`python3 run.py link annotator`), best of a product that was started
for this: the first photograph of the demo must be as it was, and the annotator's masks on it are deleted.
"""

from __future__ import annotations

import io
import secrets
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect, sync_playwright

from launcher.chromium import find_chromium

HERE = Path(__file__).parent
PATIENCE_MS = 300_000
DESKTOP = {"width": 1280, "height": 800}
TABLET = {"width": 820, "height": 1180}
# Places of the first photograph, in image pixels.
FACE, SUIT, PATCH, SHUTTLE = (215, 60), (215, 300), (171, 386), (395, 150)
HELMET = (272, 336), (511, 511)


class Hand:
    """A person at the page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, project: str) -> None:
        self.page.goto(f"/projects/{project}/annotate")
        expect(self.page.locator("#screen")).to_be_hidden()
        expect(self.page.locator(".bar-model[data-kind=ready]")).to_have_count(1)

    def place(self, spot: tuple[int, int]) -> tuple[float, float]:
        """Where a pixel of the image is in the window."""
        stage = self.page.locator("#stage")
        box, view = stage.bounding_box(), stage.get_attribute("data-view")
        assert box is not None and view is not None
        scale, left, top = (float(part) for part in view.split())
        return box["x"] + left + spot[0] * scale, box["y"] + top + spot[1] * scale

    def click(self, spot: tuple[int, int]) -> None:
        self.page.mouse.move(*self.place(spot))
        self.page.mouse.click(*self.place(spot))
        self.page.wait_for_function(
            "!document.querySelector('.dock-hint').textContent.startsWith('Finding')"
        )

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        self.page.mouse.move(*self.place(start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(end), steps=8)
        self.page.mouse.up()

    def accept(self) -> None:
        rows = self.page.locator(".mask-row").count()
        self.press("Enter")
        expect(self.page.locator(".mask-row")).to_have_count(rows + 1)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def saved(self) -> None:
        expect(self.page.locator(".bar-chip[data-kind=saved]")).to_have_text("Saved")

    def empty(self) -> None:
        """Everything is put away."""
        self.press("s", "Escape", "Escape")
        rows = self.page.locator(".mask-row")
        for left in reversed(range(rows.count())):
            rows.first.get_by_role("button", name="Delete").click()
            expect(rows).to_have_count(left)
        self.saved()

    def shot(self, name: str) -> None:
        """The page as it is after what moves has come to rest."""
        self.page.wait_for_timeout(600)
        seen = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        seen.quantize(256).save(HERE / f"{name}.png", optimize=True)  # a third of the bytes
        print(name)


@contextmanager
def hand(browser: Browser, url: str, person: StorageState, **options: Any) -> Iterator[Hand]:
    """The annotator in a browser of its own."""
    context = browser.new_context(
        base_url=url, storage_state=person, reduced_motion="reduce", **options
    )
    context.set_default_timeout(PATIENCE_MS)
    yield Hand(context.new_page())
    context.close()


def main(link: str) -> None:
    """Signs in, takes all pictures, and leaves the image empty."""
    parts = urlsplit(link)
    url = f"{parts.scheme}://{parts.netloc}"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        newcomer, person, project = sign_in(browser, url, link)
        light = {"viewport": DESKTOP, "color_scheme": "light"}
        with hand(browser, url, person, **light) as someone:
            someone.open(project)
            someone.empty()
        with hand(browser, url, newcomer, **light) as someone:
            tutorial(someone, project)
        with hand(browser, url, person, **light) as someone:
            candidates(someone, project)
            shortcuts(someone)
            offline(someone)
            conflict(someone)
        with hand(browser, url, person, viewport=DESKTOP, color_scheme="dark") as someone:
            dark(someone, project)
        touch = {"has_touch": True, "is_mobile": True, "viewport": TABLET}
        with hand(browser, url, person, color_scheme="light", **touch) as someone:
            tablet(someone, project)
        with hand(browser, url, person, **light) as someone:
            nothing_left(someone, project)
        browser.close()


def sign_in(browser: Browser, url: str, link: str) -> tuple[StorageState, StorageState, str]:
    """The annotator as a newcomer and as one who has had the tutorial, and the demo project's id."""
    context: BrowserContext = browser.new_context(base_url=url)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(link)
    password = secrets.token_urlsafe(24)
    for field in page.locator("input[type=password]").all():
        field.fill(password)
    page.locator("form button").first.click()
    page.wait_for_url(lambda address: "/link/" not in address)
    projects = context.request.get("/api/v1/projects").json()["projects"]
    [project] = [one["id"] for one in projects if one["name"] == "Demo"]
    me = context.request.get("/api/v1/me").json()["id"]
    newcomer = context.storage_state()
    context.close()
    had = {"name": f"maskwright.tutorial.{me}", "value": '{"had": true}'}
    known = {**newcomer, "origins": [{"origin": url, "localStorage": [had]}]}
    return newcomer, known, project


def tutorial(someone: Hand, project: str) -> None:
    someone.open(project)
    expect(someone.page.locator("#tutorial")).to_be_visible()
    someone.page.mouse.move(*someone.place(FACE))
    someone.shot("workbench-tutorial")


def candidates(someone: Hand, project: str) -> None:
    someone.open(project)
    someone.click(FACE)
    expect(someone.page.locator(".candidate")).to_have_count(3)
    someone.shot("workbench")
    someone.press("Enter")
    someone.saved()


def shortcuts(someone: Hand) -> None:
    someone.press("?")
    expect(someone.page.locator("#keys")).to_be_visible()
    someone.shot("workbench-keys")
    someone.press("Escape")


def offline(someone: Hand) -> None:
    someone.page.context.set_offline(True)
    someone.click(SHUTTLE)
    someone.accept()
    someone.drag(*HELMET)
    someone.accept()
    expect(someone.page.locator(".bar-chip")).to_contain_text("on this device")
    someone.page.locator(".bar-chip").click()
    someone.shot("workbench-offline")
    someone.press("Escape")
    someone.page.context.set_offline(False)
    someone.saved()


def conflict(someone: Hand) -> None:
    """The same person changes a mask elsewhere, then here."""
    change_elsewhere(someone.page)
    someone.page.get_by_role("button", name="Open again to refine").first.click()
    someone.press("b")
    someone.click(SUIT)
    someone.press("Enter", "s")
    expect(someone.page.locator(".bar-chip")).to_have_text("Needs attention")
    someone.page.locator(".bar-chip").click()
    someone.shot("workbench-conflict")
    someone.page.get_by_role("button", name="Take the server's").click()
    someone.press("Escape")
    someone.saved()


def change_elsewhere(page: Page) -> None:
    """The first mask is saved again under a new version, as another browser would do it."""
    request = page.context.request
    project = urlsplit(page.url).path.split("/")[2]
    [token] = [one["value"] for one in page.context.cookies() if one["name"].endswith("csrftoken")]
    headers = {"X-CSRFToken": token, "Referer": page.url}
    asked = request.post(
        f"/api/v1/projects/{project}/assignments/next", data={"ahead": 0}, headers=headers
    )
    lease = asked.json()["assignment"]
    image = lease["image"]["id"]
    masks = request.get(f"/api/v1/images/{image}/masks").json()["masks"]
    kept = sorted(
        (one for one in masks if one["state"] == "accepted"), key=lambda one: one["order_index"]
    )
    same = {name: kept[0][name] for name in ("state", "rle", "order_index", "prompts", "given_up")}
    body = {"save_id": str(uuid.uuid4()), "image": image, "assignment": lease["id"], **same}
    path, version = f"/api/v1/masks/{kept[0]['id']}", f'"{kept[0]["version"]}"'
    saved = request.put(path, data=body, headers={**headers, "If-Match": version})
    if not saved.ok:
        raise ValueError(f"{saved.status}: {saved.text()[:300]}")


def dark(someone: Hand, project: str) -> None:
    someone.open(project)
    someone.page.get_by_role("button", name="Open again to refine").first.click()
    someone.click(SUIT)
    expect(someone.page.locator(".candidate")).to_have_count(2)
    someone.shot("workbench-dark")
    someone.press("Escape")
    someone.saved()


def tablet(someone: Hand, project: str) -> None:
    someone.open(project)
    someone.page.touchscreen.tap(*someone.place(PATCH))
    expect(someone.page.locator(".candidate")).to_have_count(3)
    someone.shot("workbench-tablet")
    someone.press("Escape")


def nothing_left(someone: Hand, project: str) -> None:
    """What comes when the last image was handed in; the answer that says so is ours."""
    someone.open(project)
    someone.empty()
    someone.page.route("**/assignments/next", lambda route: route.fulfill(status=204))
    someone.page.reload()
    expect(someone.page.locator("#screen")).to_be_visible()
    expect(someone.page.locator("#screen[data-kind=opening]")).to_have_count(0)
    someone.shot("workbench-empty")


if __name__ == "__main__":
    main(sys.argv[1])
