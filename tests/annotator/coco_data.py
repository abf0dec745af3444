"""COCO data sets for tests, written as other tools write them."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management import CommandError, call_command
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from annotator.models import Mask
from tests import pictures

WIDTH, HEIGHT = 61, 43


def blob(*, left: int = 5, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.bool_]:
    """An L with a hole and a speck apart from it: the same from no two sides."""
    mask = np.zeros((height, width), dtype=bool)
    mask[6:30, left : left + 6] = True
    mask[24:30, left : left + 20] = True
    mask[8:11, left + 2 : left + 4] = False
    mask[2:4, left + 15 : left + 18] = True
    return mask


def compressed(mask: NDArray[np.bool_]) -> dict[str, Any]:
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}


def uncompressed(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Run by run, as COCO's own crowds are stored."""
    counts, value = [0], False
    for pixel in mask.ravel(order="F"):
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return {"size": list(mask.shape), "counts": counts}


@dataclass
class DataSet:
    """A folder with `annotations.json` and its pictures below `images`."""

    folder: Path
    content: dict[str, Any] = field(
        default_factory=lambda: {
            "categories": [{"id": 7, "name": "otter"}],
            "images": [],
            "annotations": [],
        }
    )

    def add_image(
        self, content: bytes | None, *, name: str, width: int = WIDTH, height: int = HEIGHT
    ) -> int:
        """The id of the image; without content there is no file."""
        if content is not None:
            path = self.folder / "images" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        image_id = 100 + len(self.content["images"])
        entry = {"id": image_id, "file_name": name, "width": width, "height": height}
        self.content["images"].append(entry)
        return image_id

    def add_mask(self, image_id: int, segmentation: object, **more: object) -> int:
        """The id of the annotation."""
        number = 9000 + len(self.content["annotations"])
        entry = {"id": number, "image_id": image_id, "category_id": 7, "iscrowd": 0}
        self.content["annotations"].append({**entry, "segmentation": segmentation, **more})
        return number

    def write(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "annotations.json"
        path.write_text(json.dumps(self.content), encoding="utf-8")
        return path


def run(*words: str) -> str:
    """What the command says, refusals included; a failure is part of it."""
    out = io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=out)
    except CommandError as error:
        out.write(f"FAILED: {error}")
    return out.getvalue()


def pixels(mask: Mask) -> NDArray[np.bool_]:
    """The stored mask, drawn by pycocotools."""
    picture = mask.image.picture
    encoded = {"size": [picture.height, picture.width], "counts": mask.counts.encode()}
    return coco_mask.decode(encoded).astype(bool)


def three_pictures(folder: Path, *, left: int) -> DataSet:
    """Two masks on the first, the other one so far to the right; one mask on the second, none on the third."""
    data = DataSet(folder)
    first, second, _ = (
        data.add_image(pictures.png(seed=seed), name=f"{seed}.png") for seed in range(3)
    )
    for segmentation in (compressed(blob()), compressed(blob(left=left))):
        data.add_mask(first, segmentation)
    data.add_mask(second, compressed(blob(left=22)))
    data.write()
    return data
