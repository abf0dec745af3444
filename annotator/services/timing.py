"""Writes the timing row of each accepted mask version, once; trouble with a log never costs a mask.

The log may arrive before or after the save that accepts a mask, so both ends call `write_timings`: the row is
written by whichever comes second, and only when the log up to the accept has no gaps. What is still missing
minutes later is written by the tick, flagged.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from annotator.models import Interaction, Mask, MaskRevision, MaskState, MaskTiming
from annotator.queries.timing import Timing, derive_timing, segments_before

log = structlog.get_logger("maskwright.timing")

OVERDUE = timedelta(minutes=3)
OVERDUE_BATCH = 100
TROUBLE = (DatabaseError, ArithmeticError, ValueError, TypeError, KeyError, IndexError)


@dataclass(frozen=True)
class Difference:
    """A stored timing that the log no longer yields; it is reported, never rewritten."""

    timing: MaskTiming
    field: str
    stored: object
    derived: object


def write_timings_safely(*, mask: Mask) -> None:
    """`write_timings`, for callers whose own work must not fail because of it."""
    try:
        write_timings(mask=mask)
    except TROUBLE:
        log.exception("timing not written", mask=str(mask.id))


def write_timings(*, mask: Mask, is_last_chance: bool = False) -> int:
    """Writes the timing rows that are due for a mask; returns how many.

    The accepts in the log and the accepted versions of the mask are matched in their order.
    """
    written = 0
    with transaction.atomic():
        accepts = list(_unmatched_accepts(mask))
        versions = list(_untimed_versions(mask).values_list("version", flat=True))
        for accept, version in zip(accepts, versions, strict=False):
            logged = segments_before(accept)
            if not logged.is_complete and not is_last_chance:
                break
            timing = derive_timing(logged.segments, is_complete=logged.is_complete)
            _insert(mask, version, accept, timing)
            written += 1
        never_logged = not accepts and bool(versions) and not mask.timings.exists()
        if is_last_chance and never_logged:
            _insert(mask, versions[0], None, derive_timing([]))
            written += 1
    return written


def write_overdue_timings() -> int:
    """For the tick: masks accepted minutes ago whose log never became complete."""
    has_timing = MaskTiming.objects.filter(mask_id=OuterRef("id"))
    overdue = Mask.objects.filter(
        ~Exists(has_timing),
        state=MaskState.ACCEPTED,
        assignment__isnull=False,
        accepted_at__lt=timezone.now() - OVERDUE,
    ).order_by("accepted_at")[:OVERDUE_BATCH]
    return sum(write_timings(mask=mask, is_last_chance=True) for mask in overdue)


def recompute_timings() -> tuple[int, list[Difference]]:
    """Derives every timing again from the log: (timings compared, where they differ from the stored)."""
    found: list[Difference] = []
    compared = 0
    for timing in MaskTiming.objects.select_related("accept").order_by("created_at").iterator(500):
        if timing.accept is None:
            continue
        compared += 1
        logged = segments_before(timing.accept)
        derived = _columns(derive_timing(logged.segments, is_complete=logged.is_complete))
        found += [
            Difference(timing, name, getattr(timing, name), value)
            for name, value in derived.items()
            if getattr(timing, name) != value
        ]
    return compared, found


def _unmatched_accepts(mask: Mask) -> QuerySet[Interaction]:
    return Interaction.objects.filter(
        mask_id_hint=mask.id, kind="accept", person_id=mask.author_id, timing=None
    ).order_by("received_at", "sequence")


def _untimed_versions(mask: Mask) -> QuerySet[MaskRevision]:
    timed = MaskTiming.objects.filter(mask_id=OuterRef("mask_id"), version=OuterRef("version"))
    return MaskRevision.objects.filter(
        ~Exists(timed),
        mask=mask,
        state=MaskState.ACCEPTED,
        author__isnull=False,
        author_id=mask.author_id,  # a reviewer's correction has no time
    ).order_by("version")


def _insert(mask: Mask, version: int, accept: Interaction | None, timing: Timing) -> None:
    row = MaskTiming(mask=mask, version=version, accept=accept, **_columns(timing))
    MaskTiming.objects.bulk_create([row], ignore_conflicts=True)


def _columns(timing: Timing) -> dict[str, object]:
    return {**asdict(timing), "active_ms": timing.active_ms}
