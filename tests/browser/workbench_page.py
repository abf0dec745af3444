"""The workbench as the tests use it: a person's hands on the page, and the server's view of the same image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, ViewportSize, expect
from pycocotools import mask as coco_mask

from launcher.os_processes import wait_until
from tests.live_product import LiveProduct
from tests.patience import LONG_MS, PATIENCE_S, drawn

WINDOW: ViewportSize = {"width": 1280, "height": 800}

# One dab of the square brush at its first size covers exactly this many pixels, at any zoom.
DAB = 24 * 24
# The same dab of the round brush.
CIRCLE = 448
# What a person holds is let go of.
EXPIRE = """
    UPDATE annotator_assignment SET state = 'expired'
    WHERE state = 'leased' AND annotator_id = (SELECT id FROM annotator_person WHERE name = %s)
    RETURNING id
"""


@dataclass
class Workbench:
    """A person's hands on the page, and the server's view of the same image."""

    page: Page
    product: LiveProduct
    project: str

    def open(self) -> None:
        self.page.goto(f"/projects/{self.project}/annotate")
        self.expect_open()

    def expect_open(self) -> None:
        """An image is there; on the way to it keys and clicks have nothing to act on."""
        expect(self.page.locator("#screen")).to_be_hidden(timeout=LONG_MS)

    def empty(self) -> None:
        """Put everything away, by the keys a person has."""
        self.press("s", "Escape", "Escape")  # the object in hand, then the choice in the list
        drawn(self.page)
        rows = self.page.locator(".mask-row")
        for left in reversed(range(rows.count())):
            rows.first.locator(".mask-choose").click()
            self.press("Delete")
            expect(rows).to_have_count(left)
        expect(self.can_accept).to_have_count(0)

    def wait_for_model(self) -> None:
        ready = self.page.locator(".bar-model[data-kind=ready]")
        expect(ready).to_have_count(1, timeout=LONG_MS)

    def place(self, across: float, down: float) -> tuple[float, float]:
        """A spot of the stage, as shares of its width and height."""
        box = self.page.locator("#stage").bounding_box()
        assert box is not None
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def over_pixel(self, x: float, y: float) -> tuple[float, float]:
        """The spot of the stage that shows a place of the image, as shares of the stage."""
        drawn(self.page)
        stage = self.page.locator("#stage")
        box, view = stage.bounding_box(), stage.get_attribute("data-view")
        assert box is not None and view is not None
        scale, left, top = (float(part) for part in view.split())
        return (left + x * scale) / box["width"], (top + y * scale) / box["height"]

    def click(self, across: float, down: float, **options: Any) -> None:
        self.page.mouse.move(*self.place(across, down))
        self.page.mouse.click(*self.place(across, down), **options)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*end), steps=6)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def square_brush(self) -> None:
        self.press("b", "q")

    def dab(self, across: float, down: float) -> None:
        """One dab of the brush, taken into the list."""
        self.click(across, down)
        self.press("Enter")

    @property
    def can_accept(self) -> Any:
        return self.page.locator("[data-command=accept]:enabled")

    def expect_sizes(self, *pixels: int) -> None:
        """The list shows masks of these sizes, in this order."""
        expect(self.page.locator(".mask-detail")).to_have_text([f"{size:,} px" for size in pixels])

    def expect_saved(self) -> None:
        """What was done until now is saved."""
        drawn(self.page)
        chip = self.page.locator(".bar-chip[data-kind=saved]")
        expect(chip).to_have_text("Saved")

    def image_name(self) -> str:
        return self.page.locator(".bar-image").inner_text()

    def assignment(self) -> dict[str, Any]:
        reply = self.product.session("annotator").post(
            f"/api/v1/projects/{self.project}/assignments/next", {"ahead": 3}
        )
        leases = [reply.json()["assignment"], *reply.json()["upcoming"]]
        shown = self.image_name()
        return next((lease for lease in leases if lease["image"]["name"] == shown), leases[0])

    def stored(self) -> list[dict[str, Any]]:
        """Masks of the image on the page that the server holds, in the order of the list."""
        return [mask for mask in self._kept() if not _is_in_hand(mask)]

    def stored_in_hand(self) -> list[dict[str, Any]]:
        """Drafts of objects in hand that the server holds for the image on the page."""
        return [mask for mask in self._kept() if _is_in_hand(mask)]

    def _kept(self) -> list[dict[str, Any]]:
        image = self.assignment()["image"]["id"]
        rows = self.product.session("annotator").get(f"/api/v1/images/{image}/masks").json()
        kept = [mask for mask in rows["masks"] if mask["state"] != "deleted"]
        return sorted(kept, key=lambda mask: mask["order_index"])

    def expect_stored(self, *pixels: int) -> None:
        wanted = list(pixels)
        arrived = wait_until(lambda: [mask["area"] for mask in self.stored()] == wanted, PATIENCE_S)
        assert arrived, f"the server holds {[mask['area'] for mask in self.stored()]}, not {wanted}"
        self.expect_saved()

    def forget_masks(self) -> None:
        """Delete what an earlier test left on the images this person holds, also what is still arriving."""
        self.product.wait_for(self._all_forgotten, PATIENCE_S, "the masks of an earlier test to go")

    def _all_forgotten(self) -> bool:
        session = self.product.session("annotator")
        path = f"/api/v1/projects/{self.project}/assignments/next"
        reply = session.post(path, {"ahead": 3}).json()
        statuses = []
        for lease in [reply["assignment"], *reply["upcoming"]]:
            masks = session.get(f"/api/v1/images/{lease['image']['id']}/masks").json()["masks"]
            for mask in masks:
                if mask["state"] != "deleted":
                    answer = session.request(
                        "DELETE",
                        f"/api/v1/masks/{mask['id']}",
                        {"save_id": str(uuid4())},
                        headers={"If-Match": f'"{mask["version"]}"'},
                    )
                    statuses.append(answer.status)
        return statuses == []


def _is_in_hand(mask: dict[str, Any]) -> bool:
    return bool(mask["prompts"]) and mask["prompts"][-1]["kind"] == "in_hand"


def pixels(mask: dict[str, Any]) -> NDArray[np.bool_]:
    """[height, width] of a stored mask."""
    decoded: NDArray[np.uint8] = coco_mask.decode(mask["rle"])
    return decoded.astype(bool)


def open_workbench(page: Page, product: LiveProduct) -> Workbench:
    projects = product.session("annotator").get("/api/v1/projects").json()["projects"]
    [project] = [one["id"] for one in projects if one["name"] == "Demo"]
    bench = Workbench(page=page, product=product, project=project)
    bench.forget_masks()
    bench.open()
    if bench.can_accept.count():  # what an earlier test's page sent when it was closed came late
        bench.empty()
    return bench


def watch_faults(page: Page) -> list[str]:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    return faults
