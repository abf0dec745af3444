"""Keys of the workbench: changed by the person, refused with words, found in the palette, kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.projects import accessibility_problems
from tests.browser.workbench_page import DAB, WINDOW, Workbench
from tests.patience import drawn

pytestmark = pytest.mark.usefixtures("first_keys")


def open_editor(bench: Workbench) -> Locator:
    """The sheet of keys with its fields to change them."""
    bench.press("F1")
    sheet = bench.page.locator("#keys")
    sheet.get_by_role("button", name="Change keys").click()
    return sheet


def add_key(sheet: Locator, command: str, press: str) -> None:
    sheet.get_by_role("button", name=f"Add a key to {command}", exact=True).click()
    sheet.page.keyboard.press(press)


def tool(bench: Workbench, name: str) -> Locator:
    return bench.page.locator(f"#rail [data-command=tool_{name}]")


def test_a_key_is_added_and_taken_away_at_once_and_survives_a_reload(painting: Workbench) -> None:
    sheet = open_editor(painting)
    add_key(sheet, "Brush", "y")
    expect(sheet.get_by_role("status")).to_have_text("Y is now a key of “Brush”.")
    sheet.get_by_role("button", name="Take B away from Brush").click()
    painting.press("Escape")
    expect(sheet).to_be_hidden()
    for _ in range(2):
        expect(tool(painting, "brush").locator(".cap")).to_have_text("Y")
        painting.press("b")
        expect(tool(painting, "brush")).to_have_attribute("aria-pressed", "false")
        painting.press("y")
        expect(tool(painting, "brush")).to_have_attribute("aria-pressed", "true")
        painting.open()
    painting.press("?")
    row = sheet.locator(".sheet-row", has=painting.page.get_by_text("Brush", exact=True))
    expect(row.locator("kbd")).to_have_text(["Y"])


@pytest.mark.parametrize(
    ("press", "words"),
    [
        ("e", "E: This key belongs to “Eraser”. Take it away there first."),
        ("F5", "F5: The browser keeps this key: it loads the page again."),
        ("ArrowUp", "ArrowUp: The arrows move the crosshair; choose another key."),
        ("b", "B: It has this key already."),
    ],
)
def test_a_key_that_cannot_be_had_is_refused_and_the_person_may_try_another(
    painting: Workbench, press: str, words: str
) -> None:
    sheet = open_editor(painting)
    add_key(sheet, "Brush", press)
    expect(sheet.get_by_role("status")).to_have_text(words)
    painting.press("w")
    expect(sheet.get_by_role("status")).to_have_text("W is now a key of “Brush”.")


def test_escape_ends_the_wait_for_a_key_and_changes_nothing(painting: Workbench) -> None:
    sheet = open_editor(painting)
    add_key(sheet, "Brush", "Escape")
    expect(sheet).to_be_visible()
    expect(sheet.get_by_role("combobox")).to_have_value("maskwright")
    painting.press("Escape")
    expect(sheet).to_be_hidden()


def test_a_set_of_keys_brings_other_habits_and_the_first_set_undoes_all(
    painting: Workbench,
) -> None:
    sheet = open_editor(painting)
    add_key(sheet, "Brush", "y")
    expect(sheet.get_by_role("combobox")).to_have_value("own")
    sheet.get_by_label("Set of keys").select_option("Like CVAT")
    expect(sheet.get_by_role("button", name="Take Shift 1 away from Brush")).to_be_visible()
    painting.press("Escape", "Shift+Digit1")
    expect(tool(painting, "brush")).to_have_attribute("aria-pressed", "true")
    painting.press("Shift+Digit2")
    expect(tool(painting, "eraser")).to_have_attribute("aria-pressed", "true")
    first = painting.image_name()
    painting.press("f")
    expect(painting.page.locator(".bar-image")).not_to_have_text(first)
    painting.expect_open()
    painting.press("d")
    expect(painting.page.locator(".bar-image")).to_have_text(first)
    painting.expect_open()
    painting.press("F1")
    sheet.get_by_label("Set of keys").select_option("Maskwright")
    painting.press("Escape", "y")
    expect(tool(painting, "eraser")).to_have_attribute("aria-pressed", "true")
    expect(tool(painting, "brush").locator(".cap")).to_have_text("B")


@pytest.mark.usefixtures("manager_holds_nothing")
def test_keys_of_one_person_are_not_those_of_another_at_the_same_browser(
    painting: Workbench,
) -> None:
    sheet = open_editor(painting)
    sheet.get_by_label("Set of keys").select_option("Like CVAT")
    painting.press("Escape")
    context = painting.page.context
    context.clear_cookies()
    cookies = painting.product.session("manager").cookies().items()
    url = painting.product.url
    context.add_cookies([{"name": name, "value": text, "url": url} for name, text in cookies])
    page = context.new_page()
    page.goto(f"/projects/{painting.project}/annotate")
    cap = page.locator("#rail [data-command=tool_brush] .cap")
    expect(cap).to_have_text("B")
    expect(tool(painting, "brush").locator(".cap")).to_have_text("Shift 1")


def test_keys_follow_a_person_to_another_browser_and_the_last_save_counts(
    painting: Workbench, open_page: Callable[..., Page]
) -> None:
    sheet = open_editor(painting)
    add_key(sheet, "Brush", "y")
    expect(sheet.locator(".sheet-kept")).to_have_text("Your keys follow you to every browser.")
    page = open_page("annotator", "/", viewport=WINDOW)
    page.goto(f"/projects/{painting.project}/annotate")
    elsewhere = Workbench(page=page, product=painting.product, project=painting.project)
    elsewhere.expect_open()
    their_sheet = open_editor(elsewhere)
    expect(their_sheet.get_by_role("button", name="Take Y away from Brush")).to_be_visible()
    their_sheet.get_by_role("button", name="Take B away from Brush").click()
    expect(tool(elsewhere, "brush").locator(".cap")).to_have_text("Y")
    expect(their_sheet.locator(".sheet-kept")).to_have_text(
        "Your keys follow you to every browser."
    )
    page.close()
    painting.open()
    expect(tool(painting, "brush").locator(".cap")).to_have_text("Y")


def test_without_the_network_keys_change_here_and_follow_when_it_is_back(
    painting: Workbench,
) -> None:
    context = painting.page.context
    context.set_offline(True)
    sheet = open_editor(painting)
    add_key(sheet, "Brush", "y")
    kept = sheet.locator(".sheet-kept")
    expect(kept).to_contain_text("Kept in this browser")
    painting.press("Escape", "y")
    expect(tool(painting, "brush")).to_have_attribute("aria-pressed", "true")
    context.set_offline(False)
    expect(kept).to_have_text("Your keys follow you to every browser.")
    saved = painting.product.ask("SELECT keys FROM annotator_chosenkeys")
    assert saved == [({"tool_brush": ["B", "Y"]},)]


def test_the_palette_finds_a_command_by_words_and_runs_it(painting: Workbench) -> None:
    painting.press("Control+k")
    field = painting.page.get_by_role("combobox", name="Command")
    expect(field).to_be_focused()
    field.fill("brush view")
    expect(painting.page.get_by_text("No command has this name")).to_be_visible()
    field.fill("brush")
    options = painting.page.locator("#palette").get_by_role("option")
    expect(options.first).to_contain_text("Brush")
    expect(options.first.locator("kbd")).to_have_text(["B"])
    painting.press("Enter")
    expect(painting.page.locator("#palette")).to_be_hidden()
    expect(tool(painting, "brush")).to_have_attribute("aria-pressed", "true")
    painting.press("q")
    painting.dab(0.5, 0.4)
    painting.expect_sizes(DAB)
    painting.press("Control+k")
    field.fill("un")
    painting.press("ArrowDown", "ArrowUp", "Enter")
    painting.expect_sizes()


def test_the_palette_closes_with_its_key_and_leaves_the_hand_where_it_was(
    painting: Workbench,
) -> None:
    painting.square_brush()
    for closing in ("Control+k", "Escape"):
        painting.press("Control+k")
        expect(painting.page.locator("#palette")).to_be_visible()
        painting.page.keyboard.type("b?")
        expect(painting.page.get_by_role("combobox", name="Command")).to_have_value("b?")
        painting.press(closing)
        expect(painting.page.locator("#palette")).to_be_hidden()
    painting.dab(0.5, 0.4)
    painting.expect_sizes(DAB)


def test_masks_are_hidden_while_the_key_is_down_also_when_it_was_changed(
    painting: Workbench,
) -> None:
    painting.press("b")
    painting.dab(0.5, 0.4)
    painting.page.mouse.move(*painting.place(0.1, 0.1))
    sheet = open_editor(painting)
    add_key(sheet, "Hide all masks while held", "j")
    painting.press("Escape")
    for key in ("h", "j"):
        masks = shot(painting)
        painting.page.keyboard.down(key)
        hidden = shot(painting)
        painting.page.keyboard.up(key)
        assert hidden != masks
        assert shot(painting) == masks


def shot(bench: Workbench) -> bytes:
    """The middle of the picture as it is drawn now."""
    drawn(bench.page)
    x, y = bench.place(0.4, 0.3)
    return bench.page.screenshot(clip={"x": x, "y": y, "width": 160, "height": 120})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sheet_editor_and_palette_are_accessible_and_fit_a_small_window(
    painting: Workbench, scheme: Literal["light", "dark"]
) -> None:
    page = painting.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 800, "height": 600})
    sheet = open_editor(painting)
    assert accessibility_problems(page) == []
    sheet.get_by_role("button", name="Done").click()
    assert accessibility_problems(page) == []
    painting.press("Escape", "Control+k")
    expect(page.locator("#palette")).to_be_visible()
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
