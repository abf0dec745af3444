"""The formats of an export: each is read back by its own rules, and is the same bytes when nothing changed."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image as Pixels
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from annotator.models import Image, Mask, MaskRevision, MaskState, MaskTiming
from annotator.services.export_formats.source import Selection
from annotator.services.exports import FORMATS
from common import rle
from tests.cast import Cast, accepted_mask, asymmetric_mask, make_image, make_model

pytestmark = pytest.mark.xdist_group("engine")
POINT = {"kind": "point", "x": 6, "y": 15, "label": 1}

ARCHIVES = [name for name, each in FORMATS.items() if each.file_type.suffix == "zip"]


@pytest.fixture
def masks(cast: Cast) -> list[Mask]:
    """Three accepted masks on two images of different size; a third image has none, a fourth is removed."""
    first, _, second, removed = (make_image(cast.project, width=60 + each) for each in range(4))
    found = [accepted_mask(image, cast.alice) for image in (first, second, second, removed)]
    Image.objects.filter(id=removed.id).update(deleted_at=timezone.now())
    Mask.objects.filter(id=found[2].id).update(order_index=1, predicted_iou=0.875)
    accepted_mask(make_image(cast.elsewhere), cast.alice)
    accepted_mask(first, cast.alice, given_up=True)
    draft = accepted_mask(first, cast.bob)
    Mask.objects.filter(id=draft.id).update(state=MaskState.DRAFT)
    for mask in found[:3]:
        mask.refresh_from_db()
    return found[:3]


def written(cast: Cast, format: str) -> bytes:
    out = io.BytesIO()
    num_masks = FORMATS[format].write(Selection(cast.project), out, lambda share: None)
    assert num_masks in (0, 3, 4)
    return out.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_masks_give_the_same_bytes_and_a_new_one_others(
    cast: Cast, masks: list[Mask], format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = written(cast, format)
    later = timezone.now() + timedelta(days=1)
    monkeypatch.setattr("time.time", lambda: later.timestamp())
    assert written(cast, format) == first
    accepted_mask(masks[0].image, cast.bob)
    assert written(cast, format) != first


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_goes_on_and_ends(cast: Cast, masks: list[Mask], format: str) -> None:
    shares: list[float] = []
    assert FORMATS[format].write(Selection(cast.project), io.BytesIO(), shares.append) == 3
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) >= 2


@pytest.mark.parametrize("format", FORMATS)
def test_a_project_without_masks_gives_a_file_without_masks(cast: Cast, format: str) -> None:
    assert FORMATS[format].write(Selection(cast.project), io.BytesIO(), lambda share: None) == 0


@pytest.mark.parametrize("format", ARCHIVES)
def test_the_manifest_counts_and_names_what_is_in_the_archive(
    cast: Cast, masks: list[Mask], format: str
) -> None:
    files = unpacked(written(cast, format))
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["format"] == format
    assert manifest["project"] == {"id": str(cast.project.id), "name": cast.project.name}
    assert (manifest["num_images"], manifest["num_masks"]) == (2, 3)
    assert manifest["files"] == {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in files.items()
    }


def test_sa1b_has_a_file_for_each_image_with_masks_and_its_documented_fields(
    cast: Cast, masks: list[Mask]
) -> None:
    masks[0].prompts = [POINT, {**POINT, "label": 0}, {"kind": "box", "box": [1, 2, 3, 4]}]
    masks[0].save()
    files = unpacked(written(cast, "sa1b"))
    pictures = [mask.image.picture for mask in masks]
    assert set(files) == {f"{each.sha256}.json" for each in pictures} | {"manifest.json"}
    first, second = (json.loads(files[f"{pictures[each].sha256}.json"]) for each in (0, 1))
    assert first["image"] == {
        "image_id": 1,
        "width": 60,
        "height": pictures[0].height,
        "file_name": f"{pictures[0].sha256}.png",
    }
    assert second["image"]["image_id"] == 3, (
        "as in the COCO file, where the image without masks is 2"
    )
    assert [each["id"] for each in (*first["annotations"], *second["annotations"])] == [1, 2, 3]
    (annotation,) = first["annotations"]
    assert set(annotation) == {
        *("id", "segmentation", "bbox", "area", "predicted_iou", "stability_score"),
        *("crop_box", "point_coords"),
    }
    expected = asymmetric_mask(width=60, height=pictures[0].height)
    assert np.array_equal(coco_mask.decode(annotation["segmentation"]).astype(bool), expected)
    assert annotation["area"] == coco_mask.area(annotation["segmentation"]) == expected.sum()
    assert annotation["bbox"] == coco_mask.toBbox(annotation["segmentation"]).tolist()
    assert annotation["point_coords"] == [[6, 15]]
    assert annotation["crop_box"] == [0, 0, 60, pictures[0].height]
    assert [each["predicted_iou"] for each in second["annotations"]] == [None, 0.875]


def test_label_maps_show_each_mask_the_smaller_over_the_larger(
    cast: Cast, masks: list[Mask]
) -> None:
    small = masks[2]
    shape = np.zeros((small.image.picture.height, small.image.picture.width), dtype=bool)
    shape[10:16, 6:30] = True  # over a part of the other mask of this image
    counts = rle.encode(shape)
    Mask.objects.filter(id=small.id).update(
        counts=counts, counts_sha256=rle.counts_sha256(counts), area=int(shape.sum())
    )
    files = unpacked(written(cast, "labels"))
    picture = masks[1].image.picture
    stem = picture.sha256
    assert {name for name in files if stem in name} == {f"{stem}.png", f"{stem}.json"}
    image = Pixels.open(io.BytesIO(files[f"{stem}.png"]))
    labels = np.asarray(image).astype(int)
    assert image.mode.startswith("I;16") and labels.shape == (picture.height, picture.width)
    large = asymmetric_mask(width=picture.width, height=picture.height)
    first, second = (shape, large) if shape.sum() < large.sum() else (large, shape)
    expected = np.where(first, 1 if first is large else 2, 0)
    expected = np.where(second & ~first, 1 if second is large else 2, expected)
    assert np.array_equal(labels, expected)
    told = json.loads(files[f"{stem}.json"])
    assert told["file_name"] == f"{stem}.png"
    assert [(each["label"], each["mask_id"]) for each in told["masks"]] == [
        (1, str(masks[1].id)),
        (2, str(small.id)),
    ]
    areas = [(each["area"], each["visible"]) for each in told["masks"]]
    assert areas == [
        (large.sum(), (labels == 1).sum()),
        (shape.sum(), (labels == 2).sum()),
    ]
    assert json.loads(files["manifest.json"])["num_partly_covered"] == 1


def test_yolo_polygons_are_drawn_again_with_the_iou_that_is_told(
    cast: Cast, masks: list[Mask]
) -> None:
    rows, columns = np.indices((masks[0].image.picture.height, 60))
    disc = ((rows - 20) / 14) ** 2 + ((columns - 30) / 22) ** 2 < 1
    counts = rle.encode(disc)
    Mask.objects.filter(id=masks[0].id).update(
        counts=counts, counts_sha256=rle.counts_sha256(counts), area=int(disc.sum())
    )
    Image.objects.filter(id=masks[1].image_id).update(held_out=True)
    files = unpacked(written(cast, "yolo"))
    stems = [mask.image.picture.sha256 for mask in (masks[0], masks[1])]
    assert files["train.txt"].decode() == f"./images/{stems[0]}.png\n"
    assert files["val.txt"].decode() == f"./images/{stems[1]}.png\n"
    assert b"0: object" in files["data.yaml"]
    assert len(files[f"labels/{stems[1]}.txt"].splitlines()) == 2
    [line] = files[f"labels/{stems[0]}.txt"].decode().splitlines()
    label, *numbers = line.split()
    assert label == "0" and len(numbers) % 2 == 0
    outline = (np.reshape(numbers, (-1, 2)).astype(float) * (60, len(disc))).ravel().tolist()
    [found] = coco_mask.frPyObjects([outline], *disc.shape)
    drawn = coco_mask.decode([found])[..., 0].astype(bool)
    [told] = json.loads(files[f"iou/{stems[0]}.json"])["masks"]
    assert (told["line"], told["mask_id"]) == (1, str(masks[0].id))
    assert told["num_points"] == len(numbers) / 2
    assert told["iou"] == pytest.approx((drawn & disc).sum() / (drawn | disc).sum(), abs=1e-6)
    assert 0.98 <= told["iou"] < 1
    manifest = json.loads(files["manifest.json"])
    assert manifest["mean_iou"] == pytest.approx((told["iou"] + 2) / 3, abs=1e-6)


def test_polygons_of_coco_are_drawn_again_with_the_iou_that_is_told(
    cast: Cast, masks: list[Mask], tmp_path: Path
) -> None:
    rows, columns = np.indices((masks[0].image.picture.height, 60))
    disc = ((rows - 20) / 14) ** 2 + ((columns - 30) / 22) ** 2 < 1
    counts = rle.encode(disc)
    Mask.objects.filter(id=masks[0].id).update(
        counts=counts, counts_sha256=rle.counts_sha256(counts), area=int(disc.sum())
    )
    path = tmp_path / "polygons.json"
    path.write_bytes(written(cast, "polygons"))
    coco = COCO(str(path))
    first, second, third = coco.loadAnns(coco.getAnnIds())
    assert [one["mask_id"] for one in (first, second, third)] == [str(one.id) for one in masks]
    [outline] = first["segmentation"]
    assert all(isinstance(number, int) for number in outline) and len(outline) % 2 == 0
    drawn = coco.annToMask(first).astype(bool)
    assert first["iou"] == pytest.approx((drawn & disc).sum() / (drawn | disc).sum(), abs=1e-6)
    assert 0.98 <= first["iou"] < 1
    picture = masks[1].image.picture
    straight = asymmetric_mask(width=picture.width, height=picture.height)
    assert second["iou"] == third["iou"] == 1, "with its hole"
    assert np.array_equal(coco.annToMask(second).astype(bool), straight)
    assert len(coco.getImgIds()) == 3, "images without masks are named, as with RLE"


def test_provenance_tells_how_each_mask_came_about(cast: Cast, masks: list[Mask]) -> None:
    model = make_model()
    mask = masks[0]
    mask.prompts, mask.model_version, mask.version = [POINT], model, 2
    mask.save()
    content = {name: getattr(mask, name) for name in ("counts", "counts_sha256", "area", "box")}
    for version, state in ((2, MaskState.ACCEPTED), (1, MaskState.DRAFT)):
        MaskRevision.objects.create(
            mask=mask,
            version=version,
            state=state,
            author=cast.alice,
            model_version=model,
            **content,
        )
    MaskTiming.objects.create(mask=mask, version=2, active_ms=9000.0, num_points=1, painted_px=30)
    lines = [json.loads(line) for line in written(cast, "provenance").splitlines()]
    assert [line["mask_id"] for line in lines] == [str(each.id) for each in masks]
    first, second, _ = lines
    assert first["prompts"] == [POINT] and first["model"] == model.bundle_fingerprint
    assert (first["author"], first["origin"]) == (str(cast.alice.id), "annotated")
    assert first["image_sha256"] == mask.image.picture.sha256
    assert first["counts_sha256"] == mask.counts_sha256
    assert [(each["version"], each["state"]) for each in first["versions"]] == [
        (1, "draft"),
        (2, "accepted"),
    ]
    [timing] = first["timings"]
    assert (timing["version"], timing["active_ms"], timing["num_points"]) == (2, 9000.0, 1)
    assert second["versions"] == second["timings"] == [] and second["model"] is None


def test_provenance_takes_as_many_queries_for_many_masks_as_for_few(
    cast: Cast, masks: list[Mask]
) -> None:
    def num_queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            written(cast, "provenance")
        return len(asked)

    few = num_queries()
    accepted_mask(masks[0].image, cast.bob)
    assert num_queries() == few
