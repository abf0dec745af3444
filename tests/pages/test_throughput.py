"""The dashboard's numbers, each recomputed by hand."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from statistics import stdev

import pytest

from annotator.errors import Invalid
from annotator.models import AssignmentState, MaskState
from annotator.queries.image_counts import ImageCounts
from annotator.queries.project_summaries import project_summaries
from annotator.queries.scope import visible_projects
from annotator.queries.spread import Spread
from annotator.queries.throughput.endings import Endings, SkipReasonRow
from annotator.queries.throughput.forecast import extrapolate
from annotator.queries.throughput.latency import latency
from annotator.queries.throughput.period import period_of
from annotator.queries.throughput.work import Effort, Phases, Work
from tests.cast import Cast, make_embedding, make_image, make_model
from tests.pages.conftest import Visitors
from tests.pages.made_work import AREA, NOW, accepted, ended, given_up, numbers, phases

SUBMITTED, SKIPPED = AssignmentState.SUBMITTED, AssignmentState.SKIPPED


# ---- seconds per mask ----------------------------------------------------------------------------


def test_seconds_per_mask_are_the_median_and_the_ninth_tenth(cast: Cast) -> None:
    image = make_image(cast.project)
    for seconds in (10.0, 14.0, 20.0, 40.0):
        accepted(image, cast.alice, seconds)
    found = numbers(cast.project).whole.work
    # Of 10 14 20 40: halfway from 14 to 20; 0.7 of the way from 20 to 40.
    assert found.seconds_per_mask == Spread(median=17.0, p90=pytest.approx(34.0))
    assert (found.masks, found.timed_masks) == (4, 4)
    # Four masks in 84 active seconds.
    assert found.masks_per_active_hour == pytest.approx(4 * 3600 / 84)


def test_a_mask_that_was_refined_costs_all_its_time(cast: Cast) -> None:
    accepted(make_image(cast.project), cast.alice, 12.0, 5.0)
    found = numbers(cast.project).whole.work
    assert (found.masks, found.seconds_per_mask.median) == (1, 17.0)


def test_a_time_that_cannot_be_trusted_counts_the_mask_and_no_seconds(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 8.0)
    accepted(image, cast.alice, None)
    accepted(image, cast.alice, 3.0, None)
    accepted(image, cast.alice)
    found = numbers(cast.project).whole.work
    assert (found.masks, found.timed_masks, found.seconds_per_mask.median) == (4, 1, 8.0)
    assert found.active_s == 8.0


def test_only_accepted_masks_of_present_images_of_this_project_count(cast: Cast) -> None:
    image, removed = make_image(cast.project), make_image(cast.project)
    accepted(image, cast.alice, 9.0)
    accepted(image, cast.alice, 90.0, state=MaskState.DRAFT)
    accepted(image, cast.alice, 90.0, state=MaskState.DELETED)
    accepted(image, cast.alice, 90.0, given_up=True)
    accepted(make_image(cast.elsewhere), cast.mallory, 90.0)
    accepted(removed, cast.alice, 90.0)
    ended(removed, cast.alice, SUBMITTED)
    removed.deleted_at = NOW
    removed.save()
    found = numbers(cast.project)
    assert (found.masks, found.whole.work.masks, found.whole.given_up) == (1, 1, 1)
    assert found.whole.work.seconds_per_mask.p90 == 9.0
    assert found.whole.endings == Endings()
    assert sum(hour.masks for hour in found.hours) == 1


def test_people_are_told_apart_and_sorted_by_their_masks(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 30.0)
    accepted(image, cast.bob, 10.0)
    accepted(image, cast.bob, 16.0, ago=timedelta(minutes=1))
    ended(image, cast.bob, SUBMITTED, ago=timedelta(minutes=1))
    rows = numbers(cast.project).by_person
    assert [(row.name, row.line.work.masks, row.line.endings.submitted) for row in rows] == [
        ("Bob", 2, 1),
        ("Alice", 1, 0),
    ]
    assert rows[0].line.work.seconds_per_mask == Spread(median=13.0, p90=pytest.approx(15.4))
    assert rows[0].line.work.last_accepted_at == NOW - timedelta(minutes=1)


def test_days_are_days_in_utc_and_empty_ones_are_left_out(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 30.0, ago=timedelta(days=2))
    accepted(image, cast.alice, 20.0, ago=timedelta(hours=15, minutes=1))  # 23:59 the day before
    accepted(image, cast.alice, 10.0, ago=timedelta(hours=14, minutes=59))  # 00:01 today
    accepted(image, cast.alice, 99.0, ago=timedelta(days=31))
    rows = numbers(cast.project).by_day
    shown = [(str(row.day), row.line.work.masks, row.line.work.seconds_per_mask) for row in rows]
    assert shown == [
        ("2026-11-18", 1, Spread(30.0, 30.0)),
        ("2026-11-19", 1, Spread(20.0, 20.0)),
        ("2026-11-20", 1, Spread(10.0, 10.0)),
    ]


def test_a_period_begins_with_a_day_and_bounds_all_but_the_totals(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 10.0, ago=timedelta(days=6, hours=14))  # the seventh day, 01:00
    accepted(image, cast.alice, 50.0, ago=timedelta(days=6, hours=16))  # the eighth, 23:00
    ended(image, cast.alice, SUBMITTED, ago=timedelta(days=8))
    week, always = numbers(cast.project, days="7"), numbers(cast.project, days="all")
    assert (week.masks, week.whole.work.masks, week.whole.endings.submitted) == (2, 1, 0)
    assert (always.whole.work.masks, always.whole.endings.submitted) == (2, 1)
    assert (len(week.by_person), len(week.by_model), len(week.by_day)) == (1, 1, 1)
    with pytest.raises(Invalid):
        period_of("8", now=NOW)


def test_model_versions_are_told_apart_and_painting_needs_none(cast: Cast) -> None:
    image, first, second = make_image(cast.project), make_model(), make_model(promote=False)
    second.parent = first
    second.save()
    accepted(image, cast.alice, 14.0, model=second)
    accepted(image, cast.alice, 20.0, model=first)
    accepted(image, cast.alice, 34.0)
    rows = numbers(cast.project).by_model
    assert [(row.model_version, row.line.work.seconds_per_mask.median) for row in rows] == [
        (None, 34.0),
        (first.id, 20.0),
        (second.id, 14.0),
    ]
    assert [(row.name, row.retrainings) for row in rows] == [
        ("", 0),
        ("compact", 0),
        ("compact", 1),
    ]


# ---- where the time went, and what it took -------------------------------------------------------


def test_phases_are_shares_of_the_active_time_of_timed_masks(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 10.0, **phases(4.0, 3.0, 1.0, 2.0), idle_ms=60_000.0)
    accepted(image, cast.bob, 10.0, **phases(5.0, 1.0, 0.0, 4.0), idle_ms=30_000.0)
    accepted(image, cast.alice, None, num_points=40)
    found = numbers(cast.project)
    assert found.whole.work.phases == Phases(
        looking=pytest.approx(9 / 20),
        prompting=pytest.approx(4 / 20),
        waiting=pytest.approx(1 / 20),
        painting=pytest.approx(6 / 20),
    )
    assert (found.whole.work.active_s, found.whole.work.idle_s) == (20.0, 90.0)
    alice = found.by_person[0].line.work
    assert alice.phases == Phases(0.4, pytest.approx(0.3), 0.1, 0.2)


def test_effort_is_counted_per_timed_mask(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 9.0, num_points=3, num_boxes=1, num_candidate_switches=1)
    accepted(image, cast.alice, 9.0, 4.0, num_points=2, num_strokes=1, painted_px=20, erased_px=1)
    accepted(image, cast.alice, None, num_points=50, num_strokes=9)
    accepted(image, cast.alice, 1.0)
    # Of three timed masks; the second was accepted twice, each time with two clicks and a stroke of 21 pixels.
    assert numbers(cast.project).whole.work.effort == Effort(
        points=pytest.approx(7 / 3),
        boxes=pytest.approx(1 / 3),
        candidate_switches=pytest.approx(1 / 3),
        painted_masks=pytest.approx(1 / 3),
        painted_pixels=pytest.approx(42 / (3 * AREA)),
    )


def test_latency_is_over_every_decode_of_the_newest_masks_of_each_day(cast: Cast) -> None:
    image = make_image(cast.project)
    accepted(image, cast.alice, 9.0, decode_ms=[20.0, 30.0, 70.0, "odd"])
    accepted(image, cast.bob, 9.0, decode_ms=[40.0])
    accepted(image, cast.bob, 9.0, decode_ms=[300.0], ago=timedelta(days=1))
    found = numbers(cast.project)
    today = found.by_day[-1].line.latency
    assert (today.decodes, today.ms) == (4, Spread(median=35.0, p90=pytest.approx(61.0)))
    people = {row.name: row.line.latency for row in found.by_person}
    assert (people["Bob"].decodes, people["Bob"].ms.median) == (2, 170.0)
    assert (found.whole.latency.decodes, found.whole.latency.ms.median) == (5, 40.0)


def test_latency_leaves_out_what_a_day_has_beyond_its_newest_masks(cast: Cast) -> None:
    image = make_image(cast.project)
    for hours_ago, ms in ((9, 900.0), (2, 50.0), (1, 70.0)):
        accepted(image, cast.alice, 9.0, decode_ms=[ms], ago=timedelta(hours=hours_ago))
    found = latency(project=cast.project, days=[NOW.date()], masks_per_day=2).whole
    assert (found.decodes, found.ms.median) == (2, 60.0)


# ---- images and objects --------------------------------------------------------------------------


def test_masks_per_image_are_over_submitted_images(cast: Cast) -> None:
    submitted, open_one = make_image(cast.project), make_image(cast.project)
    first, second = make_model(), make_model(promote=False)
    for _ in range(3):
        accepted(submitted, cast.alice, 9.0, model=first)
    accepted(open_one, cast.alice, 9.0, model=second)
    given_up(submitted, cast.alice)
    ended(submitted, cast.alice, SUBMITTED, model=first)
    found = numbers(cast.project)
    assert found.whole.endings.masks_per_image == 3.0
    by_model = {row.model_version: row.line.endings.masks_per_image for row in found.by_model}
    assert by_model == {None: None, first.id: 3.0, second.id: None}


def test_given_up_and_skipped_are_rates_with_reasons(cast: Cast) -> None:
    images = [make_image(cast.project) for _ in range(5)]
    model = make_model()
    for _ in range(3):
        accepted(images[0], cast.alice, 9.0, model=model)
    given_up(images[0], cast.alice, model=model)
    ended(images[0], cast.alice, SUBMITTED)
    ended(images[1], cast.alice, SKIPPED, reason="unclear")
    ended(images[2], cast.bob, SKIPPED, reason="broken_image")
    ended(images[3], cast.bob, SKIPPED, reason="unclear")
    found = numbers(cast.project)
    assert (found.whole.given_up, found.whole.given_up_rate) == (1, 0.25)
    assert found.whole.endings.skip_rate == 0.75
    assert found.skip_reasons == [SkipReasonRow("unclear", 2), SkipReasonRow("broken_image", 1)]
    rates = {
        row.name: (row.line.given_up_rate, row.line.endings.skip_rate) for row in found.by_person
    }
    assert rates == {"Alice": (0.25, 0.5), "Bob": (None, 1.0)}


def test_hours_are_sixty_minutes_long_and_the_last_one_ends_now(cast: Cast) -> None:
    image, other = make_image(cast.project), make_image(cast.project)
    accepted(image, cast.alice, 9.0, ago=timedelta(0))
    accepted(image, cast.alice, 9.0, ago=timedelta(minutes=59))
    accepted(image, cast.bob, 9.0, ago=timedelta(minutes=61))
    accepted(image, cast.bob, 9.0, ago=timedelta(hours=48))
    ended(image, cast.alice, SUBMITTED, ago=timedelta(minutes=59))
    ended(other, cast.bob, SKIPPED, ago=timedelta(minutes=59))
    found = numbers(cast.project).hours
    assert (len(found), found[-1].until) == (48, NOW)
    assert [(hour.masks, hour.images, hour.people) for hour in found[-3:]] == [
        (0, 0, 0),
        (1, 0, 1),
        (2, 1, 1),
    ]
    assert sum(hour.masks for hour in found) == 3


def test_images_left_and_the_forecast(cast: Cast) -> None:
    model = make_model()
    images = [make_image(cast.project) for _ in range(9)]
    for image in images[:5]:
        make_embedding(image, model)
    ended(images[0], cast.alice, SUBMITTED, ago=timedelta(days=4))
    ended(images[1], cast.alice, SUBMITTED, ago=timedelta(days=2))
    ended(images[2], cast.alice, SKIPPED, ago=timedelta(days=1))
    found = numbers(cast.project)
    assert found.images == ImageCounts(
        total=9, waiting=4, ready=2, in_progress=0, submitted=2, skipped=1
    )
    # Six are left; three in four days (0, 1, 1, 1 from now backwards) make eight days.
    assert (found.images.left, found.forecast.days_left) == (6, pytest.approx(8.0))
    off = 1.2816 * stdev([0, 1, 1, 1]) / 0.75 * (8 + 8 * 8 / 4) ** 0.5
    assert found.forecast.low == pytest.approx(8 - off)
    assert found.forecast.high == pytest.approx(8 + off)


def test_a_forecast_looks_at_two_weeks_and_counts_their_empty_days(cast: Cast) -> None:
    images = [make_image(cast.project) for _ in range(4)]
    ended(images[0], cast.alice, SUBMITTED, ago=timedelta(days=40))
    ended(images[1], cast.alice, SUBMITTED, ago=timedelta(days=1))
    found = numbers(cast.project).forecast
    assert (found.days_seen, found.images_per_day) == (14, pytest.approx(1 / 14))
    assert found.days_left == pytest.approx(28.0)


def test_a_forecast_says_nothing_that_it_cannot_know() -> None:
    assert extrapolate(5, [0]).days_left is None
    too_early = extrapolate(5, [3, 2])
    assert (too_early.days_left, too_early.low, too_early.high) == (2.0, None, None)
    steady = extrapolate(30, [3] * 14)
    assert (steady.low, steady.days_left, steady.high) == (10.0, 10.0, 10.0)
    assert extrapolate(0, [0]).days_left == 0.0
    assert extrapolate(9, [9, 0, 0]).low == 0.0


def test_a_project_without_masks_has_no_numbers_but_zeroes(cast: Cast) -> None:
    found = numbers(cast.project)
    assert (found.masks, found.whole.work, found.whole.endings) == (0, Work(), Endings())
    assert found.whole.latency.ms == Spread(None, None)
    assert (found.whole.work.masks_per_active_hour, found.forecast.days_left) == (None, 0.0)
    assert found.by_person == found.by_day == found.by_model == found.skip_reasons == []
    assert {hour.masks for hour in found.hours} == {0}


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
    reply = visitor("carol").get(f"{path}?days=all").json()
    assert (reply["masks"], reply["days"], reply["images"]["left"]) == (1, None, 1)
    (person,) = reply["by_person"]
    assert (person["name"], person["median_seconds_per_mask"]) == ("Alice", 9.0)
    assert person["looking_share"] == 1.0
    statuses = {who: visitor(who).get(path).status_code for who in ("alice", "mallory", "nobody")}
    assert statuses == {"alice": 403, "mallory": 404, "nobody": 401}
    assert visitor("carol").get(f"{path}?days=8").status_code == 422
    assert visitor("carol").get(f"{path}?weeks=8").status_code == 400


def test_each_table_has_its_csv_with_the_same_numbers(visitor: Visitors, cast: Cast) -> None:
    image, model = make_image(cast.project), make_model()
    accepted(image, cast.alice, 9.0, model=model, num_points=2, decode_ms=[80.0])
    ended(image, cast.alice, SUBMITTED, model=model)
    ended(make_image(cast.project), cast.alice, SKIPPED, reason="other")

    def rows(table: str) -> list[dict[str, str]]:
        path = f"/api/v1/projects/{cast.project.id}/throughput/{table}.csv?days=all"
        reply = visitor("carol").get(path)
        assert reply.headers["Content-Disposition"] == f'attachment; filename="{table}.csv"'
        return list(csv.DictReader(io.StringIO(reply.text)))

    (person,) = rows("people")
    assert (person["person"], person["median_seconds_per_mask"]) == ("Alice", "9.0")
    assert [row["masks_per_image"] for row in rows("models")] == ["", "1.0"]
    assert len(rows("hours")) == 48
    assert len(rows("days")) == 1
    assert [(row["submitted"], row["skipped"], row["left"]) for row in rows("images")] == [
        ("1", "1", "0")
    ]
    assert rows("skip-reasons") == [{"reason": "other", "images": "1"}]
    parts = ["all", "model_version", "model_version", "person", "day"]
    for table, column, expected in (
        ("phases", "looking_share", ["1.0", "", "1.0", "1.0", ""]),
        ("effort", "points_per_mask", ["2.0", "", "2.0", "2.0", ""]),
        ("endings", "skip_rate", ["0.5", "1.0", "0.0", "0.5", "0.5"]),
        ("latency", "median_decode_ms", ["80.0", "", "80.0", "80.0", ""]),
    ):
        assert [row["part"] for row in rows(table)] == parts
        assert [row[column] for row in rows(table)][:4] == expected[:4]
    unknown = visitor("carol").get(f"/api/v1/projects/{cast.project.id}/throughput/salaries.csv")
    assert unknown.status_code == 404


def test_a_name_in_a_csv_is_no_formula(visitor: Visitors, cast: Cast) -> None:
    cast.alice.display_name = '=HYPERLINK("x")'
    cast.alice.save()
    accepted(make_image(cast.project), cast.alice, 9.0)
    path = f"/api/v1/projects/{cast.project.id}/throughput/people.csv?days=all"
    heading, row = csv.reader(io.StringIO(visitor("carol").get(path).text))
    assert heading[:2] == ["person", "masks"]
    assert row[:2] == ['\'=HYPERLINK("x")', "1"]
