"""What annotators did, for the gate to replay, and what their acts took."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from annotator.models import Mask, MaskOrigin, MaskTiming, Project
from annotator.queries.training_sets import usable_masks
from common.replay_cases import ReplayCase, read_acts

MOST_CASES = 200  # each is decoded a few times on two networks


@dataclass(frozen=True)
class TeamPace:
    """What acts took on average over the team; None when it was never measured."""

    seconds_per_click: float | None  # of one more click, the model's answer included
    seconds_per_painted_px: float | None


def replay_cases(project: Project | None = None) -> list[ReplayCase]:
    """Masks whose recorded prompts can be replayed, at most `MOST_CASES`, always the same ones.

    Those on held-out images of every project, since all share the model; only when there is none, those that
    a round of `project` trains on, or without `project` those of every one.
    """
    everywhere = list(Project.objects.filter(archived_at=None))
    held_out = [
        mask_id for one in everywhere for mask_id in _ids(_replayable(one, image__held_out=True))
    ]
    seen = everywhere if project is None else [project]
    return _sample(held_out) or _sample(
        mask_id for one in seen for mask_id in _ids(_replayable(one))
    )


def team_pace() -> TeamPace:
    """From the timing rows that make sense: seconds of a click beyond the first, and of a painted pixel."""
    timed = MaskTiming.objects.filter(
        active_ms__isnull=False, flagged="", mask__image__project__copies_of=None
    ).annotate(clicks=F("num_points") + F("num_boxes"), changed_px=F("painted_px") + F("erased_px"))
    clicked = timed.filter(clicks__gt=1).aggregate(
        prompting=Sum("prompting_ms"),
        waiting=Sum("waiting_ms"),
        num=Sum("clicks"),
        num_later=Sum(F("clicks") - 1),
    )
    painted = timed.filter(changed_px__gt=0).aggregate(
        painting=Sum("painting_ms"), num_px=Sum("changed_px")
    )
    per_click = per_px = None
    if clicked["num"]:
        waiting = clicked["waiting"] / clicked["num"]
        per_click = (clicked["prompting"] / clicked["num_later"] + waiting) / 1000
    if painted["num_px"]:
        per_px = painted["painting"] / painted["num_px"] / 1000
    return TeamPace(seconds_per_click=per_click, seconds_per_painted_px=per_px)


def _replayable(project: Project, **only: object) -> QuerySet[Mask]:
    """Accepted masks that were made here from nothing."""
    masks = usable_masks(project).filter(~Q(prompts=[]), origin=MaskOrigin.ANNOTATED)
    return masks.filter(**only)


def _ids(masks: QuerySet[Mask]) -> Iterator[UUID]:
    return masks.order_by().values_list("id", flat=True).iterator()


def _sample(mask_ids: Iterable[UUID]) -> list[ReplayCase]:
    """By a hash of their ids, so that one more mask exchanges one at most; no more masks are read than it takes."""
    ordered = sorted(mask_ids, key=lambda one: hashlib.sha256(str(one).encode()).digest())
    cases: list[ReplayCase] = []
    for start in range(0, len(ordered), MOST_CASES):
        cases += _cases(ordered[start : start + MOST_CASES])
        if len(cases) >= MOST_CASES:
            break
    return cases[:MOST_CASES]


def _cases(mask_ids: Sequence[UUID]) -> list[ReplayCase]:
    """Those of these masks whose prompts make sense, in the given order."""
    masks = _with_painted_pixels(Mask.objects.select_related("image__picture")).in_bulk(mask_ids)
    # One that was removed since its id was read is left out.
    cases = (_case(masks[one]) for one in mask_ids if one in masks)
    return [case for case in cases if case is not None]


def _with_painted_pixels(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    """With `num_painted`: the pixels that were painted or erased over all versions."""
    painted = (
        MaskTiming.objects.filter(mask_id=OuterRef("id"))
        .order_by()
        .values("mask_id")
        .annotate(px=Sum(F("painted_px") + F("erased_px"), output_field=IntegerField()))
        .values("px")
    )
    return masks.annotate(num_painted=Coalesce(Subquery(painted), 0))


def _case(mask: Mask) -> ReplayCase | None:
    """None when the prompts make no sense."""
    image, picture = mask.image, mask.image.picture
    acts = read_acts(mask.prompts, height=picture.height, width=picture.width)
    if acts is None:
        return None
    return ReplayCase(
        mask_id=str(mask.id),
        version=mask.version,
        image_sha256=picture.sha256,
        image_key=picture.file_key,
        height=picture.height,
        width=picture.width,
        group=str(image.project_id),
        is_held_out=image.held_out,
        counts=mask.counts,
        acts=acts,
        painted_px=mask.num_painted,  # type: ignore[attr-defined]  # annotated
    )
