"""Nothing is lost when a session ends or a device must be left: sign in in place, carry work over."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.projects import accessibility_problems
from tests.browser.workbench_page import DAB, WINDOW, Workbench
from tests.http_session import PASSWORD

OpenPage = Callable[..., Page]


def end_session(bench: Workbench) -> None:
    """The browser's session is over, as after a long night; its other cookies stay."""
    bench.page.context.clear_cookies(name=re.compile("session"))


def test_who_is_signed_out_signs_in_over_the_image_and_everything_is_sent(
    painting: Workbench,
) -> None:
    painting.square_brush()
    painting.dab(0.45, 0.4)
    painting.expect_stored(DAB)
    end_session(painting)
    painting.dab(0.55, 0.4)
    chip = painting.page.locator(".bar-chip")
    expect(chip).to_have_text("Sign in to save")
    expect(painting.page.locator("#toasts")).to_contain_text("Your session has ended")
    painting.dab(0.5, 0.6)
    painting.expect_sizes(DAB, DAB, DAB)
    chip.click()
    dialog = painting.page.locator("#save-details")
    expect(dialog.get_by_label("Name")).to_be_focused()
    assert accessibility_problems(painting.page) == []
    dialog.get_by_label("Name").fill("annotator")
    dialog.get_by_label("Password").fill("not this one")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).not_to_be_empty()
    dialog.get_by_label("Password").fill(PASSWORD)
    painting.press("Enter")
    expect(dialog).to_contain_text("Everything is saved")
    painting.press("Escape")
    painting.expect_sizes(DAB, DAB, DAB)
    painting.expect_stored(DAB, DAB, DAB)
    painting.press("Control+z", "Escape")
    painting.expect_stored(DAB, DAB)


def test_unsaved_work_is_carried_to_another_browser_as_a_file(
    painting: Workbench, open_page: OpenPage, tmp_path: Path
) -> None:
    painting.square_brush()
    painting.page.context.set_offline(True)
    painting.dab(0.45, 0.4)
    chip = painting.page.locator(".bar-chip")
    expect(chip).to_have_text("1 change on this device")
    chip.click()
    dialog = painting.page.locator("#save-details")
    with painting.page.expect_download() as started:
        dialog.get_by_role("button", name="Download unsaved work").click()
    path = tmp_path / "unsaved.json"
    started.value.save_as(path)
    page = open_page("annotator", "/", viewport=WINDOW)
    page.context.route("**/vendor/ort/**", lambda route: route.abort())
    other = Workbench(page=page, product=painting.product, project=painting.project)
    other.open()
    expect(page.locator(".mask-row")).to_have_count(0)
    page.locator(".bar-chip").click()
    fields = page.locator("#save-details input[type=file]")
    fields.set_input_files({"name": "list.json", "mimeType": "application/json", "buffer": b"[1]"})
    expect(page.locator("#toasts")).to_contain_text("This is no file of unsaved work")
    fields.set_input_files(path)
    expect(page.locator("#toasts")).to_contain_text("One mask was loaded")
    other.expect_sizes(DAB)
    other.expect_stored(DAB)
