"""Masks of a data set in the workbench: shown, marked, refined as any other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from playwright.sync_api import expect

from common import rle
from tests.browser.workbench_page import DAB, Workbench

AREA = 30 * 50 - 9 * 4


def test_an_imported_mask_is_refined_and_taken_over(painting: Workbench, tmp_path: Path) -> None:
    image = painting.assignment()["image"]
    write_data_set(tmp_path, painting, image)
    said = painting.product.manage("import_coco", "Demo", str(tmp_path))
    assert "Images: 0 added, 1 known already.\nMasks: 1 added" in said
    painting.open()
    details = painting.page.locator(".mask-detail")
    expect(details).to_have_text([f"Imported · {AREA:,} px"])
    painting.square_brush()
    painting.page.locator(".mask-choose").first.click()
    painting.press("r")
    painting.click(0.5, 0.5)
    painting.press("Enter")
    expect(details).to_have_text([f"Imported · {AREA + DAB:,} px"])
    painting.expect_stored(AREA + DAB)
    [mask] = painting.stored()
    me = painting.product.session("annotator").get("/api/v1/me").json()["id"]
    assert (mask["origin"], mask["author"], mask["version"]) == ("imported", me, 2)
    assert [prompt["kind"] for prompt in mask["prompts"]] == ["imported", "stroke"]
    assert "Nothing was changed." in painting.product.manage("import_coco", "Demo", str(tmp_path))


def write_data_set(folder: Path, bench: Workbench, image: dict[str, object]) -> None:
    """A COCO folder of the image on the page, with one mask in its upper left corner."""
    content = bench.product.session("annotator").get(str(image["file_url"])).content
    assert hashlib.sha256(content).hexdigest() == image["sha256"]
    (folder / "picture").write_bytes(content)
    height, width = int(str(image["height"])), int(str(image["width"]))
    mask = np.zeros((height, width), dtype=bool)
    mask[:30, :50] = True
    mask[3:12, 5:9] = False
    coco = {
        "images": [{"id": 1, "file_name": "picture", "width": width, "height": height}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "segmentation": {"size": [height, width], "counts": rle.encode(mask)},
            }
        ],
    }
    (folder / "annotations.json").write_text(json.dumps(coco))
