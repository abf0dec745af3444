"""Looks at the pixels of accepted masks, in the background: a save never waits for it."""

from __future__ import annotations

from annotator.models import Mask, MaskCheck, MaskState
from annotator.queries.mask_checks import DUPLICATE_IOU, SPECK_PX, due_masks
from annotator.services.for_a_while import for_a_while
from annotator.services.mask_history import stored_runs
from common import rle

BATCH = 500
SECONDS = 4.0  # of each tick: an import leaves tens of thousands to look at, and new masks wait behind them


def check_due_masks(*, seconds: float = SECONDS) -> int:
    """For the tick: looks at masks that were changed, for about so long; returns at how many."""
    return for_a_while(check_mask, due_masks(limit=BATCH), seconds=seconds)


def check_mask(mask: Mask) -> MaskCheck:
    """Counts a mask's specks, measures its convex hull and finds a mask of the same image that is nearly the same."""
    picture = mask.image.picture
    runs = stored_runs(mask.counts, picture=picture)
    areas = rle.region_areas(runs, height=picture.height)
    twin, twin_iou = _twin(mask, runs)
    check, _ = MaskCheck.objects.update_or_create(
        mask=mask,
        defaults={
            "counts_sha256": mask.counts_sha256,
            "mask_updated_at": mask.updated_at,
            "hull_area": rle.hull_area(runs, height=picture.height),
            "num_specks": sum(area < SPECK_PX for area in areas[1:]),
            "twin": twin,
            "twin_iou": twin_iou,
        },
    )
    return check


def _twin(mask: Mask, runs: rle.Runs) -> tuple[Mask | None, float | None]:
    """The most similar other mask and its IoU, if that is more than `DUPLICATE_IOU`.

    Two masks are that similar only if their areas are, so few are decoded.
    """
    others = (
        Mask.objects.filter(
            image_id=mask.image_id,
            state=MaskState.ACCEPTED,
            given_up=False,
            area__gt=mask.area * DUPLICATE_IOU,
            area__lt=mask.area / DUPLICATE_IOU,
        )
        .exclude(pk=mask.pk)
        .order_by("order_index", "id")
    )
    picture = mask.image.picture
    ious = [(rle.iou(runs, stored_runs(other.counts, picture=picture)), other) for other in others]
    best, twin = max(ious, key=lambda pair: pair[0], default=(0.0, None))
    return (twin, best) if best > DUPLICATE_IOU else (None, None)
