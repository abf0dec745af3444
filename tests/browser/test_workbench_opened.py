"""A finished mask is opened again: clicks change only the pieces that hold them, or the model answers whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

from benchmarks.mask_prompt.pieces import changed_at
from common.metrics import Click
from launcher.os_processes import wait_until
from tests.browser.projects import (
    accessibility_problems,
    ellipse,
    new_project,
    put_mask,
    scene,
    take_an_image,
)
from tests.browser.workbench_page import WINDOW, Workbench, pixels, watch_faults
from tests.live_product import LiveProduct
from tests.patience import PATIENCE_S

OpenPage = Callable[..., Page]

AT = Click(76, 66, 1)  # in the half that is missing
LOG = """
    SELECT detail FROM annotator_interaction WHERE assignment_id = %s AND kind = %s
"""


def damaged() -> NDArray[np.bool_]:
    """Half of the ellipse, and dots far from it that no model draws."""
    mask = ellipse()
    mask[:, 60:] = False
    mask[20:36:2, 130:150:2] = True
    return mask


def answers(bench: Workbench) -> Locator:
    return bench.page.locator(".candidate")


def expect_chosen(bench: Workbench, name: str) -> None:
    expect(answers(bench)).to_have_count(2)
    button = bench.page.get_by_role("button", name=name, exact=True)
    expect(button).to_have_attribute("aria-pressed", "true")


def accepted(bench: Workbench, version: int) -> dict[str, Any]:
    """The one mask of the image, when the server has this version of it."""
    assert wait_until(lambda: bench.stored()[0]["version"] == version, PATIENCE_S), bench.stored()
    [mask] = bench.stored()
    return mask


def logged(product: LiveProduct, assignment: str, kind: str, number: int) -> list[dict[str, Any]]:
    """Details of so many interactions, in no order; they come in batches, later than the masks."""

    def details() -> list[dict[str, Any]]:
        return [row[0] for row in product.ask(LOG, assignment, kind)]

    assert wait_until(lambda: len(details()) == number, PATIENCE_S), details()
    return details()


def test_a_click_changes_its_piece_and_the_whole_answer_is_one_key_away(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    path = f"/api/v1/projects/{project}/images"
    assert product.session("manager").upload(path, {"slope.png": scene(77)}).status == 201
    assignment = take_an_image(product, project)
    put_mask(product, assignment, damaged(), prompts=())
    page = open_page("annotator", "/", viewport=WINDOW)
    faults = watch_faults(page)
    bench = Workbench(page=page, product=product, project=project)
    bench.open()
    bench.wait_for_model()

    page.locator(".mask-choose").click()
    bench.press("r")
    bench.click(*bench.over_pixel(AT.x + 0.5, AT.y + 0.5))
    expect_chosen(bench, "Only here")
    expect(page.locator(".dock-hint")).to_contain_text(
        "Only this piece changed. Tab for the whole answer"
    )
    assert accessibility_problems(page) == []
    bench.press("Enter")
    here = accepted(bench, 2)
    point = {"kind": "point", "x": AT.x, "y": AT.y, "label": AT.label}
    told = {**point, "with_mask_box": True}
    assert here["prompts"] == [{**told, "at_click_only": True}]
    assert here["model_version"] == assignment["model"]["id"]
    assert here["predicted_iou"] is None, "the model has not seen this mask"

    bench.press("Control+z", "Tab")
    expect_chosen(bench, "Whole")
    bench.press("Control+z")
    expect(answers(bench)).to_have_count(0)
    bench.press("Control+y")
    expect_chosen(bench, "Whole")
    bench.expect_saved()
    page.reload()
    bench.expect_open()
    expect_chosen(bench, "Whole")
    bench.press("Shift+Tab")
    expect_chosen(bench, "Only here")
    bench.press("2")
    expect_chosen(bench, "Whole")
    bench.press("Enter")
    whole = accepted(bench, 4)
    assert whole["prompts"] == [told]
    assert whole["predicted_iou"] is not None

    assert not pixels(whole)[20:36, 130:150].any() and pixels(whole)[AT.y, AT.x]
    assert np.array_equal(pixels(here), changed_at(damaged(), pixels(whole), AT))
    assert pixels(here)[AT.y, AT.x]
    assert np.array_equal(pixels(here)[20:36, 130:150], damaged()[20:36, 130:150])
    lease = assignment["id"]
    switches = [detail["at_click_only"] for detail in logged(product, lease, "candidate", 3)]
    assert sorted(switches) == [False, False, True]
    accepts = [detail["at_click_only"] for detail in logged(product, lease, "accept", 2)]
    assert sorted(accepts) == [False, True]
    assert faults == []
