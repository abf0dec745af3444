"""COCO data sets come in with their masks, once, checked, and go out again as they came."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from PIL import ImageOps
from pycocotools import mask as coco_mask
from pytest_django.fixtures import Settings

from annotator.errors import Invalid
from annotator.models import AuditEntry, Image, Mask, MaskRevision, MaskState, Picture, Project
from annotator.queries.training_sets import snapshot_masks
from annotator.services import coco_file
from annotator.services.coco_file import index_coco_file
from annotator.services.images import Upload, add_images
from annotator.services.imports import ImportReport, ImportSettings, import_masks
from annotator.services.orientation import turned_upright
from common import rle
from launcher.os_processes import wait_until
from launcher.places import CHECKOUT
from tests import pictures
from tests.annotator.coco_data import (
    HEIGHT,
    WIDTH,
    DataSet,
    blob,
    compressed,
    pixels,
    run,
    uncompressed,
)
from tests.cast import Cast
from tests.patience import PATIENCE_S
from tests.worker.engine import own_database_url

OUTLINES = [[4.0, 5.5, 40.0, 5.0, 40.5, 30.0, 9.0, 20.25], [45, 33, 59, 33, 52, 41]]


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    return DataSet(tmp_path / "set")


def run_import(data: DataSet, *words: str, project: str = "Harbour") -> str:
    data.write()
    return run("import_coco", project, str(data.folder), *words)


def everything() -> dict[str, list[object]]:
    """All that an import may change."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in (Picture, Image, Mask, MaskRevision, AuditEntry)
    }


# ---- forms of masks ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [compressed, uncompressed])
def test_rle_of_both_forms_is_the_mask_it_was(cast: Cast, data: DataSet, form: object) -> None:
    annotation = data.add_mask(data.add_image(pictures.png(), name="a.png"), form(blob()))  # type: ignore[operator]
    assert "Masks: 1 added" in run_import(data)
    mask = Mask.objects.get()
    assert np.array_equal(pixels(mask), blob())
    assert (mask.area, mask.box) == (blob().sum(), [5, 2, 25, 30])
    assert (mask.origin, mask.state, mask.author) == ("imported", MaskState.ACCEPTED, None)
    assert mask.prompts == [
        {
            "kind": "imported",
            "file": "annotations.json",
            "annotation": str(annotation),
            "category": "otter",
            "is_crowd": False,
        }
    ]
    assert mask.revisions.get().counts == mask.counts


def test_polygons_are_drawn_as_pycocotools_draws_them(cast: Cast, data: DataSet) -> None:
    data.add_mask(data.add_image(pictures.png(), name="a.png"), OUTLINES)
    assert "Masks: 1 added" in run_import(data)
    drawn = coco_mask.decode(coco_mask.frPyObjects(OUTLINES, HEIGHT, WIDTH)).any(axis=2)
    assert 0 < drawn.sum() < drawn.size
    assert np.array_equal(pixels(Mask.objects.get()), drawn)


def test_runs_that_are_empty_or_written_too_long_are_put_right(cast: Cast, data: DataSet) -> None:
    image = data.add_image(pictures.png(), name="a.png")
    plain = uncompressed(blob())
    first, *others = plain["counts"]
    split = {"size": plain["size"], "counts": [first - 1, 0, 1, *others, 0]}
    data.add_mask(image, split)
    assert "Masks: 1 added" in run_import(data)
    assert Mask.objects.get().counts == compressed(blob())["counts"]


@pytest.mark.parametrize(
    ("segmentation", "code"),
    [
        ([], "no_mask"),
        (None, "no_mask"),
        ([[1, 1, 9, 9]], "bad_polygon"),  # four numbers: a box to pycocotools
        ([[1, 1, 9, 1, 9]], "bad_polygon"),
        ([[1, 1, 9, 1, "9", 9]], "bad_polygon"),
        ([[1, 1, 9, 1, float("nan"), 9]], "bad_polygon"),
        ([[1, 1, 9, 1, 10**400, 9]], "bad_polygon"),
        ([[1, 1, 9, 1, 4e9, 9]], "bad_polygon"),
        ([[-60, -42, 121, 85] * 20_000], "too_complex"),
        ([[1, 1, 9, 1, 9, 9]] * 2001, "too_complex"),
        ([[0.0, 0.0, 0.2, 0.0, 0.2, 0.2]], "empty"),
        ([[1, 1, 2, 1, 2, 2, 1, 2]], "tiny"),
        ({"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}, "empty"),
        ({"size": [WIDTH, HEIGHT], "counts": [10, 2, HEIGHT * WIDTH - 12]}, "wrong_size"),
        ({"size": [HEIGHT, WIDTH], "counts": [10, 20, 30]}, "rle_wrong_size"),
        ({"size": [HEIGHT, WIDTH], "counts": [-10, 20, HEIGHT * WIDTH - 10]}, "rle_negative_run"),
        ({"size": [HEIGHT, WIDTH], "counts": [True, 20, HEIGHT * WIDTH - 21]}, "rle_bad_number"),
        ({"size": [HEIGHT, WIDTH], "counts": [10**30]}, "rle_bad_number"),
        ({"size": [HEIGHT, WIDTH], "counts": "5"}, "rle_wrong_size"),
        ({"size": [HEIGHT, WIDTH], "counts": "ü"}, "rle_bad_character"),
        ({"size": [HEIGHT, WIDTH], "counts": None}, "rle_not_text"),
        ({"size": [HEIGHT, WIDTH]}, "rle_not_text"),
    ],
)
def test_what_is_no_mask_is_refused_and_the_others_come_in(
    cast: Cast, data: DataSet, segmentation: object, code: str
) -> None:
    image = data.add_image(pictures.png(), name="a.png")
    bad = data.add_mask(image, segmentation)
    data.add_mask(image, compressed(blob()))
    said = run_import(data)
    assert f"  {code}: 1\n" in said, said
    assert f"a.png, annotation {bad}: " in said
    assert "Masks: 1 added, 0 known already, 0 crowds left out, 1 refused." in said
    assert "FAILED" in said
    assert np.array_equal(pixels(Mask.objects.get()), blob())


def test_the_smallest_mask_is_a_setting(cast: Cast, data: DataSet) -> None:
    dot = np.zeros((HEIGHT, WIDTH), dtype=bool)
    dot[40, 3] = True
    data.add_mask(data.add_image(pictures.png(), name="a.png"), compressed(dot))
    assert "tiny: 1" in run_import(data)
    assert "Masks: 1 added" in run_import(data, "--min-area", "1")
    assert Mask.objects.get().area == 1


def test_crowds_are_left_out_unless_asked_for(cast: Cast, data: DataSet) -> None:
    image = data.add_image(pictures.png(), name="a.png")
    data.add_mask(image, uncompressed(blob()), iscrowd=1)
    said = run_import(data)
    assert "0 known already, 1 crowds left out, 0 refused." in said
    assert "FAILED" not in said
    assert "Masks: 1 added" in run_import(data, "--with-crowds")
    assert Mask.objects.get().prompts[0]["is_crowd"] is True


def test_an_image_has_a_limited_number_of_masks(
    cast: Cast, data: DataSet, settings: Settings
) -> None:
    settings.MAX_MASKS_PER_IMAGE = 2
    image = data.add_image(pictures.png(), name="a.png")
    for left in (5, 6, 7):
        data.add_mask(image, compressed(blob(left=left)))
    assert "too_many_masks: 1" in run_import(data, "--dry-run")
    assert "too_many_masks: 1" in run_import(data)
    assert Mask.objects.count() == 2


# ---- pictures that EXIF turns ----------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_is_turned_as_its_picture_is(orientation: int) -> None:
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    stored = PilImage.fromarray(blob().astype(np.uint8) * 255)
    stored.info["exif"] = exif.tobytes()
    shown = np.asarray(ImageOps.exif_transpose(stored)).astype(bool)
    runs, height, width = turned_upright(
        rle.runs_of(blob()), height=HEIGHT, width=WIDTH, orientation=orientation
    )
    assert (height, width) == shown.shape
    assert np.array_equal(rle.decode(runs, height=height, width=width), shown)


def test_masks_on_stored_pixels_follow_the_picture(cast: Cast, data: DataSet) -> None:
    image = data.add_image(pictures.rotated_jpeg(), name="a.jpg")
    data.add_mask(image, compressed(blob()))
    assert "Masks: 1 added" in run_import(data)
    mask = Mask.objects.get()
    assert (mask.image.picture.width, mask.image.picture.height) == (HEIGHT, WIDTH)
    assert np.array_equal(pixels(mask), np.rot90(blob(), -1))
    assert mask.box == [13, 5, 41, 25]
    assert "Nothing was changed." in run_import(data)


def test_masks_on_the_picture_as_shown_stay_as_they_are(cast: Cast, data: DataSet) -> None:
    image = data.add_image(pictures.rotated_jpeg(), name="a.jpg", width=HEIGHT, height=WIDTH)
    shown = blob(width=HEIGHT, height=WIDTH)
    data.add_mask(image, compressed(shown))
    assert "Masks: 1 added" in run_import(data)
    assert np.array_equal(pixels(Mask.objects.get()), shown)


def test_where_the_size_does_not_tell_the_frame_has_to_be_said(cast: Cast, data: DataSet) -> None:
    exif = PilImage.Exif()
    exif[0x0112] = 3
    data.add_mask(
        data.add_image(pictures.jpeg(exif=exif.tobytes()), name="a.jpg"), compressed(blob())
    )
    said = run_import(data)
    assert "turned: 1" in said
    assert "1 refused" in said
    assert not Image.objects.exists()
    assert "Masks: 1 added" in run_import(data, "--frame", "shown")
    assert "Masks: 1 added" in run_import(data, "--frame", "stored", project="Elsewhere")
    shown, stored = Mask.objects.order_by("image__project__name", "id")[::-1]
    assert np.array_equal(pixels(shown), blob())
    assert np.array_equal(pixels(stored), np.rot90(blob(), 2))


# ---- pictures that are refused ---------------------------------------------------------------


def test_every_refused_image_says_why_and_leaves_nothing(
    cast: Cast, data: DataSet, own_storage: Path
) -> None:
    (data.folder.parent / "outside.png").write_bytes(pictures.png(seed=9))
    refused = {
        "wrong_size": data.add_image(pictures.png(width=70), name="size.png"),
        "no_file": data.add_image(None, name="missing.png"),
        "outside": data.add_image(None, name="../../outside.png"),
        "wrong_type": data.add_image(pictures.SVG, name="vector.png"),
        "truncated": data.add_image(pictures.hollow_png(WIDTH, HEIGHT), name="hollow.png"),
    }
    for image_id in refused.values():
        data.add_mask(image_id, compressed(blob()))
    data.add_mask(4711, compressed(blob()))
    said = run_import(data)
    for code in (*refused, "unknown_image"):
        assert f"  {code}: 1\n" in said, said
    assert "Images: 0 added" in said
    assert "6 refused." in said
    assert not Image.objects.exists()
    assert not Picture.objects.exists()
    assert not any(path.is_file() for path in own_storage.rglob("*"))


def test_entries_that_cannot_be_used_are_named_by_their_place(cast: Cast, data: DataSet) -> None:
    image = data.add_image(pictures.png(), name="a.png")
    data.add_mask(image, compressed(blob()))
    data.content["images"] += [7, {"id": 1}, {"id": 2, "file_name": "b.png", "width": "61"}]
    data.content["images"].append({**data.content["images"][0], "file_name": "again.png"})
    data.content["annotations"] += ["mask", {"id": 5, "segmentation": []}]
    said = run_import(data)
    for place in ("images[1]", "images[2]", "images[3]", "images[4]"):
        assert f"{place}: " in said
    assert "annotations[1]: It names no image." in said
    assert "  bad_image: 3\n" in said
    assert "  same_id: 1\n" in said
    assert "  no_image_id: 2\n" in said
    assert "Masks: 1 added" in said


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_json"),
        (b"[]", "not_json"),
        (b'{"images": [], "annotations": [}', "not_json"),
        (b'{"images": [], "annotations": []', "not_json"),
        (b'{"images": [], "annotations": []} more', "not_json"),
        (b'{"images": [], "annotations": 5}', "not_json"),
        (b'{"images": [], 5: []}', "not_json"),
        (b'{"images": ["\xff"], "annotations": []}', "not_json"),
        (b'{"images": [], "annotations": [' + b"[" * 200_000, "not_json"),
        (b'{"images": []}', "not_coco"),
        (b'{"type": "FeatureCollection"}', "not_coco"),
    ],
)
def test_a_file_that_is_no_coco_is_refused_as_a_whole(
    tmp_path: Path, content: bytes, code: str
) -> None:
    path = tmp_path / "annotations.json"
    path.write_bytes(content)
    with pytest.raises(Invalid) as refusal:
        index_coco_file(path, max_bytes=10**9)
    assert refusal.value.code == code


def test_a_file_over_the_limit_is_refused(cast: Cast, data: DataSet, settings: Settings) -> None:
    settings.MAX_COCO_BYTES = 50
    assert "FAILED: annotations.json is larger than 50 bytes." in run_import(data)


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_reads_the_same_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, mark: bytes
) -> None:
    monkeypatch.setattr(coco_file, "BLOCK_CHARACTERS", block)
    annotations = [
        {"id": number, "image_id": ("é", 1)[number % 2], "segmentation": [[number] * 6]}
        for number in range(5)
    ]
    image = {"file_name": "größe \\ 狐.png", "width": 61, "height": 43}
    content = {
        "annotations": annotations,
        "info": {"deep": [1, [2.5, None]], "year": 12},
        "images": [{"id": "é", **image}, {"id": 1, **image}],
        "categories": [{"id": 3, "name": "Möwe"}],
    }
    path = tmp_path / "annotations.json"
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_bytes(mark + text.encode())
    index = index_coco_file(path, max_bytes=10**6)
    first, second = index.images
    assert first.file_name == image["file_name"]
    assert list(index.annotations_of(first)) == annotations[::2]
    assert list(index.annotations_of(second)) == annotations[1::2]
    assert index.categories == {3: "Möwe"}
    assert index.strays == []


@pytest.mark.parametrize("file_name", ["a" * 5000, "a\ud800b", "a\x00b", "a\nb", "."])
def test_a_file_name_of_any_kind_is_refused_in_words(
    cast: Cast, data: DataSet, file_name: str
) -> None:
    data.add_mask(data.add_image(None, name=file_name), compressed(blob()))
    data.content["images"].append({"id": 1, "file_name": file_name})
    said = run_import(data)
    assert "Images: 0 added" in said
    assert "  bad_image: 1\n" in said
    assert "1 refused." in said
    said.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, -11, True, "0.5", None])
def test_a_predicted_iou_that_is_none_is_left_out(cast: Cast, data: DataSet, value: object) -> None:
    image = data.add_image(pictures.png(), name="a.png")
    data.add_mask(image, compressed(blob()), predicted_iou=value)
    assert "Masks: 1 added" in run_import(data)
    assert Mask.objects.get().predicted_iou is None


def test_names_of_strangers_are_cleaned(cast: Cast, data: DataSet) -> None:
    data.content["categories"] = [{"id": 7, "name": "a\x00b\ud800c"}]
    image = data.add_image(pictures.png(), name="a.png")
    data.content["images"][0]["name"] = "../\x00<b>otter</b>.png"
    data.add_mask(image, compressed(blob()), id="x\x00y")
    assert "Masks: 1 added" in run_import(data)
    mask = Mask.objects.get()
    assert (mask.prompts[0]["category"], mask.prompts[0]["annotation"]) == ("abc", "xy")
    assert mask.image.name == "b>.png"


# ---- again, and again ------------------------------------------------------------------------


def two_images(data: DataSet) -> None:
    """Two pictures with three masks, all of them different."""
    first = data.add_image(pictures.png(), name="a.png")
    second = data.add_image(pictures.png(seed=1), name="b.png")
    data.add_mask(second, compressed(blob()))
    data.add_mask(first, OUTLINES)
    data.add_mask(first, uncompressed(blob(left=9)))


def test_a_second_run_changes_nothing_and_says_so(cast: Cast, data: DataSet) -> None:
    two_images(data)
    said = run_import(data)
    assert "Images: 2 added, 0 known already.\nMasks: 3 added, 0 known already" in said
    before = everything()
    said = run_import(data)
    assert "Images: 0 added, 2 known already.\nMasks: 0 added, 3 known already" in said
    assert "Nothing was changed." in said
    assert everything() == before


def test_a_second_run_leaves_alone_what_people_did_since(cast: Cast, data: DataSet) -> None:
    two_images(data)
    run_import(data)
    deleted, refined, _ = Mask.objects.order_by("id")
    other = compressed(blob(left=30))["counts"]
    Mask.objects.filter(id=deleted.id).update(state=MaskState.DELETED)
    Mask.objects.filter(id=refined.id).update(
        counts=other, counts_sha256=rle.counts_sha256(other), author=cast.alice
    )
    before = everything()
    assert "Nothing was changed." in run_import(data)
    assert everything() == before


def test_a_run_that_was_cut_off_is_finished_by_the_next(cast: Cast, data: DataSet) -> None:
    two_images(data)
    path = data.write()

    def cut_off(report: ImportReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_masks(
            project=cast.project,
            source=path,
            settings_=ImportSettings(),
            by=None,
            advance=cut_off,
        )
    assert (Image.objects.count(), Mask.objects.count()) == (1, 2)
    said = run_import(data)
    assert "Images: 1 added, 1 known already.\nMasks: 1 added, 2 known already" in said
    assert (Image.objects.count(), Mask.objects.count()) == (2, 3)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_was_killed_is_finished_by_the_next(
    cast: Cast, data: DataSet, own_storage: Path
) -> None:
    for seed in range(12):
        image = data.add_image(pictures.png(seed=seed), name=f"{seed}.png")
        for left in (5, 9):
            data.add_mask(image, compressed(blob(left=left)))
    data.write()
    command = [sys.executable, "manage.py", "import_coco", "Harbour", str(data.folder)]
    own = {"DATABASE_URL": own_database_url(), "STORAGE_URL": own_storage.as_uri()}
    with subprocess.Popen(command, cwd=CHECKOUT, env={**os.environ, **own}) as running:
        assert wait_until(Mask.objects.exists, PATIENCE_S)
        running.kill()
    assert 0 < Image.objects.count() < 12
    run_import(data)
    assert (Image.objects.count(), Mask.objects.count()) == (12, 24)
    assert MaskRevision.objects.count() == 24
    assert "Nothing was changed." in run_import(data)


def test_images_that_were_uploaded_before_get_their_masks(
    cast: Cast, data: DataSet, tmp_path: Path
) -> None:
    two_images(data)
    data.write()
    upload = Upload("first.png", data.folder / "images" / "a.png")
    add_images(project=cast.project, uploads=[upload], by=cast.carol)
    said = run_import(data)
    assert "Images: 1 added, 1 known already.\nMasks: 3 added" in said
    assert set(Image.objects.values_list("name", flat=True)) == {"first.png", "b.png"}


def test_the_same_picture_and_the_same_mask_count_once(cast: Cast, data: DataSet) -> None:
    for name in ("a.png", "copy.png"):
        image = data.add_image(pictures.png(), name=name)
        for form in (compressed, uncompressed):
            data.add_mask(image, form(blob()))
    for words in (["--dry-run"], []):
        said = run_import(data, *words)
        assert "1 known already.\nMasks: 1 " in said, said
        assert "3 known already" in said
    assert (Image.objects.count(), Mask.objects.count()) == (1, 1)


def test_masks_keep_the_order_of_the_file_after_those_that_are_there(
    cast: Cast, data: DataSet
) -> None:
    image = data.add_image(pictures.png(), name="a.png")
    data.add_mask(image, compressed(blob(left=5)))
    run_import(data)
    for left in (20, 8):
        data.add_mask(image, compressed(blob(left=left)))
    run_import(data)
    boxes = Mask.objects.order_by("order_index").values_list("order_index", "box")
    assert [(place, box[0]) for place, box in boxes] == [(0, 5), (1, 20), (2, 8)]


def test_a_dry_run_says_what_a_run_would_do_and_does_nothing(
    cast: Cast, data: DataSet, own_storage: Path
) -> None:
    two_images(data)
    data.add_mask(100, [])
    before = everything()
    said = run_import(data, "--dry-run")
    assert everything() == before
    assert not any(path.is_file() for path in own_storage.rglob("*"))
    assert run_import(data) == said.replace("would be added", "added")
    assert "Nothing to change." in run_import(data, "--dry-run")


def test_an_archived_project_takes_nothing(cast: Cast, data: DataSet) -> None:
    two_images(data)
    Project.objects.update(archived_at="2026-11-01T00:00Z")
    assert "FAILED: The project is archived." in run_import(data)
    assert not Picture.objects.exists()


# ---- what becomes of them --------------------------------------------------------------------


def contents(path: Path) -> set[tuple[str, str, str]]:
    """Picture, name and mask of each annotation of an export."""
    coco = json.loads(path.read_text())
    images = {image["id"]: (image["file_name"], image["name"]) for image in coco["images"]}
    return {
        (*images[one["image_id"]], one["segmentation"]["counts"]) for one in coco["annotations"]
    }


@pytest.mark.django_db(transaction=True)
def test_an_export_comes_back_as_the_same_masks_on_the_same_pictures(
    cast: Cast, data: DataSet, tmp_path: Path
) -> None:
    two_images(data)
    photograph = data.add_image(pictures.rotated_jpeg(), name="turned.jpg")
    data.add_mask(photograph, compressed(blob()), predicted_iou=0.875)
    run_import(data)
    first, second = tmp_path / "out" / "annotations.json", tmp_path / "second.json"
    first.parent.mkdir()
    run("export_coco", "Harbour", str(first), "--images", str(first.parent))
    assert "Masks: 4 added" in run("import_coco", "Elsewhere", str(first.parent))
    run("export_coco", "Elsewhere", str(second))
    assert len(contents(first)) == 4
    assert contents(first) == contents(second)
    assert Picture.objects.count() == 3
    assert set(
        Mask.objects.filter(predicted_iou=0.875).values_list("image__project__name", flat=True)
    ) == {"Harbour", "Elsewhere"}
    assert "Nothing was changed." in run("import_coco", "Harbour", str(first.parent))


@pytest.mark.django_db(transaction=True)
def test_an_export_as_sa1b_comes_back_as_the_same_masks(
    cast: Cast, data: DataSet, tmp_path: Path
) -> None:
    two_images(data)
    data.add_mask(100, compressed(blob(left=13)), predicted_iou=0.875)
    run_import(data)
    folder, packed = tmp_path / "out", tmp_path / "out.zip"
    run("export_masks", "Harbour", str(packed), "--format", "sa1b", "--images", str(folder))
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    told = run("import_coco", "Elsewhere", str(folder))
    there, here = (
        set(
            Mask.objects.filter(image__project__name=name).values_list(
                "image__picture_id", "counts", "predicted_iou"
            )
        )
        for name in ("Harbour", "Elsewhere")
    )
    assert there == here and len(here) >= 3, told
    assert "Nothing was changed." in run("import_coco", "Elsewhere", str(folder))


def test_files_that_are_none_of_sa1b_are_refused_one_by_one(
    cast: Cast, data: DataSet, tmp_path: Path
) -> None:
    data.add_image(pictures.png(), name="a.png")
    told = {"image_id": 7, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}
    mask = {"id": 1, "segmentation": compressed(blob())}
    files = {
        "good": {"image": told, "annotations": [mask, "none"]},
        "list": [],
        "no_image": {"annotations": []},
        "no_annotations": {"image": {**told, "image_id": 8}},
        "same": {"image": told, "annotations": [mask]},
    }
    for stem, content in files.items():
        (data.folder / f"{stem}.json").write_text(json.dumps(content))
    (data.folder / "torn.json").write_text('{"image"')
    printed = run("import_coco", "Harbour", str(data.folder))
    assert Mask.objects.filter(image__project=cast.project).count() == 1, printed
    for refused in ("list", "no_image", "no_annotations", "same", "torn"):
        assert f"{refused}.json" in printed


def test_masks_of_held_out_images_are_for_scoring_and_the_others_for_training(
    cast: Cast, data: DataSet
) -> None:
    cast.project.held_out_percent = 50
    cast.project.save()
    for seed in range(12):
        image = data.add_image(pictures.png(seed=seed), name=f"{seed}.png")
        data.add_mask(image, compressed(blob()))
    assert "Masks: 12 added" in run_import(data)
    splits = {mask.image_sha256: mask.split for mask in snapshot_masks(cast.project)}
    assert set(splits.values()) == {"held_out", "train"}
    assert splits == {
        image.picture_id: "held_out" if image.held_out else "train" for image in Image.objects.all()
    }
