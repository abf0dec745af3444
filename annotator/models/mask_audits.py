"""The paper's audit: a sample of images, every mask of which is corrected by hand."""

from __future__ import annotations

import uuid

from django.db import models

from annotator.models.masks import Mask
from annotator.models.people import Person
from annotator.models.projects import Project
from annotator.models.reviews import Review


class MaskAudit(models.Model):
    """A sample drawn by a seed. It ends when every mask of it was decided on; nothing changes it afterwards."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="audits")
    seed = models.PositiveIntegerField()
    num_images = models.PositiveIntegerField()
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)


class AuditedMask(models.Model):
    """A mask as it was when the sample was drawn, and its IoU with what the audit made of it.

    The IoU follows from the pixels sampled and the decision: 1 when accepted as it was, 0 when rejected.
    """

    id = models.BigAutoField(primary_key=True)
    audit = models.ForeignKey(MaskAudit, on_delete=models.CASCADE, related_name="masks")
    mask = models.ForeignKey(Mask, on_delete=models.PROTECT, related_name="audited")
    version = models.PositiveIntegerField()
    counts_sha256 = models.CharField(max_length=64)
    review = models.ForeignKey(Review, null=True, on_delete=models.PROTECT, related_name="+")
    iou = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["audit", "mask"], name="a_mask_once_per_audit"),
            models.CheckConstraint(
                condition=models.Q(review__isnull=True, iou__isnull=True)
                | models.Q(review__isnull=False, iou__gte=0, iou__lte=1),
                name="an_audited_mask_has_an_iou_by_a_decision",
            ),
        ]
