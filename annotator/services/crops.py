"""Embeddings of parts of large pictures: asked for by whoever looks at a small part, kept for some days.

They are a cache. Each person has at most a few under way: a newer wish takes the place of one that still waits.
docs/decisions/crop-embeddings.md has the reasons.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from annotator.errors import Invalid, TooManyRequests
from annotator.models import (
    Embedding,
    Image,
    Job,
    JobKind,
    JobState,
    ModelVersion,
    Person,
)
from annotator.services.embeddings import (
    LEASED,
    EmbeddingFile,
    embedding_name,
    embedding_rows,
    read_embedding,
    wanted_embedding,
)
from annotator.services.jobs import cancel_job, create_job, open_jobs
from annotator.services.stores import file_storage
from common.crop_grid import Box, crop_around
from common.messages import cancel_key

KEPT = timedelta(days=7)  # after it was read last
NOTED_EVERY = timedelta(hours=1)
MOST_PER_PICTURE = 24  # of one encoder
DROPPED_AT_ONCE = 200
RUNNING_AT_ONCE = 3  # of one person
PER_MINUTE = 30  # of one person
RETRY_S = 10


class CropState(StrEnum):
    READY = "ready"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True)
class WantedCrop:
    """The part of the picture that serves what somebody looks at."""

    box: Box
    state: CropState


def request_crop(
    *, image: Image, model_version: ModelVersion, looked_at: Box, by: Person
) -> WantedCrop:
    """The part of the grid around what is looked at; queues its embedding unless it is there, queued, or has failed.

    Raises `Invalid` (outside; no_crop when the whole picture serves as well), `TooManyRequests`.
    """
    box = _crop(image, model_version, looked_at)
    name = embedding_name(
        picture=image.picture,
        encoder_fingerprint=model_version.encoder_fingerprint,
        crop=box,
    )
    if embedding_rows(name).exists():
        return WantedCrop(box, CropState.READY)
    if _has_failed(name.key):
        return WantedCrop(box, CropState.FAILED)
    wanted = wanted_embedding(name, image.picture, model_version, LEASED, asked_by=by)
    with transaction.atomic():
        # One wish at a time per person, whatever the number of tabs.
        Person.objects.select_for_update(no_key=True).get(id=by.id)
        if not open_jobs(kind=JobKind.EMBED).filter(subject=name.key).exists():
            _check_pace(by)
        _overrule(by, kept=name.key)
        job, is_new = create_job(kind=JobKind.EMBED, wanted=wanted)
        if not is_new and job.asked_by_id is not None:
            Job.objects.filter(id=job.id).update(asked_by=by)  # whoever asked last waits for it
    return WantedCrop(box, CropState.PENDING)


def read_crop(*, image: Image, encoder_fingerprint: str, box: Box) -> EmbeddingFile:
    """As `read_embedding`, for a part that was asked for; reading keeps it longer."""
    file = read_embedding(image=image, encoder_fingerprint=encoder_fingerprint, crop=box)
    name = embedding_name(picture=image.picture, encoder_fingerprint=encoder_fingerprint, crop=box)
    until = timezone.now() + KEPT
    embedding_rows(name).filter(expires_at__lt=until - NOTED_EVERY).update(expires_at=until)
    return file


def keep_for_a_while(embedding: Embedding) -> None:
    """Inside a transaction: has what was just made expire, if it is of a part; the picture's oldest ones make room."""
    picture = embedding.picture
    if embedding.crop == [0, 0, picture.width, picture.height]:
        return
    embedding.expires_at = timezone.now() + KEPT
    embedding.save(update_fields=["expires_at"])
    others = Embedding.objects.filter(
        picture=picture,
        encoder_fingerprint=embedding.encoder_fingerprint,
        expires_at__isnull=False,
    )
    _drop(others.order_by("-expires_at", "id")[MOST_PER_PICTURE:])


def drop_old_crops() -> None:
    """For the tick: removes parts that nobody has read for `KEPT`, and their jobs, some of them at a time."""
    now = timezone.now()
    with transaction.atomic():
        _drop(Embedding.objects.filter(expires_at__lt=now)[:DROPPED_AT_ONCE])
    old = Job.objects.filter(asked_by__isnull=False, finished_at__lt=now - KEPT)
    ids = list(old.values_list("id", flat=True)[:DROPPED_AT_ONCE])
    for job_id in ids:
        file_storage().delete(cancel_key(str(job_id)))
    Job.objects.filter(id__in=ids).delete()


def _crop(image: Image, model_version: ModelVersion, looked_at: Box) -> Box:
    width, height = image.picture.width, image.picture.height
    x0, y0, x1, y1 = looked_at
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise Invalid("The box does not lie in the image.", code="outside", field="box")
    input_size = int(model_version.manifest["input_size"])
    box = crop_around(looked_at, width=width, height=height, input_size=input_size)
    if box is None:
        raise Invalid("The whole image serves this box.", code="no_crop", field="box")
    return box


def _has_failed(key: str) -> bool:
    """Whether the newest attempt ended in failure: another one would too, until its job is dropped."""
    newest = Job.objects.filter(kind=JobKind.EMBED, subject=key).order_by("-created_at").first()
    return newest is not None and newest.state == JobState.FAILED


def _check_pace(person: Person) -> None:
    mine = Job.objects.filter(kind=JobKind.EMBED, asked_by=person)
    lately = Q(created_at__gt=timezone.now() - timedelta(minutes=1))
    is_fast = mine.filter(lately).count() >= PER_MINUTE
    if is_fast or mine.filter(state=JobState.RUNNING).count() >= RUNNING_AT_ONCE:
        text = "You have asked for many parts of images. Try again in a moment."
        raise TooManyRequests(text, extra={"retry_after": RETRY_S})


def _overrule(person: Person, *, kept: str) -> None:
    """Inside a transaction: what this person waited for before is wanted no more."""
    waiting = Job.objects.filter(kind=JobKind.EMBED, asked_by=person, state=JobState.QUEUED)
    for job in waiting.exclude(subject=kept).select_for_update(skip_locked=True, of=("self",)):
        cancel_job(job_id=job.id)


def _drop(rows: Collection[Embedding]) -> None:
    """Inside a transaction: the rows at once, their files when that is certain."""
    dropped = {row.pk: row.file_key for row in rows}
    Embedding.objects.filter(pk__in=dropped).delete()

    def delete_files() -> None:
        for key in dropped.values():
            file_storage().delete(key)

    transaction.on_commit(delete_files)
