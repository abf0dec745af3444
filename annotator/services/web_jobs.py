"""Jobs that the web side works on itself, exports and imports: how an attempt begins and ends, and stopping one."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from annotator.errors import DomainError
from annotator.models import Job, Person, Project
from annotator.services.audit import record_act
from annotator.services.heart import Heart, Stopped
from annotator.services.jobs import cancel_job


def run_attempt(*, job_id: str, token: int, work: Callable[[Heart], object], hitch: str) -> None:
    """Carries out one attempt at a job, and reports it as a model worker would.

    `work` is given the heart to tell how far it is. An `OSError` is tried again; `hitch` says what it prevented.
    """
    heart = Heart(job_id=job_id, token=token)
    if not heart.report("running"):
        return
    try:
        with heart:
            work(heart)
    except Stopped:
        heart.report("cancelled")
    except DomainError as error:
        heart.report("failed", error=error.message)
    except OSError as error:
        heart.report("failed", error=f"{hitch}: {error}", result={"retry": True})
    else:
        heart.report("done")


def stop_job(*, job: Job, project: Project, by: Person) -> None:
    """Asks an export or an import to stop; one that waits ends at once. Raises `Conflict` when it has ended."""
    with transaction.atomic():
        cancel_job(job_id=job.id)
        record_act(person=by, project=project, act=f"{job.kind}.cancelled", subject=job.subject)
    job.refresh_from_db()
