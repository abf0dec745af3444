"""Guidance in the workbench: the project's guidelines on a key, and the tutorial of the first visit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import FloatRect, Page, expect

from tests.browser.projects import accessibility_problems
from tests.browser.workbench_page import DAB, WINDOW, Workbench, open_workbench, watch_faults
from tests.live_product import LiveProduct
from tests.patience import drawn

OpenPage = Callable[..., Page]


@pytest.fixture
def newcomer(product: LiveProduct, open_page: OpenPage) -> Iterator[Workbench]:
    """The workbench in a browser that has never been here, and cannot load the model."""
    page = open_page("annotator", "/", viewport=WINDOW, newcomer=True)
    faults = watch_faults(page)
    page.context.route("**/vendor/ort/**", lambda route: route.abort())
    yield open_workbench(page, product)
    assert faults == []


def title(bench: Workbench) -> str:
    drawn(bench.page)
    return bench.page.locator(".tutorial-title").inner_text()


def test_the_tutorial_follows_the_hand_and_comes_back_only_when_asked(newcomer: Workbench) -> None:
    card = newcomer.page.locator("#tutorial")
    expect(card).to_contain_text("1 of 7")
    newcomer.square_brush()
    assert title(newcomer) == "Click on an object"
    newcomer.click(0.45, 0.4)
    expect(card).to_contain_text("Take it into the list")
    newcomer.press("Enter")
    expect(card).to_contain_text("Correct with more clicks")
    for heading in ("The whole, or a part of it", "Paint what clicks do not reach"):
        card.get_by_role("button", name="Next").click()
        expect(card).to_contain_text(heading)
    newcomer.click(0.55, 0.4)
    expect(card).to_contain_text("Everything can be undone")
    newcomer.press("Control+z")
    expect(card).to_contain_text("Hand the image in")
    expect(card).to_contain_text("Ctrl Enter hands the image in")
    card.get_by_role("button", name="Done").click()
    expect(card).to_be_hidden()
    newcomer.expect_stored(DAB)
    newcomer.open()
    expect(card).to_be_hidden()
    newcomer.press("Shift+F1")
    expect(card).to_contain_text("1 of 7")


def test_neither_the_card_nor_the_acts_lie_over_the_candidates(newcomer: Workbench) -> None:
    newcomer.wait_for_model()
    page = newcomer.page
    for place in ((0.6, 0.2), (0.62, 0.45), (0.45, 0.8)):
        newcomer.click(*place)
        expect(page.locator(".candidate")).to_have_count(3)
        drawn(page)
        strip = rectangle(page, "#candidates")
        for other in ("#tutorial", "#dock"):
            assert apart(strip, rectangle(page, other)), (place, strip, other)
        newcomer.press("Escape")
        expect(page.locator(".candidate")).to_have_count(0)


def rectangle(page: Page, what: str) -> FloatRect:
    found = page.locator(what).bounding_box()
    assert found is not None
    return found


def apart(one: FloatRect, other: FloatRect) -> bool:
    across = max(one["x"], other["x"]) - min(one["x"] + one["width"], other["x"] + other["width"])
    down = max(one["y"], other["y"]) - min(one["y"] + one["height"], other["y"] + other["height"])
    return across >= 0 or down >= 0


def test_who_has_no_time_for_the_tutorial_is_not_asked_again(newcomer: Workbench) -> None:
    card = newcomer.page.locator("#tutorial")
    card.get_by_role("button", name="Not now").click()
    expect(card).to_be_hidden()
    newcomer.open()
    expect(card).to_be_hidden()


@pytest.mark.usefixtures("first_keys")
def test_the_tutorial_names_the_keys_of_the_person(newcomer: Workbench) -> None:
    newcomer.press("F1")
    sheet = newcomer.page.locator("#keys")
    sheet.get_by_label("Set of keys").select_option("Like CVAT")
    newcomer.press("Escape")
    card = newcomer.page.locator("#tutorial")
    for _ in range(4):
        card.get_by_role("button", name="Next").click()
    expect(card).to_contain_text("Shift 1 takes the brush")


@pytest.fixture
def guided(product: LiveProduct) -> Iterator[Callable[[str], None]]:
    """Writes the guidelines of the demo; they are as before after the test."""
    manager = product.session("manager")
    [project] = [
        one for one in manager.get("/api/v1/projects").json()["projects"] if one["name"] == "Demo"
    ]
    address = f"/api/v1/projects/{project['id']}"

    def write(text: str) -> None:
        assert manager.request("PATCH", address, {"guidelines": text}).status == 200

    yield write
    write(project["guidelines"])


def test_guidelines_are_one_key_away_and_leave_the_hand_free(
    painting: Workbench, guided: Callable[[str], None]
) -> None:
    guided("Mask **every** cup.\n\n<b>Never</b> the saucer.")
    panel = painting.page.locator("#guidelines")
    painting.press("g")
    expect(panel.locator("p")).to_have_text(["Mask every cup.", "<b>Never</b> the saucer."])
    expect(panel.locator("strong")).to_have_text("every")
    painting.square_brush()
    painting.dab(0.6, 0.4)
    painting.expect_sizes(DAB)
    painting.press("g")
    expect(panel).to_be_hidden()
    guided("")
    painting.page.locator("#rail [data-command=guidelines]").click()
    expect(panel).to_contain_text("The manager has written no guidelines")
    panel.get_by_role("button", name="Close the guidelines").click()
    expect(panel).to_be_hidden()


def test_guidelines_that_were_read_stay_when_the_network_is_gone(
    painting: Workbench, guided: Callable[[str], None]
) -> None:
    guided("Mask every cup.")
    panel = painting.page.locator("#guidelines")
    painting.press("g")
    expect(panel).to_contain_text("Mask every cup.")
    painting.press("g")
    painting.page.context.set_offline(True)
    painting.press("g")
    expect(panel).to_contain_text("Mask every cup.")
    painting.page.context.set_offline(False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_guidance_is_accessible_and_fits_a_small_window(
    newcomer: Workbench, scheme: Literal["light", "dark"]
) -> None:
    page = newcomer.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 800, "height": 600})
    newcomer.press("g")
    expect(page.locator("#guidelines p").first).to_be_visible()
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
