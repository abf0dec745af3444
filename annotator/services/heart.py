"""Heartbeats of the jobs that the web side works on itself."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self

from django.db import connection

from annotator.services.reports import record_report
from annotator.services.stores import file_storage
from common.messages import JobReport, ReportState, cancel_key

HEARTBEAT_S = 5.0
LOOK_S = 1.0  # between looks for a request to stop


class Stopped(Exception):
    """Somebody cancelled the job."""


@dataclass
class Heart:
    """Keeps the lease of a job that the web side works on, by a thread with a connection of its own.

    An export is written in one transaction, in which nobody would see a heartbeat.
    """

    job_id: str
    token: int
    share: float = 0.0
    _looked_at: float = -LOOK_S
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def advance(self, share: float) -> None:
        """How much is done, 0 to 1; told with the next beat. Raises `Stopped`."""
        self.share = share
        if time.monotonic() - self._looked_at >= LOOK_S:
            if file_storage().exists(cancel_key(self.job_id)):
                raise Stopped
            self._looked_at = time.monotonic()

    def report(
        self, state: ReportState, *, error: str = "", result: dict[str, Any] | None = None
    ) -> bool:
        """False when the job is no longer this attempt's."""
        report = JobReport(
            job_id=self.job_id,
            token=self.token,
            state=state,
            progress=self.share,
            error=error,
            result=result or {},
        )
        return record_report(report)

    def _beat(self) -> None:
        try:
            while not self._stop.wait(HEARTBEAT_S):
                self.report("running")
        finally:
            connection.close()
