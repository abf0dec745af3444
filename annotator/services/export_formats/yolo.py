"""YOLO segmentation: for each image that has masks a text file with a polygon a line, and what each mask lost by it."""

from __future__ import annotations

from typing import Any, BinaryIO

from annotator.services.export_formats.archive import Archive
from annotator.services.export_formats.source import (
    Advance,
    AnnotatedImage,
    Selection,
    annotated_images,
    compact_json,
    decoded,
    one_moment,
    picture_name,
)
from common.outlines import Polygon, polygon_of

DECIMALS = 6
CLASS_ID = 0  # the tool is class-free: one class for everything
DATA_SET = """path: .
train: train.txt
val: val.txt
names:
  0: object
"""


def write_yolo(selection: Selection, out: BinaryIO, advance: Advance) -> int:
    """Returns how many masks were written."""
    archive = Archive(out, selection, advance)
    pictures: dict[str, list[str]] = {"train": [], "val": []}
    num_images = num_masks = 0
    lost = 0.0
    with one_moment():
        for one in annotated_images(selection, archive.advance):
            archive.add_picture(one.image.picture)
            polygons = [polygon_of(decoded(mask), decimals=DECIMALS) for mask in one.masks]
            archive.add(f"labels/{one.stem}.txt", "".join(map(_line, polygons)))
            archive.add(f"iou/{one.stem}.json", compact_json(_told(one, polygons)))
            name = picture_name(one.image.picture)
            pictures["val" if one.image.held_out else "train"].append(f"./images/{name}\n")
            num_images += 1
            num_masks += len(polygons)
            lost += sum(1 - polygon.iou for polygon in polygons)
    for split, lines in pictures.items():
        archive.add(f"{split}.txt", "".join(lines))
    archive.add("data.yaml", DATA_SET)
    archive.close(
        format="yolo",
        num_images=num_images,
        num_masks=num_masks,
        mean_iou=round(1 - lost / num_masks, 6) if num_masks else None,
    )
    return num_masks


def _line(polygon: Polygon) -> str:
    numbers = (f"{number:.{DECIMALS}f}" for number in polygon.numbers)
    return f"{CLASS_ID} {' '.join(numbers)}\n"


def _told(one: AnnotatedImage, polygons: list[Polygon]) -> dict[str, Any]:
    """By line of the text file, from 1: which mask it is, and the IoU of the polygon with it."""
    masks = [
        {
            "line": line,
            "mask_id": str(mask.id),
            "mask_version": mask.version,
            "num_points": len(polygon.numbers) // 2,
            "iou": round(polygon.iou, 6),
        }
        for line, (mask, polygon) in enumerate(zip(one.masks, polygons, strict=True), 1)
    ]
    return {"file_name": picture_name(one.image.picture), "masks": masks}
