"""The benchmark of exports gives both sides the same masks, and counts rightly."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from annotator.services.export_formats.source import Selection
from annotator.services.exports import FORMATS
from benchmarks.exports.__main__ import OURS, THEIRS, Row, table
from benchmarks.exports.cost import Cost, measured, tell, told
from benchmarks.exports.data_set import (
    HEIGHT,
    MASKS_PER_IMAGE,
    described,
    drawn_shapes,
    plan,
    seed_project,
    without_masks,
    write_coco,
)

NUM = MASKS_PER_IMAGE + 3


@pytest.mark.django_db(transaction=True)
def test_both_sides_get_the_same_masks(tmp_path: Path) -> None:
    drawn = drawn_shapes(7)
    shapes = described(drawn)
    out = io.BytesIO()
    num_masks = FORMATS["coco"].write(Selection(seed_project(shapes, NUM)), out, lambda share: None)
    assert num_masks == NUM == sum(len(on_it) for _, on_it in plan(NUM))
    exported = json.loads(out.getvalue())["annotations"]
    coco = write_coco(shapes, NUM, tmp_path)
    asked = json.loads(coco.read_text())
    assert [one["image_id"] for one in exported] == [
        one["image_id"] + 1 for one in asked["annotations"]
    ]
    for number, (ours, theirs) in enumerate(zip(exported, asked["annotations"], strict=True)):
        shape = drawn[number % 7]
        assert np.array_equal(coco_mask.decode(ours["segmentation"]).astype(bool), shape)
        assert (ours["area"], ours["bbox"]) == (theirs["area"], theirs["bbox"])
        outline = coco_mask.frPyObjects(theirs["segmentation"], *shape.shape)
        polygon = coco_mask.decode(outline)[..., 0].astype(bool)
        assert (polygon & shape).sum() / (polygon | shape).sum() > 0.97
    assert len(list(tmp_path.glob("*.png"))) == len(asked["images"]) == 2
    pictures = json.loads(without_masks(coco).read_text())
    assert (pictures["images"], pictures["annotations"]) == (asked["images"], [])


def test_a_cost_is_that_of_the_run_and_its_servers(capsys: pytest.CaptureFixture[str]) -> None:
    served = iter((5.0, 7.5))
    cost = measured(lambda: bytearray(60_000_000), lambda: next(served))
    assert 2.5 <= cost.busy_seconds <= 2.5 + 2 * cost.seconds + 0.1
    assert cost.peak_mb > 50 and cost.peak_mb >= cost.start_mb > HEIGHT / 100
    print("something else")
    tell(cost)
    assert told(capsys.readouterr().out) == cost


def test_the_ratio_is_of_masks_by_processor_time() -> None:
    def row(what: str, busy_seconds: float) -> Row:
        return Row(1000, what, Cost(20.0, busy_seconds, start_mb=80.4, peak_mb=90.6))

    lines = table([row(OURS, 0.5), row(THEIRS, 10.0)]).splitlines()
    assert lines[2] == "| 1,000 | Maskwright | 2,000 [50] | 20 | 91 | 80 |"
    assert lines[3] == "| 1,000 | label-studio-sdk | 100 [50] | 1 | 91 | 80 |"
