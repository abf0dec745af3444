"""Masks of a data set as a project keeps them: checked, in the picture's own pixels, with their provenance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from annotator.services.coco_file import CocoImage, CocoIndex
from annotator.services.images import CONTROL_CHARACTERS, clean_name
from annotator.services.orientation import turned_upright
from annotator.services.pictures import ReadPicture
from common import rle
from common.segmentation import read_segmentation

MAX_CLICKS_KEPT = 100  # of a mask
MAX_NAME = 200


class Frame(StrEnum):
    """On which pixels masks were drawn, of a photograph that EXIF turns and whose size does not tell."""

    STORED = "stored"
    SHOWN = "shown"


class Unusable(Exception):
    """An image or annotation that is not taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class ImportedMask:
    """A checked mask in the picture's own pixels."""

    counts: str
    area: int
    box: list[int]
    predicted_iou: float | None
    prompts: list[dict[str, object]]


@dataclass(frozen=True)
class MaskReader:
    """Reads the annotations of one image of a data set."""

    index: CocoIndex
    entry: CocoImage
    orientation: int  # EXIF's, that the masks have to follow
    smallest_mask: int  # pixels

    def read(self, annotation: dict[str, object]) -> ImportedMask:
        """Raises `Unusable` and `BadSegmentation`."""
        entry = self.entry
        drawn = read_segmentation(
            annotation.get("segmentation"),
            height=entry.height,
            width=entry.width,
            max_runs=settings.MAX_RUNS_PER_MASK,
        )
        area = rle.area(drawn)
        if area == 0:
            raise Unusable("empty", "Its mask has no pixel.")
        if area < self.smallest_mask:
            text = f"Its mask has {area} pixels, fewer than {self.smallest_mask}."
            raise Unusable("tiny", text)
        runs, height, _ = turned_upright(
            drawn, height=entry.height, width=entry.width, orientation=self.orientation
        )
        return ImportedMask(
            counts=rle.counts_of(runs),
            area=area,
            box=list(rle.box(runs, height=height)),
            predicted_iou=predicted_iou_of(annotation.get("predicted_iou")),
            prompts=[self._provenance(annotation), *self._clicks(annotation)],
        )

    def _provenance(self, annotation: dict[str, object]) -> dict[str, object]:
        """Stands where the prompts of other masks stand, as the first of them."""
        category_id = annotation.get("category_id")
        categories = self.index.categories
        is_named = isinstance(category_id, (int, str)) and category_id in categories
        return {
            "kind": "imported",
            "file": clean_name(self.index.path.name),
            "annotation": short(annotation.get("id")),
            "category": short(categories[category_id]) if is_named else None,
            "is_crowd": annotation.get("iscrowd") == 1,
        }

    def _clicks(self, annotation: dict[str, object]) -> list[dict[str, object]]:
        """SA-1B's `point_coords` as foreground points; none of them when they make no sense."""
        points = annotation.get("point_coords")
        if self.orientation != 1 or not isinstance(points, list) or len(points) > MAX_CLICKS_KEPT:
            return []
        clicks = [_click(point, self.entry) for point in points]
        kept = [click for click in clicks if click is not None]
        return kept if len(kept) == len(clicks) else []


def _click(point: object, entry: CocoImage) -> dict[str, object] | None:
    if not isinstance(point, list) or not all(type(value) in {int, float} for value in point):
        return None
    if len(point) != 2 or not (0 <= point[0] <= entry.width and 0 <= point[1] <= entry.height):
        return None
    return {"kind": "point", "x": point[0], "y": point[1], "label": 1}


def orientation_of_masks(
    index: CocoIndex, entry: CocoImage, found: ReadPicture, frame: Frame | None
) -> int:
    """The EXIF orientation that an image's masks have to follow: 1 when they were drawn on it as shown.

    Raises `Unusable` for a picture of another size than the data set says, and in doubt.
    """
    shown, said = (found.width, found.height), (entry.width, entry.height)
    stored = shown[::-1] if found.orientation >= 5 else shown
    if said not in {shown, stored}:
        text = (
            f"The file says {said[0]} x {said[1]} pixels, the picture has {shown[0]} x {shown[1]}."
        )
        raise Unusable("wrong_size", text)
    if found.orientation == 1 or not index.num_annotations_of(entry):
        return 1
    if shown != stored:
        return found.orientation if said == stored else 1
    if frame is None:
        text = (
            "EXIF turns it, and its size does not tell whether the masks are turned: say --frame."
        )
        raise Unusable("turned", text)
    return found.orientation if frame == Frame.STORED else 1


def predicted_iou_of(value: object) -> float | None:
    """As a mask keeps it; None for anything but a number from -10 to 10."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and -10 <= value <= 10 else None  # NaN is neither


def short(value: object) -> str:
    """A name or id of strangers as we keep and show it."""
    return CONTROL_CHARACTERS.sub("", str(value))[:MAX_NAME]
