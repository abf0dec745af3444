"""The dashboard's numbers, each recomputed by hand."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from annotator.models import (
    Assignment,
    AssignmentState,
    Image,
    Mask,
    MaskState,
    MaskTiming,
    ModelVersion,
    Person,
)
from annotator.queries.image_counts import ImageCounts
from annotator.queries.project_summaries import project_summaries
from annotator.queries.scope import visible_projects
from annotator.queries.spread import Spread, percentile
from annotator.queries.throughput import throughput
from common import rle
from tests.cast import Cast, asymmetric_mask, counts, make_embedding, make_image, make_model
from tests.pages.conftest import Visitors

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def accepted(
    image: Image,
    author: Person,
    *active_s: float | None,
    ago: timedelta = timedelta(minutes=5),
    state: MaskState = MaskState.ACCEPTED,
    given_up: bool = False,
    model: ModelVersion | None = None,
    decode_ms: tuple[float, ...] = (),
) -> Mask:
    """A mask with one timing row per given number of active seconds (None: not to be trusted)."""
    encoded = counts()
    mask = Mask.objects.create(
        id=uuid.uuid4(),
        image=image,
        author=author,
        order_index=0,
        state=state,
        counts=encoded,
        counts_sha256=rle.counts_sha256(encoded),
        area=int(asymmetric_mask().sum()),
        box=[4, 3, 21, 17],
        given_up=given_up,
        model_version=model,
        accepted_at=NOW - ago,
    )
    for version, seconds in enumerate(active_s, start=1):
        MaskTiming.objects.create(
            mask=mask,
            version=version,
            active_ms=None if seconds is None else seconds * 1000.0,
            decode_ms=list(decode_ms),
        )
    return mask


def ended(image: Image, person: Person, state: AssignmentState, *, ago: timedelta) -> None:
    Assignment.objects.create(
        image=image,
        annotator=person,
        state=state,
        skip_reason="unclear" if state == AssignmentState.SKIPPED else "",
        leased_at=NOW - ago - timedelta(hours=1),
        expires_at=NOW - ago + timedelta(hours=1),
        ended_at=NOW - ago,
    )


def test_seconds_per_mask_are_the_median_and_the_ninth_tenth(cast: Cast) -> None:
    image = make_image(cast.project)
    for seconds in (10.0, 14.0, 20.0, 40.0):
        accepted(image, cast.alice, seconds)
    found = throughput(project=cast.project, now=NOW)
    # Of 10 14 20 40: halfway from 14 to 20; 0.7 of the way from 20 to 40.
    assert found.seconds_per_mask == Spread(median=17.0, p90=pytest.approx(34.0))
    assert (found.masks, found.timed_masks) == (4, 4)
    # Four masks in 84 active seconds.
    assert found.masks_per_active_hour == pytest.approx(4 * 3600 / 84)


def test_a_mask_that_was_refined_costs_all_its_time(cast: Cast) -> None:
    accepted(make_image(cast.project), cast.alice, 12.0, 5.0)
    found = throughput(project=cast.project, now=NOW)
    assert (found.masks, found.seconds_per_mask.median) == (1, 17.0)


def test_a_time_that_cannot_be_trusted_counts_the_mask_and_no_seconds(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 8.0)
    accepted(image, cast.alice, None)
    accepted(image, cast.alice, 3.0, None)
    accepted(image, cast.alice)
    found = throughput(project=cast.project, now=NOW)
    assert (found.masks, found.timed_masks, found.seconds_per_mask.median) == (4, 1, 8.0)


def test_only_accepted_masks_of_present_images_of_this_project_count(cast: Cast) -> None:
    image, removed = make_image(cast.project), make_image(cast.project)
    accepted(image, cast.alice, 9.0)
    accepted(image, cast.alice, 90.0, state=MaskState.DRAFT)
    accepted(image, cast.alice, 90.0, state=MaskState.DELETED)
    accepted(image, cast.alice, 90.0, given_up=True)
    accepted(make_image(cast.elsewhere), cast.mallory, 90.0)
    accepted(removed, cast.alice, 90.0)
    removed.deleted_at = NOW
    removed.save()
    found = throughput(project=cast.project, now=NOW)
    assert (found.masks, found.given_up, found.seconds_per_mask.p90) == (1, 1, 9.0)


def test_the_last_hour_ends_now_and_is_an_hour_long(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 9.0, ago=timedelta(minutes=59))
    accepted(image, cast.bob, 9.0, ago=timedelta(minutes=61))
    found = throughput(project=cast.project, now=NOW)
    assert (found.masks, found.masks_per_hour) == (2, 1)
    by_name = {row.name: row for row in found.people}
    assert (by_name["Alice"].masks_last_hour, by_name["Bob"].masks_last_hour) == (1, 0)


def test_people_are_told_apart_and_sorted_by_their_masks(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 30.0)
    accepted(image, cast.bob, 10.0)
    accepted(image, cast.bob, 16.0, ago=timedelta(minutes=1))
    ended(image, cast.bob, AssignmentState.SUBMITTED, ago=timedelta(minutes=1))
    rows = throughput(project=cast.project, now=NOW).people
    assert [(row.name, row.masks, row.images_submitted) for row in rows] == [
        ("Bob", 2, 1),
        ("Alice", 1, 0),
    ]
    assert rows[0].seconds_per_mask == Spread(median=13.0, p90=pytest.approx(15.4))
    assert rows[0].last_accepted_at == NOW - timedelta(minutes=1)


def test_days_are_days_in_utc_and_empty_ones_are_left_out(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 30.0, ago=timedelta(days=2))
    accepted(image, cast.alice, 20.0, ago=timedelta(hours=15, minutes=1))  # 23:59 the day before
    accepted(image, cast.alice, 10.0, ago=timedelta(hours=14, minutes=59))  # 00:01 today
    accepted(image, cast.alice, 99.0, ago=timedelta(days=31))
    rows = throughput(project=cast.project, now=NOW).by_day
    assert [(row.day.isoformat(), row.masks, row.seconds_per_mask.median) for row in rows] == [
        ("2026-11-18", 1, 30.0),
        ("2026-11-19", 1, 20.0),
        ("2026-11-20", 1, 10.0),
    ]


def test_model_versions_are_told_apart_and_painting_needs_none(cast: Cast) -> None:
    image, model = make_image(cast.project), make_model()
    accepted(image, cast.alice, 14.0, model=model)
    accepted(image, cast.alice, 34.0)
    rows = throughput(project=cast.project, now=NOW).by_model
    assert {(row.name, row.seconds_per_mask.median) for row in rows} == {
        ("compact", 14.0),
        ("", 34.0),
    }


def test_latency_is_over_every_decode_of_the_newest_masks(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 9.0, decode_ms=(20.0, 30.0, 70.0))
    accepted(image, cast.alice, 9.0, decode_ms=(40.0,))
    found = throughput(project=cast.project, now=NOW)
    assert found.latency_count == 4
    assert found.latency_ms == Spread(median=35.0, p90=pytest.approx(61.0))


def test_images_left_and_the_forecast(cast: Cast) -> None:
    model = make_model()
    images = [make_image(cast.project) for _ in range(9)]
    for image in images[:5]:
        make_embedding(image, model)
    ended(images[0], cast.alice, AssignmentState.SUBMITTED, ago=timedelta(days=4))
    ended(images[1], cast.alice, AssignmentState.SUBMITTED, ago=timedelta(days=2))
    ended(images[2], cast.alice, AssignmentState.SKIPPED, ago=timedelta(days=1))
    found = throughput(project=cast.project, now=NOW)
    assert found.images == ImageCounts(
        total=9, waiting=4, ready=2, in_progress=0, submitted=2, skipped=1
    )
    # Six are left; two in four days make twelve days.
    assert (found.images.left, found.days_left) == (6, pytest.approx(12.0))


def test_masks_per_image_are_over_submitted_images(cast: Cast) -> None:
    submitted, open_one = make_image(cast.project), make_image(cast.project)
    for _ in range(3):
        accepted(submitted, cast.alice, 9.0)
    accepted(open_one, cast.alice, 9.0)
    ended(submitted, cast.alice, AssignmentState.SUBMITTED, ago=timedelta(hours=1))
    assert throughput(project=cast.project, now=NOW).masks_per_submitted_image == 3.0


def test_a_project_without_masks_has_no_numbers_but_zeroes(cast: Cast) -> None:
    found = throughput(project=cast.project, now=NOW)
    assert (found.masks, found.masks_per_hour, found.timed_masks) == (0, 0, 0)
    assert found.seconds_per_mask == found.latency_ms == Spread(None, None)
    assert (found.masks_per_active_hour, found.days_left) == (None, None)
    assert found.people == found.by_day == found.by_model == []


def test_percentile_agrees_with_the_database(cast: Cast) -> None:
    image = make_image(cast.project)
    numbers = [3.0, 3.5, 8.0, 21.0, 22.0, 60.0]
    for seconds in numbers:
        accepted(image, cast.alice, seconds)
    found = throughput(project=cast.project, now=NOW).seconds_per_mask
    assert found.median == pytest.approx(percentile(numbers, 0.5))
    assert found.p90 == pytest.approx(percentile(numbers, 0.9))
    assert percentile([], 0.5) is None


def test_summaries_show_each_person_their_role(cast: Cast) -> None:
    accepted(make_image(cast.project), cast.alice, 9.0)
    for person, role in ((cast.alice, "annotator"), (cast.carol, "manager"), (cast.dan, "admin")):
        summaries = project_summaries(person=person, projects=visible_projects(person))
        first = next(one for one in summaries if one.project == cast.project)
        assert (first.role, first.masks, first.images.total) == (role, 1, 1)


# ---- over HTTP -----------------------------------------------------------------------------------


def test_managers_read_the_numbers_and_nobody_else(visitor: Visitors, cast: Cast) -> None:
    accepted(make_image(cast.project), cast.alice, 9.0)
    path = f"/api/v1/projects/{cast.project.id}/throughput"
    reply = visitor("carol").get(path).json()
    assert reply["masks"] == 1
    assert reply["images"]["left"] == 1
    assert reply["people"][0]["seconds_per_mask"] == {"median": 9.0, "p90": 9.0}
    statuses = {who: visitor(who).get(path).status_code for who in ("alice", "mallory", "nobody")}
    assert statuses == {"alice": 403, "mallory": 404, "nobody": 401}


def test_the_csv_has_the_same_numbers_and_no_formulas(visitor: Visitors, cast: Cast) -> None:
    cast.alice.display_name = '=HYPERLINK("x")'
    cast.alice.save()
    accepted(make_image(cast.project), cast.alice, 9.0)
    reply = visitor("carol").get(f"/api/v1/projects/{cast.project.id}/throughput.csv")
    heading, row = csv.reader(io.StringIO(reply.text))
    assert heading[:2] == ["person", "masks"]
    assert row[:2] == ['\'=HYPERLINK("x")', "1"]
    assert row[3:5] == ["9.0", "9.0"]
