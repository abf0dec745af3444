"""Statistics of a data set, each number worked out again by hand or by another library."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from scipy.spatial import ConvexHull

from annotator.models import (
    Image,
    Job,
    JobKind,
    JobState,
    Mask,
    MaskOrigin,
    MaskState,
    ModelVersion,
    RejectReason,
    Review,
    ReviewOutcome,
    Round,
)
from annotator.services.mask_checks import check_due_masks
from tests.cast import (
    HEIGHT,
    WIDTH,
    Browser,
    Cast,
    accepted_mask,
    asymmetric_mask,
    make_image,
    make_model,
)

Browsers = Callable[[str], Browser]
AREA = int(asymmetric_mask().sum())
SIZE = (AREA / (WIDTH * HEIGHT)) ** 0.5


def read(browser: Browsers, cast: Cast, query: str = "") -> dict:
    reply = browser("carol").get(f"projects/{cast.project.id}/statistics{query}")
    assert reply.status_code == 200, reply.content
    return reply.json()


def filled(bins: list[dict]) -> list[tuple[float, int]]:
    return [(one["low"], one["count"]) for one in bins if one["count"]]


def hull_of_pixels() -> float:
    rows, columns = np.nonzero(asymmetric_mask())
    corners = [np.stack((columns + x, rows + y), axis=1) for x in (0, 1) for y in (0, 1)]
    return float(ConvexHull(np.concatenate(corners)).volume)


def test_every_number_is_what_hands_work_out(browser: Browsers, cast: Cast) -> None:
    image, large = make_image(cast.project), make_image(cast.project, width=100, height=60)
    for _ in range(11):
        accepted_mask(image, cast.alice)
    accepted_mask(large, cast.bob)
    make_image(cast.project)  # without masks: no bar
    told = read(browser, cast)
    assert (told["masks"], told["images"]) == (12, 2)
    per_image = told["masks_per_image"]
    assert per_image["mean"] == 6.0
    assert filled(per_image["bins"]) == [(1, 1), (11, 1)]
    assert per_image["bins"][-1]["high"] is None
    small = (AREA / 6000) ** 0.5
    assert told["relative_size"]["mean"] == pytest.approx((11 * SIZE + small) / 12)
    bins = told["relative_size"]["bins"]
    assert [one["count"] for one in bins if one["low"] <= SIZE < one["high"]] == [11]
    assert [one["share"] for one in bins if one["low"] <= small < one["high"]] == [1 / 12]
    # Box 4, 3, 21, 17 in 37 × 23: its centre at (0.338, 0.435), in 100 × 60 at (0.125, 0.167).
    cells = {
        (row, column): count
        for row, counts in enumerate(told["centres"])
        for column, count in enumerate(counts)
        if count
    }
    assert cells == {(6, 5): 11, (2, 2): 1}


def test_concavity_comes_from_the_checks_and_only_of_the_very_pixels(
    browser: Browsers, cast: Cast
) -> None:
    image = make_image(cast.project)
    _, second = (accepted_mask(image, cast.alice) for _ in range(2))
    nothing = read(browser, cast)["concavity"]
    assert (nothing["count"], nothing["mean"], filled(nothing["bins"])) == (0, None, [])
    assert check_due_masks() == 2
    measured = read(browser, cast)["concavity"]
    expected = 1 - AREA / hull_of_pixels()
    assert 0.3 < expected < 0.6
    assert (measured["count"], measured["mean"]) == (2, pytest.approx(expected))
    Mask.objects.filter(id=second.id).update(counts_sha256="0" * 64)
    assert read(browser, cast)["concavity"]["count"] == 1


def test_what_is_not_in_the_data_set_does_not_count(browser: Browsers, cast: Cast) -> None:
    image, gone = make_image(cast.project), make_image(cast.project)
    Mask.objects.filter(id=accepted_mask(image, cast.alice).id).update(state=MaskState.DRAFT)
    accepted_mask(image, cast.alice, given_up=True)
    accepted_mask(gone, cast.alice)
    Image.objects.filter(id=gone.id).update(deleted_at=timezone.now())
    accepted_mask(make_image(cast.elsewhere), cast.mallory)
    rejected = accepted_mask(image, cast.alice)
    Review.objects.create(
        decision_id=uuid.uuid4(),
        mask=rejected,
        version=rejected.version,
        counts_sha256=rejected.counts_sha256,
        outcome=ReviewOutcome.REJECTED,
        reason=RejectReason.NOT_AN_OBJECT,
        reviewer=cast.carol,
    )
    imported = accepted_mask(image, cast.alice)
    Mask.objects.filter(id=imported.id).update(origin=MaskOrigin.IMPORTED, author=None)
    assert read(browser, cast)["masks"] == 1


def a_round(cast: Cast, model: ModelVersion, number: int, ago: timedelta, state: JobState) -> None:
    job = Job.objects.create(kind=JobKind.TRAIN, subject=f"round {number}", state=state)
    Job.objects.filter(id=job.id).update(created_at=timezone.now() - ago)
    Round.objects.create(
        project=cast.project,
        number=number,
        job=job,
        snapshot_key="snapshots/none.jsonl",
        num_images=1,
        num_masks=1,
        base=model,
    )


def test_a_round_has_what_was_accepted_since_the_one_before(browser: Browsers, cast: Cast) -> None:
    image, model = make_image(cast.project), make_model()
    for number, hours, state in (
        (1, 30, JobState.DONE),
        (2, 20, JobState.FAILED),
        (3, 10, JobState.DONE),
    ):
        a_round(cast, model, number, timedelta(hours=hours), state)
    for hours in (40, 25, 15, 5):
        mask = accepted_mask(image, cast.alice)
        accepted_at = timezone.now() - timedelta(hours=hours)
        Mask.objects.filter(id=mask.id).update(accepted_at=accepted_at)
    assert read(browser, cast, "?round=1")["masks"] == 1
    assert read(browser, cast, "?round=3")["masks"] == 2
    assert read(browser, cast)["masks"] == 4
    path = f"projects/{cast.project.id}/statistics"
    statuses = {
        word: browser("carol").get(f"{path}?round={word}").status_code
        for word in ("2", "9", "0", "-1", "one", "99999999999")
    }
    assert statuses == {"2": 422, "9": 422, "0": 400, "-1": 400, "one": 400, "99999999999": 400}


def test_each_chart_is_a_table(browser: Browsers, cast: Cast) -> None:
    accepted_mask(make_image(cast.project), cast.alice)
    path = f"projects/{cast.project.id}/statistics"
    lines = {
        chart: browser("carol").get(f"{path}/{chart}.csv").content.decode().splitlines()
        for chart in ("masks-per-image", "relative-size", "concavity", "centres")
    }
    assert {chart: len(found) - 1 for chart, found in lines.items()} == {
        "masks-per-image": 5,
        "relative-size": 20,
        "concavity": 20,
        "centres": 256,
    }
    assert lines["masks-per-image"][:2] == ["low,high,count,share", "1,10,1,1.0"]
    assert "0.3125,0.375,1,1.0" in lines["centres"]
    assert browser("carol").get(f"{path}/secrets.csv").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_masks(browser: Browsers, cast: Cast) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            accepted_mask(make_image(cast.project), cast.alice)
        with CaptureQueriesContext(connection) as asked:
            read(browser, cast)
        counts.append(len(asked))
    assert counts[0] == counts[1]
