"""What the system page shows: jobs by kind and state, those that run or failed, what is stored, the newest acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet, Sum

from annotator.models import (
    AuditEntry,
    Embedding,
    Job,
    JobKind,
    JobState,
    ModelVersion,
    Picture,
)

FAILED_SHOWN = 20
RUNNING_SHOWN = 20
ACTS_SHOWN = 40
RECENTLY = timedelta(days=7)


@dataclass(frozen=True)
class KindOfJob:
    """Counts of one kind of job; `done` and `failed` are of the last seven days."""

    kind: str
    queued: int
    running: int
    done: int
    failed: int
    heard_at: datetime | None  # the last report of any worker about this kind


def jobs_by_kind(*, now: datetime) -> list[KindOfJob]:
    """One row per kind, also for kinds without jobs."""
    recent = Q(finished_at__gt=now - RECENTLY)
    rows = {
        row["kind"]: row
        for row in Job.objects.values("kind").annotate(
            queued=Count("pk", filter=Q(state=JobState.QUEUED)),
            running=Count("pk", filter=Q(state=JobState.RUNNING)),
            done=Count("pk", filter=Q(state=JobState.DONE) & recent),
            failed=Count("pk", filter=Q(state=JobState.FAILED) & recent),
            heard_at=Max("heartbeat_at"),
        )
    }
    nothing = {"queued": 0, "running": 0, "done": 0, "failed": 0, "heard_at": None}
    return [KindOfJob(**{**nothing, **rows.get(kind, {}), "kind": str(kind)}) for kind in JobKind]


def failed_jobs(*, now: datetime) -> QuerySet[Job]:
    """Failed jobs of the last days, newest first, without those whose subject went well or waits since."""
    newest = Job.objects.order_by("kind", "subject", "-created_at").distinct("kind", "subject")
    failed = Job.objects.filter(
        pk__in=newest.values("pk"), state=JobState.FAILED, finished_at__gt=now - RECENTLY
    )
    return failed.order_by("-finished_at")[:FAILED_SHOWN]


def running_jobs() -> QuerySet[Job]:
    """What workers are at now, the longest first."""
    return Job.objects.filter(state=JobState.RUNNING).order_by("created_at", "id")[:RUNNING_SHOWN]


@dataclass(frozen=True)
class Stored:
    """One kind of file in storage, as the rows tell it."""

    name: str
    num_files: int
    num_bytes: int


def stored_files() -> list[Stored]:
    """What takes room: pictures, embeddings, model bundles. Snapshots, exports and logs are small beside them."""
    pictures = Picture.objects.aggregate(num=Count("pk"), size=Sum("num_bytes"))
    embeddings = Embedding.objects.aggregate(num=Count("pk"), size=Sum("num_bytes"))
    manifests = ModelVersion.objects.values_list("manifest", flat=True)
    bundle_files = [entry for manifest in manifests for entry in manifest["files"].values()]
    return [
        Stored("pictures", pictures["num"], pictures["size"] or 0),
        Stored("embeddings", embeddings["num"], embeddings["size"] or 0),
        Stored("model files", len(bundle_files), sum(entry["bytes"] for entry in bundle_files)),
    ]


def newest_acts() -> QuerySet[AuditEntry]:
    return AuditEntry.objects.select_related("person", "project").order_by("-id")[:ACTS_SHOWN]
