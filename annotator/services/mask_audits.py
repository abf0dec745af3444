"""Drawing an audit's sample, and what decisions make of it."""

from __future__ import annotations

import random

from django.db import transaction
from django.utils import timezone

from annotator.errors import Conflict
from annotator.models import (
    AuditedMask,
    Mask,
    MaskAudit,
    MaskRevision,
    Person,
    Project,
    Review,
    ReviewOutcome,
)
from annotator.queries.reviews import reviewable_masks, without_rejected
from annotator.services.audit import record_act
from annotator.services.mask_history import stored_iou

MAX_SEED = 2**31 - 1
MAX_IMAGES = 10_000  # of one audit


def start_audit(*, project: Project, num_images: int, seed: int, by: Person | None) -> MaskAudit:
    """Draws images that have masks, at most all of them, and keeps every mask of them as it is now.

    The same seed draws the same images as long as the same images have masks. `Conflict` when none has.
    """
    with transaction.atomic():
        masks = without_rejected(reviewable_masks(project)).order_by()
        images = sorted(set(masks.values_list("image_id", flat=True)))
        if not images:
            raise Conflict(
                "No image with accepted masks is handed in yet.", code="nothing_to_audit"
            )
        drawn = random.Random(seed).sample(images, min(num_images, len(images)))
        audit = MaskAudit.objects.create(
            project=project, seed=seed, num_images=len(drawn), created_by=by
        )
        sampled = masks.filter(image_id__in=drawn).values_list("pk", "version", "counts_sha256")
        AuditedMask.objects.bulk_create(
            AuditedMask(audit=audit, mask_id=mask_id, version=version, counts_sha256=sha256)
            for mask_id, version, sha256 in sampled
        )
        record_act(
            person=by,
            project=project,
            act="audit.started",
            subject=str(audit.id),
            detail={"seed": seed, "num_images": len(drawn)},
        )
    return audit


def follow_decision(*, mask: Mask, review: Review) -> None:
    """Inside a decision: the open audits that sampled the mask take it; the last one ends its audit."""
    rows = AuditedMask.objects.select_for_update(of=("self",)).filter(
        mask=mask, audit__ended_at=None
    )
    for row in rows:
        row.review = review
        row.iou = _iou(row, mask, review)
        row.save(update_fields=["review", "iou"])
        if not AuditedMask.objects.filter(audit_id=row.audit_id, review=None).exists():
            MaskAudit.objects.filter(id=row.audit_id).update(ended_at=timezone.now())


def _iou(row: AuditedMask, mask: Mask, review: Review) -> float:
    """Of the pixels that were sampled and those decided on."""
    if review.outcome == ReviewOutcome.REJECTED:
        return 0.0
    if row.counts_sha256 == review.counts_sha256:
        return 1.0
    sampled = MaskRevision.objects.filter(mask=mask, counts_sha256=row.counts_sha256).first()
    if sampled is None:  # sampled pixels that no version kept would be a fault of ours
        raise LookupError(f"mask {mask.id} has no version with the pixels {row.counts_sha256}")
    return stored_iou(sampled.counts, mask.counts, picture=mask.image.picture)
