"""Zoomed in on small things of a large picture: the model looks at the part that is shown, and sees them."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from benchmarks.small_objects.scene import Thing, scene
from common.metrics import iou
from launcher.os_processes import wait_until
from tests.browser.projects import accessibility_problems, new_project, take_an_image
from tests.browser.workbench_page import WINDOW, Workbench, pixels, watch_faults
from tests.live_product import LiveProduct
from tests.patience import LONG_MS, PATIENCE_S, drawn

OpenPage = Callable[..., Page]

WIDTH, HEIGHT = 3000, 2000
LEFT, TOP, PART_WIDTH, PART_HEIGHT = 1700, 600, 420, 300  # where the small things lie
DECODES = """
    SELECT detail FROM annotator_interaction WHERE kind = 'decode' AND assignment_id = %s ORDER BY at_ms
"""


def picture() -> tuple[bytes, list[Thing]]:
    """A JPEG with five things of some 24 px close to each other, and these."""
    part = (LEFT, TOP, LEFT + PART_WIDTH, TOP + PART_HEIGHT)
    pixels, things = scene(WIDTH, HEIGHT, diameter=24, count=5, seed=9, within=part)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=92)
    return out.getvalue(), things


def middle(thing: Thing) -> tuple[int, int]:
    """A pixel of the thing near its middle."""
    rows, columns = np.nonzero(thing.mask)
    nearest = int(np.argmin(np.hypot(rows - rows.mean(), columns - columns.mean())))
    return thing.left + int(columns[nearest]), thing.top + int(rows[nearest])


def whole(thing: Thing) -> NDArray[np.bool_]:
    """Its mask [HEIGHT, WIDTH]."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    height, width = thing.mask.shape
    mask[thing.top : thing.top + height, thing.left : thing.left + width] = thing.mask
    return mask


def decodes(product: LiveProduct, assignment: str, number: int) -> list[dict[str, Any]]:
    """What the log has of so many decodes; it comes in batches, later than the masks."""

    def logged() -> list[dict[str, Any]]:
        return [row[0] for row in product.ask(DECODES, assignment)]

    assert wait_until(lambda: len(logged()) == number, PATIENCE_S), logged()
    return logged()


def click_pixel(bench: Workbench, x: float, y: float, **options: Any) -> None:
    bench.click(*bench.over_pixel(x + 0.5, y + 0.5), **options)


def mask_each(bench: Workbench, things: list[Thing]) -> list[float]:
    """IoU of a mask of one click on each thing."""
    for number, thing in enumerate(things, 1):
        click_pixel(bench, *middle(thing))
        bench.press("Enter")
        expect(bench.page.locator(".mask-row")).to_have_count(number)
    arrived = wait_until(lambda: len(masks_of(bench)) == len(things), PATIENCE_S)
    assert arrived, "not all masks reached the server"
    return [
        iou(pixels(mask), whole(thing)) for mask, thing in zip(masks_of(bench), things, strict=True)
    ]


def masks_of(bench: Workbench) -> list[dict[str, Any]]:
    return [mask for mask in bench.stored() if mask["state"] == "accepted"]


def zoom(bench: Workbench, factor: float, x: float, y: float) -> None:
    """By the wheel, at a pixel of the image."""
    turns = math.ceil(abs(math.log(factor)) / 0.48)
    delta = -1000 * math.log(factor) / turns / 2
    bench.page.mouse.move(*bench.place(*bench.over_pixel(x, y)))
    for _ in range(turns):
        bench.page.mouse.wheel(0, delta)
    drawn(bench.page)


def badge(bench: Workbench) -> Locator:
    return bench.page.locator("#crop")


def test_small_things_are_masked_in_a_crop_of_what_is_shown(
    product: LiveProduct, open_page: OpenPage
) -> None:
    content, things = picture()
    project = new_project(product)
    path = f"/api/v1/projects/{project}/images"
    assert product.session("manager").upload(path, {"field.jpg": content}).status == 201
    assignment = take_an_image(product, project)
    page = open_page("annotator", "/", viewport=WINDOW)
    faults = watch_faults(page)
    bench = Workbench(page=page, product=product, project=project)
    bench.open()
    bench.wait_for_model()

    expect(badge(bench)).to_be_hidden()
    without = mean(mask_each(bench, things))
    bench.empty()

    zoom(bench, 6.5, LEFT + PART_WIDTH / 2, TOP + PART_HEIGHT / 2)
    expect(badge(bench)).to_be_visible(timeout=LONG_MS)
    expect(badge(bench)).to_have_text("Zoomed model view")
    assert accessibility_problems(page) == []
    ious = mask_each(bench, things)
    assert mean(ious) > 0.6 and mean(ious) > without + 0.3, (ious, without)
    crops = {tuple(mask["prompts"][0]["crop"]) for mask in masks_of(bench)}
    [crop] = crops
    assert crop[0] <= LEFT and crop[2] >= LEFT + PART_WIDTH and crop[2] - crop[0] == 750
    details = decodes(product, assignment["id"], 2 * len(things))
    told = [detail.get("crop") for detail in details[-len(things) :]]
    assert told == [list(crop)] * len(things)
    assert all("crop" not in detail for detail in details[: len(things)])
    bench.empty()

    goes_on_after_zooming_out(bench, things[0])
    is_switched_off_and_stays_off(bench, things)
    assert faults == []


def goes_on_after_zooming_out(bench: Workbench, thing: Thing) -> None:
    """An object begun in the crop stays in it; a click outside of the crop asks the whole image."""
    x, y = middle(thing)
    click_pixel(bench, x, y)
    expect(bench.can_accept).to_be_visible()
    bench.press("Control+0")
    click_pixel(bench, x + 40, y, button="right")
    bench.press("Enter")
    expect(bench.page.locator(".mask-row")).to_have_count(1)
    bench.expect_saved()
    [mask] = masks_of(bench)
    assert [bool(step.get("crop")) for step in mask["prompts"]] == [True, True]
    assert iou(pixels(mask), whole(thing)) > 0.5
    expect(badge(bench)).to_be_hidden()
    bench.empty()

    zoom(bench, 6.5, LEFT + PART_WIDTH / 2, TOP + PART_HEIGHT / 2)
    expect(badge(bench)).to_be_visible()
    click_pixel(bench, x, y)
    expect(bench.can_accept).to_be_visible()
    bench.press("Control+0")
    click_pixel(bench, 300, 300, button="right")
    bench.press("Enter")
    expect(bench.page.locator(".mask-row")).to_have_count(1)
    bench.expect_saved()
    [mask] = masks_of(bench)
    assert [bool(step.get("crop")) for step in mask["prompts"]] == [True, False]
    bench.empty()


def is_switched_off_and_stays_off(bench: Workbench, things: list[Thing]) -> None:
    """Then nothing is asked for; and where asking fails, clicks are answered as ever."""
    page = bench.page
    zoom(bench, 6.5, LEFT + PART_WIDTH / 2, TOP + PART_HEIGHT / 2)
    badge(bench).click()
    expect(badge(bench)).to_have_text("Zoomed model view off")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/crops") else None)
    bench.open()
    bench.wait_for_model()
    zoom(bench, 6.5, LEFT + PART_WIDTH / 2, TOP + PART_HEIGHT / 2)
    expect(badge(bench)).to_be_visible()
    expect(badge(bench)).to_have_text("Zoomed model view off")
    click_pixel(bench, *middle(things[0]))
    expect(bench.can_accept).to_be_visible()
    bench.press("Escape")
    assert asked == []

    page.context.route("**/crops", lambda route: route.abort())
    badge(bench).click()
    expect(badge(bench)).to_be_hidden()
    click_pixel(bench, *middle(things[1]))
    bench.press("Enter")
    expect(page.locator(".mask-row")).to_have_count(1)
    bench.expect_saved()
    assert asked != []
    assert "crop" not in masks_of(bench)[0]["prompts"][0]
