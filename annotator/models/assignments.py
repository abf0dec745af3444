"""Assignments: one image lent to one annotator until a time."""

from __future__ import annotations

import uuid

from django.db import models

from annotator.models.images import Image
from annotator.models.people import Person
from annotator.models.rounds import ModelVersion


class AssignmentState(models.TextChoices):
    LEASED = "leased"
    SUBMITTED = "submitted"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    RETURNED = "returned"  # by a reviewer: waits for its annotator alone


class SkipReason(models.TextChoices):
    UNCLEAR = "unclear"
    NOTHING_TO_ANNOTATE = "nothing_to_annotate"
    BROKEN_IMAGE = "broken_image"
    OBJECTIONABLE = "objectionable"
    OTHER = "other"


class Assignment(models.Model):
    """A lease. An image has at most one live lease, and is never given to the same person twice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="assignments")
    annotator = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="assignments")
    model_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT)
    state = models.CharField(max_length=16, choices=AssignmentState, default=AssignmentState.LEASED)
    leased_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    skip_reason = models.CharField(max_length=32, choices=SkipReason, blank=True)
    skip_note = models.CharField(max_length=2000, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "expires_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["image"],
                condition=models.Q(state="leased"),
                name="one_live_lease_per_image",
            ),
            models.UniqueConstraint(
                fields=["image", "annotator"], name="an_image_once_per_annotator"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=AssignmentState.values),
                name="assignment_state_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(state="skipped") ^ models.Q(skip_reason=""),
                name="a_skip_has_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("leased_at")),
                name="a_lease_ends_after_it_starts",
            ),
        ]
