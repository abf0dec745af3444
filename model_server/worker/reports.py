"""Tells the web side how a job goes, by task name on its queue."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from common.messages import REPORT_TASK, WEB_QUEUE, JobReport, ReportState

log = logging.getLogger(__name__)
HEARTBEAT_S = 10.0


@dataclass(frozen=True)
class Reporter:
    """Reports of one attempt at one job; all of them carry its token."""

    app: Celery
    job_id: str
    token: int

    def send(
        self,
        state: ReportState,
        *,
        progress: float = 0.0,
        message: str = "",
        result: dict[str, Any] | None = None,
        error: str = "",
    ) -> None:
        """One report. When the broker is away it is lost: the web side's tick will ring again."""
        report = JobReport(
            job_id=self.job_id,
            token=self.token,
            state=state,
            progress=progress,
            message=message[:2000],
            result=result or {},
            error=error[:10_000],
        )
        try:
            self.app.send_task(REPORT_TASK, args=[report.to_json()], queue=WEB_QUEUE)
        except (OperationalError, OSError) as failure:
            log.warning("report %s of job %s was lost: %s", state, self.job_id, failure)

    @contextmanager
    def beating(self, *, limit_s: float) -> Iterator[None]:
        """Reports "running" at once and every few seconds, but no longer than `limit_s`.

        The limit lets the web side give the job to somebody else when this worker hangs.
        """
        self.send("running")
        stop = threading.Event()
        beat = threading.Thread(target=self._beat, args=(stop, limit_s), daemon=True)
        beat.start()
        try:
            yield
        finally:
            stop.set()
            beat.join()

    def _beat(self, stop: threading.Event, limit_s: float) -> None:
        end = time.monotonic() + limit_s
        while not stop.wait(HEARTBEAT_S) and time.monotonic() < end:
            self.send("running")
