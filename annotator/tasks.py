"""The tasks of the web side's own worker: recording reports, exports, imports and webhooks, the tick."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from celery import shared_task

from annotator.services.data_set_uploads import run_import
from annotator.services.exports import run_export
from annotator.services.reports import record_report
from annotator.services.tick import tick
from annotator.services.webhook_sending import send_due
from common.messages import (
    EXPORT_TASK,
    IMPORT_TASK,
    REPORT_TASK,
    TICK_TASK,
    WEBHOOK_TASK,
    BadMessage,
    JobReport,
)

log = structlog.get_logger("maskwright.tasks")


@shared_task(name=REPORT_TASK)
def take_report(payload: dict[str, Any]) -> None:
    """A model worker's word on a job."""
    try:
        report = JobReport.from_json(payload)
    except BadMessage as error:
        log.warning("report unreadable", reason=str(error))
        return
    record_report(report)


@shared_task(name=EXPORT_TASK)
def write_export(payload: dict[str, Any]) -> None:
    """One attempt at an export."""
    run_export(job_id=str(payload["job_id"]), token=int(payload["token"]))


@shared_task(name=IMPORT_TASK)
def import_data_set(payload: dict[str, Any]) -> None:
    """One attempt at an import."""
    run_import(job_id=str(payload["job_id"]), token=int(payload["token"]))


@shared_task(name=WEBHOOK_TASK)
def send_webhook(payload: dict[str, Any]) -> None:
    """What is due at one address, the delivery that somebody waits for first."""
    asked = payload.get("delivery_id")
    send_due(webhook_id=UUID(payload["webhook_id"]), first=UUID(asked) if asked else None)


@shared_task(name=TICK_TASK)
def run_tick() -> None:
    """For installations that ring the tick with Celery beat; ours runs it in a process of its own."""
    tick()
