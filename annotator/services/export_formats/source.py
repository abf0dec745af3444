"""What exports are made of: the accepted masks of one moment, in an order that stays the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet
from numpy.typing import NDArray

from annotator.models import Image, Mask, Picture, Project
from annotator.queries.training_sets import accepted_masks
from annotator.services.mask_history import stored_runs
from common import rle

Advance = Callable[[float], None]  # told how much is done, 0 to 1

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True)
class AnnotatedImage:
    """An image with its accepted masks; `number` counts a project's images from 1, annotated or not."""

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


def ordered_images(project: Project) -> Iterator[Image]:
    images = Image.objects.filter(project=project, deleted_at=None).select_related("picture")
    return images.order_by("order_index", "id").iterator(chunk_size=500)


def ordered_masks(project: Project) -> QuerySet[Mask]:
    """In the order of their images."""
    return accepted_masks(project).order_by("image__order_index", "image_id", "order_index", "id")


def annotated_images(project: Project, advance: Advance) -> Iterator[AnnotatedImage]:
    """The images with accepted masks, one after the other."""
    masks = ordered_masks(project)
    num_masks, num_done = masks.count(), 0
    groups = groupby(masks.iterator(chunk_size=200), key=lambda mask: mask.image_id)
    images = enumerate(ordered_images(project), 1)
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
