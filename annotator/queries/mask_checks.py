"""Automatic checks of accepted masks: what may be wrong with them, for a person to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from annotator.models import Mask, MaskCheck, MaskOrigin, MaskState, MaskTiming, Project
from annotator.queries.masks import with_active_time
from annotator.queries.reviews import reviewable_masks, without_rejected

EMPTY, SPECKS, BORDER, DUPLICATE, TOO_FAST = "empty", "specks", "border", "duplicate", "too_fast"
CHECKS = (EMPTY, SPECKS, BORDER, DUPLICATE, TOO_FAST)

EMPTY_PX = 16  # fewer are hardly a mask
SPECK_PX = 100  # the paper drops smaller regions (section 5)
DUPLICATE_IOU = 0.9
TOO_FAST_S = 1.0  # active seconds: nobody looks at a mask in less
KEPT_AS_PART = [{"kind": "part_of"}]  # in the prompts of such a mask
LATE_COMMITS = timedelta(minutes=10)


def _empty(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    return masks.filter(area__lt=EMPTY_PX)


def _specks(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    return masks.filter(Exists(_fresh_checks().filter(num_specks__gt=0)))


def _border(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    return masks.filter(
        Q(box__0=0)
        | Q(box__1=0)
        | Q(box__2=F("image__picture__width"))
        | Q(box__3=F("image__picture__height"))
    )


def _duplicate(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    twins = Mask.objects.filter(pk=OuterRef("twin_id"), state=MaskState.ACCEPTED, given_up=False)
    checks = _fresh_checks().filter(twin__isnull=False)  # said, so that few are looked at
    return masks.filter(Exists(checks.filter(Exists(without_rejected(twins)))))


def _too_fast(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    """Without masks that were kept as parts of another: the person looked at them in the whole's time.

    A mask of so few seconds has a timing row of as few: only such masks' rows are added up.
    """
    hasty = MaskTiming.objects.filter(active_ms__lt=1000 * TOO_FAST_S).values("mask")
    timed = with_active_time(masks.filter(origin=MaskOrigin.ANNOTATED, pk__in=hasty))
    return timed.filter(active_s__lt=TOO_FAST_S).exclude(prompts__contains=KEPT_AS_PART)


_FINDING: dict[str, Callable[[QuerySet[Mask]], QuerySet[Mask]]] = {
    EMPTY: _empty,
    SPECKS: _specks,
    BORDER: _border,
    DUPLICATE: _duplicate,
    TOO_FAST: _too_fast,
}


def with_finding(masks: QuerySet[Mask], check: str) -> QuerySet[Mask]:
    """Those of the masks that one of CHECKS found something in."""
    return _FINDING[check](masks)


def findings_of(masks: Iterable[Mask]) -> dict[UUID, list[str]]:
    """What the checks found in each mask, in the order of CHECKS; a query per check."""
    ids = [mask.pk for mask in masks]
    found: dict[UUID, list[str]] = {mask_id: [] for mask_id in ids}
    for check in CHECKS:
        among = with_finding(Mask.objects.filter(pk__in=ids), check)
        for mask_id in among.values_list("pk", flat=True):
            found[mask_id].append(check)
    return found


def counts_by_check(project: Project) -> dict[str, int]:
    """How many masks that are not rejected each check found something in."""
    masks = without_rejected(reviewable_masks(project)).order_by()
    return {check: with_finding(masks, check).count() for check in CHECKS}


def num_unchecked(project: Project) -> int:
    """Accepted masks whose pixels nobody has looked at yet; the tick does."""
    masks = Mask.objects.filter(image__project=project, image__deleted_at=None)
    return _unchecked(masks).count()


def due_masks(*, limit: int) -> list[Mask]:
    """The next masks to look at, in the order in which they were changed.

    Whatever was changed long before the newest mask that was looked at was looked at too.
    """
    masks = Mask.objects.all()
    newest = MaskCheck.objects.aggregate(newest=Max("mask_updated_at"))["newest"]
    if newest is not None:
        masks = masks.filter(updated_at__gte=newest - LATE_COMMITS)
    due = _unchecked(masks).select_related("image__picture").order_by("updated_at", "id")
    return list(due[:limit])


def _unchecked(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    return masks.filter(~Exists(_fresh_checks()), state=MaskState.ACCEPTED, given_up=False)


def _fresh_checks() -> QuerySet[MaskCheck]:
    """The check of the outer mask's very pixels, for a subquery."""
    return MaskCheck.objects.filter(mask_id=OuterRef("pk"), counts_sha256=OuterRef("counts_sha256"))
