"""Compares what people made of copies, in the background: handing an image in never waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from annotator.models import Agreement, CopyPurpose, Image, ImageCopy, Person
from annotator.queries.agreements import handed_in_masks
from annotator.queries.image_copies import (
    copies_to_compare,
    earlier_to_compare,
    good_masks,
    submitted_work,
)
from annotator.services.for_a_while import SECONDS_PER_TICK, for_a_while
from annotator.services.mask_history import stored_runs
from common.agreement import agreement

BATCH = 50


@dataclass(frozen=True)
class _Work:
    """What one person made of one image, as stored counts; by nobody in particular: the masks of a reference."""

    image: Image
    person: Person | None
    handed_in_at: datetime
    counts: list[str]


def compare_due_copies(*, seconds: float = SECONDS_PER_TICK) -> int:
    """For the tick: compares copies that were handed in, for about so long; returns how many."""
    return for_a_while(compare_copy, copies_to_compare()[:BATCH], seconds=seconds)


def compare_copy(copy: ImageCopy) -> None:
    """With everything that it was not compared with yet. Two at once do no harm.

    What was handed in first is what counts, whatever its person changes later.
    """
    work = _work_on(copy)
    for other in _others(copy, work):
        _compare(copy, work, other)


def _others(copy: ImageCopy, work: _Work) -> Iterator[_Work]:
    original = copy.original
    if copy.purpose == CopyPurpose.REFERENCE:
        good = list(good_masks(original).values_list("counts", flat=True))
        yield _Work(original, None, work.handed_in_at, good)
        return
    for assignment in submitted_work(original).select_related("annotator"):
        at = assignment.ended_at or work.handed_in_at
        yield _work(original, assignment.annotator, at)
    for earlier in earlier_to_compare(copy):
        yield _work_on(earlier)


def _work_on(copy: ImageCopy) -> _Work:
    """What was handed in first; when that was is noted, since a copy may be taken up again."""
    if copy.handed_in_at is None:
        copy.handed_in_at = submitted_work(copy.image).aggregate(at=Max("ended_at"))["at"]
        copy.save(update_fields=["handed_in_at"])
    person = copy.image.project.copies_for
    if person is None or copy.handed_in_at is None:
        raise LookupError(f"image {copy.image_id} is nobody's copy, or was not handed in")
    return _work(copy.image, person, copy.handed_in_at)


def _work(image: Image, person: Person, until: datetime) -> _Work:
    made = handed_in_masks(image=image, annotator=person, until=until)
    return _Work(image, person, until, list(made.values_list("counts", flat=True)))


def _compare(copy: ImageCopy, work: _Work, other: _Work) -> None:
    picture = copy.image.picture
    found = agreement(
        [stored_runs(counts, picture=picture) for counts in work.counts],
        [stored_runs(counts, picture=picture) for counts in other.counts],
        height=picture.height,
        width=picture.width,
    )
    Agreement.objects.get_or_create(
        copy=copy,
        other=other.image,
        defaults={
            "annotator": work.person,
            "other_annotator": other.person,
            "num_matched": found.num_matched,
            "num_only_here": found.num_only_first,
            "num_only_there": found.num_only_second,
            "mean_iou": found.mean_iou,
            "mean_boundary_iou": found.mean_boundary_iou,
            "handed_in_at": max(work.handed_in_at, other.handed_in_at),
        },
    )
