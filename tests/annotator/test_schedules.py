"""Rounds that start by themselves: once, also late, and never two at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from annotator.models import AuditEntry, Job, JobState, Mask, Round, RoundSchedule
from annotator.queries.training_sets import has_new_masks
from annotator.services.rounds import RoundSettings, start_round
from annotator.services.schedules import (
    WantedSchedule,
    last_night,
    set_schedule,
    start_due_rounds,
)
from annotator.services.tick import tick
from tests.cast import Cast, accepted_mask, make_image, make_model

EVENING = datetime(2026, 3, 4, 21, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "begun"),
    [
        (NIGHT, NIGHT),
        (NIGHT - timedelta(seconds=1), NIGHT - timedelta(days=1)),
        (NIGHT + timedelta(hours=21), NIGHT),
    ],
)
def test_the_last_night_is_the_one_that_has_begun(now: datetime, begun: datetime) -> None:
    assert last_night(hour=2, now=now) == begun


def keep(cast: Cast, kind: str, **wanted: int) -> RoundSchedule:
    """A schedule that was set on the evening of 4 March."""
    make_model()
    schedule = set_schedule(
        project=cast.project,
        wanted=WantedSchedule(kind=kind, **wanted),
        settings=RoundSettings(steps=7),
        by=cast.dan,
    )
    schedule.done_until = EVENING
    schedule.save()
    return schedule


def accept_one(cast: Cast) -> None:
    accepted_mask(make_image(cast.project), cast.alice)


def finish() -> None:
    Job.objects.update(state=JobState.DONE)


def test_a_nightly_round_starts_once_a_night_also_after_a_missed_one(cast: Cast) -> None:
    keep(cast, "nightly", hour=2)
    accept_one(cast)
    start_due_rounds(now=NIGHT - timedelta(minutes=1))
    assert not Round.objects.exists()
    for minutes in (0, 1, 600):
        start_due_rounds(now=NIGHT + timedelta(minutes=minutes))
    [first] = Round.objects.all()
    assert (first.settings["steps"], first.started_by) == (7, None)
    finish()
    accept_one(cast)
    start_due_rounds(now=NIGHT + timedelta(days=3, hours=9))  # nothing ran for two nights
    start_due_rounds(now=NIGHT + timedelta(days=3, hours=10))
    assert Round.objects.count() == 2


def test_a_night_without_new_masks_is_over_too(cast: Cast) -> None:
    keep(cast, "nightly", hour=2)
    start_due_rounds(now=NIGHT)
    accept_one(cast)
    start_due_rounds(now=NIGHT + timedelta(hours=5))
    assert not Round.objects.exists()
    start_due_rounds(now=NIGHT + timedelta(days=1))
    assert Round.objects.count() == 1


def test_a_round_that_still_runs_is_waited_for(cast: Cast) -> None:
    keep(cast, "nightly", hour=2)
    accept_one(cast)
    start_due_rounds(now=NIGHT)
    accept_one(cast)
    start_due_rounds(now=NIGHT + timedelta(days=1))
    assert Round.objects.count() == 1
    finish()
    start_due_rounds(now=NIGHT + timedelta(days=1, hours=1))
    assert Round.objects.count() == 2


def test_so_many_new_masks_start_a_round(cast: Cast) -> None:
    keep(cast, "every_masks", num_masks=2)
    accept_one(cast)
    tick()
    assert not Round.objects.exists()
    accept_one(cast)
    tick()
    tick()
    assert Round.objects.get().num_masks == 2


def test_a_tick_looks_for_new_masks_without_counting_them(cast: Cast) -> None:
    keep(cast, "every_masks", num_masks=3)
    for _ in range(2):
        accept_one(cast)
    with CaptureQueriesContext(connection) as asked:
        start_due_rounds()
    about_masks = [query["sql"] for query in asked if 'FROM "annotator_mask"' in query["sql"]]
    assert len(about_masks) == 1
    assert about_masks[0].endswith("LIMIT 1 OFFSET 2")


def test_masks_are_new_until_a_round_has_them(cast: Cast) -> None:
    make_model()
    for _ in range(2):
        accept_one(cast)
    assert has_new_masks(cast.project, num=2)
    assert not has_new_masks(cast.project, num=3)
    start_round(project=cast.project, by=cast.dan)
    assert not has_new_masks(cast.project, num=1)
    accept_one(cast)
    assert has_new_masks(cast.project, num=1)
    Mask.objects.update(is_withdrawn=True)
    assert not has_new_masks(cast.project, num=1)


@pytest.mark.parametrize("kind", ["off", "nightly"])
def test_nothing_starts_where_nobody_wants_it(cast: Cast, kind: str) -> None:
    keep(cast, kind, hour=2)
    accept_one(cast)
    if kind == "nightly":
        cast.project.archived_at = EVENING
        cast.project.save()
    start_due_rounds(now=NIGHT)
    assert not Round.objects.exists()


def test_who_set_a_schedule_is_kept(cast: Cast) -> None:
    keep(cast, "nightly", hour=5)
    entry = AuditEntry.objects.get(act="schedule.set")
    assert (entry.person, entry.detail["hour"]) == (cast.dan, 5)


@pytest.mark.parametrize("wrong", [{"kind": "weekly"}, {"hour": 24}, {"num_masks": 0}])
def test_the_database_refuses_what_makes_no_sense(cast: Cast, wrong: dict[str, object]) -> None:
    keep(cast, "nightly")
    with pytest.raises(IntegrityError), transaction.atomic():
        RoundSchedule.objects.update(**wrong)
