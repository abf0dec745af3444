"""Embeddings: asking for them, registering what workers wrote, reading them back verified."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from annotator.errors import Conflict
from annotator.models import (
    Embedding,
    Image,
    Job,
    JobKind,
    JobState,
    ModelVersion,
    Person,
    Picture,
)
from annotator.queries.embeddings import missing_embeddings
from annotator.queries.model_versions import current_model_version, version_with_encoder
from annotator.services.jobs import WantedJob, create_job, create_jobs
from annotator.services.stores import file_storage
from common.embedding_format import DamagedEmbedding, EmbeddingName, decode_embedding

log = structlog.get_logger("maskwright.embeddings")

NEEDED_NOW, LEASED, NEW, BACKLOG = 30, 20, 10, 0  # priorities: who waits for it
QUEUED_AT_ONCE = 5000  # by one call; the tick calls again


@dataclass(frozen=True)
class EmbeddingFile:
    """The verified bytes of an embedding file."""

    content: bytes
    sha256: str


def embedding_name(
    *, picture: Picture, encoder_fingerprint: str, crop: tuple[int, int, int, int] | None = None
) -> EmbeddingName:
    """The name of the embedding of a whole picture, or of a part of it."""
    return EmbeddingName(
        image_sha256=picture.sha256,
        crop=crop or (0, 0, picture.width, picture.height),
        encoder_fingerprint=encoder_fingerprint,
    )


def request_embedding(
    *, picture: Picture, model_version: ModelVersion | None = None, priority: int = NEW
) -> Job | None:
    """Queues the embedding of a picture by a model (the current one), unless it is there or queued.

    None when there is nothing to do: the embedding exists, or no model was promoted yet.
    """
    model = model_version or current_model_version()
    if model is None:
        return None
    name = embedding_name(picture=picture, encoder_fingerprint=model.encoder_fingerprint)
    if embedding_rows(name).exists():
        return None
    return _create(name, picture, model, priority)


def request_missing_embeddings(*, model_version: ModelVersion, again: bool = False) -> int:
    """Queues the embeddings of all live images that this model lacks, lent images first.

    Those queued already are left alone, and those whose job has failed too, unless `again`.
    Returns how many were queued.
    """
    missing = missing_embeddings(model_version=model_version)
    unasked = Q(embed_job=None) | Q(embed_job=JobState.DONE)  # done, but lost since
    if again:
        unasked |= Q(embed_job__in=[JobState.FAILED, JobState.CANCELLED])
    wanted = [
        wanted_embedding(
            embedding_name(picture=picture, encoder_fingerprint=model_version.encoder_fingerprint),
            picture,
            model_version,
            LEASED if picture.is_leased else BACKLOG if picture.is_ended else NEW,
        )
        for picture in missing.filter(unasked)[:QUEUED_AT_ONCE]
    ]
    create_jobs(kind=JobKind.EMBED, wanted=wanted)
    return len(wanted)


def register_embedding(*, job: Job) -> Embedding:
    """Inside a transaction: verifies the file a worker wrote and makes it known.

    Raises `DamagedEmbedding` or `FileNotFoundError` when the file is not what was asked for.
    """
    name = EmbeddingName(
        image_sha256=str(job.request["image_sha256"]),
        crop=_crop(job.request["crop"]),
        encoder_fingerprint=str(job.request["encoder_fingerprint"]),
    )
    content = file_storage().read_bytes(name.key)
    file_sha256 = _verified_sha256(content, name)
    embedding, _ = Embedding.objects.update_or_create(
        picture_id=name.image_sha256,
        crop=list(name.crop),
        encoder_fingerprint=name.encoder_fingerprint,
        defaults={
            "file_key": name.key,
            "file_sha256": file_sha256,
            "num_bytes": len(content),
        },
    )
    return embedding


def read_embedding(
    *,
    image: Image,
    encoder_fingerprint: str,
    crop: tuple[int, int, int, int] | None = None,
) -> EmbeddingFile:
    """The embedding of an image's whole picture, or of a part of it, every byte verified.

    A damaged or missing file is dropped and made again. Raises `Conflict` (embedding_not_ready, with
    the state of the job) while there is none.
    """
    name = embedding_name(picture=image.picture, encoder_fingerprint=encoder_fingerprint, crop=crop)
    if not embedding_rows(name).exists():
        raise _not_ready(name)
    try:
        content = file_storage().read_bytes(name.key)
        return EmbeddingFile(content=content, sha256=_verified_sha256(content, name))
    except (FileNotFoundError, DamagedEmbedding) as error:
        log.warning("embedding dropped", key=name.key, reason=str(error))
    _rebuild(name, image.picture)
    raise _not_ready(name)


def _rebuild(name: EmbeddingName, picture: Picture) -> None:
    model = version_with_encoder(name.encoder_fingerprint)
    with transaction.atomic():
        embedding_rows(name).delete()
        if model is not None:
            _create(name, picture, model, NEEDED_NOW)


def _create(name: EmbeddingName, picture: Picture, model: ModelVersion, priority: int) -> Job:
    wanted = wanted_embedding(name, picture, model, priority)
    job, _ = create_job(kind=JobKind.EMBED, wanted=wanted)
    return job


def wanted_embedding(
    name: EmbeddingName,
    picture: Picture,
    model: ModelVersion,
    priority: int,
    asked_by: Person | None = None,
) -> WantedJob:
    """The job that makes an embedding."""
    return WantedJob(
        asked_by=asked_by,
        subject=name.key,
        priority=priority,
        request={
            "image_key": picture.file_key,
            "image_sha256": name.image_sha256,
            "crop": list(name.crop),
            "bundle_fingerprint": model.bundle_fingerprint,
            "encoder_fingerprint": name.encoder_fingerprint,
            "embedding_key": name.key,
        },
    )


def embedding_rows(name: EmbeddingName) -> QuerySet[Embedding]:
    """The row of an embedding, or nothing."""
    return Embedding.objects.filter(
        picture_id=name.image_sha256,
        crop=list(name.crop),
        encoder_fingerprint=name.encoder_fingerprint,
    )


def _not_ready(name: EmbeddingName) -> Conflict:
    newest = Job.objects.filter(kind=JobKind.EMBED, subject=name.key).order_by("-created_at")
    job = newest.first()
    return Conflict(
        "The embedding of this image is not ready.",
        code="embedding_not_ready",
        extra={"job": None if job is None else {"state": job.state, "message": job.error}},
    )


def _verified_sha256(content: bytes, name: EmbeddingName) -> str:
    decode_embedding(content, expected=name)
    return hashlib.sha256(content).hexdigest()


def _crop(corners: object) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (int(corner) for corner in corners)  # type: ignore[attr-defined]
    return x0, y0, x1, y1
