"""Practice: on images whose masks are known an annotator sees how close they came, and tries again; nothing counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from common import rle
from common.metrics import boundary_iou, iou
from tests.browser.projects import (
    HEIGHT,
    WIDTH,
    accessibility_problems,
    new_project,
    put_mask,
    scene,
    take_an_image,
)
from tests.browser.workbench_page import WINDOW, Workbench, watch_faults
from tests.live_product import LiveProduct

OpenPage = Callable[..., Page]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIDE = 24  # of a dab of the brush


def square(x: int, y: int) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[y : y + SIDE, x : x + SIDE] = True
    return mask


KNOWN = (square(40, 30), square(110, 70))


@pytest.fixture
def project(product: LiveProduct) -> str:
    """Two images that the manager masked and handed in, one of them to practise on, and one that is worked on."""
    project, manager = new_project(product), product.session("manager")
    address = f"/api/v1/projects/{project}/images"
    assert manager.upload(address, {"buoy.png": scene(70), "crane.png": scene(71)}).status == 201
    for _ in range(2):
        lent = take_an_image(product, project, person="manager")
        for place, mask in enumerate(KNOWN):
            put_mask(product, lent, mask, order_index=place, person="manager")
        assert manager.post(f"/api/v1/assignments/{lent['id']}/submit", {}).status == 200
    crane = {"is_practice": True}
    assert manager.request("PATCH", f"/api/v1/images/{lent['image']['id']}", crane).status == 200
    assert manager.upload(address, {"dock.png": scene(72)}).status == 201
    take_an_image(product, project)
    return project


@pytest.fixture
def practising(product: LiveProduct, open_page: OpenPage, project: str) -> Iterator[Workbench]:
    """The annotator's browser, without the model, which the brush does not need."""
    page = open_page("annotator", "/", viewport=WINDOW)
    faults = watch_faults(page)
    page.context.route("**/vendor/ort/**", lambda route: route.abort())
    page.context.route("**/api/v1/images/*/decode", lambda route: route.fulfill(status=404))
    yield Workbench(page=page, product=product, project=project)
    assert faults == []


def dab_over(bench: Workbench, mask: NDArray[np.bool_], *, right: int = 0) -> None:
    """One dab of the brush on a square, or so many pixels to its right."""
    rows, columns = np.nonzero(mask)
    middle = columns.min() + SIDE / 2 + right, rows.min() + SIDE / 2
    bench.dab(*bench.over_pixel(*middle))


def own_masks(bench: Workbench) -> list[NDArray[np.bool_]]:
    """What the annotator made of the practice image on the page, as the server holds it."""
    session = bench.product.session("annotator")
    listed = session.get(f"/api/v1/assignments?practice=1&project={bench.project}").json()
    images = {one["image"]["name"]: one["image"]["id"] for one in listed["assignments"]}
    masks = session.get(f"/api/v1/images/{images[bench.image_name()]}/masks").json()["masks"]
    size = {"height": HEIGHT, "width": WIDTH}
    kept = [one["rle"]["counts"] for one in masks if one["state"] == "accepted"]
    return [rle.decode(rle.parse_counts(counts, max_runs=999, **size), **size) for counts in kept]


def numbers(product: LiveProduct, project: str) -> dict[str, Any]:
    """What the manager's pages count."""
    address, manager = f"/api/v1/projects/{project}", product.session("manager")
    queue = manager.get(f"{address}/review-queue?state=any").json()
    images = manager.get(f"{address}/images").json()["images"]
    return {
        "images": manager.get(f"{address}/image-counts").json(),
        "masks": {one["name"]: (one["num_masks"], one["state"]) for one in images},
        "review": (queue["total"], queue["counts"]),
    }


def put_into_the_set(page: Page, name: str) -> None:
    """As a manager does, on the Images page."""
    page.get_by_role("button", name=name).click()
    page.get_by_label("Practice: to learn on").check()
    page.locator("#viewer").get_by_role("button", name="Close").click()
    card = page.locator(".image-card").filter(has_text=name)
    expect(card.locator(".chip").filter(has_text="Practice")).to_be_visible()


def two_places(value: float) -> str:
    return f"{np.floor(value * 100) / 100:.2f}"


def test_an_annotator_practises_as_often_as_they_like_and_nothing_counts(
    practising: Workbench, product: LiveProduct, open_page: OpenPage, project: str
) -> None:
    put_into_the_set(open_page("manager", f"/projects/{project}/images"), "buoy.png")
    before = numbers(product, project)
    page = practising.page
    page.goto(f"/projects/{project}/guidelines")
    page.get_by_role("link", name="Practice", exact=True).click()
    practising.expect_open()
    expect(page.locator(".bench-practice")).to_have_text("Practice· nothing counts")
    expect(page.locator(".bar-image")).to_have_text("buoy.png")
    practising.square_brush()
    dab_over(practising, KNOWN[0], right=5)
    practising.dab(*practising.over_pixel(30, 95))
    expect(page.locator("#practice")).to_be_hidden()
    practising.press("Control+Enter")
    objects = page.locator("#practice .practice-list li")
    expect(objects).to_have_count(3)
    shifted, _ = own_masks(practising)
    close, edges = iou(shifted, KNOWN[0]), boundary_iou(shifted, KNOWN[0])
    assert 0.5 < close < 1
    missing = int((KNOWN[0] & ~shifted).sum()) / KNOWN[0].sum()
    said = f"1. IoU {two_places(close)} · edges {two_places(edges)}"
    expect(objects.nth(0)).to_contain_text(said)
    expect(objects.nth(0)).to_contain_text(f"{100 * missing:.0f} % missing")
    expect(objects.nth(1)).to_contain_text("2. Missed")
    expect(objects.nth(2)).to_contain_text("3. Extra")
    figures = ["1 of 2", "1", two_places(close), two_places(edges)]
    expect(page.locator("#practice dd")).to_have_text(figures)
    expect(page.locator("#locked")).to_be_hidden()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#practice")).to_be_hidden()
    practising.expect_open()
    practising.empty()
    practising.press("b")
    for mask in KNOWN:
        dab_over(practising, mask)
    practising.press("Control+Enter")
    expect(objects).to_have_count(2)
    again = [iou(mine, known) for mine, known in zip(own_masks(practising), KNOWN, strict=True)]
    assert min(again) > close
    for place, value in enumerate(again):
        expect(objects.nth(place)).to_contain_text(f"IoU {two_places(value)}")
    assert numbers(product, project) == before
    page.locator("#practice").get_by_role("button", name="Next image").click()
    expect(page.locator(".bar-image")).to_have_text("crane.png")
    page.goto("/")
    expect(page.get_by_role("link", name="buoy.png")).to_have_count(0)


def test_the_result_shows_where_and_leads_on_until_nothing_is_left(
    practising: Workbench, project: str
) -> None:
    page = practising.page
    page.goto(f"/projects/{project}/practice")
    practising.expect_open()
    practising.square_brush()
    dab_over(practising, KNOWN[0], right=5)
    practising.press("Control+Enter")
    first = page.locator(".practice-object").first
    view = page.locator("#stage").get_attribute("data-view")
    first.click()
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#stage")).not_to_have_attribute("data-view", view or "")
    for scheme in SCHEMES:
        for width in (WINDOW["width"], 800):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 700})
            assert accessibility_problems(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#practice").get_by_role("button", name="Next image").click()
    expect(page.get_by_role("heading", name="All done here")).to_be_visible()
    work = page.get_by_role("link", name="Start annotating")
    expect(work).to_have_attribute("href", f"/projects/{project}/annotate")
    page.get_by_role("button", name="Previous image").click()
    expect(page.locator(".practice-list")).to_contain_text("Missed")


def test_the_tutorial_ends_with_an_offer_to_practise(open_page: OpenPage, project: str) -> None:
    page = open_page("annotator", f"/projects/{project}/annotate", viewport=WINDOW, newcomer=True)
    card = page.locator("#tutorial")
    expect(card).to_contain_text("This is a real image")
    for step in range(2, 8):
        expect(page.get_by_role("link", name="Practise first")).to_be_hidden()
        card.get_by_role("button", name="Next").click()
        expect(card).to_contain_text(f"{step} of 7")
    page.get_by_role("link", name="Practise first").click()
    expect(page).to_have_url(re.compile("/practice$"))
    expect(page.locator(".bench-practice")).to_be_visible()
    expect(card).to_be_hidden()
