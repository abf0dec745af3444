"""What reviewers found, of the project and of each person: each number counted by hand."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable

import pytest

from annotator.models import Mask, MaskTiming, RejectReason, ReviewOutcome
from annotator.services.reviews import Decision, decide
from tests.cast import Browser, Cast, accepted_mask, make_image

Browsers = Callable[[str], Browser]


@pytest.fixture
def masks(cast: Cast) -> list[Mask]:
    """Three of Alice's and one of Bob's, each in an image of its own; Alice took 4, 8 and 30 s."""
    authors = (cast.alice, cast.alice, cast.alice, cast.bob)
    made = [accepted_mask(make_image(cast.project), author) for author in authors]
    for mask, seconds in zip(made, (4, 8, 30), strict=False):
        MaskTiming.objects.create(mask=mask, version=1, active_ms=1000.0 * seconds)
    return made


def review(cast: Cast, mask: Mask, reason: RejectReason | None = None) -> None:
    outcome = ReviewOutcome.REJECTED if reason else ReviewOutcome.ACCEPTED
    decide(mask=mask, decision=Decision(uuid.uuid4(), mask.version, outcome, reason), by=cast.carol)


def test_first_decisions_count_and_people_stand_by_name(
    browser: Browsers, cast: Cast, masks: list[Mask]
) -> None:
    review(cast, masks[0])
    review(cast, masks[1], RejectReason.MISSING_PART)
    review(cast, masks[1])  # the first decision is the one that tells of her work
    review(cast, masks[2], RejectReason.OTHER)
    review(cast, masks[2], RejectReason.OTHER)
    told = browser("carol").get(f"projects/{cast.project.id}/review-numbers").json()
    people = told.pop("people")
    assert told == {
        "num_reviewed": 3,
        "outcomes": {"accepted": 1, "fixed": 0, "rejected": 2},
        "reasons": [
            {"reason": "other", "num_rejections": 2},
            {"reason": "missing_part", "num_rejections": 1},
        ],
    }
    alice, bob = people
    assert alice == {
        "person": str(cast.alice.id),
        "name": "Alice",
        "num_masks": 3,
        "median_seconds_per_mask": 8.0,
        "num_reviewed": 3,
        "num_accepted": 1,
        "accepted_share": pytest.approx(1 / 3),
        "mean_fix_iou": None,
        "common_reason": "other",
    }
    assert (bob["name"], bob["accepted_share"], bob["common_reason"]) == ("Bob", None, "")


def test_people_are_a_table_without_formulas(
    browser: Browsers, cast: Cast, masks: list[Mask]
) -> None:
    cast.alice.display_name = "=1+1"
    cast.alice.save()
    review(cast, masks[0])
    reply = browser("carol").get(f"projects/{cast.project.id}/review-numbers/people.csv")
    assert reply.headers["Content-Disposition"] == 'attachment; filename="review-people.csv"'
    first, second = csv.DictReader(io.StringIO(reply.content.decode()))
    assert (first["name"], first["accepted_share"]) == ("'=1+1", "1.0")
    assert (second["name"], second["num_masks"], second["accepted_share"]) == ("Bob", "1", "")
