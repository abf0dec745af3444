"""Exports with their pictures: one zip file that trains elsewhere, and that an import takes back as a whole."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from annotator.models import Image, Mask
from annotator.services.archives import unpack
from annotator.services.export_formats import archive
from annotator.services.export_formats.source import Selection
from annotator.services.exports import FORMATS, request_export, write_export
from annotator.services.stores import file_storage
from tests.annotator.coco_data import pixels, run, three_pictures
from tests.cast import Browser, Cast

pytestmark = pytest.mark.django_db(transaction=True)  # an export is of one moment
COCO = ("coco", "polygons")
WITH_PICTURES = [name for name, each in FORMATS.items() if each.takes_pictures]


@pytest.fixture
def harbour(cast: Cast, tmp_path: Path) -> Cast:
    """A project of three pictures with files: two masks side by side, one, none."""
    run("import_masks", "Harbour", str(three_pictures(tmp_path / "set", left=30).folder))
    return cast


def exported(path: Path, format: str) -> bytes:
    said = run("export_masks", "Harbour", str(path), "--format", format, "--with-pictures")
    assert "3 masks in" in said, said
    return path.read_bytes()


@pytest.mark.parametrize("format", WITH_PICTURES)
def test_pictures_come_along_and_are_counted_and_named(
    harbour: Cast, tmp_path: Path, format: str
) -> None:
    content = exported(tmp_path / "one.zip", format)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        files = {name: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["files"] == {
        name: {"sha256": hashlib.sha256(each).hexdigest(), "bytes": len(each)}
        for name, each in files.items()
    }
    images = Image.objects.filter(project=harbour.project).select_related("picture")
    wanted = {
        f"images/{one.picture_id}.png": file_storage().read_bytes(one.picture.file_key)
        for one in images
        if format in COCO or one.masks.exists()  # a COCO file tells of all images
    }
    assert {name: files[name] for name in files if name.startswith("images/")} == wanted
    assert manifest["num_pictures"] == len(wanted) == (3 if format in COCO else 2)
    assert manifest["num_images"] == len(wanted) and manifest["num_masks"] == 3
    assert exported(tmp_path / "two.zip", format) == content


@pytest.mark.parametrize("format", WITH_PICTURES)
def test_an_import_takes_pictures_and_masks_back_in_one_go(
    harbour: Cast, tmp_path: Path, format: str
) -> None:
    exported(tmp_path / "one.zip", format)
    (tmp_path / "out").mkdir()
    with (tmp_path / "one.zip").open("rb") as file:
        folder = unpack(file, tmp_path / "out")
    said = run("import_masks", "Elsewhere", str(folder))
    assert "Masks: 3 added, 0 known already, 0 crowds left out, 0 refused." in said, said

    def found(project: str) -> dict[str, list[bytes]]:
        masks = Mask.objects.filter(image__project__name=project)
        images = Image.objects.filter(project__name=project)
        if format not in COCO:
            images = images.filter(masks__isnull=False)
        of_image: dict[str, list[bytes]] = {one.picture_id: [] for one in images}
        for mask in masks.order_by("image__order_index", "order_index"):
            of_image[mask.image.picture_id].append(pixels(mask).tobytes())
        return of_image

    there, here = found("Harbour"), found("Elsewhere")
    assert there.keys() == here.keys()
    if format not in ("yolo", "polygons"):  # polygons are drawn again
        assert there == here


def test_an_export_with_pictures_is_a_zip_file_and_goes_on_to_its_end(harbour: Cast) -> None:
    export = request_export(project=harbour.project, by=harbour.carol, with_pictures=True)
    shares: list[float] = []
    write_export(export=export, advance=shares.append)
    assert export.file_key.endswith(".zip") and export.num_masks == 3
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(set(shares)) >= 5
    content = file_storage().read_bytes(export.file_key)
    assert export.file_sha256 == hashlib.sha256(content).hexdigest()


class InBlocks(io.BytesIO):
    """A file that nobody may read as a whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None and 0 < size <= 1 << 20
        return super().read(size)


def test_pictures_are_not_held_in_memory(harbour: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    class Store:
        def open(self, key: str) -> InBlocks:
            return InBlocks(file_storage().read_bytes(key))

    monkeypatch.setattr(archive, "file_storage", Store)
    out = io.BytesIO()
    selection = Selection(harbour.project, with_pictures=True)
    assert FORMATS["sa1b"].write(selection, out, lambda share: None) == 3
    with zipfile.ZipFile(out) as packed:
        assert packed.testzip() is None and len(packed.namelist()) == 5


def test_provenance_goes_without_pictures(harbour: Cast, tmp_path: Path) -> None:
    words = ("--format", "provenance", "--with-pictures")
    said = run("export_masks", "Harbour", str(tmp_path / "out"), *words)
    assert "FAILED: Provenance, JSON lines: it goes without pictures." in said
    asked = {"format": "provenance", "with_pictures": True}
    reply = Browser(harbour.carol).post(f"projects/{harbour.project.id}/exports", asked)
    assert reply.status_code == 422 and reply.json()["error"]["field"] == "with_pictures"
