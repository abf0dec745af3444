"""The numbers that the paper reports of its stages, for each round of a project and for the time since the last one.

A stage is the time from one round's snapshot to the next. Rounds that failed or were stopped divide nothing: their
masks count for the next one. Every number is asked of accepted masks, their timing rows and assignments, none is
stored.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Count,
    DateTimeField,
    Func,
    IntegerField,
    Max,
    Min,
    Q,
    Value,
)
from numpy.typing import NDArray

from annotator.models import AssignmentState, Image, JobState, Project, Promotion, Round
from annotator.queries.jobs import rounds_of
from annotator.queries.masks import masks_made_here, with_active_time
from annotator.queries.model_history import held_out_scores
from annotator.queries.spread import Packed, Spread, spread_of, unpacked


@dataclass(frozen=True)
class Stage:
    """What was collected in a stage.

    `masks_per_image` is over the images whose last submission fell into it, `images`; None without any.
    """

    masks: int
    timed_masks: int
    seconds_per_mask: Spread
    images: int
    masks_per_image: float | None


@dataclass(frozen=True)
class RoundStage:
    """A round, what was collected before it, and what became of its candidate."""

    round: Round
    stage: Stage
    iou_1: (
        float | None
    )  # mean IoU on held-out masks after 1 click; None when the candidate was not scored
    iou_3: float | None
    promoted_at: datetime | None  # for the first time


@dataclass(frozen=True)
class RoundHistory:
    """A project's rounds, the oldest first, and what was collected since the last one."""

    rounds: list[RoundStage]
    since: Stage


class Bucket(Func):
    """The number of the given moments, in ascending order, that are not after a value."""

    function = "width_bucket"
    output_field = IntegerField()

    def __init__(self, expression: str, moments: Sequence[datetime]) -> None:
        super().__init__(expression, Value(list(moments), output_field=ArrayField(DateTimeField())))


def round_history(project: Project) -> RoundHistory:
    """All rounds of a project with their stages."""
    rounds = dividing_rounds(project)
    stages = _stages(project, [each.job.created_at for each in rounds])
    promoted = _first_promotions(rounds)
    return RoundHistory(
        rounds=[
            _round_stage(each, stage, promoted.get(each.candidate_id))
            for each, stage in zip(rounds, stages, strict=False)
        ],
        since=stages[-1],
    )


def dividing_rounds(project: Project) -> list[Round]:
    """The rounds at whose snapshots one stage ends and the next begins, the oldest first."""
    kept = rounds_of(project).exclude(job__state__in=[JobState.FAILED, JobState.CANCELLED])
    return list(kept.order_by("job__created_at", "number"))


def _stages(project: Project, moments: list[datetime]) -> list[Stage]:
    """The time before the first moment, between two, and after the last."""
    made = _made(project, moments)
    images, masks_in = _submitted(project, moments)
    stages = []
    for place in range(len(moments) + 1):
        masks, seconds = made.get(place, (0, unpacked(None)))
        num_images = images[place]
        stages.append(
            Stage(
                masks=masks,
                timed_masks=len(seconds),
                seconds_per_mask=spread_of(seconds),
                images=num_images,
                masks_per_image=masks_in[place] / num_images if num_images else None,
            )
        )
    return stages


def _made(project: Project, moments: list[datetime]) -> dict[int, tuple[int, NDArray[np.float64]]]:
    """By stage how many masks, and the seconds of each timed one."""
    masks = with_active_time(masks_made_here(project)).order_by()
    place = Bucket("accepted_at", moments) if moments else Value(0)
    rows = masks.values(place=place).annotate(
        masks=Count("pk"),
        seconds=Packed("active_s"),  # a percentile each would add up every mask's times again
    )
    return {row["place"]: (row["masks"], unpacked(row["seconds"])) for row in rows}


def _submitted(project: Project, moments: list[datetime]) -> tuple[Counter[int], Counter[int]]:
    """Submitted images, and the masks made here in them, by the stage of the last submission."""
    submitted = Q(assignments__state=AssignmentState.SUBMITTED)
    images = Image.objects.filter(project=project, deleted_at=None).filter(submitted)
    rows = images.order_by().values_list("pk").annotate(at=Max("assignments__ended_at"))
    last: dict[UUID, datetime] = dict(rows)
    counted = masks_made_here(project).filter(image__in=images).order_by().values_list("image")
    num_masks: dict[UUID, int] = dict(counted.annotate(num=Count("pk")))
    of_images: Counter[int] = Counter()
    of_masks: Counter[int] = Counter()
    for image, at in last.items():
        place = bisect_right(moments, at)
        of_images[place] += 1
        of_masks[place] += num_masks.get(image, 0)
    return of_images, of_masks


def _first_promotions(rounds: list[Round]) -> dict[UUID | None, datetime]:
    candidates = [each.candidate_id for each in rounds if each.candidate_id]
    promotions = Promotion.objects.filter(model_version__in=candidates).order_by()
    return dict(promotions.values_list("model_version").annotate(at=Min("created_at")))


def _round_stage(round_: Round, stage: Stage, promoted_at: datetime | None) -> RoundStage:
    scores = held_out_scores(round_.candidate.scores) if round_.candidate else []
    miou = {score.clicks: score.miou for score in scores}
    return RoundStage(round_, stage, miou.get("1"), miou.get("3"), promoted_at)
