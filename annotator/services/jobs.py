"""Background jobs: the row is the truth, the broker a doorbell that may be lost at any time.

A job is `queued` until a worker says that it runs. Only a few queued jobs of a kind are rung (sent to the
broker, `lease_until` set) at once, the most urgent first: order is decided here, not by the broker. Each
ringing carries the job's token; when a running job's lease ends, the tick gives it a new token, so that
reports of the worker that was lost count for nothing. docs/decisions/jobs.md has the reasons.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotator.errors import Conflict, Invalid
from annotator.models import OPEN_STATES, Job, JobKind, JobState, Person
from annotator.services.doorbell import num_waiting, ring
from annotator.services.stores import file_storage
from annotator.services.webhook_events import tell_of_job
from common.messages import (
    COMPARE_TASK,
    EMBED_QUEUE,
    EMBED_TASK,
    EXPORT_TASK,
    IMPORT_TASK,
    REGISTER_TASK,
    TRAIN_QUEUE,
    TRAIN_TASK,
    WEB_QUEUE,
    JobReport,
    bundle_prefix,
    cancel_key,
)

log = structlog.get_logger("maskwright.jobs")

TASKS = {
    JobKind.EMBED: (EMBED_TASK, EMBED_QUEUE),
    JobKind.TRAIN: (TRAIN_TASK, TRAIN_QUEUE),
    JobKind.EXPORT: (EXPORT_TASK, WEB_QUEUE),
    JobKind.COMPARE: (COMPARE_TASK, TRAIN_QUEUE),
    JobKind.REGISTER: (REGISTER_TASK, TRAIN_QUEUE),
    JobKind.IMPORT: (IMPORT_TASK, WEB_QUEUE),
}
RUNG_AT_ONCE = {
    JobKind.EMBED: 8,
    JobKind.TRAIN: 2,
    JobKind.EXPORT: 2,
    JobKind.COMPARE: 2,
    JobKind.REGISTER: 2,
    JobKind.IMPORT: 1,
}
ASKED_RUNG_AT_ONCE = (
    2  # of them jobs that one person waits for, so that these never hold up all others
)
RING_PATIENCE = timedelta(seconds=20)  # a rung job that nobody took by then may be rung again
EXPIRED_AT_ONCE = 200


@dataclass(frozen=True, kw_only=True)
class WantedJob:
    """What a job is about and what its worker is told; the most urgent (highest) priority goes first."""

    subject: str
    request: dict[str, object]
    priority: int = 0
    asked_by: Person | None = None


def create_job(*, kind: JobKind, wanted: WantedJob) -> tuple[Job, bool]:
    """The open job of this subject, and whether it was made now; an urgent call raises its priority."""
    made = _unsaved(kind, wanted)
    while True:
        Job.objects.bulk_create([made], ignore_conflicts=True)
        job = open_jobs(kind=kind).filter(subject=wanted.subject).first()
        if job is not None:
            break
    if job.id != made.id and job.priority < wanted.priority:
        Job.objects.filter(id=job.id).update(priority=wanted.priority)
    _ring_on_commit(kind)
    return job, job.id == made.id


def create_jobs(*, kind: JobKind, wanted: Iterable[WantedJob]) -> None:
    """Makes many jobs in the given order; subjects that have an open job are left alone."""
    unsaved = [_unsaved(kind, each) for each in wanted]
    if unsaved:
        Job.objects.bulk_create(unsaved, ignore_conflicts=True, batch_size=500)
        _ring_on_commit(kind)


def ring_waiting(*, kind: JobKind) -> int:
    """Rings the most urgent queued jobs, up to the number that may be rung at once; returns how many."""
    with transaction.atomic():
        of_kind = Job.objects.filter(kind=kind)
        rung = of_kind.filter(state__in=OPEN_STATES, lease_until__isnull=False)
        room = RUNG_AT_ONCE[kind] - rung.count()
        if room <= 0:
            return 0
        room_for_asked = ASKED_RUNG_AT_ONCE - rung.filter(asked_by__isnull=False).count()
        waiting = of_kind.filter(state=JobState.QUEUED, lease_until=None)
        jobs = _first(waiting.filter(asked_by__isnull=False), min(room, room_for_asked))
        jobs += _first(waiting.filter(asked_by=None), room - len(jobs))
        until = timezone.now() + RING_PATIENCE
        Job.objects.filter(id__in=[job.id for job in jobs]).update(lease_until=until)
    for job in jobs:
        _send(job)
    return len(jobs)


def take_report(report: JobReport) -> Job | None:
    """Inside a transaction: the locked job, when the report is of its present attempt; else None."""
    try:
        job_id = uuid.UUID(report.job_id)
    except ValueError:
        return None
    job = Job.objects.select_for_update().filter(id=job_id).first()
    if job is None or job.token != report.token or job.state not in OPEN_STATES:
        log.info("report refused", job=report.job_id, token=report.token, state=report.state)
        return None
    return job


def keep_running(*, job: Job, report: JobReport) -> None:
    """Records a heartbeat; the first one of an attempt is its start."""
    now = timezone.now()
    if job.state == JobState.QUEUED:
        job.state = JobState.RUNNING
        job.attempt += 1
    job.heartbeat_at = now
    job.lease_until = now + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    job.progress = min(1.0, max(0.0, report.progress))
    job.message = report.message[:2000] or job.message
    job.save()


def finish(*, job: Job, result: dict[str, object]) -> None:
    """Ends a job as done."""
    job.result = result
    job.progress = 1.0
    _end(job, JobState.DONE)


def fail(*, job: Job, error: str, retry: bool) -> None:
    """Ends a job as failed, or queues it again when a retry is worth it and attempts are left."""
    job.error = error[:10_000]
    if job.cancel_asked_at is not None:
        _end(job, JobState.CANCELLED)
    elif retry and job.attempt < job.max_attempts:
        _queue_again(job)
    else:
        _end(job, JobState.FAILED)


def end_cancelled(*, job: Job) -> None:
    """Ends a job whose worker stopped on request."""
    _end(job, JobState.CANCELLED)


def cancel_job(*, job_id: uuid.UUID) -> Job:
    """Ends a waiting job at once and asks a running one to stop. Raises `Conflict` when it has ended."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(id=job_id)
        if job.state not in OPEN_STATES:
            raise Conflict(f"The job is {job.state}.", code="job_ended")
        # The key first: whoever already took the message will find it.
        file_storage().put_bytes(cancel_key(str(job.id)), b"")
        if job.state == JobState.QUEUED:
            job.token += 1
            _end(job, JobState.CANCELLED)
        elif job.cancel_asked_at is None:
            job.cancel_asked_at = timezone.now()
            job.save(update_fields=["cancel_asked_at"])
    return job


def out_prefix(job: Job) -> str:
    """Where in storage a job's worker puts what it makes."""
    return f"jobs/{job.id}"


def reported_bundle(*, job: Job, result: dict[str, Any]) -> str:
    """Where in storage the bundle lies that a worker reports; an attempt may report what an earlier one made.

    Raises `Invalid` for a place that is of no attempt at this job.
    """
    prefix = result.get("bundle_prefix")
    if prefix not in {bundle_prefix(out_prefix(job), token) for token in range(1, job.token + 1)}:
        raise Invalid(f"The worker reports a bundle at {prefix!r:.100}.")
    return str(prefix)


def retry_job(*, job: Job) -> Job:
    """A new job for the work of a failed one. Raises `Conflict` for what has its own way to start again."""
    if job.state != JobState.FAILED:
        raise Conflict(f"The job is {job.state}, not failed.", code="job_not_failed")
    if job.kind != JobKind.EMBED:
        text = "Exports and imports are started again on the images page, everything else on the models page."
        raise Conflict(text, code="not_retried_here")
    wanted = WantedJob(subject=job.subject, request=job.request, priority=job.priority)
    again, _ = create_job(kind=JobKind(job.kind), wanted=wanted)
    return again


def give_up_silent_jobs() -> list[Job]:
    """Queues again (or ends) every job whose lease is over; called by the tick, safe in two at once.

    While reports wait in the web queue, or the broker is away, silence says nothing about workers.
    """
    num_reports = num_waiting(WEB_QUEUE)
    changed: list[Job] = []
    with transaction.atomic():
        overdue = Job.objects.filter(state__in=OPEN_STATES, lease_until__lt=timezone.now())
        for job in overdue.select_for_update(skip_locked=True)[:EXPIRED_AT_ONCE]:
            if job.state == JobState.QUEUED:
                _ring_again_if_lost(job)
            elif num_reports == 0:
                _give_up_attempt(job)
                changed.append(job)
    return changed


def open_jobs(*, kind: JobKind) -> QuerySet[Job]:
    return Job.objects.filter(kind=kind, state__in=OPEN_STATES)


def _first(waiting: QuerySet[Job], most: int) -> list[Job]:
    """The most urgent of these jobs, locked."""
    ordered = waiting.order_by("-priority", "created_at", "id")
    return list(ordered.select_for_update(skip_locked=True, of=("self",))[: max(0, most)])


def _unsaved(kind: JobKind, wanted: WantedJob) -> Job:
    return Job(
        kind=kind,
        subject=wanted.subject,
        request=wanted.request,
        priority=wanted.priority,
        asked_by=wanted.asked_by,
        token=1,
    )


def _ring_on_commit(kind: JobKind) -> None:
    transaction.on_commit(lambda: ring_waiting(kind=kind), robust=True)


def _ring_again_if_lost(job: Job) -> None:
    """A message that still lies in the queue is not lost: its job only waits longer."""
    num = num_waiting(TASKS[JobKind(job.kind)][1])
    if num is None:
        return
    job.lease_until = None if num == 0 else timezone.now() + RING_PATIENCE
    job.save(update_fields=["lease_until"])


def _give_up_attempt(job: Job) -> None:
    log.warning("worker went silent", job=str(job.id), kind=job.kind, attempt=job.attempt)
    fail(job=job, error=f"The worker of attempt {job.attempt} went silent.", retry=True)


def _queue_again(job: Job) -> None:
    job.state = JobState.QUEUED
    job.token += 1
    job.lease_until = None
    job.progress = 0.0
    job.save()
    _ring_on_commit(JobKind(job.kind))


def _end(job: Job, state: JobState) -> None:
    job.state = state
    job.finished_at = timezone.now()
    job.lease_until = None
    job.save()
    tell_of_job(job)
    _ring_on_commit(JobKind(job.kind))


def _send(job: Job) -> None:
    task, queue = TASKS[JobKind(job.kind)]
    ring(
        task=task,
        queue=queue,
        payload={**job.request, "job_id": str(job.id), "token": job.token},
    )
