"""Reference images and agreement, from what a manager sets on the pages to the numbers there."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from common.metrics import boundary_iou, iou
from tests.browser.projects import (
    accessibility_problems,
    ellipse,
    new_project,
    put_mask,
    scene,
    take_an_image,
    upload,
)
from tests.live_product import LiveProduct
from tests.patience import LONG_S

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


def wider() -> NDArray[np.bool_]:
    """The scene's ellipse and what a careless hand adds."""
    return ellipse() | np.roll(ellipse(), 9, axis=1)


def hand_in(
    product: LiveProduct, lent: dict[str, Any], *masks: NDArray[np.bool_], person: str
) -> None:
    for place, mask in enumerate(masks):
        put_mask(product, lent, mask, order_index=place, person=person)
    done = product.session(person).post(f"/api/v1/assignments/{lent['id']}/submit", {})
    assert done.status == 200, done.content


def upload_scenes(product: LiveProduct, project: str, *names: str, seed: int) -> None:
    upload(product, project, {f"{name}.png": scene(seed + n) for n, name in enumerate(names)})


def told(numbers: NDArray[np.bool_]) -> tuple[str, str]:
    """IoU and boundary IoU with the ellipse as the pages write them."""
    return f"{iou(numbers, ellipse()):.2f}", f"{boundary_iou(numbers, ellipse()):.2f}"


def test_reference_images_are_chosen_mixed_in_and_scored_as_the_project_decides(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    upload_scenes(product, project, "buoy", seed=150)
    corner = np.roll(ellipse(), (-45, 60), axis=(0, 1))
    lent = take_an_image(product, project, person="manager")
    hand_in(product, lent, ellipse(), corner, person="manager")

    page = open_page("manager", f"/projects/{project}/images")
    page.get_by_label("Choose buoy.png").check()
    page.get_by_role("button", name="Use as reference").click()
    expect(page.get_by_text("1 image marked as reference.")).to_be_visible()
    page.get_by_role("link", name="Quality").click()
    references = page.get_by_role("region", name="Reference images")
    expect(references).to_contain_text("1 image is marked as reference.")
    references.get_by_label("One of so many images is a reference image").fill("2")
    references.get_by_label("People see their own scores afterwards").check()
    references.get_by_role("button", name="Set").click()

    upload_scenes(product, project, "crane", "dock", "mole", seed=160)
    names = []
    while "buoy.png" not in names:
        lent = take_an_image(product, project)
        names.append(lent["image"]["name"])
        hand_in(product, lent, wider(), person="annotator")
    assert len(names) == 2, "each second one"

    manager, scores = product.session("manager"), f"/api/v1/projects/{project}/reference-scores"
    product.wait_for(lambda: bool(manager.get(scores).json()["people"]), LONG_S, "a score")
    page.reload()
    row = references.get_by_role("row", name="Demo annotator")
    expect(row).to_contain_text("few yet")
    expect(row.get_by_role("cell")).to_contain_text(["1", "1 of 2", "0", *told(wider()), "–"])
    assert accessibility_problems(page) == []

    annotator = open_page("annotator", f"/projects/{project}/my-scores")
    mine = annotator.get_by_role("row", name="buoy.png")
    for word in ("1 of 2", *told(wider())):
        expect(mine).to_contain_text(word)
    references.get_by_label("People see their own scores afterwards").uncheck()
    references.get_by_role("button", name="Set").click()
    expect(references.get_by_label("People see their own scores afterwards")).not_to_be_checked()
    annotator.reload()
    expect(annotator.get_by_role("heading", name="Nothing here")).to_be_visible()


def test_two_people_mask_the_same_image_and_the_page_tells_how_they_agree(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path
) -> None:
    project = new_project(product)
    page = open_page("manager", f"/projects/{project}/quality")
    agreement = page.get_by_role("region", name="Where people agree")
    agreement.get_by_label("Share of the images").fill("100")
    agreement.get_by_label("masked by so many people").fill("2")
    agreement.get_by_role("button", name="Set").click()
    upload_scenes(product, project, "weir", seed=170)
    first = take_an_image(product, project)
    hand_in(product, first, ellipse(), person="annotator")
    second = take_an_image(product, project, person="manager")
    assert second["image"]["name"] == "weir.png" and second["image"]["id"] != first["image"]["id"]
    hand_in(product, second, wider(), person="manager")

    manager, numbers = product.session("manager"), f"/api/v1/projects/{project}/agreement"
    product.wait_for(lambda: bool(manager.get(numbers).json()["pairs"]), LONG_S, "a comparison")
    page.reload()
    both, edges = told(wider())
    matrix = agreement.get_by_role("table").first
    row = matrix.get_by_role("row", name="Demo annotator")
    expect(row.get_by_role("cell").last).to_contain_text(f"{both}edges {edges}")
    expect(row.get_by_role("cell").last).to_contain_text("0 % alone")
    assert accessibility_problems(page) == []
    with page.expect_download() as started:
        agreement.get_by_role("link", name="CSV of weeks").click()
    path = tmp_path / "weeks.csv"
    started.value.save_as(path)
    [week] = csv.DictReader(path.read_text().splitlines())
    assert (week["num_images"], week["num_matched"], week["num_unmatched"]) == ("1", "1", "0")
    assert float(week["mean_iou"]) == pytest.approx(iou(wider(), ellipse()))
    left = manager.get(f"/api/v1/projects/{project}/image-counts").json()
    assert (left["total"], left["submitted"]) == (1, 1), "the copy is in no number"
