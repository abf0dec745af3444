"""`python -m docs.images.take LINK [PROJECT]`: takes the pictures that docs/workbench.md and docs/managers.md show.

Without PROJECT those of the workbench. LINK is then a new sign-in link of the demo's annotator
(`python3 run.py link annotator`), best of a product that was started for this: the first photograph of the demo must be
as it was, and the annotator's masks on it are deleted.

With the name of a project those of its managers' pages; LINK is one of a manager. Several people have masked the same
photographs there (docs/simulation.md, with agreement on), and a part was reviewed. Nothing is changed but one rating
study that is begun. A second project, NUCLEI, is what its statistics are compared with.
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
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    StorageState,
    expect,
    sync_playwright,
)

from launcher.chromium import find_chromium

HERE = Path(__file__).parent
PATIENCE_MS = 300_000
DESKTOP = {"width": 1280, "height": 800}
TABLET = {"width": 820, "height": 1180}
NARROW = {"width": 800, "height": 1000}
NUCLEI = "Nuclei"
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
        seen = self._seen()
        seen.quantize(256).save(HERE / f"{name}.png", optimize=True)  # a third of the bytes
        print(name)

    def shot_of_photographs(self, name: str) -> None:
        """The same where many colours are seen."""
        self._seen().save(HERE / f"{name}.jpg", quality=88, subsampling=0, optimize=True)
        print(name)

    def _seen(self) -> Image.Image:
        self.page.wait_for_timeout(600)
        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")


@contextmanager
def hand(browser: Browser, url: str, person: StorageState, **options: Any) -> Iterator[Hand]:
    """The annotator in a browser of its own."""
    context = browser.new_context(
        base_url=url, storage_state=person, reduced_motion="reduce", **options
    )
    context.set_default_timeout(PATIENCE_MS)
    yield Hand(context.new_page())
    context.close()


def main(link: str, project: str = "") -> None:
    """Signs in and takes the pictures of the workbench, or of the managers' pages of a project."""
    parts = urlsplit(link)
    url = f"{parts.scheme}://{parts.netloc}"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        newcomer, person, projects = sign_in(browser, url, link)
        if project:
            managers(browser, url, person, projects[project], projects[NUCLEI])
        else:
            workbench(browser, url, newcomer, person, projects["Demo"])
        browser.close()


def workbench(
    browser: Browser, url: str, newcomer: StorageState, person: StorageState, project: str
) -> None:
    """Takes the pictures and leaves the image empty."""
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


def managers(browser: Browser, url: str, person: StorageState, project: str, other: str) -> None:
    """Takes the pictures of a project's pages."""
    at = f"/projects/{project}"
    with hand(browser, url, person, viewport=DESKTOP, color_scheme="light") as someone:
        images(someone, at)
        quality(someone, at)
        statistics(someone, f"{at}/statistics?with=project:{other}")
    with hand(browser, url, person, viewport=DESKTOP, color_scheme="dark") as someone:
        review(someone, at)
    with hand(browser, url, person, viewport=NARROW, color_scheme="light") as someone:
        rating(someone, at)


def sign_in(
    browser: Browser, url: str, link: str
) -> tuple[StorageState, StorageState, dict[str, str]]:
    """The person as a newcomer and as one who has had the tutorial, and their projects' ids by name."""
    context: BrowserContext = browser.new_context(base_url=url)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(link)
    password = secrets.token_urlsafe(24)
    for field in page.locator("input[type=password]").all():
        field.fill(password)
    page.locator("form button").first.click()
    page.wait_for_url(lambda address: "/link/" not in address)
    listed = context.request.get("/api/v1/projects").json()["projects"]
    projects = {one["name"]: one["id"] for one in listed}
    me = context.request.get("/api/v1/me").json()["id"]
    newcomer = context.storage_state()
    context.close()
    had = {"name": f"maskwright.tutorial.{me}", "value": '{"had": true}'}
    known = {**newcomer, "origins": [{"origin": url, "localStorage": [had]}]}
    return newcomer, known, projects


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


def images(someone: Hand, at: str) -> None:
    someone.page.set_viewport_size({**DESKTOP, "height": 1150})  # three rows
    someone.page.goto(f"{at}/images")
    listed = someone.page.request.get(f"/api/v1{at}/images").json()["images"]
    with_masks = sum(one["num_masks"] > 0 for one in listed)
    expect(someone.page.locator("#grid canvas:not([width='0'])")).to_have_count(with_masks)
    someone.shot_of_photographs("managers-images")


def review(someone: Hand, at: str) -> None:
    someone.page.goto(f"{at}/review")
    expect(someone.page.locator("#deciding")).to_be_visible()
    someone.press("r")
    expect(someone.page.locator("#rejecting")).to_be_visible()
    someone.shot_of_photographs("managers-review")
    someone.press("Escape")


def quality(someone: Hand, at: str) -> None:
    someone.page.set_viewport_size({**DESKTOP, "height": 1220})  # down to the picture of all people
    someone.page.goto(f"{at}/quality")
    someone.shot("managers-quality")
    someone.page.set_viewport_size(DESKTOP)
    # Below the bar that stays at the top.
    someone.page.locator("[aria-labelledby=agreement-heading]").evaluate(
        "part => { part.style.scrollMarginTop = '76px'; part.scrollIntoView(); }"
    )
    someone.shot("managers-agreement")


def statistics(someone: Hand, address: str) -> None:
    someone.page.goto(address)
    someone.shot("managers-statistics")


def rating(someone: Hand, at: str) -> None:
    someone.page.goto(f"{at}/quality")
    someone.page.get_by_role("button", name="Draw and begin").last.click()
    someone.page.get_by_role("link", name="Rate masks myself").click()
    expect(someone.page.locator("#rating[aria-busy=true]")).to_have_count(0)
    someone.shot_of_photographs("managers-rating")


if __name__ == "__main__":
    main(*sys.argv[1:])
