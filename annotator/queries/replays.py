"""What annotators did, for the gate to replay, and what their acts took."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

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


def replay_cases(project: Project) -> list[ReplayCase]:
    """Masks whose recorded prompts can be replayed, at most `MOST_CASES`, always the same ones.

    Those on held-out images of every project, since all share the model; only when there is none, those that
    a round of `project` trains on.
    """
    everywhere = Project.objects.filter(archived_at=None)
    held_out = [
        case for one in everywhere for case in _cases(_replayable(one).filter(image__held_out=True))
    ]
    return _sample(held_out or list(_cases(_replayable(project))))


def team_pace() -> TeamPace:
    """From the timing rows that make sense: seconds of a click beyond the first, and of a painted pixel."""
    timed = MaskTiming.objects.filter(active_ms__isnull=False, flagged="").annotate(
        clicks=F("num_points") + F("num_boxes"), changed_px=F("painted_px") + F("erased_px")
    )
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


def _replayable(project: Project) -> QuerySet[Mask]:
    """Accepted masks that were made here from nothing, with the pixels that were painted over all versions."""
    painted = (
        MaskTiming.objects.filter(mask_id=OuterRef("id"))
        .order_by()
        .values("mask_id")
        .annotate(px=Sum(F("painted_px") + F("erased_px"), output_field=IntegerField()))
        .values("px")
    )
    masks = usable_masks(project).filter(~Q(prompts=[]), origin=MaskOrigin.ANNOTATED)
    return masks.annotate(num_painted=Coalesce(Subquery(painted), 0))


def _cases(masks: QuerySet[Mask]) -> list[ReplayCase]:
    cases = (_case(mask) for mask in masks.iterator(chunk_size=500))
    return [case for case in cases if case is not None]


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


def _sample(cases: list[ReplayCase]) -> list[ReplayCase]:
    """By a hash of their ids, so that one more mask exchanges one at most."""
    return sorted(cases, key=lambda case: hashlib.sha256(case.mask_id.encode()).digest())[
        :MOST_CASES
    ]
