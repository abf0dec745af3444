"""What workers report, turned into rows: the one way by which their work becomes known."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import transaction

from annotator.errors import DomainError
from annotator.models import Image, Job, JobKind, Project
from annotator.services import jobs
from annotator.services.checkpoints import register_checkpoint
from annotator.services.comparisons import record_comparison
from annotator.services.crops import keep_for_a_while
from annotator.services.embeddings import register_embedding
from annotator.services.hints import send_hint
from annotator.services.rounds import register_candidate
from common.embedding_format import DamagedEmbedding
from common.messages import JobReport

log = structlog.get_logger("maskwright.reports")


def record_report(report: JobReport) -> bool:
    """Moves the job that a report is about; False when the report is late, foreign or unknown."""
    with transaction.atomic():
        job = jobs.take_report(report)
        if job is None:
            return False
        STATES[report.state](job, report)
    announce(job)
    return True


def announce(job: Job) -> None:
    """Tells the pages of every project that the job concerns."""
    kind = "images" if job.kind == JobKind.EMBED else "jobs"
    for project in _projects_of(job):
        send_hint(project=project, kind=kind)


def _run(job: Job, report: JobReport) -> None:
    jobs.keep_running(job=job, report=report)


def _finish(job: Job, report: JobReport) -> None:
    try:
        with transaction.atomic():
            RESULTS[JobKind(job.kind)](job, report)
    except (DomainError, DamagedEmbedding, FileNotFoundError) as error:
        log.warning("result refused", job=str(job.id), reason=str(error))
        jobs.fail(job=job, error=f"The result cannot be used: {error}", retry=True)
        return
    jobs.finish(job=job, result=report.result)


def _fail(job: Job, report: JobReport) -> None:
    jobs.fail(job=job, error=report.error, retry=report.result.get("retry") is True)


def _cancel(job: Job, report: JobReport) -> None:
    jobs.end_cancelled(job=job)


def _register_embedding(job: Job, report: JobReport) -> None:
    keep_for_a_while(register_embedding(job=job))


def _register_candidate(job: Job, report: JobReport) -> None:
    register_candidate(job=job, result=report.result)


def _record_comparison(job: Job, report: JobReport) -> None:
    record_comparison(job=job, result=report.result)


def _register_checkpoint(job: Job, report: JobReport) -> None:
    register_checkpoint(job=job, result=report.result)


def _kept_already(job: Job, report: JobReport) -> None:
    """The web side wrote the row of the export or import itself."""


def _projects_of(job: Job) -> list[Project]:
    if job.kind == JobKind.EMBED:
        images = Image.objects.filter(picture_id=job.request.get("image_sha256"), deleted_at=None)
        return list(Project.objects.filter(images__in=images).distinct())
    if job.kind == JobKind.TRAIN:
        return list(Project.objects.filter(rounds__job=job))
    if job.kind == JobKind.IMPORT:
        return list(Project.objects.filter(imports__job=job))
    return list(Project.objects.filter(exports__job=job))  # other kinds concern no project


STATES: dict[str, Callable[[Job, JobReport], None]] = {
    "running": _run,
    "done": _finish,
    "failed": _fail,
    "cancelled": _cancel,
}
RESULTS: dict[JobKind, Callable[[Job, JobReport], None]] = {
    JobKind.EMBED: _register_embedding,
    JobKind.TRAIN: _register_candidate,
    JobKind.EXPORT: _kept_already,
    JobKind.IMPORT: _kept_already,
    JobKind.COMPARE: _record_comparison,
    JobKind.REGISTER: _register_checkpoint,
}
