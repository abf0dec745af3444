"""Label maps: for each image that has masks a PNG of 16 bits whose pixels tell which mask they belong to."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pixels

from annotator.models import Mask
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

LabelMap = NDArray[np.uint16]


def write_label_maps(selection: Selection, out: BinaryIO, advance: Advance) -> int:
    """Returns how many masks were written."""
    archive = Archive(out, selection, advance)
    num_images = num_masks = num_covered = 0
    with one_moment():
        for one in annotated_images(selection, archive.advance):
            archive.add_picture(one.image.picture)
            labels = label_map(one)
            entries = _entries(one, labels)
            facts = {"file_name": picture_name(one.image.picture), "masks": entries}
            archive.add(f"{one.stem}.png", _png(labels))
            archive.add(f"{one.stem}.json", compact_json(facts))
            num_images += 1
            num_masks += len(one.masks)
            num_covered += sum(entry["visible"] < entry["area"] for entry in entries)
    archive.close(
        format="labels",
        num_images=num_images,
        num_masks=num_masks,
        num_partly_covered=num_covered,
    )
    return num_masks


def label_map(one: AnnotatedImage) -> LabelMap:
    """[H, W]: 0 for background, else 1 for the first of the masks and so on; where they overlap the smallest shows."""
    picture = one.image.picture
    labels = np.zeros((picture.height, picture.width), dtype=np.uint16)
    numbered = enumerate(one.masks, 1)
    for label, mask in sorted(numbered, key=lambda entry: (-entry[1].area, entry[0])):
        labels[decoded(mask)] = label
    return labels


def _entries(one: AnnotatedImage, labels: LabelMap) -> list[dict[str, Any]]:
    visible = np.bincount(labels.ravel(), minlength=len(one.masks) + 1)
    return [_entry(mask, label, int(visible[label])) for label, mask in enumerate(one.masks, 1)]


def _entry(mask: Mask, label: int, visible: int) -> dict[str, Any]:
    """Areas in pixels, the visible one without what smaller masks cover."""
    return {
        "label": label,
        "mask_id": str(mask.id),
        "mask_version": mask.version,
        "area": mask.area,
        "visible": visible,
    }


def _png(labels: LabelMap) -> bytes:
    out = io.BytesIO()
    Pixels.fromarray(labels).save(out, "PNG")
    return out.getvalue()
