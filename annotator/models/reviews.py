"""What reviewers said of masks: append-only, about the pixels that were there."""

from __future__ import annotations

from django.db import models

from annotator.models.masks import Mask
from annotator.models.people import Person


class ReviewOutcome(models.TextChoices):
    ACCEPTED = "accepted"
    FIXED = "fixed"  # the reviewer corrected the mask, and the row is about the corrected pixels
    REJECTED = "rejected"


class RejectReason(models.TextChoices):
    INEXACT_EDGE = "inexact_edge", "The edge is not exact"
    MISSING_PART = "missing_part", "A part is missing"
    TOO_MUCH = "too_much", "It covers too much"
    SEVERAL_OBJECTS = "several_objects", "Several objects in one mask"
    NOT_AN_OBJECT = "not_an_object", "Not an object"
    DUPLICATE = "duplicate", "The object has a mask already"
    OTHER = "other", "Another reason"


class Review(models.Model):
    """One decision about one version of a mask. Rows are never changed or removed.

    What counts is the newest row about the very pixels that a mask has now; see `queries.reviews`.
    """

    id = models.BigAutoField(primary_key=True)
    decision_id = models.UUIDField(unique=True)  # the sender's, so that a retry is free
    mask = models.ForeignKey(Mask, on_delete=models.PROTECT, related_name="reviews")
    version = models.PositiveIntegerField()
    counts_sha256 = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16, choices=ReviewOutcome)
    reason = models.CharField(max_length=32, choices=RejectReason, blank=True)
    note = models.CharField(max_length=2000, blank=True)
    pins = models.JSONField(default=list)  # {"x", "y", "note"}: remarks at places, in image pixels
    # Of a fix: the version that was corrected, and its IoU with what came out.
    fixed_version = models.PositiveIntegerField(null=True)
    iou = models.FloatField(null=True)
    reviewer = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="reviews")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["mask", "counts_sha256", "-id"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=ReviewOutcome.values),
                name="review_outcome_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="rejected") ^ models.Q(reason=""),
                name="a_rejection_has_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="fixed") ^ models.Q(fixed_version__isnull=True),
                name="a_fix_names_what_it_fixed",
            ),
            models.CheckConstraint(
                condition=models.Q(iou__isnull=True) | models.Q(iou__gte=0, iou__lte=1),
                name="review_iou_is_a_share",
            ),
        ]
