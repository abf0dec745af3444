"""Masks of an image as pages read them, and the accepted ones of a project."""

from __future__ import annotations

from django.db.models import Count, F, FloatField, OuterRef, Q, QuerySet, Subquery, Sum

from annotator.models import Image, Mask, MaskTiming, Project
from annotator.models.masks import MADE_HERE


def masks_of(image: Image) -> QuerySet[Mask]:
    """All masks of an image, deleted ones too, in order of prominence (the order made)."""
    return (
        Mask.objects.filter(image=image)
        .select_related("author")
        .order_by("order_index", "created_at", "id")
    )


def masks_of_kind(project: Project, kind: Q) -> QuerySet[Mask]:
    """Masks of a kind (`ACCEPTED`, `MADE_HERE`, `ACCEPTED_IMPORTED`) in images that were not removed."""
    return Mask.objects.filter(kind, image__project=project, image__deleted_at=None)


def masks_made_here(project: Project) -> QuerySet[Mask]:
    """Accepted masks that people began and finished here: of an imported one only the refining was timed."""
    return masks_of_kind(project, MADE_HERE)


def with_active_time(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    """Adds `active_s`: active seconds summed over the mask's timing rows (one per accepted version).

    Null when there is none, or when one of them cannot be trusted: half a time would make people look fast.
    """
    spent = (
        MaskTiming.objects.filter(mask=OuterRef("pk"))
        .order_by()
        .values("mask")
        .annotate(num_rows=Count("pk"), num_timed=Count("active_ms"))
        .filter(num_rows=F("num_timed"))
        .annotate(seconds=Sum("active_ms") / 1000.0)
        .values("seconds")
    )
    return masks.annotate(active_s=Subquery(spent, output_field=FloatField()))
