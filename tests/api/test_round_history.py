"""What a project's rounds say, each number recomputed by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotator.models import (
    Assignment,
    AssignmentState,
    Image,
    Job,
    JobKind,
    JobState,
    MaskOrigin,
    MaskTiming,
    ModelVersion,
    Promotion,
    Round,
)
from annotator.queries.round_history import round_history
from tests.cast import Browser, Cast, accepted_mask, make_image, make_model

Browsers = Callable[[str], Browser]
START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def made(
    cast: Cast, image: Image, on: float, *seconds: float | None, given_up: bool = False
) -> None:
    """A mask accepted on a day, with a timing row per number of active seconds (None: not to be trusted)."""
    mask = accepted_mask(image, cast.alice, given_up=given_up)
    mask.accepted_at = day(on)
    mask.save()
    for version, spent in enumerate(seconds, start=1):
        active_ms = None if spent is None else 1000.0 * spent
        MaskTiming.objects.create(mask=mask, version=version, active_ms=active_ms)


def submitted(cast: Cast, image: Image, on: float) -> None:
    Assignment.objects.create(
        image=image,
        annotator=cast.alice,
        state=AssignmentState.SUBMITTED,
        leased_at=day(on) - timedelta(hours=1),
        expires_at=day(on) + timedelta(hours=1),
        ended_at=day(on),
    )


def round_on(
    cast: Cast,
    on: float,
    state: JobState = JobState.DONE,
    candidate: ModelVersion | None = None,
) -> Round:
    job = Job.objects.create(
        kind=JobKind.TRAIN,
        subject=f"{cast.project.id} {on}",
        state=state,
        finished_at=None if state == JobState.RUNNING else day(on + 0.1),
    )
    Job.objects.filter(id=job.id).update(created_at=day(on))
    return Round.objects.create(
        project=cast.project,
        number=Round.objects.count() + 1,
        job=job,
        snapshot_key="snapshots/none.jsonl",
        num_images=1,
        num_masks=1,
        base=ModelVersion.objects.order_by("created_at")[0],
        candidate=candidate,
    )


def scored(after: dict[str, float]) -> ModelVersion:
    model = make_model(promote=False)
    before = {"miou_at": {"1": 0.1, "3": 0.2}}
    model.scores = {"held_out": {"before": before, "after": {"miou_at": after}}}
    model.save()
    return model


@pytest.fixture
def work(cast: Cast) -> ModelVersion:
    """Three rounds on days 2, 4 (failed) and 6, with masks before, between and after; returns the first candidate."""
    make_model()
    quay, pier, mole = (make_image(cast.project) for _ in range(3))
    made(cast, quay, 1.0, 30.0)
    made(cast, quay, 1.5, 10.0, 10.0)  # corrected once: 20 s
    made(cast, quay, 1.7, None)  # counts, but not in the seconds
    made(cast, quay, 1.8, 5.0, given_up=True)  # no mask
    submitted(cast, quay, 1.9)
    first = scored({"1": 0.55, "3": 0.7, "5": 0.8})
    round_on(cast, 2, candidate=first)
    made(cast, pier, 3.0, 12.0)
    round_on(cast, 4, JobState.FAILED)
    made(cast, pier, 5.0, 16.0)
    made(cast, pier, 5.1, 17.0)
    submitted(cast, pier, 5.5)
    submitted(cast, mole, 5.6)  # nothing in it
    round_on(cast, 6, JobState.RUNNING)
    made(cast, mole, 7.0, 8.0)
    imported = accepted_mask(mole, cast.alice)
    imported.origin = MaskOrigin.IMPORTED
    imported.save()
    elsewhere = make_image(cast.elsewhere)
    made(cast, elsewhere, 3.0, 99.0)
    return first


def test_each_number_of_the_history_is_what_counting_by_hand_gives(
    browser: Browsers, cast: Cast, work: ModelVersion
) -> None:
    reply = browser("carol").get(f"projects/{cast.project.id}/round-history").json()
    first, third = reply["rounds"]
    assert (first["number"], first["state"], first["candidate"]) == (1, "done", str(work.id))
    assert first["started_at"] == "2026-11-03T09:00:00Z"
    # Of 20 and 30 the middle, and nine tenths of the way; one mask without a trusted time.
    assert (first["masks"], first["timed_masks"]) == (3, 2)
    assert first["median_seconds_per_mask"] == 25.0
    assert first["p90_seconds_per_mask"] == pytest.approx(29.0)
    assert (first["images"], first["masks_per_image"]) == (1, 3.0)
    assert (first["iou_1"], first["iou_3"], first["promoted_at"]) == (0.55, 0.7, None)
    # The failed round divides nothing: 12, 16 and 17 s belong together, on two submitted images.
    assert (third["number"], third["state"], third["candidate"]) == (3, "running", None)
    assert (third["masks"], third["median_seconds_per_mask"]) == (3, 16.0)
    assert third["p90_seconds_per_mask"] == pytest.approx(16.8)
    # The mole was submitted with nothing; a mask that came later is counted where its image was submitted.
    assert (third["images"], third["masks_per_image"]) == (2, 2.0)
    assert (third["iou_1"], third["promoted_at"]) == (None, None)
    since = reply["since"]
    assert (since["masks"], since["median_seconds_per_mask"]) == (1, 8.0)
    assert (since["images"], since["masks_per_image"]) == (0, None)


def test_a_promotion_is_told_by_its_first_time(
    browser: Browsers, cast: Cast, work: ModelVersion
) -> None:
    for number, version in enumerate([work, ModelVersion.objects.order_by("created_at")[0], work]):
        previous = Promotion.objects.order_by("-id").first()
        row = Promotion.objects.create(model_version=version, previous=previous)
        Promotion.objects.filter(id=row.id).update(created_at=day(8 + number))
    reply = browser("carol").get(f"projects/{cast.project.id}/round-history").json()
    assert reply["rounds"][0]["promoted_at"] == "2026-11-09T09:00:00Z"


def test_without_rounds_there_is_one_stage(browser: Browsers, cast: Cast) -> None:
    path = f"projects/{cast.project.id}/round-history"
    empty = browser("carol").get(path).json()
    assert empty["rounds"] == [] and empty["since"]["median_seconds_per_mask"] is None
    made(cast, make_image(cast.project), 1.0, 30.0)
    assert browser("carol").get(path).json()["since"]["masks"] == 1


def test_a_mask_of_the_very_moment_of_a_round_counts_for_the_next(
    cast: Cast, browser: Browsers
) -> None:
    make_model()
    image = make_image(cast.project)
    made(cast, image, 2.0, 10.0)
    round_on(cast, 2)
    reply = browser("carol").get(f"projects/{cast.project.id}/round-history").json()
    assert (reply["rounds"][0]["masks"], reply["since"]["masks"]) == (0, 1)


def test_the_times_of_a_mask_are_added_up_once(cast: Cast) -> None:
    made(cast, make_image(cast.project), 1, 4.0, 6.0)
    with CaptureQueriesContext(connection) as asked:
        assert round_history(cast.project).since.seconds_per_mask.median == pytest.approx(10.0)
    assert sum(query["sql"].count('FROM "annotator_masktiming"') for query in asked) == 1
