"""The append-only interaction log, and the immutable timing rows derived from it."""

from __future__ import annotations

import uuid

from django.db import models

from annotator.models.assignments import Assignment
from annotator.models.masks import Mask
from annotator.models.people import Person


class Interaction(models.Model):
    """One timed act in the editor. `at_ms` is the page's monotonic clock: never compared with ours.

    `mask_id_hint` is the browser's mask id; the mask may be saved later, or never.
    """

    id = models.UUIDField(primary_key=True)
    assignment = models.ForeignKey(
        Assignment, on_delete=models.CASCADE, related_name="interactions"
    )
    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    page = models.UUIDField()  # one load of the editor: the origin of its clock
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=32)
    mask_id_hint = models.UUIDField(null=True, blank=True)
    at_ms = models.FloatField(null=True)
    detail = models.JSONField(default=dict)
    flagged = models.CharField(max_length=120, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["assignment", "page", "sequence"]),
            models.Index(fields=["mask_id_hint"]),
        ]


class MaskTiming(models.Model):
    """Where the time of one accepted mask version went. Written once, at accept; a command recomputes it.

    All times are milliseconds of the page's clock; null with `flagged` set when the log makes no sense.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    mask = models.ForeignKey(Mask, on_delete=models.CASCADE, related_name="timings")
    version = models.PositiveIntegerField()
    # The `accept` in the log that made this version; null when it never arrived.
    accept = models.OneToOneField(
        Interaction, null=True, on_delete=models.CASCADE, related_name="timing"
    )
    active_ms = models.FloatField(null=True)
    looking_ms = models.FloatField(null=True)
    prompting_ms = models.FloatField(null=True)
    waiting_ms = models.FloatField(null=True)
    painting_ms = models.FloatField(null=True)
    idle_ms = models.FloatField(null=True)
    num_points = models.PositiveIntegerField(default=0)
    num_boxes = models.PositiveIntegerField(default=0)
    num_candidate_switches = models.PositiveIntegerField(default=0)
    num_strokes = models.PositiveIntegerField(default=0)
    num_undos = models.PositiveIntegerField(default=0)
    painted_px = models.PositiveBigIntegerField(default=0)
    erased_px = models.PositiveBigIntegerField(default=0)
    decode_ms = models.JSONField(default=list)  # latency of each decode, as the browser saw it
    flagged = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mask", "version"], name="one_timing_per_version"),
            models.CheckConstraint(
                condition=models.Q(active_ms__isnull=True) | models.Q(active_ms__gte=0),
                name="active_time_is_not_negative",
            ),
        ]
