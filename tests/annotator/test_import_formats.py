"""Label maps and YOLO polygons come back in, ours and others'; a round trip loses only what the format cannot hold."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pixels
from pycocotools import mask as coco_mask

from annotator.errors import Invalid
from annotator.models import AuditEntry, Image, Mask, MaskOrigin, MaskState, MaskTiming
from annotator.services.data_set_formats import format_of
from annotator.services.label_map_folder import runs_by_label
from common import rle
from tests import pictures
from tests.annotator.coco_data import HEIGHT, WIDTH, DataSet, blob, pixels, run, three_pictures
from tests.cast import Cast


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    """Three pictures: two masks that overlap, one, none."""
    return three_pictures(tmp_path / "set", left=13)


def taken_out(folder: Path, format: str, *, project: str = "Harbour") -> Path:
    """An unpacked export, its pictures in `images`."""
    packed = folder.with_suffix(".zip")
    words = ("--format", format, "--images", str(folder / "images"))
    assert "masks in" in run("export_masks", project, str(packed), *words)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return folder


def by_picture(project: str) -> dict[str, list[Mask]]:
    masks = Mask.objects.filter(image__project__name=project, state=MaskState.ACCEPTED)
    found: dict[str, list[Mask]] = {}
    for mask in masks.order_by("image__order_index", "order_index"):
        found.setdefault(mask.image.picture_id, []).append(mask)
    return found


# ---- label maps ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_label_maps_come_back_as_what_they_show(cast: Cast, data: DataSet, tmp_path: Path) -> None:
    run("import_masks", "Harbour", str(data.folder))
    folder = taken_out(tmp_path / "maps", "labels")
    said = run("import_masks", "Elsewhere", str(folder))
    assert "Images: 2 added, 0 known already.\nMasks: 3 added" in said, said
    there, here = by_picture("Harbour"), by_picture("Elsewhere")
    assert there.keys() == here.keys() and len(there) == 2
    for sha256, masks in there.items():
        shown = np.asarray(Pixels.open(folder / f"{sha256}.png"))
        for number, (mask, came) in enumerate(zip(masks, here[sha256], strict=True), 1):
            assert np.array_equal(pixels(came), shown == number)
            assert not (pixels(came) & ~pixels(mask)).any()
            assert came.prompts[0]["annotation"] == str(mask.id)
    again = taken_out(tmp_path / "again", "labels", project="Elsewhere")
    for sha256 in there:
        maps = [(one / f"{sha256}.png").read_bytes() for one in (folder, again)]
        assert maps[0] == maps[1]
    assert "Nothing was changed." in run("import_masks", "Elsewhere", str(folder))
    assert AuditEntry.objects.filter(act="masks.imported", subject="maps").count() == 1


def test_a_mask_of_which_a_map_shows_nothing_is_named(
    cast: Cast, data: DataSet, tmp_path: Path
) -> None:
    folder = tmp_path / "maps"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a.png").write_bytes(pictures.png())
    write_map(folder / "a.png", blob() * 2)
    told = {"file_name": "a.png", "masks": [{"label": n, "mask_id": f"id-{n}"} for n in (1, 2)]}
    (folder / "a.json").write_text(json.dumps(told))
    said = run("import_masks", "Harbour", str(folder), "--format", "labels")
    assert "a.png, annotation id-1: Its mask has no pixel." in said
    assert "Masks: 1 added, 0 known already, 0 crowds left out, 1 refused." in said
    assert np.array_equal(pixels(Mask.objects.get()), blob())


def write_map(path: Path, labels: NDArray[np.generic], mode: str = "L") -> None:
    kind = np.uint16 if mode == "I;16" else np.uint8
    picture = Pixels.fromarray(labels.astype(kind))
    if mode == "P":
        picture.putpalette([(255 - value) % 256 for value in range(768)])
    picture.save(path)


@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_maps_of_others_find_their_picture_by_name(cast: Cast, tmp_path: Path, mode: str) -> None:
    labels = np.zeros((HEIGHT, WIDTH), dtype=int)
    labels[blob()] = 7
    labels[blob(left=30)] = 200 if mode != "I;16" else 60_000
    write_map(tmp_path / "a.png", labels, mode)
    (tmp_path / "a.jpg").write_bytes(pictures.jpeg())
    assert "Masks: 2 added" in run("import_masks", "Harbour", str(tmp_path))
    [masks] = by_picture("Harbour").values()
    for mask, label in zip(masks, (7, labels.max()), strict=True):
        assert np.array_equal(pixels(mask), labels == label)
        assert mask.prompts[0]["annotation"] == str(label)
    assert Image.objects.get().name == "a.jpg"


def test_what_is_no_label_map_is_refused_and_the_others_come_in(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for stem in ("good", "size", "colours", "torn", "list"):
        (tmp_path / "images" / f"{stem}.png").write_bytes(pictures.png(seed=len(stem)))
        write_map(tmp_path / f"{stem}.png", blob())
    write_map(tmp_path / "size.png", blob(width=WIDTH + 1))
    write_map(tmp_path / "alone.png", blob())
    (tmp_path / "colours.png").write_bytes(pictures.png())
    (tmp_path / "torn.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    (tmp_path / "list.json").write_text("[")
    said = run("import_masks", "Harbour", str(tmp_path), "--format", "labels")
    assert "Images: 1 added" in said, said
    for refused in ("size", "colours", "torn", "list", "alone"):
        assert f"{refused}.png: " in said
    assert "  bad_map: 3\n" in said and "  wrong_size: 1\n" in said and "  no_file: 1\n" in said
    assert np.array_equal(pixels(Mask.objects.get()), blob())


@pytest.mark.parametrize("num_labels", [1, 3, 400])
def test_runs_of_all_labels_are_those_of_each(num_labels: int) -> None:
    luck = np.random.default_rng(num_labels)
    labels = np.repeat(luck.integers(0, num_labels + 1, size=(23, 9)), 4, axis=1)
    found = runs_by_label(labels)
    assert set(found) == set(np.unique(labels).tolist()) - {0}
    for label, runs in found.items():
        assert np.array_equal(runs, rle.runs_of(labels == label))


# ---- YOLO ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_yolo_polygons_come_back_as_they_are_drawn(
    cast: Cast, data: DataSet, tmp_path: Path
) -> None:
    run("import_masks", "Harbour", str(data.folder))
    folder = taken_out(tmp_path / "yolo", "yolo")
    said = run("import_masks", "Elsewhere", str(folder))
    assert "Images: 2 added, 0 known already.\nMasks: 3 added" in said, said
    there, here = by_picture("Harbour"), by_picture("Elsewhere")
    assert there.keys() == here.keys()
    for sha256, masks in there.items():
        told = json.loads((folder / "iou" / f"{sha256}.json").read_text())["masks"]
        for one, mask, came in zip(told, masks, here[sha256], strict=True):
            both = pixels(mask) & pixels(came)
            assert both.sum() / (pixels(mask) | pixels(came)).sum() == pytest.approx(
                one["iou"], abs=1e-6
            )
            assert came.prompts[0]["category"] == "object"
    assert "Nothing was changed." in run("import_masks", "Elsewhere", str(folder))


@pytest.mark.django_db(transaction=True)
def test_polygons_of_coco_come_back_as_they_are_drawn(
    cast: Cast, data: DataSet, tmp_path: Path
) -> None:
    run("import_masks", "Harbour", str(data.folder))
    path = tmp_path / "out" / "annotations.json"
    path.parent.mkdir()
    run("export_masks", "Harbour", str(path), "--format", "polygons", "--images", str(path.parent))
    assert "Masks: 3 added" in run("import_masks", "Elsewhere", str(path.parent))
    told = [one["iou"] for one in json.loads(path.read_text())["annotations"]]
    there, here = by_picture("Harbour"), by_picture("Elsewhere")
    pairs = [pair for each in there for pair in zip(there[each], here[each], strict=True)]
    for iou, (mask, came) in zip(told, pairs, strict=True):
        both, either = pixels(mask) & pixels(came), pixels(mask) | pixels(came)
        assert both.sum() / either.sum() == pytest.approx(iou, abs=1e-6)
    assert "Nothing was changed." in run("import_masks", "Elsewhere", str(path.parent))


def test_yolo_files_of_others_are_read(cast: Cast, tmp_path: Path) -> None:
    for folder in ("images/train", "labels/train"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "images/train/a.jpg").write_bytes(pictures.rotated_jpeg())
    (tmp_path / "images/train/b.png").write_bytes(pictures.png())
    (tmp_path / "data.yaml").write_text("nc: 2\nnames:\n  - otter\n  - 'sea gull' # bird\nval: x\n")
    outline = [0.125, 0.25, 0.75, 0.25, 0.625, 0.875]
    polygon = f"1 {' '.join(map(str, outline))}"
    bad = [
        "0 0.5 0.5 0.25 0.25",
        "0 a b c d e f",
        "1 0.1 0.1 nan 0.2 0.3 0.3",
        "0 0.1 0.1 0.2 0.2 9 9",
    ]
    (tmp_path / "labels/train/a.txt").write_text("\n".join([*bad, "", polygon]))
    (tmp_path / "labels/train/b.txt").write_text("")
    (tmp_path / "labels/train/c.txt").write_text(polygon)
    (tmp_path / "labels/train/d.txt").write_bytes(b"\xff\xfe")
    said = run("import_masks", "Harbour", str(tmp_path))
    assert "Images: 2 added" in said, said
    assert "  no_mask: 2\n" in said and "  bad_polygon: 2\n" in said and "  bad_image: 2\n" in said
    assert "train/a.jpg, annotation 1: It has no mask." in said
    mask = Mask.objects.get()
    # EXIF shows the picture upright, and shares are of the picture as shown.
    width, height = mask.image.picture.width, mask.image.picture.height
    assert (width, height) == (HEIGHT, WIDTH)
    points = (np.reshape(outline, (-1, 2)) * (width, height)).ravel().tolist()
    [drawn] = coco_mask.frPyObjects([points], height, width)
    assert np.array_equal(pixels(mask), coco_mask.decode(drawn).astype(bool))
    assert mask.prompts[0]["category"] == "sea gull"


# ---- pictures alone --------------------------------------------------------------------------


def test_pictures_come_in_without_masks_from_folders_in_folders(cast: Cast, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    deep = folder / "first" / "second"
    deep.mkdir(parents=True)
    (folder / "a.png").write_bytes(pictures.png(seed=1))
    (deep / "b.jpg").write_bytes(pictures.jpeg())
    (deep / "torn.jpg").write_bytes(pictures.jpeg()[:20])
    (deep / "notes.txt").write_text("by hand")
    (deep / ".b.jpg").write_bytes(b"what a system keeps")
    said = run("import_masks", "Harbour", str(folder))
    assert "Images: 2 added, 0 known already.\nMasks: 0 added" in said, said
    assert "  no_picture: 2\n" in said
    for refused in ("notes.txt", "torn.jpg"):
        assert f"first/second/{refused}: It is no JPEG, PNG or WebP picture." in said
    assert sorted(Image.objects.values_list("name", flat=True)) == ["a.png", "b.jpg"]
    again = run("import_masks", "Harbour", str(folder))
    assert "Images: 0 added, 2 known already." in again, again


# ---- which format it is ----------------------------------------------------------------------


def test_the_format_is_seen_from_the_files(tmp_path: Path) -> None:
    def folder(name: str, **files: str) -> Path:
        place = tmp_path / name
        place.mkdir()
        for file, content in files.items():
            (place / file.replace("_", ".")).write_text(content)
        return place

    yolo = folder("yolo")
    (yolo / "labels").mkdir()
    assert format_of(folder("coco", annotations_json="{}", a_png="")) == "coco"
    assert format_of(tmp_path / "coco" / "annotations.json") == "coco"
    assert format_of(folder("sa1b", a_json="{}", a_png="")) == "sa1b"
    assert format_of(folder("maps", a_png="", a_jpg="")) == "labels"
    assert format_of(folder("pictures", a_png="", b_jpg="", notes_txt="")) == "pictures"
    told = '{"format": "labels"}'
    assert format_of(folder("ours", manifest_json=told, a_json="{}", a_png="")) == "labels"
    assert format_of(yolo) == "yolo"
    for nothing in (folder("none", manifest_json="[]"), tmp_path / "missing"):
        (nothing / "manifest.json").unlink(missing_ok=True)
        with pytest.raises(Invalid):
            format_of(nothing)


# ---- provenance ------------------------------------------------------------------------------


def lines_of(path: Path, project: str) -> list[dict[str, Any]]:
    run("export_masks", project, str(path), "--format", "provenance")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.django_db(transaction=True)
def test_provenance_is_kept_word_for_word_with_the_masks_it_is_of(
    cast: Cast, data: DataSet, tmp_path: Path
) -> None:
    run("import_masks", "Harbour", str(data.folder))
    point = {"kind": "point", "x": 6, "y": 15, "label": 1}
    made_here = Mask.objects.order_by("id").first()
    made_here.origin, made_here.author = MaskOrigin.ANNOTATED, cast.alice
    made_here.prompts, made_here.predicted_iou = [point], 0.875
    made_here.save()
    MaskTiming.objects.create(mask=made_here, version=1, active_ms=9000.0, num_points=1)
    there = tmp_path / "there.jsonl"
    told = {one["counts_sha256"]: one for one in lines_of(there, "Harbour")}
    assert len(told) == 3

    folder = taken_out(tmp_path / "out", "sa1b")
    run("import_masks", "Elsewhere", str(folder))
    run("import_masks", "Elsewhere", str(there), "--dry-run")
    assert "Provenance of masks: 3 added, 0 known already, 0 refused." in run(
        "import_masks", "Elsewhere", str(there)
    )
    elsewhere = Mask.objects.filter(image__project__name="Elsewhere")
    before = list(elsewhere.order_by("id").values())
    assert "Nothing was changed." in run("import_masks", "Elsewhere", str(there))
    assert list(elsewhere.order_by("id").values()) == before
    for one in lines_of(tmp_path / "here.jsonl", "Elsewhere"):
        assert one["prompts"][0]["told"] == told[one["counts_sha256"]]
        assert one["predicted_iou"] == told[one["counts_sha256"]]["predicted_iou"]
        assert (one["author"], one["origin"], one["timings"]) == (None, "imported", [])
        assert [version["version"] for version in one["versions"]] == [1, 2]
    assert not MaskTiming.objects.filter(mask__in=elsewhere).exists()
    # The clicks of SA-1B came with the masks, and go out again.
    assert elsewhere.get(counts_sha256=made_here.counts_sha256).prompts[1:] == [point]
    again = taken_out(tmp_path / "again", "sa1b", project="Elsewhere")
    assert clicks(folder) == clicks(again)


def clicks(folder: Path) -> set[tuple[str, str]]:
    """Pixels and clicks of each mask of a folder of SA-1B."""
    return {
        (one["segmentation"]["counts"], str(one["point_coords"]))
        for path in folder.glob("*.json")
        for one in json.loads(path.read_text()).get("annotations", [])
    }


def test_a_line_without_its_mask_is_refused_and_work_of_people_left_alone(
    cast: Cast, data: DataSet, tmp_path: Path
) -> None:
    run("import_masks", "Harbour", str(data.folder))
    taken, free, _ = Mask.objects.order_by("id")
    Mask.objects.filter(id=taken.id).update(author=cast.alice)

    def line(mask: Mask, **more: object) -> str:
        key = {"image_sha256": mask.image.picture_id, "counts_sha256": mask.counts_sha256}
        return json.dumps({**key, **more})

    good = line(free, author="9", predicted_iou=0.5)
    lines = [
        *(line(taken), line(free, image_sha256="0" * 64), "[]", "{}", "{", good, good),
        *(line(free, note="a\x00b"), line(free, note="\ud800"), line(free, iou=float("nan"))),
        line(free, note="x" * 70_000),
    ]
    path = tmp_path / "lines.jsonl"
    path.write_text("\n".join(lines))
    said = run("import_masks", "Harbour", str(path))
    assert "Provenance of masks: 1 added, 1 known already, 9 refused." in said, said
    assert "  bad_line: 6\n" in said and "  no_such_mask: 2\n" in said and "  too_long: 1\n" in said
    assert "line 11: It is longer than 65,536 bytes." in said
    free.refresh_from_db()
    assert free.prompts[0]["told"] == json.loads(good) and free.predicted_iou == 0.5
    assert Mask.objects.get(id=taken.id).prompts == taken.prompts
    assert "FAILED: There is no file" in run("import_masks", "Harbour", str(tmp_path / "no.jsonl"))


@pytest.mark.parametrize(
    "points", [None, 7, [], [[1]], [["1", 2]], [[1, 2, 3]], [[-1, 2]], [[1, 9999]], [[1, 2]] * 101]
)
def test_clicks_that_make_no_sense_are_left_out(cast: Cast, data: DataSet, points: object) -> None:
    data.content["annotations"][0]["point_coords"] = points
    data.content["annotations"][1]["point_coords"] = [[3.5, 4], [0, HEIGHT]]
    data.write()
    assert "Masks: 3 added" in run("import_masks", "Harbour", str(data.folder))
    without, with_clicks = Mask.objects.filter(image__name="0.png").order_by("order_index")
    assert [prompt["kind"] for prompt in without.prompts] == ["imported"]
    assert [(one["x"], one["y"]) for one in with_clicks.prompts[1:]] == [(3.5, 4), (0, HEIGHT)]
