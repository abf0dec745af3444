"""Model versions (bundles), the pointer to the one in use, and rounds of retraining."""

from __future__ import annotations

import uuid

from django.db import models

from annotator.models.jobs import Job
from annotator.models.people import Person
from annotator.models.projects import Project


class ModelVersion(models.Model):
    """One checkpoint with its graphs, scores and fingerprints; its files live in storage."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    bundle_fingerprint = models.CharField(max_length=64, unique=True)
    encoder_fingerprint = models.CharField(max_length=64, db_index=True)
    manifest = models.JSONField()
    scores = models.JSONField(default=dict)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)


class VersionComparison(models.Model):
    """Two model versions on the same masks, as docs/decisions/gate.md says; one row per ordered pair.

    `found` is what the newest job that ended well measured, {} before the first. It names projects, so it is for
    admins alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    base = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="compared_as_base"
    )
    candidate = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="compared_as_candidate"
    )
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="comparisons")  # the newest
    found = models.JSONField(default=dict)
    compared_at = models.DateTimeField(null=True, blank=True)  # when `found` was measured
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["base", "candidate"], name="one_comparison_per_pair"),
            models.CheckConstraint(
                condition=~models.Q(base=models.F("candidate")), name="compared_versions_differ"
            ),
        ]


DEFAULT_ROUND_HOUR = 2  # UTC, of nightly rounds
DEFAULT_ROUND_MASKS = 500  # new ones that start a round
MAX_ROUND_MASKS = 10_000_000


class ScheduleKind(models.TextChoices):
    OFF = "off"
    NIGHTLY = "nightly"
    EVERY_MASKS = "every_masks"


class TrainingMasks(models.TextChoices):
    """Which accepted masks a round trains on."""

    ALL = "all"
    NEW = "new"  # those that no round had yet, as the paper's later rounds
    EARLIER = "earlier"  # those of the round before, for a control arm


class RoundSchedule(models.Model):
    """When rounds of a project start by themselves. A project without a row has none."""

    project = models.OneToOneField(
        Project, primary_key=True, on_delete=models.CASCADE, related_name="round_schedule"
    )
    kind = models.CharField(max_length=16, choices=ScheduleKind)
    hour = models.PositiveSmallIntegerField(default=DEFAULT_ROUND_HOUR)
    num_masks = models.PositiveIntegerField(default=DEFAULT_ROUND_MASKS)
    settings = models.JSONField(default=dict)  # of the rounds it starts
    done_until = models.DateTimeField()  # nights before this moment are dealt with

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=ScheduleKind.values),
                name="round_schedule_kind_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(hour__lte=23), name="round_schedule_hour_is_one"
            ),
            models.CheckConstraint(
                condition=models.Q(num_masks__gt=0), name="round_schedule_waits_for_masks"
            ),
        ]


class Promotion(models.Model):
    """Append-only: the model version annotators use from then on. The newest row is the current one."""

    id = models.BigAutoField(primary_key=True)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="promotions"
    )
    previous = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="next"
    )
    promoted_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL)
    reason = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # With the one-to-one above this makes a chain: two admins at once, one of them fails.
            models.UniqueConstraint(
                models.F("previous"), name="one_first_promotion", nulls_distinct=False
            ),
        ]


class Round(models.Model):
    """One turn of the data engine in a project: a frozen snapshot, a training job, a candidate model."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="round")
    snapshot_key = models.CharField(max_length=200)
    num_images = models.PositiveIntegerField()
    num_masks = models.PositiveIntegerField()
    base = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="rounds_from")
    # Whose weights training begins with, when not those of `base`, which was in use and is compared with.
    start = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    candidate = models.OneToOneField(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="round"
    )
    settings = models.JSONField(default=dict)
    started_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="round_number_is_unique"),
            models.CheckConstraint(condition=models.Q(num_masks__gt=0), name="round_has_masks"),
        ]

    @property
    def origin(self) -> ModelVersion:
        """The version whose weights training begins with."""
        return self.start or self.base
