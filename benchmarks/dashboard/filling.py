"""A seeded project whose pictures have files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from django.utils import timezone

from annotator.models import Mask
from annotator.services.pictures import picture_keys
from annotator.services.stores import file_storage
from benchmarks.dashboard.drawings import pictures
from benchmarks.dashboard.seeding import FILE_TYPE, MadePicture, Size, seed_project


def fill_project(name: str, *, masks: int, images: int) -> int:
    """Makes the project, its last mask accepted about now; returns how many masks it has.

    Files first: while rows are written nobody else can use the tables.
    """
    made = list(_stored_pictures(images))
    project = seed_project(
        Size.of(masks, images=images),
        name=name,
        now=timezone.now().replace(microsecond=0),
        pictures=made,
    )
    return Mask.objects.filter(image__project=project).count()


def _stored_pictures(count: int) -> Iterator[MadePicture]:
    """Small as they are they are their own thumbnails."""
    storage = file_storage()
    for content in pictures(count):
        sha256 = hashlib.sha256(content).hexdigest()
        for key in picture_keys(sha256=sha256, file_type=FILE_TYPE):
            storage.put_bytes(key, content)
        yield MadePicture(sha256=sha256, num_bytes=len(content))
