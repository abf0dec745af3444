"""The workbench when things fail under it: a full device, a failing server, a killed tab; and without motion."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from launcher.chromium import find_chromium
from tests.browser.projects import accessibility_problems
from tests.browser.workbench_page import DAB, WINDOW, Workbench, open_workbench
from tests.conftest import CHROMIUM_FLAGS
from tests.live_product import LiveProduct
from tests.patience import LONG_S, drawn
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


# Data of another kind takes all the room that is left for this origin.
FILL = """async () => {
  const opening = indexedDB.open('others');
  opening.onupgradeneeded = () => opening.result.createObjectStore('rows', { autoIncrement: true });
  await new Promise((done) => { opening.onsuccess = done; });
  const took = (size) => new Promise((done) => {
    const transaction = opening.result.transaction('rows', 'readwrite');
    transaction.oncomplete = () => done(true);
    transaction.onabort = () => done(false);
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
    transaction.objectStore('rows').add(bytes);
  });
  for (let size = 1 << 20; size >= 64; size >>= 1) while (await took(size));
  opening.result.close();
}"""
ROOM = 8_000_000


class Device:
    """The room that the browser's storage has for the product; to be made before a page uses it."""

    def __init__(self, page: Page, product: LiveProduct) -> None:
        self._page, self._origin = page, {"origin": product.url}
        self._session = page.context.new_cdp_session(page)
        self._session.send("Storage.overrideQuotaForOrigin", {**self._origin, "quotaSize": ROOM})

    def fill(self) -> None:
        """What the browser has granted already is used up, and it grants no more."""
        self._session.send("Storage.overrideQuotaForOrigin", {**self._origin, "quotaSize": 1})
        self._page.evaluate(FILL)

    def make_room(self) -> None:
        self._session.send("Storage.overrideQuotaForOrigin", self._origin)


# ---- a full device -------------------------------------------------------------------------------


@pytest.fixture
def small(product: LiveProduct, open_page: OpenPage) -> tuple[Workbench, Device]:
    """The workbench without a model on a device with little room."""
    page = open_page("annotator", "/", viewport=WINDOW)
    device = Device(page, product)
    without_model(page)
    return open_workbench(page, product), device


def test_a_full_device_loses_nothing_while_the_server_is_there(
    small: tuple[Workbench, Device],
) -> None:
    bench, device = small
    bench.square_brush()
    bench.dab(0.4, 0.4)
    bench.expect_stored(DAB)
    device.fill()
    bench.dab(0.5, 0.4)
    expect(bench.page.locator("#toasts")).to_contain_text("no room for the undo history")
    bench.dab(0.6, 0.4)
    bench.expect_stored(DAB, DAB, DAB)
    device.make_room()
    bench.press("Control+z", "Escape")
    bench.expect_stored(DAB, DAB)
    bench.open()
    bench.expect_sizes(DAB, DAB)


def test_a_full_device_without_a_server_says_so_and_offers_the_work_as_a_file(
    small: tuple[Workbench, Device], tmp_path: Path
) -> None:
    bench, device = small
    bench.square_brush()
    assert not bench.page.evaluate(LEAVING_IS_ASKED)
    device.fill()
    bench.page.context.set_offline(True)
    bench.dab(0.4, 0.4)
    toasts = bench.page.locator("#toasts")
    expect(toasts).to_contain_text("This device has no room left. Leave this page open")
    chip = bench.page.locator(".bar-chip")
    expect(chip).to_have_text("Needs attention")
    assert bench.page.evaluate(LEAVING_IS_ASKED)
    toasts.get_by_role("button", name="Download").click()
    dialog = bench.page.locator("#save-details")
    expect(dialog).to_contain_text("no room left: 1 mask is only in this page")
    assert accessibility_problems(bench.page) == []
    with bench.page.expect_download() as started:
        dialog.get_by_role("button", name="Download unsaved work").click()
    path = tmp_path / "unsaved.json"
    started.value.save_as(path)
    [kept] = json.loads(path.read_text())["saves"]
    assert kept["state"] == "accepted"
    bench.press("Escape")
    bench.dab(0.5, 0.4)
    bench.page.context.set_offline(False)
    bench.expect_stored(DAB, DAB)
    assert not bench.page.evaluate(LEAVING_IS_ASKED)


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


def test_what_is_made_while_the_server_restarts_is_stored_once_when_it_is_back(
    painting: Workbench,
) -> None:
    painting.square_brush()
    painting.dab(0.4, 0.4)
    painting.expect_stored(DAB)
    painting.product.kill("web")
    painting.dab(0.5, 0.4)
    painting.dab(0.6, 0.4)
    painting.press("Control+z", "Escape")
    chip = painting.page.locator(".bar-chip")
    expect(chip).to_contain_text("on this device")
    painting.expect_sizes(DAB, DAB)
    painting.product.wait_for(lambda: chip.inner_text() == "Saved", LONG_S, "the server to be back")
    painting.expect_stored(DAB, DAB)
    painting.page.reload()
    painting.expect_open()
    painting.expect_sizes(DAB, DAB)


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
    yield open_workbench(without_model(context.new_page()), product)
    browser.close()


def without_model(page: Page) -> Page:
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
    mortal.page = without_model(context.new_page())
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
        assert moving == {place: [] for place in moving}
    else:
        assert moving["home"], "or this test sees nothing"
    page.context.set_offline(False)
