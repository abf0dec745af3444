"""Data sets in and out on the Images page, in a real browser on the live product."""

from __future__ import annotations

import base64
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.annotator.coco_data import DataSet, compressed
from tests.browser.projects import (
    HEIGHT,
    WIDTH,
    accept_a_mask,
    accessibility_problems,
    ellipse,
    new_project,
    scene,
    upload,
)
from tests.live_product import LiveProduct
from tests.patience import LONG_MS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
# What a hand that drags files in carries.
TRANSFER = """(files) => {
  const transfer = new DataTransfer();
  const read = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  for (const { name, bytes } of files) transfer.items.add(new File([read(bytes)], name));
  return transfer;
}"""


def test_a_data_set_is_dropped_as_a_zip_file_and_comes_in(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path
) -> None:
    project = new_project(product)
    data = DataSet(tmp_path / "otters")
    first = data.add_image(scene(5), name="otter.png", width=WIDTH, height=HEIGHT)
    data.add_mask(first, compressed(ellipse()))
    data.add_mask(first, [])
    data.write()
    packed = shutil.make_archive(str(tmp_path / "otters"), "zip", data.folder)
    page = open_page("manager", f"/projects/{project}/images")
    page.locator("#files").set_input_files(packed)
    imports = page.get_by_role("region", name="Data sets")
    said = "1 image and 1 mask added. 1 mask refused."
    expect(imports).to_contain_text(said, timeout=LONG_MS)
    imports.get_by_text("What was refused, and why").click()
    expect(imports).to_contain_text("It has no mask.")
    expect(page.locator(".image-card")).to_contain_text("1 mask")
    assert accessibility_problems(page) == []
    page.locator("#files").set_input_files(
        {"name": "torn.zip", "mimeType": "application/zip", "buffer": b"torn"}
    )
    expect(imports).to_contain_text("It is no zip file that can be read", timeout=LONG_MS)


def test_files_and_zips_are_dropped_and_what_did_not_get_through_is_sent_again(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path
) -> None:
    project = new_project(product)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "buoy.png").write_bytes(scene(11))
    packed = Path(shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "set"))
    files = {
        "quay.png": scene(12),
        "pier.png": scene(13),
        "notes.txt": b"by hand",
        "set.zip": packed.read_bytes(),
    }
    page = open_page("manager", f"/projects/{project}/images")
    cut = {f"/projects/{project}/{kind}" for kind in ("images", "imports")}

    def cut_once(route: Route) -> None:
        """The first request to each of the two addresses never arrives."""
        path = urlsplit(route.request.url).path.removeprefix("/api/v1")
        if route.request.method == "POST" and path in cut:
            cut.remove(path)
            route.abort()
        else:
            route.fallback()

    page.route("**/api/v1/projects/**", cut_once)
    dropped = [
        {"name": name, "bytes": base64.b64encode(each).decode()} for name, each in files.items()
    ]
    transfer = page.evaluate_handle(TRANSFER, dropped)
    page.dispatch_event("#drop", "dragover", {"dataTransfer": transfer})
    expect(page.locator("#drop")).to_have_class(re.compile("drop-over"))
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(page.locator("#drop")).not_to_have_class(re.compile("drop-over"))

    lines, summary = page.locator("#upload-list .upload-line"), page.locator("#uploads-summary")
    expect(summary).to_have_text("1 added, 1 refused, 1 failed")
    expect(lines.filter(has_text="quay.png")).to_contain_text("cannot be reached")
    expect(lines.filter(has_text="notes.txt")).to_contain_text("Refused")
    page.get_by_role("button", name="Send the failed ones again").click()
    expect(summary).to_have_text("2 added, 1 refused")
    expect(page.get_by_role("button", name="Send the failed ones again")).to_be_hidden()
    imports = page.get_by_role("region", name="Data sets")
    expect(imports).to_contain_text("cannot be reached")
    assert accessibility_problems(page) == []
    imports.get_by_role("button", name="Send again: set.zip").click()
    expect(imports).to_contain_text("1 image and 0 masks added.", timeout=LONG_MS)
    expect(page.locator(".image-card")).to_have_count(3)


def test_pictures_in_the_servers_folder_come_in_without_being_sent(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path
) -> None:
    incoming = Path(product.product.settings["MASKWRIGHT_INCOMING"])
    deep = incoming / "quay" / "morning"
    deep.mkdir(parents=True)
    (deep / "gull.png").write_bytes(scene(6))
    (deep / "notes.txt").write_text("by hand")
    shutil.make_archive(str(incoming / "packed"), "zip", incoming / "quay")
    project = new_project(product)
    page = open_page("admin", f"/projects/{project}/images")
    chosen = page.get_by_label("From the server's folder")
    assert chosen.locator("option").all_text_contents() == ["packed.zip", "quay"]
    imports = page.get_by_role("region", name="Data sets")
    for name, said in (
        ("quay", "1 image and 0 masks added."),
        ("packed.zip", "1 image and 0 masks were here already."),
    ):
        chosen.select_option(name)
        page.get_by_role("button", name="Import", exact=True).click()
        expect(imports).to_contain_text(said, timeout=LONG_MS)
    imports.get_by_text("What was refused, and why").first.click()
    expect(imports).to_contain_text("It is no JPEG, PNG or WebP picture.")
    expect(page.locator(".image-card")).to_have_count(1)
    assert accessibility_problems(page) == []
    assert (deep / "gull.png").exists(), "what lies there is the admins'"
    manager = open_page("manager", f"/projects/{project}/images")
    expect(manager.locator("#choose")).to_be_visible()
    expect(manager.get_by_label("From the server's folder")).to_have_count(0)


def test_an_import_is_cancelled_and_keeps_what_came_in(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path
) -> None:
    data = DataSet(tmp_path / "noise")
    for seed in range(60):  # some seconds of work
        data.add_image(noise(seed), name=f"{seed}.png", width=900, height=700)
    data.write()
    packed = shutil.make_archive(str(tmp_path / "noise"), "zip", data.folder)
    page = open_page("manager", f"/projects/{new_project(product)}/images")
    page.locator("#files").set_input_files(packed)
    imports = page.get_by_role("region", name="Data sets")
    imports.get_by_role("button", name="Cancel the import of noise.zip").click(timeout=LONG_MS)
    expect(imports.locator(".chip")).to_have_text("Cancelled", timeout=LONG_MS)
    expect(imports).to_contain_text("had come in, and stay")


def noise(seed: int) -> bytes:
    """A PNG file that takes a while to read."""
    pixels = np.random.default_rng(seed).integers(0, 256, (700, 900, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


@pytest.mark.parametrize(
    ("format", "label"),
    [
        ("coco", "COCO RLE"),
        ("sa1b", "SA-1B JSON"),
        ("labels", "PNG label maps"),
        ("yolo", "YOLO polygons"),
        ("polygons", "COCO polygons"),
    ],
)
def test_an_export_with_its_pictures_comes_into_another_project(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path, format: str, label: str
) -> None:
    project = new_project(product)
    upload(product, project, {"quay.png": scene(5)})
    accept_a_mask(product, project)
    page = open_page("manager", f"/projects/{project}/images")
    pictures = page.get_by_label("with the pictures")
    pictures.check()
    page.locator("#export-format").select_option("provenance")
    expect(pictures).to_be_disabled()
    page.locator("#export-format").select_option(format)
    page.get_by_role("button", name="Export", exact=True).click()
    state = page.locator("#export-state")
    words = f"The export is ready: 1 mask as {label} with the pictures."
    expect(state).to_have_text(words, timeout=LONG_MS)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    assert started.value.suggested_filename.endswith(".zip")
    path = tmp_path / "quay.zip"
    started.value.save_as(path)

    other = open_page("manager", f"/projects/{new_project(product)}/images")
    other.locator("#files").set_input_files(path)
    expect(other.locator(".image-card")).to_contain_text("1 mask", timeout=LONG_MS)
