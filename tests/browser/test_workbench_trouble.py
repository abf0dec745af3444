"""The workbench when things fail under it: a full device, a failing server, a killed tab; and without motion."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from launcher.chromium import find_chromium
from tests.browser.workbench_page import DAB, WINDOW, Workbench, open_workbench
from tests.conftest import CHROMIUM_FLAGS
from tests.live_product import LiveProduct
from tests.patience import drawn
from tests.returning import make_returning

OpenPage = Callable[..., Page]

LEAVING_IS_ASKED = "!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"
# Names of elements that something moves: an animation or a transition that takes time.
MOVING = """() => [...document.querySelectorAll('*')].flatMap((element) =>
  ['', '::before', '::after'].flatMap((part) => {
    const style = getComputedStyle(element, part || undefined);
    const takes = (list) => list.split(',').some((time) => parseFloat(time) > 0);
    const moves = (style.animationName !== 'none' && takes(style.animationDuration)) || takes(style.transitionDuration);
    return moves ? [`${element.tagName}.${element.className}${part}`] : [];
  }))"""


class Device:
    """The room that the browser's storage has for the product."""

    def __init__(self, bench: Workbench) -> None:
        self._origin = {"origin": bench.product.url}
        self._session = bench.page.context.new_cdp_session(bench.page)

    def is_full(self) -> None:
        self._session.send("Storage.overrideQuotaForOrigin", {**self._origin, "quotaSize": 1})

    def has_room(self) -> None:
        self._session.send("Storage.overrideQuotaForOrigin", self._origin)


# ---- a full device -------------------------------------------------------------------------------


def test_a_full_device_loses_nothing_while_the_server_is_there(painting: Workbench) -> None:
    device = Device(painting)
    painting.square_brush()
    painting.dab(0.4, 0.4)
    painting.expect_stored(DAB)
    device.is_full()
    painting.dab(0.5, 0.4)
    painting.dab(0.6, 0.4)
    painting.expect_stored(DAB, DAB, DAB)
    device.has_room()
    painting.press("Control+z", "Escape")
    painting.expect_stored(DAB, DAB)
    painting.open()
    painting.expect_sizes(DAB, DAB)


def test_a_full_device_without_a_server_says_so_and_offers_the_work_as_a_file(
    painting: Workbench, tmp_path: Path
) -> None:
    device = Device(painting)
    painting.square_brush()
    assert not painting.page.evaluate(LEAVING_IS_ASKED)
    device.is_full()
    painting.page.context.set_offline(True)
    painting.dab(0.4, 0.4)
    toasts = painting.page.locator("#toasts")
    expect(toasts).to_contain_text("This device has no room left. Leave this page open")
    chip = painting.page.locator(".bar-chip")
    expect(chip).to_have_text("Needs attention")
    assert painting.page.evaluate(LEAVING_IS_ASKED)
    toasts.get_by_role("button", name="Download").click()
    dialog = painting.page.locator("#save-details")
    expect(dialog).to_contain_text("no room left: 1 mask is only in this page")
    with painting.page.expect_download() as started:
        dialog.get_by_role("button", name="Download unsaved work").click()
    path = tmp_path / "unsaved.json"
    started.value.save_as(path)
    [kept] = json.loads(path.read_text())["saves"]
    assert kept["state"] == "accepted"
    painting.press("Escape")
    painting.dab(0.5, 0.4)
    painting.page.context.set_offline(False)
    painting.expect_stored(DAB, DAB)
    assert not painting.page.evaluate(LEAVING_IS_ASKED)
    device.has_room()


# ---- a failing server ----------------------------------------------------------------------------


def test_a_save_that_the_server_fails_at_is_repeated_until_it_is_stored_once(
    painting: Workbench,
) -> None:
    sent: list[str] = []

    def fail(route: Route) -> None:
        if route.request.method != "PUT":
            return route.fallback()
        sent.append(route.request.post_data_json["save_id"])
        return route.fulfill(status=500, json={"error": {"code": "error", "message": "broken"}})

    painting.square_brush()
    masks = re.compile(r"/api/v1/masks/[0-9a-f-]{36}$")
    painting.page.route(masks, fail)
    with painting.page.expect_request(masks):
        painting.dab(0.4, 0.4)
    chip = painting.page.locator(".bar-chip")
    expect(chip).to_have_text("1 change on this device")
    with painting.page.expect_request(masks):
        expect(painting.page.locator("#toasts .toast-danger")).to_have_count(0)
    painting.dab(0.5, 0.4)
    expect(chip).to_have_text("2 changes on this device")
    assert sent.count(sent[0]) >= 2, "the same request again"
    painting.page.unroute(masks)
    painting.expect_stored(DAB, DAB)
    assert {mask["version"] for mask in painting.stored()} == {1}


# ---- a killed tab --------------------------------------------------------------------------------


@pytest.fixture
def mortal(product: LiveProduct, chromium: Browser) -> Iterator[Workbench]:
    """The workbench without a model in a browser of its own, whose tab may be killed."""
    path = find_chromium()
    browser = chromium.browser_type.launch(executable_path=path, args=CHROMIUM_FLAGS)
    context = browser.new_context(base_url=product.url, viewport=WINDOW)
    cookies = product.session("annotator").cookies().items()
    context.add_cookies([{"name": key, "value": text, "url": product.url} for key, text in cookies])
    make_returning(context, product, "annotator")
    yield open_workbench(page_without_model(context), product)
    browser.close()


def page_without_model(context: BrowserContext) -> Page:
    page = context.new_page()
    page.route("**/vendor/ort/**", lambda route: route.abort())
    page.route("**/api/v1/images/*/decode", lambda route: route.fulfill(status=404))
    return page


def kill_tabs(browser: Browser) -> None:
    """kill -9 of every process of this browser that shows a page."""
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    for process in found["processInfo"]:
        if process["type"] == "renderer":
            os.kill(process["id"], signal.SIGKILL)


def test_a_killed_tab_comes_back_to_the_stroke_with_every_step_before_it(mortal: Workbench) -> None:
    mortal.square_brush()
    mortal.dab(0.3, 0.3)
    for across in (0.4, 0.5, 0.6):
        mortal.click(across, 0.5)
    mortal.expect_saved()
    mortal.page.mouse.move(*mortal.place(0.7, 0.5))
    mortal.page.mouse.down()
    mortal.page.mouse.move(*mortal.place(0.75, 0.5), steps=3)
    context = mortal.page.context
    assert context.browser is not None
    with mortal.page.expect_event("crash"):
        kill_tabs(context.browser)
    mortal.page = page_without_model(context)
    mortal.open()
    mortal.expect_sizes(DAB)
    mortal.press("Enter")
    mortal.expect_sizes(DAB, 3 * DAB)
    mortal.press("Control+z", "Control+z", "Enter")
    mortal.expect_sizes(DAB, 2 * DAB)
    mortal.press("Control+z", "Control+z", "Control+z")
    expect(mortal.can_accept).to_have_count(0)
    mortal.press("Control+z")
    mortal.press("Enter")
    mortal.expect_sizes(DAB)
    mortal.expect_stored(DAB)


# ---- without motion ------------------------------------------------------------------------------


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_where_the_system_asks_for_no_motion(
    open_page: OpenPage, product: LiveProduct, motion: str
) -> None:
    page = open_page("annotator", "/", viewport=WINDOW, reduced_motion=motion)
    moving = {"home": page.evaluate(MOVING)}
    bench = open_workbench(page, product)
    moving["opening the model"] = page.evaluate(MOVING)
    bench.press("F1")
    drawn(page)
    moving["dialog"] = page.evaluate(MOVING)
    page.context.set_offline(True)
    bench.press("Escape", "b")
    bench.dab(0.5, 0.4)
    drawn(page)
    moving["saving"] = page.evaluate(MOVING)
    if motion == "reduce":
        assert moving == dict.fromkeys(moving, [])
    else:
        assert moving["home"], "or this test sees nothing"
    page.context.set_offline(False)
