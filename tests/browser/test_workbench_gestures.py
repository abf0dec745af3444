"""Gestures of mouse and keyboard on the stage: the view, the signs of clicks, the size of the brush, what lights up."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_workbench_view import shot
from tests.browser.workbench_page import DAB, WINDOW, Workbench
from tests.live_product import LiveProduct
from tests.patience import LONG_S, drawn

OpenPage = Callable[..., Page]
SIX_SECONDS_MS = 6000


def view_of(bench: Workbench) -> tuple[float, float, float]:
    """CSS pixels per image pixel, and where the image's corner lies on the stage."""
    drawn(bench.page)
    view = bench.page.locator("#stage").get_attribute("data-view")
    assert view is not None
    scale, left, top = (float(part) for part in view.split())
    return scale, left, top


def image_pixel(bench: Workbench, across: float, down: float) -> tuple[float, float]:
    """The place of the image under a spot of the stage."""
    scale, left, top = view_of(bench)
    box = bench.page.locator("#stage").bounding_box()
    assert box is not None
    return (across * box["width"] - left) / scale, (down * box["height"] - top) / scale


def wheel(bench: Workbench, at: tuple[float, float], *steps: int) -> None:
    bench.page.mouse.move(*bench.place(*at))
    for step in steps:
        bench.page.mouse.wheel(0, step)


# ---- the view ------------------------------------------------------------------------------------


def test_the_wheel_zooms_at_the_cursor_and_ctrl_0_shows_all_again(painting: Workbench) -> None:
    fitted = view_of(painting)
    at = (0.6, 0.3)
    aimed = image_pixel(painting, *at)
    wheel(painting, at, -240, -240)
    painting.product.wait_for(lambda: view_of(painting)[0] > 1.5 * fitted[0], LONG_S, "the zoom")
    assert image_pixel(painting, *at) == pytest.approx(aimed, abs=0.5)
    painting.press("Control+0")
    assert view_of(painting) == pytest.approx(fitted, abs=0.01)


@pytest.mark.parametrize("hand", ["middle button", "space bar"])
def test_dragging_with_the_middle_button_or_the_space_bar_moves_the_image(
    painting: Workbench, hand: str
) -> None:
    wheel(painting, (0.5, 0.5), -240, -240, -240)
    painting.square_brush()
    scale, left, top = view_of(painting)
    start, end = painting.place(0.5, 0.5), painting.place(0.4, 0.42)
    button = "middle" if hand == "middle button" else "left"
    if hand == "space bar":
        painting.page.keyboard.down("Space")
    painting.page.mouse.move(*start)
    painting.page.mouse.down(button=button)
    painting.page.mouse.move(*end, steps=4)
    painting.page.mouse.up(button=button)
    if hand == "space bar":
        painting.page.keyboard.up("Space")
    moved = (scale, left + end[0] - start[0], top + end[1] - start[1])
    assert view_of(painting) == pytest.approx(moved, abs=0.6)
    expect(painting.can_accept).to_have_count(0)
    painting.click(0.5, 0.5)
    expect(painting.can_accept).to_be_visible()


def test_an_image_that_was_moved_shows_what_is_shown_when_all_is_drawn_anew(
    painting: Workbench,
) -> None:
    painting.square_brush()
    for across in (0.42, 0.46, 0.5, 0.54, 0.58):
        for down in (0.3, 0.5, 0.7):
            painting.dab(across, down)
    painting.page.locator(".mask-choose").first.click()
    wheel(painting, (0.45, 0.45), -240, -240, -120)
    stage = painting.page.locator("#stage")
    for end in ((0.43, 0.5), (0.61, 0.38), (0.5, 0.52), (0.48, 0.49)):
        painting.page.mouse.move(*painting.place(0.5, 0.5))
        painting.page.mouse.down(button="middle")
        painting.page.mouse.move(*painting.place(*end), steps=7)
        painting.page.mouse.up(button="middle")
        drawn(painting.page)
        moved = stage.screenshot()
        painting.page.keyboard.down("h")
        drawn(painting.page)
        assert stage.screenshot() != moved
        painting.page.keyboard.up("h")
        drawn(painting.page)
        assert stage.screenshot() == moved


def test_a_dab_has_the_same_pixels_at_every_zoom(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    wheel(painting, (0.45, 0.6), *[-240] * 4)
    painting.dab(0.45, 0.6)
    painting.press("Control+0")
    wheel(painting, (0.55, 0.5), 240, 240)
    painting.dab(0.52, 0.5)
    painting.expect_sizes(DAB, DAB, DAB)


def test_z_brings_the_mask_near_and_o_leaves_its_outline(painting: Workbench) -> None:
    painting.square_brush()
    fitted = view_of(painting)
    painting.dab(0.55, 0.4)
    painting.page.locator(".mask-choose").click()
    painting.press("z")
    near = view_of(painting)
    assert near[0] > 3 * fitted[0]
    painting.page.mouse.move(*painting.place(0.02, 0.02))
    filled = shot(painting, 0.5, 0.5)
    painting.press("o")
    outlined = shot(painting, 0.5, 0.5)
    assert outlined != filled
    painting.press("o")
    assert shot(painting, 0.5, 0.5) == filled
    painting.page.get_by_label("Opacity").fill("0")
    assert shot(painting, 0.5, 0.5) == outlined, "without any colour only the outline is left"


def test_the_list_may_be_looked_at_in_other_orders(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.4, 0.4)
    painting.press("]")
    painting.dab(0.5, 0.4)
    painting.press("[", "[")
    painting.dab(0.6, 0.4)
    in_order = painting.page.locator(".mask-title")
    expect(in_order).to_have_text(["Mask 1", "Mask 2", "Mask 3"])
    order = painting.page.locator(".panel-sort")
    order.select_option(label="Largest first")
    expect(in_order).to_have_text(["Mask 2", "Mask 1", "Mask 3"])
    order.select_option(label="Newest first")
    expect(in_order).to_have_text(["Mask 3", "Mask 2", "Mask 1"])
    order.select_option(label="As made")
    expect(in_order).to_have_text(["Mask 1", "Mask 2", "Mask 3"])


def test_a_row_lights_up_its_mask_in_the_image(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.page.mouse.move(*painting.place(0.7, 0.8))
    quiet = shot(painting, 0.45, 0.4)
    painting.page.locator(".mask-choose").hover()
    assert shot(painting, 0.45, 0.4) != quiet
    painting.page.mouse.move(*painting.place(0.7, 0.8))
    assert shot(painting, 0.45, 0.4) == quiet


# ---- the brush -----------------------------------------------------------------------------------


def test_shift_and_the_wheel_change_the_brush_from_1_to_300_pixels(painting: Workbench) -> None:
    painting.press("b")
    size = painting.page.locator(".brush-number")
    fitted = view_of(painting)
    painting.page.keyboard.down("Shift")
    wheel(painting, (0.5, 0.5), *[-100] * 40)
    expect(size).to_have_text("300 px")
    wheel(painting, (0.5, 0.5), *[100] * 80)
    expect(size).to_have_text("1 px")
    painting.page.keyboard.up("Shift")
    assert view_of(painting) == fitted
    painting.dab(0.5, 0.4)
    painting.expect_sizes(1)


def test_a_long_stroke_is_kept_while_it_is_drawn_and_is_one_step_back(painting: Workbench) -> None:
    page = painting.page
    page.clock.install()
    painting.open()
    painting.square_brush()
    painting.dab(0.3, 0.6)
    page.mouse.move(*painting.place(0.4, 0.4))
    page.mouse.down()
    for across in (0.45, 0.5, 0.55):
        page.clock.fast_forward(SIX_SECONDS_MS)
        page.mouse.move(*painting.place(across, 0.4), steps=3)
    painting.product.wait_for(lambda: bool(painting.stored_in_hand()), LONG_S, "a draft of it")
    assert painting.stored_in_hand()[0]["area"] > DAB, "the button is still down"
    page.mouse.up()
    page.mouse.move(*painting.place(0.4, 0.4))
    painting.press("Control+z")
    expect(painting.can_accept).to_have_count(0)
    painting.press("Control+y", "Enter")
    painting.expect_saved()
    mask = painting.stored()[-1]
    assert len(mask["prompts"]) >= 3, "its pieces"
    x0, y0, x1, y1 = mask["bbox"]
    assert y1 - y0 == 24
    assert mask["area"] == (x1 - x0) * 24, "and no gap between them"


# ---- clicks --------------------------------------------------------------------------------------


def test_alt_and_the_switch_for_fingers_take_away_as_the_right_button_does(
    workbench: Workbench,
) -> None:
    switch = workbench.page.get_by_role("button", name=re.compile("A plain click"))
    workbench.click(0.5, 0.4)
    workbench.page.keyboard.down("Alt")
    workbench.click(0.45, 0.4)
    workbench.page.keyboard.up("Alt")
    workbench.press("t")
    expect(switch).to_have_attribute("data-sign", "background")
    workbench.click(0.42, 0.45)
    workbench.click(0.55, 0.45, button="right")
    switch.click()
    expect(switch).to_have_attribute("data-sign", "foreground")
    workbench.click(0.52, 0.42)
    workbench.press("Enter")
    expect(workbench.page.locator(".mask-row")).to_have_count(1)
    workbench.expect_saved()
    [mask] = workbench.stored()
    labels = [prompt["label"] for prompt in mask["prompts"] if prompt["kind"] == "point"]
    assert labels == [1, 0, 0, 1, 1], "in the order of the clicks"


def test_the_mask_under_the_pointer_shows_before_the_first_click_until_v_is_pressed(
    workbench: Workbench,
) -> None:
    # What lies under the pointer itself: on any image a click's mask has most likely the click.
    def under_the_pointer() -> bytes:
        workbench.page.mouse.move(*workbench.place(0.5, 0.4))
        return shot(workbench, 0.5, 0.4)

    def beside_the_image() -> bytes:
        workbench.page.mouse.move(2, 2)
        return shot(workbench, 0.5, 0.4)

    def shows_a_preview() -> bool:
        return under_the_pointer() != bare

    preview = workbench.page.locator("#rail [data-command=preview]")
    workbench.press("v")
    expect(preview).to_have_attribute("aria-pressed", "false")
    bare, empty = under_the_pointer(), beside_the_image()
    assert not shows_a_preview()
    workbench.press("v")
    expect(preview).to_have_attribute("aria-pressed", "true")
    workbench.product.wait_for(shows_a_preview, LONG_S, "a preview under the pointer")
    workbench.product.wait_for(
        lambda: beside_the_image() == empty, LONG_S, "the preview to go with the pointer"
    )
    expect(workbench.can_accept).to_have_count(0)


# ---- what comes next is here ---------------------------------------------------------------------


def test_the_next_image_opens_without_a_byte_of_it_from_the_network(
    product: LiveProduct, open_page: OpenPage
) -> None:
    page = open_page("annotator", "/", viewport=WINDOW)
    arrived: list[str] = []
    page.context.on("requestfinished", lambda request: arrived.append(request.url))
    projects = product.session("annotator").get("/api/v1/projects").json()["projects"]
    [project] = [one["id"] for one in projects if one["name"] == "Demo"]
    bench = Workbench(page=page, product=product, project=project)
    bench.forget_masks()
    bench.open()
    bench.wait_for_model()
    path = f"/api/v1/projects/{project}/assignments/next"
    # Leases that other tests left come after them.
    coming = product.session("annotator").post(path, {"ahead": 3}).json()["upcoming"][:3]
    wanted = [lease["embedding_url"] for lease in coming]
    wanted += [f"/api/v1/images/{lease['image']['id']}/file" for lease in coming]
    assert len(wanted) == 6

    def are_here() -> bool:
        drawn(page)
        return all(any(url.endswith(part) for url in arrived) for part in wanted)

    product.wait_for(are_here, LONG_S, "three images ahead")
    for part in ("file", "embedding*", "thumbnail*"):
        page.context.route(f"**/api/v1/images/*/{part}", lambda route: route.abort())
    bench.press("d")
    expect(page.locator(".bar-image")).to_have_text(coming[0]["image"]["name"])
    bench.expect_open()
    bench.wait_for_model()
    bench.click(0.5, 0.5)
    expect(page.locator(".candidate")).to_have_count(3)
    bench.press("Escape", "a")
