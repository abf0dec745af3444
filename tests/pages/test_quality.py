"""The quality page: each number recomputed by hand, and beginning an audit."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from annotator.models import (
    Agreement,
    Image,
    Mask,
    MaskAudit,
    MaskTiming,
    Person,
    Project,
    RejectReason,
    Review,
    ReviewOutcome,
)
from annotator.queries import mask_checks
from annotator.queries.agreements import Scores
from annotator.queries.quality import PersonQuality, people_quality, review_totals
from annotator.services.reviews import Decision, decide
from annotator.views.quality import worth_a_talk
from annotator.views.scatter import DOT, GAP, LETTER, LINE, dots_of
from tests.api.test_references import scored
from tests.cast import Cast, accepted_mask, make_image
from tests.pages.conftest import Visitors


@pytest.fixture
def masks(cast: Cast) -> list[Mask]:
    """Three of Alice's, one of Bob's, each in an image of its own; Alice took 4, 8 and 30 s."""
    made = [
        accepted_mask(make_image(cast.project), author)
        for author in (cast.alice, cast.alice, cast.alice, cast.bob)
    ]
    for mask, seconds in zip(made, (4, 8, 30), strict=False):
        MaskTiming.objects.create(mask=mask, version=1, active_ms=1000.0 * seconds)
    return made


def review(cast: Cast, mask: Mask, reason: RejectReason | None = None) -> None:
    outcome = ReviewOutcome.REJECTED if reason else ReviewOutcome.ACCEPTED
    decision = Decision(uuid.uuid4(), mask.version, outcome, reason)
    decide(mask=mask, decision=decision, by=cast.carol)


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_people_stand_by_name_with_what_was_right_at_first_sight(
    cast: Cast, masks: list[Mask]
) -> None:
    review(cast, masks[0])
    for iou in (0.9, 0.7):
        Review.objects.create(
            decision_id=uuid.uuid4(),
            mask=masks[0],
            version=2,
            counts_sha256="f" * 64,
            outcome=ReviewOutcome.FIXED,
            fixed_version=1,
            iou=iou,
            reviewer=cast.carol,
        )
    review(cast, masks[1], RejectReason.MISSING_PART)
    review(cast, masks[1])  # the first decision is the one that tells of her work
    review(cast, masks[2], RejectReason.OTHER)
    review(cast, masks[2], RejectReason.OTHER)
    alice, bob = people_quality(cast.project)
    told = (alice.name, alice.num_masks, alice.num_reviewed, alice.num_accepted)
    assert told == ("Alice", 3, 3, 1)
    assert (alice.median_seconds, alice.share) == (8.0, pytest.approx(1 / 3))
    assert (alice.common_reason, alice.is_sure) == ("other", False)
    assert (alice.fix_iou, bob.fix_iou) == (pytest.approx(0.8), None)
    assert (bob.name, bob.share, bob.median_seconds) == ("Bob", None, None)
    totals = review_totals(cast.project)
    assert totals.outcomes == {"accepted": 1, "fixed": 0, "rejected": 2}
    assert totals.reasons == [("other", 2), ("missing_part", 1)]


def test_the_page_shows_the_numbers_and_leads_to_the_masks(
    visitor: Visitors, cast: Cast, masks: list[Mask]
) -> None:
    review(cast, masks[0], RejectReason.TOO_MUCH)
    Mask.objects.filter(id=masks[3].id).update(area=5)
    page = visitor("carol").get(f"/projects/{cast.project.id}/quality")
    assert page.status_code == 200
    base = f"/projects/{cast.project.id}/review?state=any"
    assert f'href="{base}&amp;check=empty"' in page.text
    assert f'href="{base}&amp;author={cast.alice.id}"' in page.text
    shown = text_of(page.text)
    assert "Alice 3 8.0 1 0 % few yet – It covers too much" in shown
    assert "Bob 1 – 0 – – –" in shown
    assert f'href="/api/v1/projects/{cast.project.id}/review-numbers/people.csv"' in page.text
    assert "Hardly any pixels fewer than 16 pixels 1" in shown
    assert 'cx="505.6"' in page.text and 'cy="236.0"' in page.text, "8 of 10 s, 0 %"


def test_an_empty_project_has_a_quality_page_too(visitor: Visitors, cast: Cast) -> None:
    shown = text_of(visitor("carol").get(f"/projects/{cast.project.id}/quality").text)
    assert "Nobody has reviewed a mask yet." in shown
    assert "Nobody has accepted a mask yet." in shown


def test_an_audit_is_begun_on_the_page(visitor: Visitors, cast: Cast, masks: list[Mask]) -> None:
    path = f"/projects/{cast.project.id}/quality/audits"
    begun = visitor("carol").post(path, {"num_images": "3", "seed": "5"})
    audit = MaskAudit.objects.get()
    assert begun["Location"] == f"/projects/{cast.project.id}/review?audit={audit.id}"
    assert (audit.num_images, audit.seed, audit.masks.count()) == (3, 5, 3)
    sampled = list(Mask.objects.filter(audited__audit=audit))
    review(cast, sampled[0])
    review(cast, sampled[1], RejectReason.NOT_AN_OBJECT)
    shown = text_of(visitor("carol").get(f"/projects/{cast.project.id}/quality").text)
    assert "5 3 2 of 3 50 % (0 to 100) 50 % (0 to 100) 0.500 Go on" in shown


@pytest.mark.parametrize(
    ("who", "form", "status"),
    [
        ("carol", {"num_images": "many", "seed": "5"}, 422),
        ("carol", {"num_images": "3"}, 422),
        ("carol", {"num_images": "3", "seed": "5"}, 409),
        ("alice", {"num_images": "3", "seed": "5"}, 403),
        ("mallory", {"num_images": "3", "seed": "5"}, 404),
    ],
)
def test_what_cannot_be_begun_says_why(
    visitor: Visitors, cast: Cast, who: str, form: dict[str, str], status: int
) -> None:
    reply = visitor(who).post(f"/projects/{cast.project.id}/quality/audits", form)
    assert reply.status_code == status
    assert not MaskAudit.objects.exists()


def test_scores_on_reference_images_stand_by_name(
    visitor: Visitors, cast: Cast, masks: list[Mask]
) -> None:
    scored(masks[3].image, cast.alice)
    path = f"/projects/{cast.project.id}/quality"
    shown = text_of(visitor("carol").get(path).text)
    assert "None is marked yet" in shown
    assert "Alice 1 few yet 2 of 2 1 0.75 0.50 –" in shown
    mine = f"/projects/{cast.project.id}/my-scores"
    assert visitor("alice").get(mine).status_code == 404
    form = {"reference_every": "6", "shows_reference_scores": "on"}
    assert visitor("carol").post(f"{path}/references", form).status_code == 302
    project = Project.objects.get(id=cast.project.id)
    assert (project.reference_every, project.shows_reference_scores) == (6, True)
    page = visitor("alice").get(mine)
    assert f"{masks[3].image.name} " in text_of(page.text)
    assert "2 of 2 1 0.75 0.50" in text_of(page.text)
    assert "Nothing yet" in visitor("bob").get(mine).text
    assert visitor("mallory").get(mine).status_code == 404
    visitor("carol").post(f"{path}/references", {"reference_every": "6"})
    assert visitor("alice").get(mine).status_code == 404, "not shown any more"


@pytest.mark.parametrize(
    ("who", "every", "status"),
    [("carol", "1", 422), ("carol", "often", 422), ("alice", "5", 403), ("mallory", "5", 404)],
)
def test_how_often_references_come_is_checked(
    visitor: Visitors, cast: Cast, who: str, every: str, status: int
) -> None:
    path = f"/projects/{cast.project.id}/quality/references"
    assert visitor(who).post(path, {"reference_every": every}).status_code == status
    assert Project.objects.get(id=cast.project.id).reference_every == 0


@pytest.mark.parametrize(
    ("counts", "edge", "word"),
    [
        ((8, 2, 0), 0.9, "left out"),
        ((10, 0, 3), 0.9, "what counts as an object"),
        ((10, 0, 1), 0.5, "edges"),
        ((10, 1, 1), 0.8, ""),
        ((0, 0, 0), None, ""),
    ],
)
def test_what_stands_out_is_worth_a_talk(
    counts: tuple[int, int, int], edge: float | None, word: str
) -> None:
    said = worth_a_talk(Scores(5, *counts, mean_iou=edge, mean_boundary_iou=edge))
    assert (word in said) if word else said == ""


def agreed(image: Image, who: Person, other: Person, *, iou: float, weeks_ago: int) -> None:
    """Both masked the image: one object each alike, and one that only the first has."""
    scored(image, who)
    Agreement.objects.filter(annotator=who, other=image).update(
        other_annotator=other,
        num_matched=1,
        mean_iou=iou,
        mean_boundary_iou=iou,
        handed_in_at=datetime(2026, 11, 18, tzinfo=UTC) - timedelta(weeks=weeks_ago),
    )


def test_agreement_is_a_matrix_and_lines_over_weeks(
    visitor: Visitors, cast: Cast, masks: list[Mask]
) -> None:
    path = f"/projects/{cast.project.id}/quality"
    assert "CSV of pairs" not in visitor("carol").get(path).text
    agreed(masks[0].image, cast.bob, cast.alice, iou=0.5, weeks_ago=2)
    agreed(masks[1].image, cast.carol, cast.alice, iou=0.75, weeks_ago=0)
    page = visitor("carol").get(path).text
    shown = text_of(page)
    cells = "0.50 edges 0.50 33 % alone 1 image", "0.75 edges 0.75 33 % alone 1 image"
    assert f"Alice Bob Carol Alice {cells[0]} {cells[1]} Bob {cells[0]} Carol {cells[1]}" in shown
    assert "2 Nov 2026 1 0.50 0.50 33 % 16 Nov 2026 1 0.75 0.75 33 %" in shown
    assert 'points="48.0,96.0 560.0,56.0"' in page
    assert 'y="56.0" dx="8" dy="4">IoU' in page and 'y="70.0" dx="8" dy="4">edges' in page
    assert f"/api/v1/projects/{cast.project.id}/agreement/weeks.csv" in page


@pytest.mark.parametrize(
    ("who", "form", "status"),
    [
        ("carol", {"agreement_percent": "10", "agreement_people": "3"}, 302),
        ("carol", {"agreement_percent": "101", "agreement_people": "3"}, 422),
        ("carol", {"agreement_percent": "10", "agreement_people": "1"}, 422),
        ("alice", {"agreement_percent": "10", "agreement_people": "3"}, 403),
        ("mallory", {"agreement_percent": "10", "agreement_people": "3"}, 404),
    ],
)
def test_how_many_mask_the_same_images_is_checked(
    visitor: Visitors, cast: Cast, who: str, form: dict[str, str], status: int
) -> None:
    path = f"/projects/{cast.project.id}/quality/agreement"
    assert visitor(who).post(path, form).status_code == status
    project = Project.objects.get(id=cast.project.id)
    wanted = (10, 3) if status == 302 else (0, 2)
    assert (project.agreement_percent, project.agreement_people) == wanted


def one_of_many(number: int, seconds: float) -> PersonQuality:
    return PersonQuality(
        person=uuid.UUID(int=number),
        name=f"Person {number}",
        num_masks=5000,
        num_reviewed=1000,
        num_accepted=900,
        median_seconds=seconds,
        common_reason="",
        fix_iou=None,
    )


def test_names_of_people_who_are_alike_do_not_cover_each_other() -> None:
    people = [one_of_many(number, 15 + 0.2 * number) for number in range(12)]
    _, dots = dots_of(people)
    labels = [(dot.label, LETTER * len(dot.person.name)) for dot in dots if dot.label]
    assert len(dots) == 12 and len(labels) >= 5
    boxes = [(label.x - width * (label.anchor == "end"), width, label.y) for label, width in labels]
    for place, (left, width, middle) in enumerate(boxes):
        for other_left, other_width, other_middle in boxes[:place]:
            is_apart = left >= other_left + other_width or other_left >= left + width
            assert is_apart or abs(middle - other_middle) >= LINE


def test_a_name_is_never_so_far_that_it_could_be_anothers() -> None:
    _, dots = dots_of([one_of_many(number, 15 + 0.2 * number) for number in range(12)])
    named = [(dot, dot.label) for dot in dots if dot.label]
    assert max(abs(dot.y - label.y) for dot, label in named) <= 2 * LINE
    assert {abs(dot.x - label.x) for dot, label in named} == {DOT + GAP}


def test_a_name_with_room_stands_beside_its_dot() -> None:
    end, dots = dots_of([one_of_many(1, 5.0), one_of_many(2, 25.0)])
    assert end == 30.0
    assert [dot.label and (dot.label.y, dot.label.anchor) for dot in dots] == [
        (dot.y, "start") for dot in dots
    ]


def test_a_name_at_the_right_end_stands_on_the_left_of_its_dot() -> None:
    _, [dot] = dots_of([one_of_many(1, 30.0)])
    assert dot.label is not None and dot.label.anchor == "end" and dot.label.x < dot.x


def test_large_numbers_can_be_read(
    cast: Cast, visitor: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = dict.fromkeys(mask_checks.CHECKS, 12580)
    monkeypatch.setattr(mask_checks, "counts_by_check", lambda project: found)
    assert (
        ">12,580<" in visitor("carol").get(f"/projects/{cast.project.id}/quality").content.decode()
    )
