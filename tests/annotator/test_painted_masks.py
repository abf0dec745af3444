"""Random strokes and lassos, from the page's own painting to pycocotools: not a pixel changes on the way."""

from __future__ import annotations

import hashlib
import json
import subprocess
import uuid
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from pycocotools.coco import COCO

from annotator.services.assignments import submit
from tests.cast import Browser, Cast, lend, make_image, save_body

NODE_SCRIPT = Path(__file__).parents[1] / "parity" / "painted_masks.js"
SEED = 11
PATIENCE_S = 300
PER_IMAGE = 50  # masks on one image


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.soak)])
def test_a_painted_mask_is_the_same_after_server_export_and_pycocotools(
    cast: Cast, tmp_path: Path, count: int
) -> None:
    painted = paint(count)
    sent = save(Browser(cast.alice), cast, painted)
    call_command("export_coco", cast.project.name, str(tmp_path / "export.json"))
    coco = COCO(str(tmp_path / "export.json"))
    found = {
        annotation["mask_id"]: hashlib.sha256(
            np.ascontiguousarray(coco.annToMask(annotation)).tobytes()
        ).hexdigest()
        for annotation in coco.loadAnns(coco.getAnnIds())
    }
    assert len(found) == count
    assert found == sent
    assert len(set(sent.values())) > count / 2, "hardly any two are alike"


def paint(count: int) -> list[dict[str, Any]]:
    """RLE and hash of the pixels of each mask that Node painted."""
    command = ["node", str(NODE_SCRIPT), str(SEED), str(count)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S)
    return [json.loads(line) for line in told.stdout.splitlines()]


def save(browser: Browser, cast: Cast, painted: list[dict[str, Any]]) -> dict[str, str]:
    """Accepts them, one image of their size after the other; the hashes by the id of the mask."""
    hashes = {}
    for (height, width), of_size in groupby(sorted(painted, key=size_of), key=size_of):
        for masks in batched(list(of_size)):
            make_image(cast.project, width=width, height=height)
            assignment = lend(cast.alice, cast.project)
            for number, mask in enumerate(masks):
                mask_id = uuid.uuid4()
                body = save_body(assignment, state="accepted", rle=mask["rle"], order_index=number)
                reply = browser.save(mask_id, body)
                assert reply.status_code == 201, reply.content
                hashes[str(mask_id)] = mask["pixels"]
            submit(assignment=assignment)
    return hashes


def size_of(mask: dict[str, Any]) -> tuple[int, int]:
    height, width = mask["rle"]["size"]
    return height, width


def batched(masks: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """As many as go on one image."""
    for start in range(0, len(masks), PER_IMAGE):
        yield masks[start : start + PER_IMAGE]
