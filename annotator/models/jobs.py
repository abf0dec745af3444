"""Background jobs: the row is the truth, the broker only a doorbell."""

from __future__ import annotations

import uuid

from django.db import models

from annotator.models.people import Person


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobKind(models.TextChoices):
    EMBED = "embed"
    TRAIN = "train"
    EXPORT = "export"
    COMPARE = "compare"
    REGISTER = "register"
    IMPORT = "import"


OPEN_STATES = [JobState.QUEUED, JobState.RUNNING]


class Job(models.Model):
    """One piece of background work with its lease, heartbeat, fencing token and progress.

    `subject` names what the job is about (an embedding's storage key, a project id, an export's or import's id, two
    model versions, a checkpoint file); only one open job may exist per kind and subject. `asked_by` is set for what
    one person waits for alone: the embedding of the part of a picture that they look at.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=JobKind)
    subject = models.CharField(max_length=300)
    state = models.CharField(max_length=16, choices=JobState, default=JobState.QUEUED)
    request = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    priority = models.SmallIntegerField(default=0)
    asked_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    token = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    progress = models.FloatField(default=0.0)
    message = models.CharField(max_length=2000, blank=True)
    error = models.TextField(blank=True)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    class Meta:
        indexes = [
            models.Index(fields=["state", "lease_until"]),
            models.Index(fields=["kind", "subject", "created_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_open_job_per_subject",
            ),
            models.CheckConstraint(
                condition=models.Q(progress__gte=0.0, progress__lte=1.0),
                name="job_progress_is_a_share",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=JobState.values), name="job_state_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=JobKind.values), name="job_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(finished_at__isnull=True)
                | models.Q(state__in=["done", "failed", "cancelled"]),
                name="only_ended_jobs_have_an_end",
            ),
        ]
