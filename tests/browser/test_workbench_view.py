"""The 30-second rule, what is shown of masks and picture, and what candidates are good for."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from pycocotools import mask as coco_mask

from tests.browser.projects import accessibility_problems
from tests.browser.workbench_page import DAB, Workbench
from tests.patience import drawn

ONE_SIGN_OF_LIFE_MS = 4000


def shot(bench: Workbench, across: float, down: float) -> bytes:
    """A square of the stage around a spot, as it is drawn now."""
    drawn(bench.page)
    x, y = bench.place(across, down)
    return bench.page.screenshot(clip={"x": x - 30, "y": y - 30, "width": 60, "height": 60})


def work_on(bench: Workbench, seconds: int) -> None:
    """Time passes while the hand moves a little."""
    for turn in range(0, 1000 * seconds, ONE_SIGN_OF_LIFE_MS):
        bench.page.mouse.move(*bench.place(0.2 + turn / 1e6, 0.2))
        bench.page.clock.fast_forward(ONE_SIGN_OF_LIFE_MS)


def test_after_thirty_seconds_on_an_object_its_annotator_decides(painting: Workbench) -> None:
    painting.page.clock.install()
    painting.open()
    painting.square_brush()
    painting.click(0.5, 0.4)
    hint = painting.page.locator(".dock-hint")
    work_on(painting, 20)
    expect(hint).not_to_contain_text("30 seconds")
    work_on(painting, 16)
    expect(hint).to_have_text(
        "30 seconds on this object: Enter takes it as it is, X gives up on it,"
        " D goes to the next image, K goes on"
    )
    assert accessibility_problems(painting.page) == []
    painting.press("k")
    expect(hint).not_to_contain_text("30 seconds")
    work_on(painting, 36)
    expect(painting.page.get_by_role("button", name="30 s more")).to_be_visible()
    painting.press("x")
    expect(painting.page.locator(".mask-row[data-given-up]")).to_have_count(1)
    expect(hint).not_to_contain_text("30 seconds")


def test_one_mask_is_shown_alone_until_the_key_is_pressed_again(painting: Workbench) -> None:
    bare = [shot(painting, across, 0.4) for across in (0.4, 0.6)]
    painting.square_brush()
    painting.dab(0.4, 0.4)
    painting.dab(0.6, 0.4)
    painting.page.locator(".mask-choose").first.click()
    painting.page.mouse.move(*painting.place(0.2, 0.2))
    painting.press("i")
    alone = [shot(painting, across, 0.4) for across in (0.4, 0.6)]
    assert alone[0] != bare[0]
    assert alone[1] == bare[1]
    painting.press("i")
    assert shot(painting, 0.6, 0.4) != bare[1]


def test_brightness_and_contrast_change_what_is_seen_and_are_kept(painting: Workbench) -> None:
    def light() -> float:
        return float(np.asarray(Image.open(io.BytesIO(shot(painting, 0.5, 0.5)))).mean())

    first = light()
    painting.page.get_by_label("Brightness").fill("60")
    darker = light()
    assert darker < 0.8 * first
    painting.open()
    expect(painting.page.get_by_label("Brightness")).to_have_value("60")
    assert light() == pytest.approx(darker, rel=0.02)
    painting.square_brush()
    painting.dab(0.5, 0.4)
    painting.expect_stored(DAB)
    painting.page.get_by_label("Brightness").dblclick()
    expect(painting.page.get_by_label("Brightness")).to_have_value("100")
    before = shot(painting, 0.5, 0.7)
    painting.page.get_by_label("Contrast").fill("180")
    assert shot(painting, 0.5, 0.7) != before


def test_the_grain_of_one_object_is_that_of_the_next(workbench: Workbench) -> None:
    chosen = workbench.page.locator(".candidate[aria-pressed=true]")
    for index in (2, 0):
        workbench.click(0.5, 0.4)
        expect(workbench.page.locator(".candidate")).to_have_count(3)
        workbench.press(str(index + 1))
        expect(chosen).to_have_attribute("aria-label", f"Candidate {index + 1}")
        grain = re.match(r"\w+", chosen.get_attribute("title") or "")
        assert grain is not None
        workbench.press("Enter")
        workbench.click(0.35, 0.55)
        expect(workbench.page.locator(".candidate")).to_have_count(3)
        expect(chosen).to_have_attribute("title", re.compile(grain.group()))
        workbench.empty()


def test_the_grain_is_remembered_over_a_reload(workbench: Workbench) -> None:
    chosen = workbench.page.locator(".candidate[aria-pressed=true]")
    try:
        workbench.click(0.5, 0.4)
        expect(workbench.page.locator(".candidate")).to_have_count(3)
        workbench.press("3")
        grain = re.match(r"\w+", chosen.get_attribute("title") or "")
        assert grain is not None
        workbench.press("Escape")
        workbench.expect_saved()
        workbench.open()
        workbench.wait_for_model()
        workbench.click(0.35, 0.55)
        expect(workbench.page.locator(".candidate")).to_have_count(3)
        expect(chosen).to_have_attribute("title", re.compile(grain.group()))
    finally:
        workbench.press("1")  # the other tests begin with the first


def test_a_point_is_dragged_to_where_it_belongs(workbench: Workbench) -> None:
    workbench.click(0.5, 0.4)
    expect(workbench.can_accept).to_be_visible()
    workbench.drag((0.5, 0.4), (0.4, 0.6))
    undo = workbench.page.locator("[data-command=undo]")
    expect(undo).to_have_attribute("title", re.compile("Undo: Move point"))
    expect(workbench.can_accept).to_be_visible()
    workbench.press("Enter")
    expect(workbench.page.locator(".mask-row")).to_have_count(1)
    workbench.expect_saved()
    [mask] = workbench.stored()
    assert [step["kind"] for step in mask["prompts"]] == ["point", "point_moved"]


def test_parts_of_a_mask_are_kept_as_masks_of_their_own(workbench: Workbench) -> None:
    workbench.click(0.5, 0.4)
    expect(workbench.page.locator(".candidate")).to_have_count(3)
    workbench.press("Shift+Enter")
    expect(workbench.page.locator("#toasts")).to_contain_text("Accepted")
    workbench.expect_saved()
    whole, *parts = workbench.stored()
    for part in parts:
        assert part["prompts"][-1] == {"kind": "part_of", "mask": whole["id"]}
        shared = coco_mask.area(coco_mask.merge([part["rle"], whole["rle"]], intersect=True))
        assert shared >= 0.9 * part["area"]
        assert part["area"] < whole["area"]
    workbench.press("Control+z")
    expect(workbench.page.locator(".mask-row")).to_have_count(0)
    expect(workbench.can_accept).to_be_visible()


def test_the_list_is_reordered_and_undo_puts_it_back(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.4, 0.4)
    painting.press("]")
    painting.dab(0.6, 0.4)
    larger = 26 * 26
    painting.expect_stored(DAB, larger)
    painting.press("PageUp")
    expect(painting.page.locator("#toasts")).to_contain_text("Select a mask in the list first")
    painting.page.locator(".mask-choose").last.click()
    painting.press("PageUp")
    painting.expect_sizes(larger, DAB)
    painting.expect_stored(larger, DAB)
    painting.press("PageUp")
    painting.press("Control+z")
    painting.expect_stored(DAB, larger)
    painting.page.get_by_label("Order of the list").select_option("Largest first")
    painting.expect_sizes(larger, DAB)
    expect(painting.page.locator(".mask-title")).to_have_text(["Mask 2", "Mask 1"])
    painting.expect_stored(DAB, larger)


def test_a_hidden_mask_is_out_of_the_way_of_eye_and_hand(painting: Workbench) -> None:
    bare = shot(painting, 0.5, 0.4)
    painting.square_brush()
    painting.dab(0.5, 0.4)
    painting.page.mouse.move(*painting.place(0.2, 0.2))
    assert shot(painting, 0.5, 0.4) != bare
    painting.page.locator(".mask-choose").first.click()
    painting.page.mouse.move(*painting.place(0.2, 0.2))
    painting.press("u")
    assert shot(painting, 0.5, 0.4) == bare
    painting.press("s", "Escape")
    painting.page.mouse.move(*painting.place(0.5, 0.4))
    drawn(painting.page)
    expect(painting.page.locator(".mask-row")).not_to_have_attribute("data-lit", "yes")
    painting.page.get_by_role("button", name="Hide", exact=True).click()
    painting.page.mouse.move(*painting.place(0.2, 0.2))
    assert shot(painting, 0.5, 0.4) != bare
    painting.expect_stored(DAB)
