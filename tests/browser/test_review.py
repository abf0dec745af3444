"""A reviewer's way through the queue, and what the annotator finds afterwards."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.projects import (
    accept_a_mask,
    accessibility_problems,
    ellipse,
    new_project,
    scene,
    upload,
)
from tests.browser.workbench_page import WINDOW, watch_faults
from tests.live_product import LiveProduct
from tests.patience import LONG_MS, LONG_S

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


def handed_in(product: LiveProduct, *, num_images: int, seed: int) -> str:
    """A project in which the annotator handed in images with one mask each; returns its id."""
    project = new_project(product)
    files = {f"quay-{number}.png": scene(seed + number) for number in range(num_images)}
    upload(product, project, files)
    for _ in files:
        submit(product, accept_a_mask(product, project))
    return project


def submit(product: LiveProduct, assignment: dict[str, object]) -> None:
    done = product.session("annotator").post(f"/api/v1/assignments/{assignment['id']}/submit", {})
    assert done.status == 200, done.content


def open_queue(open_page: OpenPage, project: str, *, left: int) -> Page:
    page = open_page("manager", f"/projects/{project}/review", viewport=WINDOW)
    expect(page.locator("#left")).to_have_text(f"{left} left")
    expect(page.locator("#image-name")).to_contain_text("quay")
    settled(page)
    return page


def settled(page: Page) -> None:
    """The mask in turn is on the page, and keys decide on it."""
    expect(page.locator("#stage[data-busy=false]")).to_have_count(1)


def test_a_reviewer_accepts_and_sends_back_by_keys(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path
) -> None:
    project = handed_in(product, num_images=2, seed=40)
    page = open_queue(open_page, project, left=2)
    faults = watch_faults(page)
    assert accessibility_problems(page) == []
    page.keyboard.press("a")
    expect(page.locator("#left")).to_have_text("1 left")
    expect(page.locator("#image-name")).to_have_text("quay-1.png")
    settled(page)
    page.locator("#stage").click(position={"x": 300, "y": 200})
    page.get_by_label("What is wrong at pin 1").fill("the mast is cut off")
    page.keyboard.press("Enter")
    page.keyboard.press("r")
    assert accessibility_problems(page) == []
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Sent back to Demo annotator.")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing to review here")).to_be_visible()
    expect(page.locator("#count-rejected")).to_have_text("1")
    assert faults == []
    target = tmp_path / "coco.json"
    product.manage("export_coco", project, str(target))
    assert len(json.loads(target.read_text())["annotations"]) == 1, "the rejected one stays here"
    shows_what_came_back(product, open_page, project)


def shows_what_came_back(product: LiveProduct, open_page: OpenPage, project: str) -> None:
    page = open_page("annotator", f"/projects/{project}/annotate", viewport=WINDOW)
    expect(page.locator(".bar-image")).to_have_text("quay-1.png", timeout=LONG_MS)
    expect(page.get_by_text("A reviewer sent one mask back")).to_be_visible()
    expect(page.locator(".mask-detail")).to_have_text("Sent back: A part is missing")
    expect(page.locator(".mask-remarks")).to_have_text("1: the mast is cut off")
    page.locator(".mask-choose").click()
    page.keyboard.press("r")
    page.keyboard.press("b")
    page.locator("#stage").click()
    page.keyboard.press("Enter")
    expect(page.locator(".mask-remarks")).to_have_text("")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".screen-title")).to_be_visible(timeout=LONG_MS)
    queue = product.session("manager").get(f"/api/v1/projects/{project}/review-queue").json()
    assert [one["image_name"] for one in queue["masks"]] == ["quay-1.png"], "reviewed once more"


def test_the_queue_is_narrowed_to_what_a_check_found(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    manager = product.session("manager")
    picture = {"quay-0.png": scene(70)}
    assert manager.upload(f"/api/v1/projects/{project}/images", picture).status == 201
    assignment = accept_a_mask(product, project)
    speck = ellipse()
    speck[2:4, 160:163] = True
    accept_a_mask(product, project, pixels=speck)
    submit(product, assignment)
    found = f"/api/v1/projects/{project}/mask-checks"
    product.wait_for(lambda: manager.get(found).json()["unchecked"] == 0, LONG_S, "the checks")
    page = open_queue(open_page, project, left=2)
    page.get_by_label("with finding").select_option("Specks")
    expect(page.locator("#left")).to_have_text("1 left")
    expect(page.locator("#findings .chip")).to_have_text(["Specks", "Twice the same"])


def test_a_reviewer_fixes_a_mask_in_the_workbench(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = handed_in(product, num_images=1, seed=50)
    page = open_queue(open_page, project, left=1)
    faults = watch_faults(page)
    page.keyboard.press("f")
    expect(page.locator(".mask-detail")).to_have_text("In hand", timeout=LONG_MS)
    page.keyboard.press("b")
    page.locator("#stage").click(position={"x": 200, "y": 150})
    page.get_by_role("button", name="Done, back to the review").click()
    expect(page.get_by_text("Corrected.")).to_be_visible(timeout=LONG_MS)
    expect(page.locator("#count-fixed")).to_have_text("1")
    page.locator("#state-fixed").click()
    expect(page.locator(".past-review")).to_contain_text("Fixed")
    mask = (
        product.session("manager")
        .get(f"/api/v1/projects/{project}/review-queue?state=fixed")
        .json()["masks"][0]
    )
    assert mask["author_name"] == "Demo annotator"
    assert faults == []


def test_an_audit_from_the_draw_to_its_numbers(product: LiveProduct, open_page: OpenPage) -> None:
    project = handed_in(product, num_images=2, seed=80)
    page = open_page("manager", f"/projects/{project}/quality", viewport=WINDOW)
    assert accessibility_problems(page) == []
    page.get_by_label("Images", exact=True).fill("2")
    page.get_by_label("Seed").fill("11")
    audits = page.get_by_role("region", name="Audits")
    audits.get_by_role("button", name="Draw and begin").click()
    expect(page.locator("#left")).to_have_text("2 left")
    settled(page)
    page.keyboard.press("a")
    expect(page.locator("#left")).to_have_text("1 left")
    settled(page)
    page.keyboard.press("f")
    expect(page.locator(".mask-detail")).to_have_text("In hand", timeout=LONG_MS)
    page.keyboard.press("b")
    page.locator("#stage").click(position={"x": 200, "y": 150})
    page.get_by_role("button", name="Done, back to the review").click()
    expect(page.get_by_role("heading", name="Nothing to review here")).to_be_visible(
        timeout=LONG_MS
    )
    page.get_by_role("link", name="Its numbers").click()
    row = page.get_by_role("row").filter(has_text="2 of 2")
    expect(row).to_contain_text("done")
    [audit] = product.session("manager").get(f"/api/v1/projects/{project}/audits").json()["audits"]
    assert audit["num_decided"] == 2 and 0.5 < audit["mean_iou"] < 1


def test_a_mask_that_changed_meanwhile_is_shown_as_it_is_now(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = handed_in(product, num_images=1, seed=60)
    page = open_queue(open_page, project, left=1)
    manager = product.session("manager")
    [queued] = manager.get(f"/api/v1/projects/{project}/review-queue").json()["masks"]
    seen = manager.get(f"/api/v1/masks/{queued['mask']}/reviews").json()["mask"]
    body = {
        "save_id": str(uuid.uuid4()),
        "image": queued["image"],
        "assignment": None,
        "state": "accepted",
        "rle": seen["rle"],
        "order_index": 0,
    }
    saved = manager.request(
        "PUT",
        f"/api/v1/masks/{queued['mask']}",
        body,
        headers={"If-Match": f'"{seen["version"]}"'},
    )
    assert saved.status == 200, saved.content
    page.keyboard.press("a")
    expect(page.get_by_text("The mask was changed in the meantime")).to_be_visible()
    settled(page)
    page.keyboard.press("a")
    expect(page.locator("#count-accepted")).to_have_text("1")
