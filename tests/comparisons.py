"""Stored comparisons of model versions, as a training job reports them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from annotator.models import (
    Job,
    JobKind,
    JobState,
    Mask,
    ModelVersion,
    VersionComparison,
)
from tests.cast import Cast, accepted_mask, make_image, make_model

BEST, WORST = "b" * 64, "f" * 64


def difference(current: float, candidate: float, half: float | None = 0.005) -> dict[str, Any]:
    """One measure over 12 masks on 5 images; the interval is `half` wide on each side."""
    change = round(candidate - current, 4)
    return {
        "num_masks": 12,
        "num_images": 5,
        "current": current,
        "candidate": candidate,
        "difference": change,
        "interval": None if half is None else [round(change - half, 4), round(change + half, 4)],
    }


def comparison(
    *,
    replayed_on: str = "held_out",
    groups: dict[str, dict[str, Any]] | None = None,
    **measures: Any,
) -> dict[str, Any]:
    """`measures` by name; `groups` are those of each project's id, by measure."""
    by_group = groups or {}
    return {
        "replayed_on": replayed_on,
        "pace": {"seconds_per_click": 1.4, "seconds_per_painted_px": 0.002},
        "measures": {
            name: {
                **found,
                "by_group": {g: own[name] for g, own in by_group.items() if name in own},
            }
            for name, found in measures.items()
        },
        "cases": [],
    }


def candidate_of(base: ModelVersion, stored: dict[str, Any]) -> ModelVersion:
    """A version that a round made from `base`."""
    candidate = make_model(promote=False)
    candidate.parent = base
    candidate.save()
    if stored:
        compared(base, candidate, stored)
    return candidate


def held_out_mask(cast: Cast) -> Mask:
    """An accepted mask on an image that is kept for scoring."""
    image = make_image(cast.project)
    image.held_out = True
    image.save()
    return accepted_mask(image, cast.alice)


def compared(
    base: ModelVersion, candidate: ModelVersion, stored: dict[str, Any]
) -> VersionComparison:
    """What a job that has ended measured of two versions."""
    now = timezone.now()
    job = Job.objects.create(
        kind=JobKind.COMPARE,
        subject=f"{base.pk} {candidate.pk}",
        state=JobState.DONE,
        finished_at=now,
    )
    return VersionComparison.objects.create(
        base=base, candidate=candidate, job=job, found=stored, compared_at=now
    )


def case(kind: str, group: str) -> dict[str, Any]:
    """One case of a comparison whose two pictures differ."""
    return {
        "kind": kind,
        "mask_id": "m",
        "group": group,
        "current_iou": 0.61,
        "candidate_iou": 0.93 if kind == "best" else 0.4,
        "current_clicks": 4,
        "candidate_clicks": 1,
        "current_picture": BEST,
        "candidate_picture": WORST,
    }
