"""A list of many masks: only the rows in view are in the page, and every mask can still be reached."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from tests.browser.projects import (
    HEIGHT,
    WIDTH,
    accessibility_problems,
    new_project,
    put_mask,
    scene,
    take_an_image,
)
from tests.browser.workbench_page import WINDOW, watch_faults
from tests.live_product import LiveProduct
from tests.patience import LONG_MS, drawn

OpenPage = Callable[..., Page]

NUM_MASKS = 90
BUTTONS_IN_A_ROW = 4
# What of the list's view no row covers, and rows that lie over each other, in pixels; and how many rows there are.
GAPS = """() => {
  const view = document.querySelector('.mask-scroller').getBoundingClientRect();
  const rows = [...document.querySelectorAll('.mask-row')].map((row) => row.getBoundingClientRect());
  const seen = rows.filter((row) => row.bottom > view.top && row.top < view.bottom);
  const gaps = seen.slice(1).map((row, i) => Math.abs(row.top - seen[i].bottom));
  const edges = [seen[0].top - view.top, view.bottom - seen.at(-1).bottom];
  return [Math.max(...gaps, ...edges) < 1, rows.length];
}"""
FOCUSED = "() => document.activeElement.closest('.mask-row')?.getAttribute('aria-posinset')"


def test_of_many_masks_the_rows_in_view_are_in_the_page_and_keys_reach_all(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = project_with_masks(product)
    page = open_page("annotator", f"/projects/{project}/annotate", viewport=WINDOW)
    faults = watch_faults(page)
    expect(page.locator(".panel-count")).to_have_text(str(NUM_MASKS), timeout=LONG_MS)
    first = page.locator(".mask-row").first
    expect(first).to_have_attribute("aria-setsize", str(NUM_MASKS))
    expect(first.locator(".mask-title")).to_have_text("Mask 1")
    assert accessibility_problems(page) == []
    walks_by_tab(page)
    jumps_by_end_and_home(page)
    scrolls_without_gaps(page)
    page.get_by_label("Order of the list").select_option("Largest first")
    page.locator(".mask-scroller").evaluate("scroller => scroller.scrollTo(0, 0)")
    expect(first.locator(".mask-title")).to_have_text(f"Mask {NUM_MASKS}")
    keeps_the_row_that_has_the_focus(page)
    assert faults == []


def project_with_masks(product: LiveProduct) -> str:
    project = new_project(product)
    manager = product.session("manager")
    assert (
        manager.upload(f"/api/v1/projects/{project}/images", {"quay.png": scene(110)}).status == 201
    )
    assignment = take_an_image(product, project)
    for number in range(NUM_MASKS):
        put_mask(product, assignment, tile(number), order_index=number)
    return project


def tile(number: int) -> NDArray[np.bool_]:
    """A small rectangle of its own; the last one is the largest."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    top, left = 12 * (number // 12), 14 * (number % 12)
    mask[top : top + (11 if number == NUM_MASKS - 1 else 7), left : left + 9] = True
    return mask


def walks_by_tab(page: Page) -> None:
    """Tab goes from row to row without end, though most rows are not there when it begins."""
    page.locator(".mask-choose").first.focus()
    for index in range(2, 22):
        for _ in range(BUTTONS_IN_A_ROW):
            page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == str(index)
        drawn(page)


def jumps_by_end_and_home(page: Page) -> None:
    page.locator(".mask-row:focus-within .mask-choose").focus()
    page.keyboard.press("End")
    last = page.locator(f".mask-choose[aria-label^='Mask {NUM_MASKS},']")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport(ratio=0.9)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(FOCUSED) == str(NUM_MASKS - 1)
    page.keyboard.press("Home")
    expect(page.locator(".mask-choose[aria-label^='Mask 1,']")).to_be_focused()


def scrolls_without_gaps(page: Page) -> None:
    page.locator(".mask-scroller").hover()
    for _ in range(6):
        page.mouse.wheel(0, 430)
        drawn(page)
        is_full, num_rows = page.evaluate(GAPS)
        assert is_full
        assert num_rows < NUM_MASKS / 2


def keeps_the_row_that_has_the_focus(page: Page) -> None:
    """Whoever scrolls with the wheel does not lose the place of the keyboard."""
    page.locator(".mask-choose").first.focus()
    page.locator(".mask-scroller").hover()
    page.mouse.wheel(0, 2600)
    expect(page.locator(".mask-row[aria-posinset='60']")).to_be_attached()
    assert page.evaluate(FOCUSED) == "1"
