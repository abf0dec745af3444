"""Masks of an image as pages read them, and the accepted ones of a project."""

from __future__ import annotations

from django.db.models import Count, F, FloatField, OuterRef, QuerySet, Subquery, Sum

from annotator.models import Image, Mask, MaskOrigin, MaskState, MaskTiming, Project


def masks_of(image: Image) -> QuerySet[Mask]:
    """All masks of an image, deleted ones too, in order of prominence (the order made)."""
    return (
        Mask.objects.filter(image=image)
        .select_related("author")
        .order_by("order_index", "created_at", "id")
    )


def accepted_masks(project: Project, *, origin: MaskOrigin) -> QuerySet[Mask]:
    """Accepted masks of the project that were not given up on, in images that were not removed."""
    return Mask.objects.filter(
        image__project=project,
        image__deleted_at=None,
        state=MaskState.ACCEPTED,
        given_up=False,
        origin=origin,
    )


def masks_made_here(project: Project) -> QuerySet[Mask]:
    """Accepted masks that people began and finished here: of an imported one only the refining was timed."""
    return accepted_masks(project, origin=MaskOrigin.ANNOTATED)


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
