"""Masks, timings and endings of assignments as if people had made them before `NOW`."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from annotator.models import (
    Assignment,
    AssignmentState,
    Image,
    Mask,
    MaskState,
    MaskTiming,
    ModelVersion,
    Person,
    Project,
)
from annotator.queries.throughput.numbers import Throughput, throughput
from annotator.queries.throughput.period import DEFAULT, period_of
from common import rle
from tests.cast import asymmetric_mask, counts

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
AREA = int(asymmetric_mask().sum())


def accepted(
    image: Image,
    author: Person,
    *active_s: float | None,
    ago: timedelta = timedelta(minutes=5),
    state: MaskState = MaskState.ACCEPTED,
    given_up: bool = False,
    model: ModelVersion | None = None,
    **timing: object,
) -> Mask:
    """A mask with one timing row per given number of active seconds, all of it looking (None: not to be trusted).

    `timing` are other columns of these rows; phases in milliseconds replace the looking.
    """
    encoded = counts()
    mask = Mask.objects.create(
        id=uuid.uuid4(),
        image=image,
        author=author,
        order_index=0,
        state=state,
        counts=encoded,
        counts_sha256=rle.counts_sha256(encoded),
        area=AREA,
        box=[4, 3, 21, 17],
        given_up=given_up,
        model_version=model,
        accepted_at=NOW - ago,
    )
    Mask.objects.filter(id=mask.id).update(updated_at=NOW - ago)
    for version, seconds in enumerate(active_s, start=1):
        MaskTiming.objects.create(
            mask=mask, version=version, **{**_times(None if seconds is None else seconds), **timing}
        )
    return mask


def phases(looking: float, prompting: float, waiting: float, painting: float) -> dict[str, float]:
    """Columns of a timing row, from seconds."""
    return {
        "looking_ms": looking * 1000,
        "prompting_ms": prompting * 1000,
        "waiting_ms": waiting * 1000,
        "painting_ms": painting * 1000,
        "active_ms": (looking + prompting + waiting + painting) * 1000,
    }


def _times(seconds: float | None) -> dict[str, float | None]:
    if seconds is None:
        return {}
    return {**phases(seconds, 0, 0, 0), "idle_ms": 0.0}


def given_up(image: Image, author: Person, *, model: ModelVersion | None = None) -> Mask:
    """An object that somebody gave up on: the page keeps it as a draft."""
    return accepted(image, author, state=MaskState.DRAFT, given_up=True, model=model)


def ended(
    image: Image,
    person: Person,
    state: AssignmentState,
    *,
    ago: timedelta = timedelta(hours=1),
    reason: str = "unclear",
    model: ModelVersion | None = None,
) -> None:
    Assignment.objects.create(
        image=image,
        annotator=person,
        state=state,
        model_version=model,
        skip_reason=reason if state == AssignmentState.SKIPPED else "",
        leased_at=NOW - ago - timedelta(hours=1),
        expires_at=NOW - ago + timedelta(hours=1),
        ended_at=NOW - ago,
    )


def numbers(project: Project, *, days: str = DEFAULT) -> Throughput:
    """The dashboard's numbers at `NOW`."""
    return throughput(project=project, period=period_of(days, now=NOW))
