"""What webhooks are told of. An event is written down for each address in the transaction that it happens in;
sending comes later and elsewhere (`webhook_sending`), so that no save waits for it, nor for the broker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from django.utils import timezone

from annotator.models import (
    Assignment,
    AssignmentState,
    Export,
    Import,
    Job,
    JobKind,
    JobState,
    Mask,
    Person,
    Project,
    Promotion,
    Review,
    Round,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)
from annotator.queries.webhooks import listening

Data = dict[str, object]
ENDS = {
    str(AssignmentState.SUBMITTED): WebhookEvent.IMAGE_SUBMITTED,
    str(AssignmentState.SKIPPED): WebhookEvent.IMAGE_SKIPPED,
}
IMPORT_COUNTS = ("images_added", "images_known", "masks_added", "masks_known", "masks_refused")


def tell_of_assignment(assignment: Assignment) -> None:
    """Somebody handed an image in, or skipped it."""

    def data() -> Data:
        told: Data = {**_image(assignment.image_id, assignment.image.name)}
        told["annotator"] = assignment.annotator.name
        if assignment.skip_reason:
            told |= {"reason": assignment.skip_reason, "note": assignment.skip_note}
        return told

    _tell(assignment.image.project, ENDS[assignment.state], data)


def tell_of_mask(mask: Mask, *, by: Person) -> None:
    """A version of a mask was accepted; objects that were given up on are no masks."""
    if mask.given_up:
        return

    def data() -> Data:
        return {
            **_mask(mask),
            "accepted_by": by.name,
            "area": mask.area,
            "predicted_iou": mask.predicted_iou,
            "model_version": str(mask.model_version_id) if mask.model_version_id else None,
        }

    _tell(mask.image.project, WebhookEvent.MASK_ACCEPTED, data)


def tell_of_review(review: Review, *, mask: Mask, by: Person) -> None:
    """A reviewer decided on a mask."""

    def data() -> Data:
        return {
            **_mask(mask),
            "outcome": review.outcome,
            "reason": review.reason or None,
            "note": review.note,
            "iou": review.iou,
            "reviewer": by.name,
        }

    _tell(mask.image.project, WebhookEvent.MASK_REVIEWED, data)


def tell_of_job(job: Job) -> None:
    """An export, an import or a round is over, well or not; other jobs are nobody's event."""
    if job.kind == JobKind.EXPORT:
        for export in Export.objects.filter(job=job).select_related("project"):
            _tell(export.project, WebhookEvent.EXPORT_FINISHED, _export(export, job))
    elif job.kind == JobKind.IMPORT:
        for one in Import.objects.filter(job=job).select_related("project"):
            _tell(one.project, WebhookEvent.IMPORT_FINISHED, _import(one, job))
    elif job.kind == JobKind.TRAIN:
        for round_ in Round.objects.filter(job=job).select_related("project"):
            _tell(round_.project, WebhookEvent.ROUND_FINISHED, _round(round_, job))


def tell_of_promotion(promotion: Promotion) -> None:
    """Another model version is in use, in every project."""
    version, previous = promotion.model_version, promotion.previous
    data: Data = {
        "model_version": str(version.id),
        "name": version.name,
        "previous": str(previous.model_version_id) if previous else None,
    }
    event = WebhookEvent.MODEL_PROMOTED
    for webhook in listening(event).filter(project__archived_at=None).select_related("project"):
        write_deliveries([webhook], event=event, project=webhook.project, data=data)


def write_deliveries(
    webhooks: Iterable[Webhook], *, event: str, project: Project, data: Data
) -> list[WebhookDelivery]:
    """Inside a transaction: what each address will be sent, due at once."""
    now = timezone.now()
    told = {
        "type": str(event),
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "project": {"id": str(project.id), "name": project.name},
        "data": data,
    }
    body = json.dumps(told, ensure_ascii=False)
    return WebhookDelivery.objects.bulk_create(
        WebhookDelivery(webhook=webhook, event=str(event), body=body, due_at=now)
        for webhook in webhooks
    )


def _tell(project: Project, event: WebhookEvent, data: Callable[[], Data]) -> None:
    """Nobody listens, in most projects: then nothing is asked and nothing written."""
    webhooks = list(listening(event).filter(project=project))
    if webhooks:
        write_deliveries(webhooks, event=event, project=project, data=data())


def _image(image_id: object, name: str) -> Data:
    return {"image": str(image_id), "image_name": name}


def _mask(mask: Mask) -> Data:
    return {
        "mask": str(mask.id),
        "version": mask.version,
        **_image(mask.image_id, mask.image.name),
    }


def _outcome(job: Job) -> Data:
    """A job that was done in the end keeps the error of an earlier attempt: that is nobody's business."""
    is_done = job.state == JobState.DONE
    return {"state": str(job.state), "error": None if is_done else job.error or None}


def _export(export: Export, job: Job) -> Callable[[], Data]:
    return lambda: {
        "export": str(export.id),
        **_outcome(job),
        "format": export.format,
        "part": export.part,
        "num_masks": export.num_masks,
        "file_sha256": export.file_sha256 or None,
    }


def _import(one: Import, job: Job) -> Callable[[], Data]:
    counts = {name: one.report.get(name) for name in IMPORT_COUNTS}
    return lambda: {"import": str(one.id), **_outcome(job), "name": one.name, **counts}


def _round(round_: Round, job: Job) -> Callable[[], Data]:
    return lambda: {
        "round": str(round_.id),
        **_outcome(job),
        "number": round_.number,
        "num_masks": round_.num_masks,
        "candidate": str(round_.candidate_id) if round_.candidate_id else None,
    }
