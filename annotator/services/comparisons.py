"""Comparing two model versions: a job scores both on the same masks, as the gate does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotator.errors import Conflict, Invalid
from annotator.models import (
    Job,
    JobKind,
    ModelVersion,
    Person,
    Project,
    VersionComparison,
)
from annotator.queries.comparisons import find_comparison
from annotator.queries.replays import replay_cases, team_pace
from annotator.queries.training_sets import held_out_masks
from annotator.services.audit import record_act
from annotator.services.jobs import WantedJob, cancel_job, create_job, out_prefix
from annotator.services.stores import file_storage
from common.replay_cases import ReplayCase, cases_key, write_cases
from common.snapshots import SnapshotMask, snapshot_key, write_snapshot

MOST_IMAGES = 100  # held-out images that are scored


def start_comparison(
    *, base: ModelVersion, candidate: ModelVersion, by: Person | None
) -> VersionComparison:
    """Queues a job that compares two versions; what was measured before stays until it has ended well.

    While such a job is open, asking again changes nothing. Raises `Invalid`: `same_version`, or
    `nothing_to_compare` when no mask is held out and none can be replayed.
    """
    if base.pk == candidate.pk:
        raise Invalid("Choose two different versions.", code="same_version", field="candidate")
    held_out, cases = _held_out_by_project(), replay_cases()
    if not held_out and not cases:
        raise Invalid(
            "There is nothing to compare on: no accepted mask is on an image kept for scoring, and none was made"
            " by clicks.",
            code="nothing_to_compare",
        )
    with transaction.atomic():
        job, is_new = create_job(
            kind=JobKind.COMPARE,
            wanted=WantedJob(subject=f"{base.pk} {candidate.pk}", request={}),
        )
        pair, _ = VersionComparison.objects.update_or_create(
            base=base, candidate=candidate, defaults={"job": job}
        )
        if is_new:
            job.request = {
                "base_bundle_fingerprint": base.bundle_fingerprint,
                "base_name": base.name,
                "candidate_bundle_fingerprint": candidate.bundle_fingerprint,
                "candidate_name": candidate.name,
                "held_out": {group: put_snapshot(masks) for group, masks in held_out.items()},
                "cases_key": put_cases(cases),
                "pace": asdict(team_pace()),
                "most_images": MOST_IMAGES,
                "out_prefix": out_prefix(job),
            }
            job.save(update_fields=["request"])
            record_act(
                person=by,
                act="model.compared",
                subject=str(candidate.pk),
                detail={"base": str(base.pk)},
            )
    return find_comparison(comparison_id=pair.id)


def record_comparison(*, job: Job, result: dict[str, Any]) -> None:
    """Inside a transaction: what a finished comparison measured. Raises `Invalid` when it has no measures."""
    found = result.get("comparison")
    if not isinstance(found, dict) or not isinstance(found.get("measures"), dict):
        raise Invalid("The worker reports no comparison.")
    VersionComparison.objects.filter(job=job).update(found=found, compared_at=timezone.now())


def keep_comparison(
    *, base: ModelVersion, candidate: ModelVersion, job: Job, result: dict[str, Any]
) -> None:
    """What a round measured of its candidate, unless the pair was measured before."""
    found = result.get("comparison")
    if found and base.pk != candidate.pk:
        VersionComparison.objects.get_or_create(
            base=base,
            candidate=candidate,
            defaults={"job": job, "found": found, "compared_at": timezone.now()},
        )


def stop_model_job(*, job: Job, by: Person) -> Job:
    """Stops a comparison or a registration. Raises `Conflict` for other kinds, and when it has ended."""
    if job.kind not in {JobKind.COMPARE, JobKind.REGISTER}:
        raise Conflict(
            "Only comparisons and registrations are stopped here.", code="not_stopped_here"
        )
    with transaction.atomic():
        stopped = cancel_job(job_id=job.id)
        record_act(person=by, act=f"job.{job.kind}_stopped", subject=str(job.id))
    return stopped


def put_cases(cases: list[ReplayCase]) -> str:
    """Puts recorded interactions to replay into storage; "" when there are none."""
    if not cases:
        return ""
    content = write_cases(cases)
    key = cases_key(content)
    file_storage().put_bytes(key, content)
    return key


def put_snapshot(masks: Iterable[SnapshotMask]) -> str:
    """Freezes masks in storage; returns the key."""
    content = write_snapshot(masks)
    key = snapshot_key(content)
    file_storage().put_bytes(key, content)
    return key


def _held_out_by_project() -> dict[str, list[SnapshotMask]]:
    found = {
        str(project.pk): held_out_masks(project)
        for project in Project.objects.filter(archived_at=None)
    }
    return {group: masks for group, masks in found.items() if masks}
