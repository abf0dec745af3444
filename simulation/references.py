"""Reference masks of a COCO folder, and which image of the project each picture is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from common import rle
from common.coco_folder import CocoPicture
from common.metrics import Mask


@dataclass(frozen=True)
class ImageReferences:
    """The reference masks of one image; a mask's number is its place in `counts`."""

    width: int
    height: int
    counts: tuple[str, ...]
    content: str = ""  # SHA-256 of the picture as the project has it

    def mask(self, number: int) -> Mask:
        """Reference mask [height, width]."""
        return mask_of(self.counts[number], height=self.height, width=self.width)

    def by_prominence(self) -> list[int]:
        """Numbers of the masks that have pixels, largest first; equally large in the file's order."""
        areas = [rle.area(self._runs(number)) for number in range(len(self.counts))]
        order = sorted(range(len(areas)), key=lambda number: -areas[number])
        return [number for number in order if areas[number] > 0]

    def _runs(self, number: int) -> rle.Runs:
        return _runs_of(self.counts[number], height=self.height, width=self.width)


def mask_of(counts: str, *, height: int, width: int) -> Mask:
    """The mask [height, width] of a compressed counts string."""
    return rle.decode(_runs_of(counts, height=height, width=width), height=height, width=width)


def match(
    pictures: Iterable[CocoPicture], images: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, ImageReferences], list[CocoPicture]]:
    """References by image id, and the pictures that no image is.

    A picture is an image of the same content (SHA-256 of the file) or, because uploads may be
    rewritten, of the same name and size.
    """
    images = list(images)
    by_content = {image["sha256"]: image for image in images}
    by_name = {(image["name"], image["width"], image["height"]): image for image in images}
    found: dict[str, ImageReferences] = {}
    missing = []
    for picture in pictures:
        content = hashlib.sha256(picture.path.read_bytes()).hexdigest()
        key = (picture.path.name, picture.width, picture.height)
        image = by_content.get(content) or by_name.get(key)
        if image is None or (image["width"], image["height"]) != (picture.width, picture.height):
            missing.append(picture)
        else:
            found[image["id"]] = ImageReferences(
                picture.width, picture.height, picture.counts, image["sha256"]
            )
    return found, missing


def _runs_of(counts: str, *, height: int, width: int) -> rle.Runs:
    return rle.parse_counts(counts, height=height, width=width, max_runs=height * width + 1)
