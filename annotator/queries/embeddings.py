"""Which pictures lack an embedding, the most urgent first."""

from __future__ import annotations

from django.db.models import CharField, Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat

from annotator.models import (
    Assignment,
    AssignmentState,
    Embedding,
    Image,
    Job,
    JobKind,
    ModelVersion,
    Picture,
)


def missing_embeddings(*, model_version: ModelVersion) -> QuerySet[Picture]:
    """Pictures of live images without an embedding by this encoder.

    Adds `is_leased` (somebody has it open), `is_ended` (submitted or skipped: nobody waits for it) and
    `embed_job`, the state of its newest job. Lent ones come first, then the queue in the order of
    upload, ended ones last.
    """
    assignments = Assignment.objects.filter(image__picture_id=OuterRef("sha256"))
    ended = [AssignmentState.SUBMITTED, AssignmentState.SKIPPED]
    live = Image.objects.filter(
        picture_id=OuterRef("sha256"), deleted_at=None, project__archived_at=None
    )
    ready = Embedding.objects.filter(
        picture_id=OuterRef("sha256"),
        encoder_fingerprint=model_version.encoder_fingerprint,
        expires_at=None,  # of the whole picture
    )
    return (
        Picture.objects.filter(Exists(live))
        .exclude(Exists(ready))
        .annotate(
            is_leased=Exists(assignments.filter(state=AssignmentState.LEASED)),
            is_ended=Exists(assignments.filter(state__in=ended)),
            embed_job=newest_embed_job(encoder_fingerprint=model_version.encoder_fingerprint),
        )
        .order_by("-is_leased", "is_ended", "created_at")
    )


def newest_embed_job(*, encoder_fingerprint: str, picture: str = "") -> Subquery:
    """State of the newest embedding job of the outer picture: its subject is the storage key.

    `picture` is the path from the outer row to its picture, such as "picture__".
    """
    subject = Concat(
        Value(f"embeddings/{encoder_fingerprint}/"),
        OuterRef(f"{picture}sha256"),
        Value("-0_0_"),
        Cast(OuterRef(f"{picture}width"), CharField()),
        Value("_"),
        Cast(OuterRef(f"{picture}height"), CharField()),
        Value(".emb"),
        output_field=CharField(),
    )
    jobs = Job.objects.filter(kind=JobKind.EMBED, subject=subject).order_by("-created_at")
    return Subquery(jobs.values("state")[:1], output_field=CharField())
