"""The annotator's workbench in a real Chromium, on the live product."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Request, expect

from tests.browser.workbench_page import CIRCLE, DAB, WINDOW, Workbench
from tests.patience import LONG_MS, drawn


def test_clicks_and_a_stroke_become_a_mask_that_is_saved(workbench: Workbench) -> None:
    workbench.click(0.45, 0.4)
    expect(workbench.can_accept).to_be_visible()
    workbench.click(0.3, 0.72)
    workbench.square_brush()
    workbench.click(0.5, 0.5)
    with workbench.page.expect_request("**/api/v1/interactions") as sent:
        workbench.press("Enter")
    expect(workbench.page.locator(".mask-row")).to_have_count(1)
    workbench.expect_saved()
    [mask] = workbench.stored()
    assert (mask["state"], mask["given_up"]) == ("accepted", False)
    assert mask["area"] >= DAB
    assert mask["model_version"] is not None
    assert sent.value.post_data_json["interactions"]


def test_enter_right_after_the_click_still_accepts(workbench: Workbench) -> None:
    workbench.click(0.5, 0.4)
    workbench.press("Enter")
    expect(workbench.page.locator(".mask-row")).to_have_count(1)


def test_submit_right_after_the_click_takes_the_mask_along(workbench: Workbench) -> None:
    first = workbench.image_name()
    assignment = workbench.assignment()
    workbench.click(0.5, 0.4)
    workbench.press("Control+Enter")
    expect(workbench.page.locator(".bar-image")).not_to_have_text(first)
    session = workbench.product.session("annotator")
    shown = session.get(f"/api/v1/assignments/{assignment['id']}").json()
    assert shown["state"] == "submitted"
    masks = session.get(f"/api/v1/images/{assignment['image']['id']}/masks").json()["masks"]
    assert [mask["state"] for mask in masks if mask["state"] != "deleted"] == ["accepted"]
    workbench.expect_open()
    workbench.press("a")
    workbench.page.get_by_role("button", name="Take it back").click()
    expect(workbench.page.locator("#locked")).to_be_hidden()
    expect(workbench.page.locator(".bar-image")).to_have_text(first)
    workbench.wait_for_model()


def test_tab_and_numbers_choose_among_three_candidates(workbench: Workbench) -> None:
    workbench.click(0.5, 0.4)
    candidates = workbench.page.locator(".candidate")
    expect(candidates).to_have_count(3)
    strip = workbench.page.locator("#candidates")
    stands_at = strip.bounding_box()
    for key, chosen in (("1", 0), ("Tab", 1), ("Tab", 2), ("Shift+Tab", 1), ("3", 2), ("1", 0)):
        workbench.press(key)
        expect(candidates.nth(chosen)).to_have_attribute("aria-pressed", "true")
        drawn(workbench.page)
        assert strip.bounding_box() == stands_at, "it stays under the hand"
    candidates.nth(1).click()
    expect(candidates.nth(1)).to_have_attribute("aria-pressed", "true")


def test_a_dragged_box_prompts_a_mask(workbench: Workbench) -> None:
    workbench.drag((0.4, 0.3), (0.6, 0.55))
    expect(workbench.can_accept).to_be_visible()
    undo = workbench.page.locator("[data-command=undo]")
    expect(undo).to_have_attribute("title", re.compile("Undo: Box"))


def test_a_second_click_on_a_point_takes_it_away(workbench: Workbench) -> None:
    workbench.click(0.5, 0.4)
    expect(workbench.can_accept).to_be_visible()
    workbench.click(0.5, 0.4)
    undo = workbench.page.locator("[data-command=undo]")
    expect(undo).to_have_attribute("title", re.compile("Undo: Remove point"))
    expect(workbench.can_accept).to_have_count(0)


def test_a_click_of_the_other_sign_beside_a_point_is_another_point(workbench: Workbench) -> None:
    workbench.click(0.5, 0.4)
    workbench.click(0.5, 0.4, button="right")
    workbench.click(0.5, 0.4, button="right")  # takes away the second, of its own sign
    undo = workbench.page.locator("[data-command=undo]")
    expect(undo).to_have_attribute("title", re.compile("Undo: Remove point"))
    expect(workbench.can_accept).to_be_visible()


def test_strokes_are_exact_and_the_eraser_takes_pixels_back(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.5, 0.4)
    painting.expect_sizes(DAB)
    painting.press("[", "[", "e")
    painting.click(0.5, 0.4)
    painting.press("Enter")
    painting.expect_sizes(DAB - 20 * 20)
    painting.expect_stored(DAB - 20 * 20)


def test_a_stroke_is_logged_with_the_pixels_it_changed(painting: Workbench) -> None:
    painting.press("b")
    with painting.page.expect_request(_logs_a_stroke) as sent:
        painting.click(0.5, 0.4)
    with painting.page.expect_request(_logs_a_stroke) as sent_again:
        painting.press("[", "[", "e")
        painting.click(0.5, 0.4)
    [painted], [erased] = _strokes(sent.value), _strokes(sent_again.value)
    assert (painted["painted_px"], painted["erased_px"]) == (CIRCLE, 0)
    assert erased["painted_px"] == 0
    assert 0 < erased["erased_px"] < CIRCLE
    assert painted["duration_ms"] >= 0


def _strokes(request: Request) -> list[dict[str, Any]]:
    """Details of the strokes that a request carries to the interaction log."""
    if not request.url.endswith("/api/v1/interactions"):
        return []
    return [
        act["detail"] for act in request.post_data_json["interactions"] if act["kind"] == "stroke"
    ]


def _logs_a_stroke(request: Request) -> bool:
    return bool(_strokes(request))


def test_alt_turns_the_brush_into_the_eraser(painting: Workbench) -> None:
    painting.square_brush()
    painting.click(0.5, 0.4)
    painting.press("[", "[")
    painting.page.keyboard.down("Alt")
    painting.click(0.5, 0.4)
    painting.page.keyboard.up("Alt")
    painting.press("Enter")
    painting.expect_sizes(DAB - 20 * 20)


def test_undo_and_redo_walk_over_strokes_accepts_and_deletes(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.press("[")
    painting.dab(0.55, 0.4)
    painting.page.locator(".mask-choose").first.click()
    painting.press("Delete")
    painting.expect_sizes(22 * 22)
    painting.expect_stored(22 * 22)
    painting.press("Control+z")
    painting.expect_sizes(DAB, 22 * 22)
    painting.press("Control+z", "Control+z")
    painting.expect_sizes(DAB)
    painting.expect_stored(DAB)
    painting.press("Control+Shift+z", "Control+Shift+z", "Control+Shift+z")
    painting.expect_sizes(22 * 22)
    painting.expect_stored(22 * 22)


def test_escape_clears_the_prompt_and_leaves_the_list(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.click(0.55, 0.4)
    painting.press("Escape")
    expect(painting.can_accept).to_have_count(0)
    painting.expect_sizes(DAB)
    painting.press("Control+z")
    expect(painting.can_accept).to_be_visible()


def test_giving_up_keeps_a_marked_draft(painting: Workbench) -> None:
    painting.square_brush()
    painting.click(0.45, 0.4)
    painting.press("x")
    expect(painting.page.locator(".mask-row[data-given-up]")).to_have_count(1)
    painting.expect_saved()
    [mask] = painting.stored()
    assert (mask["state"], mask["given_up"]) == ("draft", True)


def test_a_mask_is_opened_again_and_keeps_its_identity(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.expect_saved()
    [before] = painting.stored()
    painting.page.locator(".mask-choose").first.click()
    painting.press("r")
    painting.click(0.55, 0.4)
    painting.press("Enter")
    painting.expect_sizes(2 * DAB)
    painting.expect_saved()
    [after] = painting.stored()
    assert after["id"] == before["id"]
    assert after["version"] > before["version"]


def test_a_reload_keeps_masks_the_object_in_hand_and_undo(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.click(0.55, 0.4)
    expect(painting.can_accept).to_be_visible()
    painting.expect_saved()
    painting.open()
    painting.expect_sizes(DAB)
    expect(painting.can_accept).to_be_visible()
    painting.press("Enter")
    painting.expect_sizes(DAB, DAB)
    painting.press("Control+z", "Control+z", "Control+z")
    expect(painting.page.locator(".mask-row")).to_have_count(0)
    expect(painting.can_accept).to_be_visible()


def test_work_done_without_the_network_is_sent_later(painting: Workbench) -> None:
    painting.square_brush()
    painting.page.context.set_offline(True)
    painting.dab(0.45, 0.4)
    chip = painting.page.locator(".bar-chip")
    expect(chip).to_have_text("1 change on this device")
    painting.page.context.set_offline(False)
    painting.expect_stored(DAB)


def test_hovering_lights_up_the_same_mask_in_list_and_image(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.page.mouse.move(*painting.place(0.6, 0.6))
    row = painting.page.locator(".mask-row")
    expect(row).not_to_have_attribute("data-lit", "yes")
    painting.page.mouse.move(*painting.place(0.45, 0.4))
    expect(row).to_have_attribute("data-lit", "yes")


def test_submitting_goes_to_the_next_image_and_back_again(painting: Workbench) -> None:
    first = painting.image_name()
    assignment = painting.assignment()["id"]
    painting.square_brush()
    painting.click(0.5, 0.4)
    painting.press("Control+Enter")
    expect(painting.page.locator(".bar-image")).not_to_have_text(first)
    session = painting.product.session("annotator")
    assert session.get(f"/api/v1/assignments/{assignment}").json()["state"] == "submitted"
    painting.expect_open()
    painting.press("a")
    expect(painting.page.locator(".bar-image")).to_have_text(first)
    painting.page.get_by_role("button", name="Take it back").click()
    expect(painting.page.locator("#locked")).to_be_hidden()
    painting.expect_sizes(DAB)
    assert session.get(f"/api/v1/assignments/{assignment}").json()["state"] == "leased"


def test_skipping_takes_a_reason_and_goes_on(painting: Workbench) -> None:
    first = painting.image_name()
    assignment = painting.assignment()["id"]
    painting.press("Control+Space")
    painting.page.locator("[data-reason=unclear]").click()
    expect(painting.page.locator(".bar-image")).not_to_have_text(first)
    session = painting.product.session("annotator")
    assert session.get(f"/api/v1/assignments/{assignment}").json()["state"] == "skipped"
    assert session.post(f"/api/v1/assignments/{assignment}/reopen").status == 200


def test_the_key_sheet_opens_and_closes_with_its_keys(painting: Workbench) -> None:
    sheet = painting.page.locator("#keys")
    for opening, closing in (("?", "?"), ("F1", "Escape")):
        painting.press(opening)
        expect(sheet).to_be_visible()
        expect(sheet.get_by_text("Accept the mask in hand")).to_be_visible()
        painting.press(closing)
        expect(sheet).to_be_hidden()


def test_every_control_is_reached_with_the_keyboard(painting: Workbench) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.click(0.55, 0.4)
    controls = painting.page.locator(
        "#bench button:enabled:visible, #bench input:visible, #bench a:visible"
    )
    wanted = controls.count()
    reached = set()
    for _ in range(wanted + 4):
        painting.press("Tab")
        reached.add(
            painting.page.evaluate(
                "[...document.querySelectorAll('#bench button, #bench input, #bench a')]"
                ".indexOf(document.activeElement)"
            )
        )
    assert len(reached - {-1}) >= wanted


def test_keys_alone_make_a_mask(workbench: Workbench) -> None:
    workbench.page.locator("#stage").focus()
    workbench.press("ArrowRight", "ArrowUp", "Shift+ArrowLeft", ".")
    expect(workbench.can_accept).to_be_visible()
    workbench.press("Enter")
    expect(workbench.page.locator(".mask-row")).to_have_count(1)


def test_the_brush_works_when_the_model_cannot_start(painting: Workbench) -> None:
    expect(painting.page.locator(".bar-model")).to_have_text("Model is off", timeout=LONG_MS)
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.expect_stored(DAB)


def test_the_server_decodes_where_the_browser_cannot(served: Workbench) -> None:
    served.wait_for_model()
    expect(served.page.locator(".bar-model")).to_have_attribute(
        "title", re.compile("server answers")
    )
    served.click(0.45, 0.4)
    expect(served.can_accept).to_be_visible(timeout=LONG_MS)
    served.click(0.3, 0.72)
    served.press("Enter")
    expect(served.page.locator(".mask-row")).to_have_count(1, timeout=LONG_MS)
    served.expect_saved()
    [mask] = served.stored()
    assert (mask["state"], mask["area"] > 0) == ("accepted", True)
    assert mask["model_version"] is not None
    assert [prompt["label"] for prompt in mask["prompts"] if "label" in prompt] == [1, 1]


def test_a_second_tab_may_look_but_not_write(painting: Workbench) -> None:
    other = painting.page.context.new_page()
    other.goto(f"/projects/{painting.project}/annotate")
    notice = other.locator("#locked")
    expect(notice).to_contain_text("another tab", timeout=LONG_MS)


def test_a_small_window_keeps_the_image_and_the_list_at_hand(painting: Workbench) -> None:
    page = painting.page
    page.set_viewport_size({"width": 800, "height": 600})
    panel = page.locator("#panel")
    expect(panel).to_be_hidden()
    painting.square_brush()
    painting.dab(0.4, 0.4)
    page.locator("#rail [data-command=panel]").click()
    expect(panel).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
    page.locator(".mask-choose").click()
    expect(panel).to_be_visible()
    page.get_by_role("button", name="Open again to refine").click()
    expect(panel).to_be_hidden()
    painting.click(0.5, 0.4)
    painting.press("l")
    expect(panel).to_be_visible()
    painting.click(0.6, 0.4)
    expect(panel).to_be_hidden()
    painting.can_accept.click()
    page.set_viewport_size(WINDOW)
    expect(panel).to_be_visible()
    painting.expect_sizes(3 * DAB)
    painting.expect_stored(3 * DAB)
