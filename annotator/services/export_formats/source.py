"""What exports are made of: masks of one moment, in an order that stays the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from numpy.typing import NDArray

from annotator.models import Image, Mask, MaskRevision, Picture, Project, Round
from annotator.queries.export_parts import WHOLE, ExportPart, part_masks
from annotator.services.mask_history import as_it_was, stored_runs
from annotator.services.stores import file_storage
from common import rle
from common.snapshots import read_snapshot

Advance = Callable[[float], None]  # told how much is done, 0 to 1

CHUNK = 200  # masks held at a time
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True)
class Selection:
    """The masks of an export. What it asks belongs into one moment; the snapshot of a round is read once."""

    project: Project
    part: ExportPart = WHOLE
    with_pictures: bool = False  # beside the masks, in one zip file

    def count(self) -> int:
        """How many masks there are, some more where images of a round were removed since."""
        return len(self._versions) if self._is_of_round else self._candidates().count()

    def masks(
        self, narrow: Callable[[QuerySet[Mask]], QuerySet[Mask]] = lambda masks: masks
    ) -> Iterator[Mask]:
        """In the order of their images; `narrow` says what else is fetched with them."""
        masks = narrow(self._candidates()).order_by(
            "image__order_index", "image_id", "order_index", "id"
        )
        found = masks.iterator(chunk_size=CHUNK)
        return self._as_they_were(found) if self._is_of_round else found

    def images(self) -> Iterator[tuple[int, Image]]:
        """The images, numbered from 1 as the project's are; of a part only those that have masks in it."""
        wanted = None if self.part.is_whole else self._image_ids()
        images = Image.objects.filter(project=self.project, deleted_at=None)
        ordered = images.select_related("picture").order_by("order_index", "id")
        for number, image in enumerate(ordered.iterator(chunk_size=500), 1):
            if wanted is None or image.id in wanted:
                yield number, image

    def num_picture_bytes(self, *, of_all: bool) -> int:
        """Bytes of the pictures: of the images with masks, of a whole project `of_all` of them; rather too many."""
        images = Image.objects.filter(project=self.project, deleted_at=None)
        if not (of_all and self.part.is_whole):
            images = images.filter(id__in=self._candidates().order_by().values("image_id"))
        return images.aggregate(found=Sum("picture__num_bytes"))["found"] or 0

    @property
    def _is_of_round(self) -> bool:
        return self.part.trained_in is not None

    @cached_property
    def _versions(self) -> dict[UUID, int]:
        """Of the masks that the round trained on."""
        round_ = Round.objects.get(project=self.project, number=self.part.trained_in)
        snapshot = read_snapshot(file_storage().read_bytes(round_.snapshot_key))
        return {UUID(one.mask_id): one.version for one in snapshot if one.split == "train"}

    def _candidates(self) -> QuerySet[Mask]:
        """The masks, of a round's part the project's others too."""
        if not self._is_of_round:
            return part_masks(self.project, self.part)
        masks = Mask.objects.filter(image__project=self.project, image__deleted_at=None)
        return masks.select_related("image__picture")

    def _image_ids(self) -> set[UUID]:
        pairs = self._candidates().order_by().values_list("image_id", "id").iterator()
        return {image for image, mask in pairs if not self._is_of_round or mask in self._versions}

    def _as_they_were(self, masks: Iterator[Mask]) -> Iterator[Mask]:
        """Those of the masks that the round trained on, as they were at its beginning."""
        held = (mask for mask in masks if mask.pk in self._versions)
        while batch := list(islice(held, CHUNK)):
            changed = [mask for mask in batch if mask.version != self._versions[mask.pk]]
            rows = MaskRevision.objects.filter(mask__in=changed).select_related("model_version")
            then = {(row.mask_id, row.version): row for row in rows}
            for mask in batch:
                version = self._versions[mask.pk]
                yield mask if mask.version == version else as_it_was(mask, then[mask.pk, version])


@dataclass(frozen=True)
class AnnotatedImage:
    """An image with its masks of an export; `number` counts a project's images from 1, annotated or not."""

    number: int
    image: Image
    masks: list[Mask]

    @property
    def stem(self) -> str:
        """What its files are called, without an ending."""
        return self.image.picture.sha256


@contextmanager
def one_moment() -> Iterator[None]:
    """Inside, the database looks as it does now, whatever others write; nothing can be written here."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def annotated_images(selection: Selection, advance: Advance) -> Iterator[AnnotatedImage]:
    """The images that have masks, one after the other."""
    num_masks, num_done = selection.count(), 0
    groups = groupby(selection.masks(), key=lambda mask: mask.image_id)
    images = selection.images()
    for image_id, group in groups:
        number, image = next(entry for entry in images if entry[1].id == image_id)
        of_image = list(group)
        yield AnnotatedImage(number, image, of_image)
        num_done += len(of_image)
        advance(num_done / num_masks)


def picture_name(picture: Picture) -> str:
    """What every format calls the file of a picture."""
    return f"{picture.sha256}.{SUFFIXES[picture.file_type]}"


def segmentation(mask: Mask) -> dict[str, object]:
    """COCO's compressed RLE."""
    picture = mask.image.picture
    return {"size": [picture.height, picture.width], "counts": mask.counts}


def coco_box(mask: Mask) -> list[int]:
    """x, y, width, height in pixels."""
    x0, y0, x1, y1 = mask.box
    return [x0, y0, x1 - x0, y1 - y0]


def decoded(mask: Mask) -> NDArray[np.bool_]:
    """The mask [H, W]."""
    picture = mask.image.picture
    runs = stored_runs(mask.counts, picture=picture)
    return rle.decode(runs, height=picture.height, width=picture.width)


def compact_json(values: object) -> str:
    """One line; equal values give equal text."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
