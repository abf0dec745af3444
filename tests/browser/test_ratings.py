"""A rating study from its beginning to its numbers, with the five views that raters see."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.projects import HEIGHT, WIDTH, accept_a_mask, ellipse, new_project, scene, upload
from tests.live_product import LiveProduct

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
PIXEL = """(canvas, [x, y]) =>
    [...canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data].slice(0, 3)"""

HAS_BLUE = """(canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4)
        if (data[at] === 0x1f && data[at + 1] === 0x6f && data[at + 2] === 0xe0) return true;
    return false;
}"""
DARK = (30, 20, 60)  # the scene's ellipse, but for its noise
RED = (230, 30, 40, 140)


def the_five_views(page: Page, inside: list[float]) -> None:
    """As in the paper: image, mask over it in red, mask alone, and two of the object near; the dot is what is meant."""
    names = ["Picture", "Mask over it", "Mask alone", "Object, near", "Mask over it, near"]
    expect(page.locator("#views figcaption")).to_have_text(names)
    whole, over, _, near, near_over = (
        page.get_by_role("img", name=name, exact=True) for name in names
    )
    plain = whole.evaluate(PIXEL, inside)
    assert max(abs(a - b) for a, b in zip(plain, DARK, strict=True)) < 12
    red = over.evaluate(PIXEL, inside)
    wanted = [a + (b - a) * RED[3] / 255 for a, b in zip(plain, RED[:3], strict=True)]
    assert max(abs(a - b) for a, b in zip(red, wanted, strict=True)) <= 3
    outside = [0.95, 0.95]
    assert whole.evaluate(PIXEL, outside) == over.evaluate(PIXEL, outside)
    rows, columns = ellipse().nonzero()
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    margin = 0.25 * (box[2] - box[0])
    sides = (
        min(WIDTH, box[2] + margin) - max(0, box[0] - margin),
        min(HEIGHT, box[3] + margin) - max(0, box[1] - margin),
    )
    for canvas in (near, near_over):
        shown = canvas.evaluate("canvas => canvas.width / canvas.height")
        assert shown == pytest.approx(sides[0] / sides[1], abs=0.01), "the object and its margin"
    dots = [view.evaluate(HAS_BLUE) for view in (whole, over, near, near_over)]
    assert dots == [True] * 4


def test_masks_are_drawn_rated_by_keys_and_counted(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    annotator = product.session("annotator")
    for seed in (71, 72):
        files = {f"quay-{seed}.png": scene(seed)}
        upload(product, project, files)
        taken = accept_a_mask(product, project)
        assert annotator.post(f"/api/v1/assignments/{taken['id']}/submit", {}).status == 200

    page = open_page("manager", f"/projects/{project}/quality")
    page.get_by_label("Masks of each kind").fill("5")
    page.locator("form", has_text="Begin a study").get_by_role("button").click()
    url = page.get_by_label("For raters").input_value()

    rater = open_page("annotator", "/")
    rater.locator(f'a[href="{urlsplit(url).path}"]').click()
    expect(rater).to_have_url(url)
    progress, buttons = rater.locator("#progress"), rater.locator(".rating-button")
    expect(progress).to_have_text("0 of 2")
    expect(buttons.first).to_be_enabled()
    alone = rater.get_by_role("img", name="Mask alone")
    rows, columns = ellipse().nonzero()
    inside = [(columns[0] + 0.5) / WIDTH, (rows[0] + 0.5) / HEIGHT]
    assert alone.evaluate(PIXEL, inside) == [253, 231, 37]
    assert alone.evaluate(PIXEL, [0.95, 0.95]) == [68, 1, 84]
    the_five_views(rater, inside)
    rater.get_by_role("button", name="Mask over it, near, large").click()
    expect(rater.locator("#large")).to_be_visible()
    assert rater.locator("#large").evaluate("it => it.scrollWidth <= it.clientWidth")
    rater.keyboard.press("7")
    rater.keyboard.press("Escape")
    expect(progress).to_have_text("0 of 2")

    rater.keyboard.press("7")
    expect(progress).to_have_text("1 of 2")
    expect(buttons.first).to_be_enabled()
    rater.keyboard.press("Backspace")
    expect(rater.locator("#back")).to_be_disabled()
    expect(buttons.first).to_be_enabled()
    buttons.nth(7).click()
    expect(rater.locator("#back")).to_be_enabled()
    rater.keyboard.press("0")
    expect(rater.get_by_role("heading", name="That was the last one")).to_be_visible()
    expect(progress).to_have_text("2 of 2")

    page.reload()
    line = page.get_by_role("row", name=re.compile("made here"))
    expect(line).to_contain_text("9.00")
    expect(line.get_by_role("cell").last).to_have_text("1")
