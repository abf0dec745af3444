"""Painting beyond the brush: lasso, clean-up with preview, and masks that may not overlap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

from tests.browser.projects import accessibility_problems
from tests.browser.workbench_page import DAB, Workbench, pixels
from tests.live_product import LiveProduct

SMALL = 10  # px, the side of a hole or a speck


def inside(outline: list[list[float]], height: int, width: int) -> NDArray[np.bool_]:
    """[height, width]: pixel centres with an odd number of the outline's sides to their left."""
    odd = np.zeros((height, width), dtype=bool)
    x = np.arange(width) + 0.5
    for (x0, y0), (x1, y1) in zip(outline, [*outline[1:], outline[0]], strict=True):
        for row in range(height):
            y = row + 0.5
            if (y0 <= y) != (y1 <= y):
                odd[row] ^= x >= x0 + (y - y0) / (y1 - y0) * (x1 - x0)
    return odd


def draw_around(bench: Workbench, *corners: tuple[float, float]) -> None:
    bench.page.mouse.move(*bench.place(*corners[0]))
    bench.page.mouse.down()
    for corner in corners[1:]:
        bench.page.mouse.move(*bench.place(*corner), steps=3)
    bench.page.mouse.up()


def test_a_lasso_takes_what_is_inside_its_outline_to_the_pixel(painting: Workbench) -> None:
    painting.press("f")
    draw_around(painting, (0.4, 0.35), (0.6, 0.3), (0.62, 0.55), (0.48, 0.7))
    painting.page.keyboard.down("Alt")
    draw_around(painting, (0.45, 0.4), (0.52, 0.42), (0.5, 0.5))
    painting.page.keyboard.up("Alt")
    painting.press("Enter")
    expect(painting.page.locator(".mask-row")).to_have_count(1)
    painting.expect_saved()
    [mask] = painting.stored()
    added, removed = mask["prompts"]
    assert [added["shape"], added["mode"], removed["mode"]] == ["lasso", "brush", "eraser"]
    seen = pixels(mask)
    wanted = inside(added["points"], *seen.shape) & ~inside(removed["points"], *seen.shape)
    assert wanted.any()
    assert np.array_equal(seen, wanted)
    painting.press("Control+z", "Control+z")
    expect(painting.page.locator("[data-command=undo]")).to_have_attribute(
        "title", "Undo: Lasso (Ctrl Z)"
    )


def test_a_click_with_the_lasso_changes_nothing(painting: Workbench) -> None:
    painting.press("f")
    painting.click(0.5, 0.4)
    expect(painting.page.locator("[data-command=undo]")).to_be_disabled()


def make_brush_small(bench: Workbench) -> None:
    """From the first size, 24 px, to SMALL."""
    for size in (22, 20, 18, 16, 14, 13, 12, 11, SMALL):
        bench.press("[")
        expect(bench.page.locator(".brush-number")).to_have_text(f"{size} px")


def hole_and_speck(bench: Workbench) -> Locator:
    """A square with a hole, and a speck beside it; the clean-up is offered."""
    bench.square_brush()
    bench.click(0.5, 0.4)
    make_brush_small(bench)
    bench.click(0.6, 0.4)
    bench.press("e")
    bench.click(0.5, 0.4)
    bench.press("c")
    return bench.page.locator("#clean-up")


def test_clean_up_shows_what_it_would_do_before_it_does_it(painting: Workbench) -> None:
    bar = hole_and_speck(painting)
    expect(bar).to_contain_text("There are no holes or specks as small as this")
    expect(bar.get_by_role("button", name="Clean up")).to_be_disabled()
    painting.press("]")
    expect(bar).to_contain_text("This fills 100 px of holes and drops 100 px of specks")
    painting.press("Escape")
    expect(bar).to_be_hidden()
    painting.press("Enter")
    painting.expect_stored(DAB)
    [kept] = painting.stored()
    assert {step["kind"] for step in kept["prompts"]} == {"stroke"}


def test_clean_up_fills_holes_drops_specks_and_is_one_step_back(painting: Workbench) -> None:
    bar = hole_and_speck(painting)
    bar.get_by_label("Smaller than").fill("7")
    assert accessibility_problems(painting.page) == []
    painting.press("c")
    expect(bar).to_be_hidden()
    painting.press("Enter")
    painting.expect_stored(DAB)
    [mask] = painting.stored()
    filled = pixels(mask)
    assert mask["prompts"][-1] == {"kind": "clean_up", "min_area": 128}
    rows, columns = np.nonzero(filled)
    assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) == DAB, "a square without a hole or a speck"
    painting.press("Control+z", "Control+z", "Enter")
    expect(painting.page.locator(".mask-row")).to_have_count(1)
    painting.expect_stored(DAB)
    assert not np.array_equal(pixels(painting.stored()[0]), filled)


def test_clean_up_without_a_mask_says_what_to_do(painting: Workbench) -> None:
    painting.press("c")
    expect(painting.page.locator("#toasts")).to_contain_text("Take a mask in hand first")
    expect(painting.page.locator("#clean-up")).to_be_hidden()


@pytest.fixture
def rule() -> str:
    return "exclusive"


@pytest.fixture
def exclusive(product: LiveProduct, painting: Workbench, rule: str) -> Iterator[Workbench]:
    """The workbench while masks of the project may not overlap, or only by the rule that a test names."""
    manager, address = product.session("manager"), f"/api/v1/projects/{painting.project}"
    assert manager.request("PATCH", address, {"overlap_rule": rule}).status == 200
    with painting.page.expect_response(f"**{address}"):
        painting.open()
    yield painting
    assert manager.request("PATCH", address, {"overlap_rule": "allowed"}).status == 200


@pytest.mark.parametrize("rule", ["parent_child"])
def test_where_parts_are_allowed_the_inner_mask_is_one_and_others_give_way(
    exclusive: Workbench,
) -> None:
    exclusive.square_brush()
    exclusive.dab(0.5, 0.4)
    exclusive.press(*"]" * 8)
    exclusive.dab(0.5, 0.4)
    expect(exclusive.page.locator(".mask-row")).to_have_count(2)
    rows = exclusive.page.locator(".mask-row")
    expect(rows.first).to_contain_text("part of mask 2")
    expect(rows.last).not_to_contain_text("part of")
    exclusive.expect_saved()
    part, whole = exclusive.stored()
    assert (part["parent"], whole["parent"]) == (whole["id"], None), "the later one is the outer"
    assert whole["area"] > part["area"] == DAB and not (pixels(part) & ~pixels(whole)).any()
    box = whole["bbox"]
    exclusive.page.reload()
    exclusive.expect_open()
    exclusive.press("b", *"[" * 8)
    exclusive.dab(*exclusive.over_pixel(box[2], (box[1] + box[3]) / 2))
    expect(exclusive.page.locator(".mask-row")).to_have_count(3)
    exclusive.expect_saved()
    part, left_of_whole, beside = exclusive.stored()
    assert (part["area"], part["parent"]) == (DAB, whole["id"])
    assert beside["parent"] is None
    assert np.array_equal(pixels(left_of_whole), pixels(whole) & ~pixels(beside))
    assert (pixels(beside) & pixels(whole)).any()


def test_in_an_exclusive_project_a_new_mask_takes_its_pixels(exclusive: Workbench) -> None:
    exclusive.square_brush()
    exclusive.dab(0.5, 0.4)
    exclusive.expect_stored(DAB)
    whole = pixels(exclusive.stored()[0])
    exclusive.dab(0.51, 0.41)
    expect(exclusive.page.locator(".mask-row")).to_have_count(2)
    exclusive.expect_saved()
    older, newer = (pixels(mask) for mask in exclusive.stored())
    assert newer.sum() == DAB
    assert 0 < older.sum() < DAB
    assert np.array_equal(older, whole & ~newer)
    exclusive.press("Control+z", "Escape")
    exclusive.expect_sizes(DAB)
    exclusive.expect_stored(DAB)


def test_in_an_exclusive_project_a_mask_that_is_covered_goes(exclusive: Workbench) -> None:
    exclusive.square_brush()
    exclusive.dab(0.5, 0.4)
    exclusive.press("]")
    exclusive.dab(0.5, 0.4)
    exclusive.expect_sizes(26 * 26)
    exclusive.expect_stored(26 * 26)
