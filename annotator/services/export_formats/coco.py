"""COCO: one JSON file with all images and masks, as RLE or as polygons; with the pictures in a zip file beside it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import BinaryIO, Protocol

from annotator.models import Image, Mask, Picture
from annotator.services.export_formats.archive import Archive
from annotator.services.export_formats.source import (
    Advance,
    Selection,
    coco_box,
    compact_json,
    decoded,
    one_moment,
    picture_name,
    segmentation,
)
from common.outlines import polygon_of

COCO_NAME = "annotations.json"  # in an archive; imports look for it
CATEGORY_ID = 1  # the tool is class-free: one category for everything

Annotate = Callable[[Mask], dict[str, object]]  # what tells a mask's pixels


class Out(Protocol):
    """What can be written to."""

    def write(self, content: bytes, /) -> int: ...


def write_coco(selection: Selection, out: BinaryIO, advance: Advance) -> int:
    """Returns how many masks were written."""
    return _write(selection, out, advance, format="coco", annotate=_as_rle)


def write_polygons(selection: Selection, out: BinaryIO, advance: Advance) -> int:
    """The same with a polygon for each mask, and the IoU that it has with it; for what reads no RLE."""
    return _write(selection, out, advance, format="polygons", annotate=_as_polygon)


def _write(
    selection: Selection, out: BinaryIO, advance: Advance, *, format: str, annotate: Annotate
) -> int:
    if not selection.with_pictures:
        return _write_json(selection, out, advance, lambda picture: None, annotate)[1]
    archive = Archive(out, selection, advance)
    with archive.writer(COCO_NAME) as file:
        found = _write_json(selection, file, archive.advance, archive.add_picture, annotate)
    num_images, num_masks = found
    archive.close(format=format, num_images=num_images, num_masks=num_masks)
    return num_masks


def _write_json(
    selection: Selection,
    out: Out,
    advance: Advance,
    add_picture: Callable[[Picture], None],
    annotate: Annotate,
) -> tuple[int, int]:
    """Returns how many images and masks were written."""
    info = {"description": selection.project.name, "version": "1.0"}
    head = {"info": {**info, "part": selection.part.to_json()}, "licenses": []}
    head |= {"categories": [{"id": CATEGORY_ID, "name": "object"}]}
    parts = [f'"{key}":{compact_json(value)}' for key, value in head.items()]
    numbers: dict[uuid.UUID, int] = {}
    number = 0
    with one_moment():
        num_masks = selection.count()
        out.write(f'{{{",".join(parts)},"images":['.encode())
        for image_number, image in selection.images():
            comma = "," if numbers else ""
            numbers[image.id] = image_number
            add_picture(image.picture)
            out.write(f"{comma}{compact_json(_image(image, image_number))}".encode())
        out.write(b'],"annotations":[')
        for number, mask in enumerate(selection.masks(), 1):
            comma = "," if number > 1 else ""
            annotation = _annotation(mask, number, numbers[mask.image_id])
            text = compact_json({**annotation, **annotate(mask)})
            out.write(f"{comma}{text}".encode())
            advance(number / num_masks)
        out.write(b"]}\n")
    return len(numbers), number


def _image(image: Image, number: int) -> dict[str, object]:
    picture = image.picture
    return {
        "id": number,
        "file_name": picture_name(picture),
        "name": image.name,
        "width": picture.width,
        "height": picture.height,
        "held_out": image.held_out,
        "image_id": str(image.id),
    }


def _annotation(mask: Mask, number: int, image_number: int) -> dict[str, object]:
    """`area` and `bbox` are the mask's own, whatever draws it."""
    return {
        "id": number,
        "image_id": image_number,
        "category_id": CATEGORY_ID,
        "iscrowd": 0,
        "area": mask.area,
        "bbox": coco_box(mask),
        "predicted_iou": mask.predicted_iou,
        "origin": mask.origin,
        "mask_id": str(mask.id),
        "mask_version": mask.version,
    }


def _as_rle(mask: Mask) -> dict[str, object]:
    """The RLE is the stored one."""
    return {"segmentation": segmentation(mask)}


def _as_polygon(mask: Mask) -> dict[str, object]:
    polygon = polygon_of(decoded(mask), decimals=None)
    return {"segmentation": [polygon.numbers], "iou": round(polygon.iou, 6)}
