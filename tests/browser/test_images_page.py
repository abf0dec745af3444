"""The Images page in a real browser: several images at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.projects import (
    accept_a_mask,
    accessibility_problems,
    add_many_images,
    new_project,
    scene,
    upload,
)
from tests.live_product import LiveProduct
from tests.patience import LONG_MS, LONG_S

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
MOST = 1000  # images in one request


def test_several_images_are_kept_for_scoring_and_removed_at_once(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project, manager = new_project(product), product.session("manager")
    path = f"/api/v1/projects/{project}"
    assert manager.request("PATCH", path, {"held_out_percent": 0}).status == 200
    files = {f"{name}.png": scene(seed) for seed, name in enumerate(("quay", "pier", "boat"), 40)}
    assert manager.upload(f"{path}/images", files).status == 201

    page = open_page("manager", f"/projects/{project}/images")
    bar = page.get_by_role("group", name="Chosen images")
    expect(page.locator(".image-card")).to_have_count(3)
    expect(bar).to_be_hidden()
    page.get_by_label("Choose quay.png").check()
    page.get_by_label("Choose boat.png").check()
    expect(bar).to_contain_text("2 images chosen")
    assert accessibility_problems(page) == []
    bar.get_by_role("button", name="Keep for scoring").click()
    for name, is_held_out in (("quay", True), ("pier", False), ("boat", True)):
        card = page.locator(".image-card", has_text=f"{name}.png")
        expect(card.get_by_text("For scoring")).to_have_count(int(is_held_out))
    expect(bar).to_be_hidden()
    expect(page.get_by_label("Choose quay.png")).not_to_be_checked()

    page.get_by_label("Choose pier.png").check()
    bar.get_by_role("button", name="Choose all 3").click()
    expect(bar).to_contain_text("3 images chosen")
    page.get_by_label("Choose boat.png").uncheck()
    bar.get_by_role("button", name="Remove").click()
    page.locator("dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator(".image-card")).to_have_count(3)
    bar.get_by_role("button", name="Remove").click()
    page.locator("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator(".image-card")).to_have_count(1)
    expect(page.locator(".image-card")).to_contain_text("boat.png")
    assert manager.get(f"{path}/images").json()["total"] == 1


@dataclass(frozen=True)
class Purpose:
    """What images with known masks are used for: the buttons, what is said, the chip."""

    use: str
    used: str
    leave: str
    left: str
    chip: str


PRACTICE = Purpose(
    "Use for practice",
    "2 images in the practice set.",
    "Not for practice",
    "2 images out of the practice set.",
    "Practice",
)
REFERENCE = Purpose(
    "Use as reference",
    "2 images marked as reference.",
    "Not as reference",
    "2 images no longer marked as reference.",
    "Reference",
)


@pytest.mark.parametrize("purpose", [PRACTICE, REFERENCE], ids=lambda one: one.chip)
def test_of_several_images_those_with_known_masks_can_be_compared_with(
    product: LiveProduct, open_page: OpenPage, purpose: Purpose
) -> None:
    project = new_project(product)
    files = {f"{name}.png": scene(seed) for seed, name in enumerate(("weir", "lock", "mole"), 80)}
    upload(product, project, files)
    handed_in = []
    for _ in range(2):
        lent = accept_a_mask(product, project)
        submit = f"/api/v1/assignments/{lent['id']}/submit"
        assert product.session("annotator").post(submit, {}).status == 200
        handed_in.append(lent["image"]["name"])
    [left] = set(files) - set(handed_in)

    page = open_page("manager", f"/projects/{project}/images")
    bar = page.get_by_role("group", name="Chosen images")
    for name in files:
        page.get_by_label(f"Choose {name}").check()
    bar.get_by_role("button", name=purpose.use).click()
    expect(page.get_by_text(purpose.used)).to_be_visible()
    why = bar.get_by_text("1 image stayed as it was: Others can be compared")
    expect(why).to_contain_text(left)
    assert accessibility_problems(page) == []
    for name in files:
        card = page.locator(".image-card", has_text=name)
        expect(card.get_by_text(purpose.chip)).to_have_count(int(name in handed_in))
    expect(page.get_by_label(f"Choose {left}")).to_be_checked()
    page.get_by_label(f"Choose {handed_in[0]}").check()
    bar.get_by_role("button", name=purpose.leave).click()
    expect(page.get_by_text(purpose.left)).to_be_visible()
    expect(page.locator(".image-card", has_text=purpose.chip)).to_have_count(1)
    expect(why).to_be_hidden()


def test_many_images_are_changed_in_a_few_requests_and_those_not_reached_stay_chosen(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project, number = new_project(product), MOST + 30
    add_many_images(product, project, number)
    page = open_page("manager", f"/projects/{project}/images")
    bar = page.get_by_role("group", name="Chosen images")
    asked: list[Route] = []

    def answer(route: Route) -> None:
        asked.append(route)
        if len(asked) != 2:  # the second waits
            route.continue_()

    page.route("**/image-changes", answer)
    page.get_by_label("Choose harbour-000.png").check()
    bar.get_by_role("button", name=f"Choose all {number:,}").click()
    expect(bar).to_contain_text(f"{number:,} images chosen", timeout=LONG_MS)
    bar.get_by_role("button", name="Keep for scoring").click()
    expect(bar).to_contain_text(f"{MOST:,} of {number:,} images done")
    expect(bar.get_by_role("progressbar", name="Images done")).to_be_visible()
    product.wait_for(lambda: page.evaluate("1") and len(asked) == 2, LONG_S, "a second request")
    gone = {"error": {"code": "archived", "message": "No change is possible now."}}
    asked[1].fulfill(status=409, json=gone)
    expect(page.get_by_text(f"{MOST:,} images kept for scoring.")).to_be_visible()
    expect(page.get_by_text("30 images not changed: No change is possible now.")).to_be_visible()
    expect(bar).to_contain_text("30 images chosen")

    bar.get_by_role("button", name="Keep for scoring").click()
    expect(page.get_by_text("30 images kept for scoring.")).to_be_visible()
    expect(bar).to_be_hidden()
    assert len(asked) == 3
    left = "SELECT count(*) FROM annotator_image WHERE project_id = %s AND NOT held_out"
    assert product.ask(left, project) == [(0,)]
    acts = (
        "SELECT subject FROM annotator_auditentry WHERE project_id = %s AND act = 'image.held_out'"
    )
    assert sorted(product.ask(acts, project)) == [(f"{MOST:,} images",), ("30 images",)]
