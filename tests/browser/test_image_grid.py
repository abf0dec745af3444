"""The grid of a project with many images: one long page of which only what is near is drawn and read."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.projects import (
    accept_a_mask,
    accessibility_problems,
    add_many_images,
    new_project,
    scene,
)
from tests.browser.workbench_page import WINDOW, watch_faults
from tests.live_product import LiveProduct

OpenPage = Callable[..., Page]

NUM_IMAGES = 610
# Of the places in the window: whether there is one, and each shows its image.
IS_FULL = """() => {
  const inView = [...document.querySelectorAll('.image-card')].filter((place) => {
    const { top, bottom } = place.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  const isShown = (place) => place.querySelector('img')?.complete && place.innerText.includes('.png');
  return inView.length > 0 && inView.every(isShown);
}"""
NUM_DRAWN = """[...document.querySelectorAll('.image-card-facts')]
  .filter((part) => part.checkVisibility({contentVisibilityAuto: true})).length"""
NUM_READ = "document.querySelectorAll('.image-card-open').length"
FOCUSED = (
    "() => document.activeElement.closest('.image-card')?.querySelector('.one-line')?.textContent"
)


@pytest.fixture(scope="module")
def project(product: LiveProduct) -> str:
    """The first image has a mask, the others have none."""
    project = new_project(product)
    images = f"/api/v1/projects/{project}/images"
    assert product.session("manager").upload(images, {"first.png": scene(130)}).status == 201
    accept_a_mask(product, project)
    add_many_images(product, project, NUM_IMAGES - 1)
    return project


def test_a_long_list_is_scrolled_by_the_wheel_and_read_as_it_comes_near(
    project: str, open_page: OpenPage
) -> None:
    page = open_page("manager", f"/projects/{project}/images", viewport=WINDOW)
    faults = watch_faults(page)
    expect(page.locator(".image-card")).to_have_count(NUM_IMAGES)
    page.wait_for_function(IS_FULL)
    expect(page.locator("#place")).to_have_text(f"1–12 of {NUM_IMAGES}")
    masks = page.locator(".image-card canvas").first
    expect(masks).to_have_attribute("width", "240")
    assert page.evaluate(NUM_READ) < NUM_IMAGES / 2
    page.mouse.move(640, 500)
    before = -1
    while page.evaluate("scrollY") != before:
        before = page.evaluate("scrollY")
        page.mouse.wheel(0, 1400)
        page.wait_for_function(IS_FULL)
        assert page.evaluate(NUM_DRAWN) < NUM_IMAGES / 2
    expect(page.locator("#place")).to_contain_text(f"–{NUM_IMAGES} of {NUM_IMAGES}")
    expect(masks).to_have_attribute("width", "0")
    page.keyboard.press("Home")
    expect(masks).to_have_attribute("width", "240")
    assert accessibility_problems(page) == []
    assert faults == []


def test_the_end_is_one_key_away_and_coming_back_finds_the_same_place(
    project: str, open_page: OpenPage
) -> None:
    page = open_page("manager", f"/projects/{project}/images", viewport=WINDOW)
    page.wait_for_function(IS_FULL)
    page.keyboard.press("End")
    last = page.locator(".image-card", has_text=f"harbour-{NUM_IMAGES - 2}.png")
    expect(last).to_be_in_viewport()
    assert page.evaluate(NUM_READ) < NUM_IMAGES
    page.mouse.move(640, 500)
    page.mouse.wheel(0, -3000)
    expect(page.locator("#place")).not_to_contain_text(f"–{NUM_IMAGES} of")
    page.wait_for_function(IS_FULL)
    place = page.locator("#place").inner_text()
    page.get_by_role("link", name="Members").click()
    page.wait_for_url("**/members")
    page.go_back()
    expect(page.locator("#place")).to_have_text(place)
    page.wait_for_function(IS_FULL)


def test_keys_go_from_image_to_image_and_the_search_of_the_browser_finds_all(
    project: str, open_page: OpenPage
) -> None:
    page = open_page("manager", f"/projects/{project}/images", viewport=WINDOW)
    page.locator(".image-card-open").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUSED) == "harbour-000.png"
    page.keyboard.press("End")
    expect(page.locator(":focus")).to_contain_text(f"harbour-{NUM_IMAGES - 2}.png")
    expect(page.locator(":focus")).to_be_in_viewport()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(FOCUSED) == f"harbour-{NUM_IMAGES - 3}.png"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == f"harbour-{NUM_IMAGES - 2}.png"
    assert page.evaluate(NUM_READ) < NUM_IMAGES
    page.keyboard.press("Control+f")
    expect(page.locator(".image-card-open")).to_have_count(NUM_IMAGES)
    assert page.evaluate("window.find('harbour-207.png', false, false, true)")


def test_images_are_chosen_over_any_distance_until_the_list_is_another(
    product: LiveProduct, project: str, open_page: OpenPage
) -> None:
    page = open_page("manager", f"/projects/{project}/images", viewport=WINDOW)
    bar = page.get_by_role("group", name="Chosen images")
    page.get_by_label("Choose harbour-002.png").check()
    page.keyboard.press("End")
    far = page.get_by_label(f"Choose harbour-{NUM_IMAGES - 5}.png")
    far.check()
    expect(bar).to_contain_text("2 images chosen")
    bar.get_by_role("button", name="Keep for scoring").click()
    expect(page.get_by_text("2 images kept for scoring.")).to_be_visible()
    for_scoring = page.locator(".image-card", has_text="For scoring")
    expect(for_scoring.filter(has_text=f"harbour-{NUM_IMAGES - 5}.png")).to_be_visible()
    far.check()
    page.keyboard.press("Home")
    expect(for_scoring.filter(has_text="harbour-002.png")).to_be_visible()
    near = page.get_by_label("Choose harbour-001.png")
    near.click(modifiers=["Shift"])
    expect(bar).to_contain_text(f"{NUM_IMAGES - 5} images chosen")
    expect(page.get_by_label("Choose harbour-002.png")).to_be_checked()
    bar.get_by_role("button", name=f"Choose all {NUM_IMAGES}").click()
    expect(bar).to_contain_text(f"{NUM_IMAGES} images chosen")

    page.keyboard.press("End")
    page.get_by_label("Search by name").fill("harbour-41")
    expect(page.locator(".image-card")).to_have_count(10)
    expect(page.locator(".image-card-open")).to_have_count(10)
    expect(bar).to_be_hidden()
    expect(page.locator(".image-card").first).to_be_in_viewport()
    expect(page).to_have_url(re.compile(r"\?name=harbour-41$"))
    page.reload()
    expect(page.locator(".image-card")).to_have_count(10)
    expect(page.get_by_label("Search by name")).to_have_value("harbour-41")
    held_out = product.session("manager").get(f"/api/v1/projects/{project}/images?limit=10").json()
    names = [one["name"] for one in held_out["images"] if one["held_out"]]
    assert names == ["harbour-002.png"]


def test_the_counter_follows_images_that_come_in_out_of_sight(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    add_many_images(product, project, 30)
    page = open_page("manager", f"/projects/{project}/images", viewport=WINDOW)
    expect(page.locator("#place")).to_have_text("1–12 of 30")
    page.wait_for_function(IS_FULL)
    images = f"/api/v1/projects/{project}/images"
    assert product.session("manager").upload(images, {"last.png": scene(131)}).status == 201
    expect(page.locator(".image-card")).to_have_count(31)
    expect(page.locator("#place")).to_have_text("1–12 of 31")


def test_a_state_narrows_the_list_and_stands_in_the_address(
    project: str, open_page: OpenPage
) -> None:
    page = open_page("manager", f"/projects/{project}/images", viewport=WINDOW)
    states = page.get_by_role("group", name="Show images that are")
    in_progress = states.get_by_role("button", name="In progress 1")
    in_progress.click()
    expect(page.locator(".image-card")).to_have_count(1)
    expect(page.locator(".image-card")).to_contain_text("first.png")
    expect(page).to_have_url(re.compile(r"\?state=in_progress$"))
    page.reload()
    expect(page.locator(".image-card")).to_have_count(1)
    expect(in_progress).to_have_attribute("aria-pressed", "true")
    states.get_by_role("button", name=f"Ready {NUM_IMAGES - 1}").click()
    expect(page.locator(".image-card")).to_have_count(NUM_IMAGES - 1)
    expect(page.locator(".image-card", has_text="first.png")).to_have_count(0)
