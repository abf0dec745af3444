"""A rating study from its beginning to its numbers, with the five views that raters see."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.projects import HEIGHT, WIDTH, accept_a_mask, ellipse, new_project, scene
from tests.live_product import LiveProduct

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
PIXEL = """(canvas, [x, y]) =>
    [...canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data].slice(0, 3)"""


def test_masks_are_drawn_rated_by_keys_and_counted(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project, manager = new_project(product), product.session("manager")
    annotator = product.session("annotator")
    for seed in (71, 72):
        files = {f"quay-{seed}.png": scene(seed)}
        assert manager.upload(f"/api/v1/projects/{project}/images", files).status == 201
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
