"""Which image a picture is, and in which order its objects are taken."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from common import rle
from common.coco_folder import read_coco_folder
from simulation.references import match
from tests.model_server.coco_folder import write_coco_folder


def image(name: str, sha256: str = "0" * 64, *, width: int = 90) -> dict[str, object]:
    return {"id": f"id of {name}", "name": name, "sha256": sha256, "width": width, "height": 60}


def test_pictures_are_found_by_content_or_by_name_and_size(tmp_path: Path) -> None:
    first, second, third, fourth, *_ = read_coco_folder(write_coco_folder(tmp_path / "set"), None)
    content = hashlib.sha256(first.path.read_bytes()).hexdigest()
    found, missing = match(
        [first, second, third, fourth],
        [image("renamed.png", content), image("2.png"), image("3.png", width=91)],
    )
    assert found["id of renamed.png"].counts == first.counts
    assert found["id of renamed.png"].content == content
    assert found["id of 2.png"].counts == second.counts
    assert found["id of 2.png"].content == "0" * 64, "as the project has it, not as it was sent"
    assert missing == [third, fourth]


def test_objects_come_in_order_of_prominence(tmp_path: Path) -> None:
    [picture, *_] = read_coco_folder(write_coco_folder(tmp_path / "set"), None)
    empty = rle.counts_of(rle.read_lengths([60 * 90], height=60, width=90, max_runs=1))
    turned = replace(picture, counts=(empty, *sorted(picture.counts, key=len)))
    found, _ = match([turned], [image(picture.path.name)])
    [references] = found.values()
    order = references.by_prominence()
    areas = [references.mask(number).sum() for number in order]
    assert sorted(order) == [1, 2]
    assert areas[0] > areas[1] > 0
