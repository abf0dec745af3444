"""SA-1B: a JSON file for each image that has masks, with the fields of the published data set."""

from __future__ import annotations

from typing import BinaryIO

from annotator.models import Mask
from annotator.services.export_formats.archive import Archive
from annotator.services.export_formats.source import (
    Advance,
    AnnotatedImage,
    Selection,
    annotated_images,
    coco_box,
    compact_json,
    one_moment,
    picture_name,
    segmentation,
)


def write_sa1b(selection: Selection, out: BinaryIO, advance: Advance) -> int:
    """Returns how many masks were written."""
    archive = Archive(out, selection, advance)
    num_images = num_masks = 0
    with one_moment():
        for one in annotated_images(selection, archive.advance):
            archive.add_picture(one.image.picture)
            archive.add(f"{one.stem}.json", compact_json(_entry(one, num_masks)))
            num_images += 1
            num_masks += len(one.masks)
    archive.close(format="sa1b", num_images=num_images, num_masks=num_masks)
    return num_masks


def _entry(one: AnnotatedImage, num_before: int) -> dict[str, object]:
    picture = one.image.picture
    image = {
        "image_id": one.number,
        "width": picture.width,
        "height": picture.height,
        "file_name": picture_name(picture),
    }
    annotations = [
        _annotation(mask, number, image) for number, mask in enumerate(one.masks, num_before + 1)
    ]
    return {"image": image, "annotations": annotations}


def _annotation(mask: Mask, number: int, image: dict[str, object]) -> dict[str, object]:
    """Nobody cropped the image; the stability score is not kept, and a mask drawn by hand has no predicted IoU."""
    return {
        "id": number,
        "segmentation": segmentation(mask),
        "bbox": coco_box(mask),
        "area": mask.area,
        "predicted_iou": mask.predicted_iou,
        "stability_score": None,
        "crop_box": [0, 0, image["width"], image["height"]],
        "point_coords": _points(mask),
    }


def _points(mask: Mask) -> list[list[float]]:
    """x and y of the foreground clicks in pixels."""
    return [
        [prompt["x"], prompt["y"]]
        for prompt in mask.prompts
        if prompt.get("kind") == "point" and prompt.get("label") == 1
    ]
