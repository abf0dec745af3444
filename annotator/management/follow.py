"""Follows a background job on the terminal."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from django.core.management.base import CommandError

from annotator.models import OPEN_STATES, JobState
from annotator.queries.jobs import find_job

LOOK_S = 0.5


def follow(*, job_id: uuid.UUID, say: Callable[[str], object]) -> None:
    """Says every change of a job until it ends. Raises `CommandError` unless it ended well."""
    said = ""
    while True:
        job = find_job(job_id=job_id)
        line = f"{job.state:<9} {job.progress:4.0%}  {job.message}"
        if line != said:
            say(line)
            said = line
        if job.state not in OPEN_STATES:
            break
        time.sleep(LOOK_S)
    if job.state != JobState.DONE:
        raise CommandError(f"The job is {job.state}. {job.error}")
