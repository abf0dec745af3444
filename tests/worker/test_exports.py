"""Exports: what was accepted, in a file that COCO tools read, the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from pycocotools.coco import COCO

from annotator.models import Image, JobState, Mask, MaskState
from annotator.services import exports
from annotator.services.export_formats.source import Advance, Selection
from annotator.services.exports import request_export
from annotator.services.stores import file_storage
from tests.cast import Browser, Cast, accepted_mask, asymmetric_mask
from tests.database_fixtures import own_storage
from tests.worker.engine import Engine, stored_image

__all__ = ["own_storage"]
pytestmark = pytest.mark.xdist_group("engine")


@pytest.fixture
def masks(engine: Engine, cast: Cast) -> list[Mask]:
    images = [stored_image(cast.project, shade=number, width=60 + number) for number in range(2)]
    stored_image(cast.elsewhere, shade=5)
    return [accepted_mask(image, cast.alice) for image in images]


def test_an_export_holds_exactly_the_accepted_masks(
    engine: Engine, cast: Cast, masks: list[Mask], tmp_path: Path
) -> None:
    draft = accepted_mask(masks[0].image, cast.bob)
    Mask.objects.filter(id=draft.id).update(state=MaskState.DRAFT)
    accepted_mask(masks[0].image, cast.bob, given_up=True)
    export = request_export(project=cast.project, by=cast.carol)
    engine.wait_for_job(export.job, JobState.DONE)
    export.refresh_from_db()
    content = file_storage().read_bytes(export.file_key)
    assert export.num_masks == 2
    assert export.file_sha256 == hashlib.sha256(content).hexdigest()

    path = tmp_path / "export.json"
    path.write_bytes(content)
    coco = COCO(str(path))
    annotations = coco.loadAnns(coco.getAnnIds())
    assert [each["mask_id"] for each in annotations] == [str(mask.id) for mask in masks]
    for annotation, mask in zip(annotations, masks, strict=True):
        picture = mask.image.picture
        expected = asymmetric_mask(width=picture.width, height=picture.height)
        assert np.array_equal(coco.annToMask(annotation).astype(bool), expected)
        assert annotation["area"] == expected.sum()
        assert annotation["bbox"] == [4, 3, 17, 14]
        image = coco.loadImgs(annotation["image_id"])[0]
        assert image["file_name"].startswith(picture.sha256)


def test_the_same_masks_give_the_same_bytes_and_a_new_one_others(
    engine: Engine, cast: Cast, masks: list[Mask], tmp_path: Path
) -> None:
    first, second, third = (tmp_path / f"{number}.json" for number in range(3))
    call_command("export_coco", cast.project.name, str(first))
    call_command("export_coco", str(cast.project.id), str(second))
    accepted_mask(masks[1].image, cast.bob)
    call_command("export_coco", cast.project.name, str(third))
    assert first.read_bytes() == second.read_bytes() != third.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []
    assert len(json.loads(third.read_text())["annotations"]) == 3


@pytest.mark.parametrize("format", exports.FORMATS)
def test_an_export_is_of_one_moment_whatever_is_saved_meanwhile(
    engine: Engine,
    cast: Cast,
    masks: list[Mask],
    format: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After its first look at the masks another person accepts one, changes one and renames an image."""

    def written() -> bytes:
        out = io.BytesIO()
        exports.FORMATS[format].write(Selection(cast.project), out, lambda share: None)
        return out.getvalue()

    def somebody_works() -> None:
        accepted_mask(masks[1].image, cast.bob)
        Mask.objects.filter(id=masks[1].id).update(predicted_iou=0.5)
        Image.objects.filter(id=masks[1].image_id).update(name="another")
        connection.close()

    def counted(selection: Selection) -> int:
        found = count(selection)
        with ThreadPoolExecutor(1) as threads:
            threads.submit(somebody_works).result()
        return found

    before, count = written(), Selection.count
    with monkeypatch.context() as disturbed:
        disturbed.setattr(Selection, "count", counted)
        assert written() == before
    assert written() != before


def test_a_cancelled_export_leaves_no_file(
    cast: Cast, own_storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = request_export(project=cast.project, by=cast.carol)
    carol = Browser(cast.carol)

    def cancelled(selection: Selection, out: BinaryIO, advance: Advance) -> int:
        out.write(b"some of it")
        assert carol.post(f"exports/{export.id}/cancel").status_code == 202
        advance(0.5)
        raise AssertionError("it went on")

    coco = replace(exports.FORMATS["coco"], write=cancelled)
    monkeypatch.setitem(exports.FORMATS, "coco", coco)
    exports.run_export(job_id=str(export.job_id), token=1)
    told = carol.get(f"exports/{export.id}").json()
    assert (told["state"], told["file_url"]) == ("cancelled", None)
    assert not [path for path in own_storage.rglob("*.json*") if path.is_file()]
    assert carol.post(f"exports/{export.id}/cancel").json()["error"]["code"] == "job_ended"


def test_an_empty_project_gives_an_empty_file(cast: Cast, engine: Engine, tmp_path: Path) -> None:
    out = tmp_path / "empty.json"
    call_command("export_coco", cast.project.name, str(out))
    content = json.loads(out.read_text())
    assert content["images"] == content["annotations"] == []
