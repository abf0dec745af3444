"""The workbench under other hands: touch, pen, a second browser, a lost lease, a conflict, a large picture."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.workbench_page import DAB, EXPIRE, WINDOW, Workbench
from tests.live_product import LiveProduct
from tests.patience import LONG_S, drawn

OpenPage = Callable[..., Page]

# A picture that is served in squares: longer than 4096 pixels, of blocks in colours of their own.
LARGE_WIDTH, LARGE_HEIGHT, BLOCK = 4600, 1500, 230


class Fingers:
    """Touch and pen as the browser gets them from its devices."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._device: CDPSession = bench.page.context.new_cdp_session(bench.page)

    def touch(self, kind: str, *places: tuple[float, float]) -> None:
        """`touchStart`, `touchMove` or `touchEnd` with the fingers that are down then."""
        points = []
        for number, place in enumerate(places):
            x, y = self._bench.place(*place)
            points.append({"x": x, "y": y, "id": number})
        self._device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def pen(
        self, kind: str, place: tuple[float, float], *, button: str = "left", force: float = 0.5
    ) -> None:
        """`mousePressed`, `mouseMoved` or `mouseReleased` of a pen that is pressed from 0 to 1."""
        x, y = self._bench.place(*place)
        held = 0 if kind == "mouseReleased" else {"left": 1, "right": 2}[button]
        about = {"button": button, "buttons": held, "clickCount": 1, "pointerType": "pen"}
        about["force"] = force
        self._device.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **about})


def last_pointer(page: Page) -> None:
    """From now on `window.lastPointer` is the kind of pointer that pressed last, `window.lastPressure` how hard."""
    page.evaluate(
        "document.addEventListener('pointerdown', ({ pointerType, pressure }) => "
        "Object.assign(window, { lastPointer: pointerType, lastPressure: pressure }), true)"
    )


# ---- touch and pen -------------------------------------------------------------------------------


def test_a_finger_paints(painting: Workbench) -> None:
    last_pointer(painting.page)
    painting.square_brush()
    fingers = Fingers(painting)
    fingers.touch("touchStart", (0.5, 0.4))
    fingers.touch("touchEnd")
    painting.press("Enter")
    painting.expect_sizes(DAB)
    assert painting.page.evaluate("window.lastPointer") == "touch"
    painting.expect_stored(DAB)


def test_two_fingers_zoom_and_leave_no_paint(painting: Workbench) -> None:
    painting.square_brush()
    drawn(painting.page)
    before = scale_of(painting)
    fingers = Fingers(painting)
    fingers.touch("touchStart", (0.45, 0.5))
    fingers.touch("touchStart", (0.45, 0.5), (0.55, 0.5))
    fingers.touch("touchMove", (0.35, 0.5), (0.65, 0.5))
    fingers.touch("touchEnd")
    drawn(painting.page)
    assert scale_of(painting) == pytest.approx(3 * before, rel=0.05)
    expect(painting.can_accept).to_have_count(0)
    expect(painting.page.locator("[data-command=undo]")).to_be_disabled()


def test_a_pen_paints_a_line_and_its_button_erases(painting: Workbench) -> None:
    last_pointer(painting.page)
    painting.square_brush()
    fingers = Fingers(painting)
    fingers.pen("mousePressed", (0.45, 0.4))
    for across in (0.47, 0.5, 0.53):
        fingers.pen("mouseMoved", (across, 0.4))
    fingers.pen("mouseReleased", (0.53, 0.4))
    assert painting.page.evaluate("window.lastPointer") == "pen"
    fingers.pen("mousePressed", (0.45, 0.4), button="right")
    fingers.pen("mouseReleased", (0.45, 0.4), button="right")
    undo = painting.page.locator("[data-command=undo]")
    expect(undo).to_have_attribute("title", "Undo: Eraser stroke (Ctrl Z)")
    painting.press("Enter")
    expect(painting.page.locator(".mask-row")).to_have_count(1)
    painting.expect_saved()
    [mask] = painting.stored()
    [painted, erased] = mask["prompts"]
    assert [painted["mode"], erased["mode"]] == ["brush", "eraser"]
    (x0, _), (x1, _) = painted["points"][0], painted["points"][-1]
    assert mask["area"] == pytest.approx((x1 - x0) * 24, abs=3 * 24)
    assert mask["bbox"][0] > x0


def test_how_hard_a_pen_is_pressed_changes_nothing(painting: Workbench) -> None:
    last_pointer(painting.page)
    painting.square_brush()
    fingers = Fingers(painting)
    for force, across in ((0.1, 0.45), (1.0, 0.55)):
        fingers.pen("mousePressed", (across, 0.4), force=force)
        fingers.pen("mouseReleased", (across, 0.4), force=0)
        assert painting.page.evaluate("window.lastPressure") == pytest.approx(force)
        painting.press("Enter")
    painting.expect_sizes(DAB, DAB)


def test_the_hand_that_holds_a_pen_leaves_nothing(painting: Workbench) -> None:
    painting.square_brush()
    before = scale_of(painting)
    fingers = Fingers(painting)
    fingers.touch("touchStart", (0.6, 0.6))  # the hand lies down before the pen does
    fingers.pen("mousePressed", (0.5, 0.4))
    fingers.touch("touchCancel")
    fingers.touch("touchStart", (0.62, 0.6), (0.65, 0.62))
    fingers.pen("mouseMoved", (0.501, 0.4))
    fingers.touch("touchEnd")
    fingers.pen("mouseReleased", (0.501, 0.4))
    fingers.touch("touchStart", (0.6, 0.6))  # and turns a little
    fingers.touch("touchEnd")
    painting.press("Enter")
    expect(painting.page.locator(".mask-row")).to_have_count(1)
    painting.expect_saved()
    [mask] = painting.stored()
    [stroke] = mask["prompts"]
    assert mask["area"] == pytest.approx(DAB, abs=2 * 24)
    assert len(stroke["points"]) == 2
    assert scale_of(painting) == before


def scale_of(bench: Workbench) -> float:
    """CSS pixels per image pixel."""
    view = bench.page.locator("#stage").get_attribute("data-view")
    assert view is not None
    return float(view.split()[0])


# ---- the object in hand, in another browser --------------------------------------------------------


def test_another_browser_goes_on_with_the_object_in_hand(
    painting: Workbench, open_page: OpenPage
) -> None:
    painting.square_brush()
    painting.click(0.45, 0.4)
    draft = in_hand(painting, DAB)
    page = open_page("annotator", "/", viewport=WINDOW)
    page.context.route("**/vendor/ort/**", lambda route: route.abort())
    other = Workbench(page=page, product=painting.product, project=painting.project)
    other.open()
    expect(other.can_accept).to_be_visible()
    expect(page.locator(".mask-row")).to_have_count(0)
    other.square_brush()
    other.click(0.55, 0.4)
    other.press("Enter")
    other.expect_sizes(2 * DAB)
    other.expect_stored(2 * DAB)
    [mask] = other.stored()
    assert (mask["id"], mask["state"]) == (draft["id"], "accepted")
    assert other.stored_in_hand() == []
    painting.open()
    painting.expect_sizes(2 * DAB)
    expect(painting.can_accept).to_have_count(0)


def test_what_is_cleared_is_no_draft_any_more_until_undo_brings_it_back(
    painting: Workbench,
) -> None:
    painting.square_brush()
    painting.click(0.45, 0.4)
    in_hand(painting, DAB)
    painting.press("Escape")
    painting.product.wait_for(lambda: not painting.stored_in_hand(), LONG_S, "the draft to go")
    painting.press("Control+z")
    in_hand(painting, DAB)
    painting.expect_saved()


def in_hand(bench: Workbench, area: int) -> dict[str, object]:
    """The one draft of an object in hand that the server holds, once it has this area."""

    def is_there() -> bool:
        return [mask["area"] for mask in bench.stored_in_hand()] == [area]

    bench.product.wait_for(is_there, LONG_S, f"a draft of {area} pixels")
    [draft] = bench.stored_in_hand()
    assert draft["state"] == "draft"
    return draft


# ---- what stands in the way of a save --------------------------------------------------------------


@pytest.mark.usefixtures("manager_holds_nothing")
def test_work_after_a_lost_lease_is_kept_as_a_draft_and_said_so(painting: Workbench) -> None:
    lease = painting.assignment()
    painting.product.ask(EXPIRE, "annotator")
    path = f"/api/v1/projects/{painting.project}/assignments/next"
    taken = painting.product.session("manager").post(path, {"ahead": 3}).json()
    lent = [taken["assignment"], *taken["upcoming"]]
    assert lease["image"]["id"] in [one["image"]["id"] for one in lent]
    painting.square_brush()
    painting.dab(0.45, 0.4)
    chip = painting.page.locator(".bar-chip")
    expect(chip).to_have_text("Needs attention")
    chip.click()
    dialog = painting.page.locator("#save-details")
    expect(dialog).to_contain_text("You no longer hold this image; your work is kept as a draft.")
    masks = painting.product.session("annotator").get(
        f"/api/v1/images/{lease['image']['id']}/masks"
    )
    kept = [mask for mask in masks.json()["masks"] if mask["state"] != "deleted"]
    assert [(mask["state"], mask["area"]) for mask in kept] == [("draft", DAB)]
    dialog.get_by_role("button", name="Leave it as a draft").click()
    expect(dialog).to_contain_text("Everything is saved")
    dialog.get_by_role("button", name="Close").click()
    painting.expect_saved()


@pytest.mark.parametrize(("choice", "area"), [("Keep mine", 2 * DAB), ("Take the server's", DAB)])
def test_a_change_from_elsewhere_is_not_overwritten_before_the_person_says_so(
    painting: Workbench, choice: str, area: int
) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.expect_stored(DAB)
    change_elsewhere(painting)
    painting.page.locator(".mask-choose").first.click()
    painting.press("r")
    painting.click(0.55, 0.4)
    painting.press("Enter")
    painting.expect_sizes(2 * DAB)
    chip = painting.page.locator(".bar-chip")
    expect(chip).to_have_text("Needs attention")
    assert [mask["area"] for mask in painting.stored()] == [DAB]
    chip.click()
    dialog = painting.page.locator("#save-details")
    expect(dialog).to_contain_text("This mask was changed elsewhere since you opened it here.")
    with painting.page.expect_download() as started:
        dialog.get_by_role("button", name="Download unsaved work").click()
    unsaved = json.loads(started.value.path().read_text())
    assert [save["state"] for save in unsaved["saves"]] == ["accepted"]
    dialog.get_by_role("button", name=choice).click()
    expect(dialog).to_contain_text("Everything is saved")
    dialog.get_by_role("button", name="Close").click()
    painting.expect_sizes(area)
    painting.expect_stored(area)


def change_elsewhere(bench: Workbench) -> None:
    """The same content again under a new version, as a script of the same person would save it."""
    [mask] = bench.stored()
    lease = bench.assignment()
    body = {
        "save_id": str(uuid4()),
        "image": lease["image"]["id"],
        "assignment": lease["id"],
        **{name: mask[name] for name in ("state", "rle", "order_index", "prompts", "given_up")},
    }
    reply = bench.product.session("annotator").request(
        "PUT", f"/api/v1/masks/{mask['id']}", body, headers={"If-Match": f'"{mask["version"]}"'}
    )
    assert reply.status == 200, reply.content


# ---- a large picture -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large_project(product: LiveProduct) -> str:
    """A project with one picture that is served in squares, ready to annotate."""
    manager = product.session("manager")
    made = manager.post("/api/v1/projects", {"name": f"Large {uuid4().hex[:6]}"})
    project = str(made.json()["id"])
    manager.post(f"/api/v1/projects/{project}/members", {"name": "annotator", "role": "annotator"})
    added = manager.upload(f"/api/v1/projects/{project}/images", {"blocks.png": blocks_png()})
    assert added.status == 201, added.content

    def is_ready() -> bool:
        images = manager.get(f"/api/v1/projects/{project}/images").json()["images"]
        return [image["embedding"] for image in images] == ["ready"]

    product.wait_for(is_ready, LONG_S, "the embedding of the large picture")
    return project


def colour_of(x: float, y: float) -> tuple[int, int, int]:
    """The colour of the block around an image pixel: no two neighbours are alike."""
    column, row = int(x // BLOCK), int(y // BLOCK)
    return 40 + 9 * column, 60 + 22 * row, 230 if (column + row) % 2 else 30


def blocks_png() -> bytes:
    pixels = np.zeros((LARGE_HEIGHT, LARGE_WIDTH, 3), dtype=np.uint8)
    for top in range(0, LARGE_HEIGHT, BLOCK):
        for left in range(0, LARGE_WIDTH, BLOCK):
            pixels[top : top + BLOCK, left : left + BLOCK] = colour_of(left, top)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_a_large_picture_comes_in_squares_and_is_painted_at_its_own_resolution(
    product: LiveProduct, open_page: OpenPage, large_project: str
) -> None:
    page = open_page("annotator", "/", viewport=WINDOW)
    page.context.route("**/vendor/ort/**", lambda route: route.abort())
    finest: list[str] = []
    page.on(
        "response", lambda reply: finest.append(reply.url) if "/tiles/0/" in reply.url else None
    )
    bench = Workbench(page=page, product=product, project=large_project)
    bench.open()
    drawn(page)
    assert scale_of(bench) < 0.5
    assert finest == [], "the whole picture at once needs no pixel of the finest level"
    page.mouse.move(*bench.place(0.7, 0.6))
    with page.expect_response("**/tiles/0/**"):
        for _ in range(12):
            page.mouse.wheel(0, -240)
    bench.product.wait_for(lambda: shows_blocks(bench), LONG_S, "the squares in view")
    assert scale_of(bench) > 1
    bench.square_brush()
    bench.dab(0.5, 0.5)
    bench.expect_sizes(DAB)
    bench.expect_stored(DAB)


def shows_blocks(bench: Workbench) -> bool:
    """Whether the stage shows each block's colour where the block lies."""
    drawn(bench.page)
    box = bench.page.locator("#stage").bounding_box()
    view = bench.page.locator("#stage").get_attribute("data-view")
    assert box is not None and view is not None
    scale, left, top = (float(part) for part in view.split())
    shot = Image.open(io.BytesIO(bench.page.screenshot())).convert("RGB")
    compared = 0
    for across in (0.3, 0.5, 0.7):
        for down in (0.3, 0.6):
            x = (across * box["width"] - left) / scale
            y = (down * box["height"] - top) / scale
            if min(x % BLOCK, y % BLOCK, BLOCK - x % BLOCK, BLOCK - y % BLOCK) < 8:
                continue
            spot = (int(box["x"] + across * box["width"]), int(box["y"] + down * box["height"]))
            seen = shot.getpixel(spot)
            if any(abs(a - b) > 24 for a, b in zip(seen, colour_of(x, y), strict=True)):
                return False
            compared += 1
    return compared >= 3
