"""My recent images, from the workbench and from the projects page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.projects import accessibility_problems
from tests.browser.workbench_page import DAB, WINDOW, Workbench

OpenPage = Callable[..., Page]


def test_an_image_that_was_handed_in_is_found_again_and_taken_back(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.5, 0.4)
    painting.expect_stored(DAB)
    first = painting.image_name()
    painting.press("Control+Enter")
    expect(painting.page.locator(".bar-image")).not_to_have_text(first)
    painting.expect_open()
    painting.page.reload()
    painting.expect_open()
    painting.press("m")
    dialog = painting.page.locator("#recent")
    row = dialog.get_by_role("button").filter(has_text=first)
    expect(row).to_contain_text("Submitted · 1 mask")
    expect(dialog.locator(".recent-list button").first).to_be_focused()
    row.click()
    expect(painting.page.locator(".bar-image")).to_have_text(first)
    painting.expect_open()
    painting.expect_sizes(DAB)
    locked = painting.page.locator("#locked")
    expect(locked).to_contain_text("You have submitted this image")
    locked.get_by_role("button", name="Take it back").click()
    expect(locked).to_be_hidden()
    painting.press("Control+k")
    painting.page.get_by_role("combobox", name="Command").fill("recent")
    painting.press("Enter")
    expect(dialog.get_by_role("button").filter(has_text=first)).to_contain_text("Yours now")
    painting.press("Escape")
    painting.page.goto("/")
    painting.page.get_by_role("link", name=first).click()
    painting.expect_open()
    expect(painting.page.locator(".bar-image")).to_have_text(first)
    assert "assignment" not in painting.page.url
    painting.empty()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_is_accessible_and_fits_a_small_window(
    painting: Workbench, open_page: OpenPage, scheme: str
) -> None:
    page = painting.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for width in (WINDOW["width"], 800, 360):
        page.set_viewport_size({"width": width, "height": 700})
        painting.press("m")
        expect(page.locator(".recent-list li").first).to_be_visible()
        assert accessibility_problems(page) == []
        box = page.locator("#recent").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
        painting.press("Escape")
