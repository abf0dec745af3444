"""Masks of an image as pages read them."""

from __future__ import annotations

from django.db.models import QuerySet

from annotator.models import Image, Mask


def masks_of(image: Image) -> QuerySet[Mask]:
    """All masks of an image, deleted ones too, in order of prominence (the order made)."""
    return (
        Mask.objects.filter(image=image)
        .select_related("author")
        .order_by("order_index", "created_at", "id")
    )
