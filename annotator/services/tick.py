"""The tick: what must happen although nobody asks. It needs the database alone; two at once do no harm."""

from __future__ import annotations

from annotator.models import JobKind
from annotator.queries.model_versions import current_model_version
from annotator.services.agreements import compare_due_copies
from annotator.services.assignments import expire_leases
from annotator.services.crops import drop_old_crops
from annotator.services.embeddings import request_missing_embeddings
from annotator.services.jobs import give_up_silent_jobs, ring_waiting
from annotator.services.mask_checks import check_due_masks
from annotator.services.reports import announce
from annotator.services.schedules import start_due_rounds
from annotator.services.timing import write_overdue_timings
from annotator.services.webhook_sending import drop_old_deliveries, ring_due_webhooks


def tick() -> None:
    """Expires leases, times, checks and compares masks, starts rounds, moves jobs, embeddings and webhooks on."""
    expire_leases()
    write_overdue_timings()
    check_due_masks()
    compare_due_copies()
    start_due_rounds()
    for job in give_up_silent_jobs():
        announce(job)
    for kind in JobKind:
        ring_waiting(kind=kind)
    ring_due_webhooks()
    drop_old_deliveries()
    drop_old_crops()
    model = current_model_version()
    if model is not None:
        request_missing_embeddings(model_version=model)
