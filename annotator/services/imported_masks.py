"""Masks of a data set as a project keeps them: checked, in the picture's own pixels, with their provenance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from django.conf import settings

from annotator.services.coco_file import CocoImage, CocoIndex
from annotator.services.images import CONTROL_CHARACTERS, clean_name
from annotator.services.orientation import turned_upright
from annotator.services.pictures import ReadPicture
from common import rle
from common.rle_list import MeasuredMask, read_list
from common.segmentation import BadSegmentation, bad_rle, most_runs, written_counts

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


class MaskSize(TypedDict):
    """In pixels, and how many runs a mask of it may have."""

    height: int
    width: int
    max_runs: int


@dataclass(frozen=True)
class _Told:
    """What an annotation tells of its mask; `written` is looked at together with those of the others."""

    annotation: str
    written: str
    problem: BadSegmentation | None
    predicted_iou: float | None
    prompts: list[dict[str, object]]


@dataclass(frozen=True)
class MaskReader:
    """Reads the annotations of one image of a data set."""

    index: CocoIndex
    entry: CocoImage
    orientation: int  # EXIF's, that the masks have to follow
    smallest_mask: int  # pixels

    def read(
        self, annotations: Iterable[dict[str, object]]
    ) -> Iterator[tuple[str, ImportedMask | BadSegmentation | Unusable]]:
        """The id of each annotation, with its mask or why it is not taken."""
        told = [self._told(one) for one in annotations]
        measured = read_list([one.written for one in told], **self._size())
        for one, found in zip(told, measured, strict=True):
            try:
                yield one.annotation, self._mask(one, found)
            except (BadSegmentation, Unusable) as problem:
                yield one.annotation, problem

    def _size(self) -> MaskSize:
        height, width = self.entry.height, self.entry.width
        most = most_runs(height, width, settings.MAX_RUNS_PER_MASK)
        return {"height": height, "width": width, "max_runs": most}

    def _told(self, annotation: dict[str, object]) -> _Told:
        written, problem = "", None
        try:
            written = written_counts(annotation.get("segmentation"), **self._size())
        except BadSegmentation as error:
            problem = error
        return _Told(
            annotation=short(annotation.get("id")),
            written=written,
            problem=problem,
            predicted_iou=predicted_iou_of(annotation.get("predicted_iou")),
            prompts=[self._provenance(annotation), *self._clicks(annotation)],
        )

    def _mask(self, told: _Told, found: MeasuredMask | rle.BadRle) -> ImportedMask:
        if told.problem is not None:
            raise told.problem
        if isinstance(found, rle.BadRle):
            raise bad_rle(found)
        if found.area == 0:
            raise Unusable("empty", "Its mask has no pixel.")
        if found.area < self.smallest_mask:
            text = f"Its mask has {found.area} pixels, fewer than {self.smallest_mask}."
            raise Unusable("tiny", text)
        counts, box = self._upright(found)
        return ImportedMask(counts, found.area, box, told.predicted_iou, told.prompts)

    def _upright(self, found: MeasuredMask) -> tuple[str, list[int]]:
        """Counts and box on the picture as it is shown."""
        if self.orientation == 1:
            return found.counts, list(found.box)
        size = self._size()
        runs, height, _ = turned_upright(
            rle.parse_counts(found.counts, **size),
            height=size["height"],
            width=size["width"],
            orientation=self.orientation,
        )
        return rle.counts_of(runs), list(rle.box(runs, height=height))

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
