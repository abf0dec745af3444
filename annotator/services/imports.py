"""Importing a data set: its images as uploads, its masks as accepted masks of origin `imported`.

Every image with its masks is one step of its own: a run that was cut off is repeated, and finds what is there. A mask
is known by image and content, so a second run changes nothing. docs/decisions/imports.md has the reasons.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotator.errors import DomainError, StorageLow
from annotator.models import (
    Image,
    Mask,
    MaskOrigin,
    MaskRevision,
    MaskState,
    Person,
    Project,
)
from annotator.services.audit import record_act
from annotator.services.coco_file import CocoImage, CocoIndex
from annotator.services.data_set_formats import INDEXES, format_of, pictures_of
from annotator.services.hints import send_hint
from annotator.services.images import CONTROL_CHARACTERS, add_picture, clean_name, require_open
from annotator.services.mask_history import revision_of
from annotator.services.orientation import turned_upright
from annotator.services.pictures import ReadPicture, reading_picture
from common import rle
from common.segmentation import BadSegmentation, read_segmentation

MAX_REFUSALS_KEPT = 100
MAX_NAME = 200
MAX_CLICKS_KEPT = 100  # of a mask
SMALLEST_MASK_PX = 4


class Frame(StrEnum):
    """On which pixels masks were drawn, of a photograph that EXIF turns and whose size does not tell."""

    STORED = "stored"
    SHOWN = "shown"


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """What is taken, and how doubts are settled."""

    smallest_mask: int = SMALLEST_MASK_PX  # pixels
    with_crowds: bool = False
    frame: Frame | None = None  # None: refuse in doubt
    dry_run: bool = False


@dataclass(frozen=True)
class Refusal:
    """What was not taken, and why."""

    place: str
    code: str
    message: str


@dataclass
class ImportReport:
    """Counts so far. Of refusals only the first are kept, but all are counted, by code."""

    num_images: int = 0
    images_done: int = 0
    images_added: int = 0
    images_known: int = 0
    masks_added: int = 0
    masks_known: int = 0
    crowds_left_out: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    masks_refused: int = 0

    def refuse(self, place: str, code: str, message: str, *, masks: int = 0) -> None:
        """Notes a refusal that costs so many masks."""
        self.reasons[code] += 1
        self.masks_refused += masks
        if len(self.refusals) < MAX_REFUSALS_KEPT:
            cleaned = CONTROL_CHARACTERS.sub("", message)
            self.refusals.append(Refusal(_short(place), code, cleaned))

    @property
    def has_changed(self) -> bool:
        return bool(self.images_added or self.masks_added)


class Unusable(Exception):
    """An image or annotation that is not taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class _NewMask:
    """A checked mask in the picture's own pixels."""

    counts: str
    area: int
    box: list[int]
    predicted_iou: float | None
    prompts: list[dict[str, object]]


@dataclass
class _Import:
    """One run: what it reads, where it writes, and what it found."""

    project: Project
    index: CocoIndex
    images: Path
    settings: ImportSettings
    by: Person | None
    report: ImportReport
    # Of a dry run: the masks that would be there by now, by picture.
    imagined: dict[str, set[str]] = field(default_factory=dict)


def import_masks(
    *,
    project: Project,
    source: Path,
    images: Path | None = None,
    format: str | None = None,
    settings_: ImportSettings,
    by: Person | None,
    advance: Callable[[ImportReport], None] = lambda report: None,
) -> ImportReport:
    """Brings the images and masks of a file or folder into a project.

    `format` is one of `data_set_formats.INDEXES`, `images` the folder of the pictures; both are found out when None.

    Everything is looked at before anything is written. `advance` is told after each image. Raises `Conflict`
    (archived), `Invalid` (nothing of that format) and `StorageLow`; what is refused is in the report.
    """
    require_open(project)
    format = format or format_of(source)
    images = images or pictures_of(source, format)
    index = INDEXES[format](source, images)
    report = ImportReport(num_images=len(index.images))
    for stray in index.strays:
        report.refuse(stray.place, stray.code, stray.message, masks=stray.num_masks)
    run = _Import(project, index, images, settings_, by, report)
    try:
        for entry in index.images:
            _import_image(run, entry)
            report.images_done += 1
            advance(report)
    finally:
        if report.has_changed and not settings_.dry_run:
            _tell(run)
    return report


def _tell(run: _Import) -> None:
    record_act(
        person=run.by,
        project=run.project,
        act="masks.imported",
        subject=clean_name(run.index.path.name),
        detail={"images": run.report.images_added, "masks": run.report.masks_added},
    )
    send_hint(project=run.project, kind="images")
    send_hint(project=run.project, kind="throughput")


def _import_image(run: _Import, entry: CocoImage) -> None:
    try:
        with _reading(run, entry) as found:
            orientation = _orientation_of_masks(run, entry, found)
            masks = list(_readable_masks(run, entry, orientation))
            if run.settings.dry_run:
                _imagine(run, found, masks)
            else:
                image = _add_image(run, entry, found)
                _add_masks(run, image, masks)
    except Unusable as problem:
        masks_lost = run.index.num_annotations_of(entry)
        run.report.refuse(entry.file_name, problem.code, problem.message, masks=masks_lost)


@contextmanager
def _reading(run: _Import, entry: CocoImage) -> Iterator[ReadPicture]:
    """The picture of an entry; every refusal of an upload is one here too."""
    path = _file_of(run, entry)
    try:
        with reading_picture(source=path) as found:
            yield found
    except StorageLow:
        raise
    except DomainError as error:
        raise Unusable(error.code, error.message) from error


def _file_of(run: _Import, entry: CocoImage) -> Path:
    """Where COCO tools look: below the folder, or below its `images`; never outside."""
    name = PurePosixPath(entry.file_name.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or "\x00" in entry.file_name:
        raise Unusable("outside", "Its file_name leads out of the folder of images.")
    for path in (run.images / name, run.images / "images" / name):
        if os.path.isfile(path):  # unlike Path.is_file, False for a name that is too long
            return path
    raise Unusable("no_file", f"There is no such file in {run.images}.")


def _orientation_of_masks(run: _Import, entry: CocoImage, found: ReadPicture) -> int:
    """The EXIF orientation that the masks have to follow: 1 when they were drawn on the picture as shown."""
    shown, said = (found.width, found.height), (entry.width, entry.height)
    stored = shown[::-1] if found.orientation >= 5 else shown
    if said not in {shown, stored}:
        text = (
            f"The file says {said[0]} x {said[1]} pixels, the picture has {shown[0]} x {shown[1]}."
        )
        raise Unusable("wrong_size", text)
    if found.orientation == 1 or not run.index.num_annotations_of(entry):
        return 1
    if shown != stored:
        return found.orientation if said == stored else 1
    if run.settings.frame is None:
        text = (
            "EXIF turns it, and its size does not tell whether the masks are turned: say --frame."
        )
        raise Unusable("turned", text)
    return found.orientation if run.settings.frame == Frame.STORED else 1


# ---- masks ---------------------------------------------------------------------------------------


def _readable_masks(run: _Import, entry: CocoImage, orientation: int) -> Iterator[_NewMask]:
    for annotation in run.index.annotations_of(entry):
        if annotation.get("iscrowd") == 1 and not run.settings.with_crowds:
            run.report.crowds_left_out += 1
            continue
        place = f"{entry.file_name}, annotation {annotation.get('id')}"
        try:
            yield _read_mask(run, entry, annotation, orientation)
        except (BadSegmentation, Unusable) as problem:
            run.report.refuse(place, problem.code, problem.message, masks=1)


def _read_mask(
    run: _Import, entry: CocoImage, annotation: dict[str, object], orientation: int
) -> _NewMask:
    drawn = read_segmentation(
        annotation.get("segmentation"),
        height=entry.height,
        width=entry.width,
        max_runs=settings.MAX_RUNS_PER_MASK,
    )
    area, smallest = rle.area(drawn), run.settings.smallest_mask
    if area == 0:
        raise Unusable("empty", "Its mask has no pixel.")
    if area < smallest:
        raise Unusable("tiny", f"Its mask has {area} pixels, fewer than {smallest}.")
    runs, height, _ = turned_upright(
        drawn, height=entry.height, width=entry.width, orientation=orientation
    )
    return _NewMask(
        counts=rle.counts_of(runs),
        area=area,
        box=list(rle.box(runs, height=height)),
        predicted_iou=predicted_iou_of(annotation.get("predicted_iou")),
        prompts=[
            _provenance(run, annotation),
            *(_clicks(entry, annotation) if orientation == 1 else []),
        ],
    )


def _provenance(run: _Import, annotation: dict[str, object]) -> dict[str, object]:
    """Stands where the prompts of other masks stand, as the first of them."""
    category_id = annotation.get("category_id")
    is_named = isinstance(category_id, (int, str)) and category_id in run.index.categories
    return {
        "kind": "imported",
        "file": clean_name(run.index.path.name),
        "annotation": _short(annotation.get("id")),
        "category": _short(run.index.categories[category_id]) if is_named else None,
        "is_crowd": annotation.get("iscrowd") == 1,
    }


def _clicks(entry: CocoImage, annotation: dict[str, object]) -> list[dict[str, object]]:
    """SA-1B's `point_coords` as foreground points; none of them when they make no sense."""
    points = annotation.get("point_coords")
    if not isinstance(points, list) or len(points) > MAX_CLICKS_KEPT:
        return []
    clicks = [_click(point, entry) for point in points]
    kept = [click for click in clicks if click is not None]
    return kept if len(kept) == len(clicks) else []


def _click(point: object, entry: CocoImage) -> dict[str, object] | None:
    if not isinstance(point, list) or not all(type(value) in {int, float} for value in point):
        return None
    if len(point) != 2 or not (0 <= point[0] <= entry.width and 0 <= point[1] <= entry.height):
        return None
    return {"kind": "point", "x": point[0], "y": point[1], "label": 1}


def predicted_iou_of(value: object) -> float | None:
    """As a mask keeps it; None for anything but a number from -10 to 10."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and -10 <= value <= 10 else None  # NaN is neither


def _short(value: object) -> str:
    """A name or id of strangers as we keep and show it."""
    return CONTROL_CHARACTERS.sub("", str(value))[:MAX_NAME]


# ---- writing -------------------------------------------------------------------------------------


def _add_image(run: _Import, entry: CocoImage, found: ReadPicture) -> Image:
    added = add_picture(
        project=run.project, picture=found.keep(), name=clean_name(entry.name), by=run.by
    )
    _count_image(run, is_known=added.is_duplicate)
    return added.image


def _add_masks(run: _Import, image: Image, masks: list[_NewMask]) -> None:
    """All new masks of an image at once, after those that are there."""
    with transaction.atomic():
        Image.objects.select_for_update().get(id=image.id)  # one import of an image at a time
        there = Mask.objects.filter(image=image)
        known = {str(mask_id) for mask_id in there.values_list("id", flat=True)}
        known.update(there.values_list("counts_sha256", flat=True))
        room = settings.MAX_MASKS_PER_IMAGE - there.exclude(state=MaskState.DELETED).count()
        first = 1 + max(there.values_list("order_index", flat=True), default=-1)
        rows: list[Mask] = []
        for mask in masks:
            row = _row(image, mask, order_index=first + len(rows))
            if _is_new(run, known, {str(row.id), row.counts_sha256}, room - len(rows), image.name):
                rows.append(row)
        Mask.objects.bulk_create(rows)
        MaskRevision.objects.bulk_create([revision_of(row) for row in rows])
    run.report.masks_added += len(rows)


def _imagine(run: _Import, found: ReadPicture, masks: list[_NewMask]) -> None:
    """Counts what `_add_image` and `_add_masks` would do."""
    image = Image.objects.filter(project=run.project, picture_id=found.sha256).first()
    is_known = found.sha256 in run.imagined or (image is not None and image.deleted_at is None)
    _count_image(run, is_known=is_known)
    there = Mask.objects.filter(image=image) if image else Mask.objects.none()
    known = run.imagined.setdefault(
        found.sha256,
        {str(part) for row in there.values_list("id", "counts_sha256") for part in row},
    )
    room = settings.MAX_MASKS_PER_IMAGE - there.exclude(state=MaskState.DELETED).count()
    for mask in masks:
        names = {rle.counts_sha256(mask.counts)}
        names |= {str(_mask_id(image, mask.counts))} if image else set()
        added = _is_new(run, known, names, room, found.sha256)
        run.report.masks_added += added
        room -= added


def _is_new(run: _Import, known: set[str], names: set[str], room: int, image: str) -> bool:
    """Whether a mask that goes by any of these names has to be made; from now on it is known."""
    if known & names:
        run.report.masks_known += 1
        return False
    if room <= 0:
        text = f"An image has at most {settings.MAX_MASKS_PER_IMAGE:,} masks."
        run.report.refuse(image, "too_many_masks", text, masks=1)
        return False
    known |= names
    return True


def _count_image(run: _Import, *, is_known: bool) -> None:
    run.report.images_known += is_known
    run.report.images_added += not is_known


def _mask_id(image: Image, counts: str) -> UUID:
    """The same mask in the same image has the same id, also after somebody refined or deleted it."""
    return UUID(bytes=hashlib.sha256(f"{image.id} {counts}".encode()).digest()[:16], version=4)


def _row(image: Image, mask: _NewMask, *, order_index: int) -> Mask:
    return Mask(
        id=_mask_id(image, mask.counts),
        image=image,
        origin=MaskOrigin.IMPORTED,
        state=MaskState.ACCEPTED,
        accepted_at=timezone.now(),
        counts=mask.counts,
        counts_sha256=rle.counts_sha256(mask.counts),
        area=mask.area,
        box=mask.box,
        predicted_iou=mask.predicted_iou,
        prompts=mask.prompts,
        order_index=order_index,
    )
