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
    MaskState,
    Person,
    Project,
)
from annotator.services.audit import record_act
from annotator.services.coco_file import CocoImage, CocoIndex
from annotator.services.data_set_formats import INDEXES, format_of, pictures_of
from annotator.services.hints import send_hint
from annotator.services.images import CONTROL_CHARACTERS, add_picture, clean_name, require_open
from annotator.services.imported_masks import (
    Frame,
    ImportedMask,
    MaskReader,
    Unusable,
    orientation_of_masks,
    short,
)
from annotator.services.mask_history import keep_revisions
from annotator.services.picture_processes import PictureReader
from annotator.services.pictures import ReadPicture, reading_picture
from common import rle

MAX_REFUSALS_KEPT = 100
SMALLEST_MASK_PX = 4


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
            self.refusals.append(Refusal(short(place), code, cleaned))

    @property
    def has_changed(self) -> bool:
        return bool(self.images_added or self.masks_added)


@dataclass
class _Import:
    """One run: what it reads, where it writes, and what it found."""

    project: Project
    index: CocoIndex
    images: Path
    settings: ImportSettings
    by: Person | None
    report: ImportReport
    reader: PictureReader
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
    with PictureReader() as reader:
        run = _Import(project, index, images, settings_, by, report, reader)
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
            orientation = orientation_of_masks(run.index, entry, found, run.settings.frame)
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
        with reading_picture(source=path, reader=run.reader) as found:
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


def _readable_masks(run: _Import, entry: CocoImage, orientation: int) -> Iterator[ImportedMask]:
    reader = MaskReader(run.index, entry, orientation, run.settings.smallest_mask)
    for annotation, found in reader.read(_wanted(run, entry)):
        if isinstance(found, ImportedMask):
            yield found
        else:
            place = f"{entry.file_name}, annotation {annotation}"
            run.report.refuse(place, found.code, found.message, masks=1)


def _wanted(run: _Import, entry: CocoImage) -> Iterator[dict[str, object]]:
    for annotation in run.index.annotations_of(entry):
        if annotation.get("iscrowd") == 1 and not run.settings.with_crowds:
            run.report.crowds_left_out += 1
        else:
            yield annotation


# ---- writing -------------------------------------------------------------------------------------


def _add_image(run: _Import, entry: CocoImage, found: ReadPicture) -> Image:
    added = add_picture(
        project=run.project, picture=found.keep(), name=clean_name(entry.name), by=run.by
    )
    _count_image(run, is_known=added.is_duplicate)
    return added.image


@dataclass(frozen=True)
class _There:
    """What the masks of an image leave for more of them."""

    names: set[str]  # ids and hashes of their content
    room: int
    next_place: int


def _what_is_there(image: Image | None) -> _There:
    masks = Mask.objects.filter(image=image) if image else Mask.objects.none()
    rows = list(masks.values_list("id", "counts_sha256", "state", "order_index"))
    num_live = sum(state != MaskState.DELETED for _, _, state, _ in rows)
    return _There(
        names={str(name) for row in rows for name in row[:2]},
        room=settings.MAX_MASKS_PER_IMAGE - num_live,
        next_place=1 + max((place for *_, place in rows), default=-1),
    )


def _add_masks(run: _Import, image: Image, masks: list[ImportedMask]) -> None:
    """All new masks of an image at once, after those that are there."""
    with transaction.atomic():
        Image.objects.select_for_update().get(id=image.id)  # one import of an image at a time
        there = _what_is_there(image)
        rows: list[Mask] = []
        for mask in masks:
            row_id, sha256 = _mask_id(image, mask.counts), rle.counts_sha256(mask.counts)
            names, room = {str(row_id), sha256}, there.room - len(rows)
            if _is_new(run, there.names, names, room, image.name):
                rows.append(_row(row_id, sha256, image, mask, there.next_place + len(rows)))
        Mask.objects.bulk_create(rows)
        keep_revisions(rows)
    run.report.masks_added += len(rows)


def _imagine(run: _Import, found: ReadPicture, masks: list[ImportedMask]) -> None:
    """Counts what `_add_image` and `_add_masks` would do."""
    image = Image.objects.filter(project=run.project, picture_id=found.sha256).first()
    is_known = found.sha256 in run.imagined or (image is not None and image.deleted_at is None)
    _count_image(run, is_known=is_known)
    there = _what_is_there(image)
    known, room = run.imagined.setdefault(found.sha256, there.names), there.room
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


def _row(mask_id: UUID, sha256: str, image: Image, mask: ImportedMask, place: int) -> Mask:
    return Mask(
        id=mask_id,
        image=image,
        origin=MaskOrigin.IMPORTED,
        state=MaskState.ACCEPTED,
        accepted_at=timezone.now(),
        counts=mask.counts,
        counts_sha256=sha256,
        area=mask.area,
        box=mask.box,
        predicted_iou=mask.predicted_iou,
        prompts=mask.prompts,
        order_index=place,
    )
