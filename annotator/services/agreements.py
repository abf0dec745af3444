"""Compares what people made of copies, in the background: handing an image in never waits for it."""

from __future__ import annotations

import time
from datetime import datetime

from django.db.models import Max

from annotator.models import Agreement, Assignment, ImageCopy
from annotator.queries.agreements import handed_in_masks
from annotator.queries.image_copies import copies_to_compare, good_masks
from annotator.services.mask_history import stored_runs
from common.agreement import agreement

SECONDS_PER_TICK = 1.0
BATCH = 50


def compare_due_copies(*, seconds: float = SECONDS_PER_TICK) -> int:
    """For the tick: compares copies that were handed in, for about so long; returns how many."""
    until = time.monotonic() + seconds
    num_compared = 0
    for copy in copies_to_compare()[:BATCH]:
        compare_with_reference(copy)
        num_compared += 1
        if time.monotonic() > until:
            break
    return num_compared


def compare_with_reference(copy: ImageCopy) -> Agreement:
    """What was handed in first is what counts, whatever its person changes later. Two at once do no harm."""
    annotator, picture = copy.image.project.copies_for, copy.image.picture
    handed_in_at = _handed_in_at(copy)
    if annotator is None or handed_in_at is None:
        raise LookupError(f"image {copy.image_id} is nobody's copy, or was not handed in")
    made = handed_in_masks(image=copy.image, annotator=annotator, until=handed_in_at)
    found = agreement(
        [stored_runs(mask.counts, picture=picture) for mask in made],
        [stored_runs(mask.counts, picture=picture) for mask in good_masks(copy.original)],
        height=picture.height,
        width=picture.width,
    )
    row, _ = Agreement.objects.get_or_create(
        copy=copy,
        other=copy.original,
        defaults={
            "annotator": annotator,
            "num_matched": found.num_matched,
            "num_only_here": found.num_only_first,
            "num_only_there": found.num_only_second,
            "mean_iou": found.mean_iou,
            "mean_boundary_iou": found.mean_boundary_iou,
            "handed_in_at": handed_in_at,
        },
    )
    return row


def _handed_in_at(copy: ImageCopy) -> datetime | None:
    """When the copy was handed in for the first time; noted, since it may be taken up again."""
    if copy.handed_in_at is None:
        ended = Assignment.objects.filter(image=copy.image).aggregate(at=Max("ended_at"))
        copy.handed_in_at = ended["at"]
        copy.save(update_fields=["handed_in_at"])
    return copy.handed_in_at
