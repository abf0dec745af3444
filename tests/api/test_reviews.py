"""Reviews: the queue, decisions that stay, what a rejection does, and a reviewer's correction."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from annotator.models import (
    Assignment,
    AssignmentState,
    Mask,
    MaskOrigin,
    MaskRevision,
    MaskState,
    Membership,
    Review,
)
from annotator.queries.training_sets import (
    accepted_masks,
    new_since_last_round,
    snapshot_masks,
)
from annotator.services.assignments import lease_next, submit
from annotator.services.mask_history import revision_of
from annotator.services.timing import write_overdue_timings
from tests.cast import (
    Browser,
    Cast,
    accepted_mask,
    asymmetric_mask,
    counts,
    lend,
    make_image,
    save_body,
)

Browsers = Callable[[str], Browser]


@pytest.fixture
def handed_in(cast: Cast, browser: Browsers) -> Mask:
    """Alice's mask, on an image that she has submitted."""
    make_image(cast.project)
    assignment = lend(cast.alice, cast.project)
    mask_id = uuid.uuid4()
    browser("alice").save(mask_id, save_body(assignment, state="accepted"))
    submit(assignment=assignment)
    return Mask.objects.get(id=mask_id)


def decision(mask: Mask, **changes: Any) -> dict[str, Any]:
    body = {"decision_id": str(uuid.uuid4()), "version": mask.version, "outcome": "accepted"}
    return {**body, **changes}


def reject(browser: Browser, mask: Mask, **changes: Any) -> Any:
    body = decision(mask, outcome="rejected", reason="missing_part", **changes)
    return browser.post(f"masks/{mask.id}/reviews", body)


def queue(browser: Browser, cast: Cast, filters: str = "") -> list[str]:
    reply = browser.get(f"projects/{cast.project.id}/review-queue{filters}")
    assert reply.status_code == 200, reply.content
    return [one["mask"] for one in reply.json()["masks"]]


# ---- the queue -----------------------------------------------------------------------------------


def test_masks_wait_for_review_once_their_image_is_handed_in(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    make_image(cast.project)
    lent = lend(cast.bob, cast.project)
    browser("bob").save(uuid.uuid4(), save_body(lent, state="accepted"))
    assert queue(browser("carol"), cast) == [str(handed_in.id)]
    Assignment.objects.filter(id=lent.id).update(state=AssignmentState.EXPIRED)
    assert queue(browser("carol"), cast) == [str(handed_in.id)], "Bob is not done with his"
    Assignment.objects.filter(id=lent.id).update(state=AssignmentState.SUBMITTED)
    assert len(queue(browser("carol"), cast)) == 2
    assert queue(browser("carol"), cast, f"?author={cast.alice.id}") == [str(handed_in.id)]


def test_the_queue_counts_its_states_and_names_its_authors(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    other = accepted_mask(handed_in.image, cast.alice)
    reject(browser("carol"), other)
    reply = browser("carol").get(f"projects/{cast.project.id}/review-queue?state=rejected").json()
    assert [one["mask"] for one in reply["masks"]] == [str(other.id)]
    assert reply["total"] == 1
    assert reply["counts"] == {"unreviewed": 1, "accepted": 0, "fixed": 0, "rejected": 1}
    assert reply["authors"] == [{"id": str(cast.alice.id), "name": "Alice"}]
    assert len(queue(browser("carol"), cast, "?state=any")) == 2


@pytest.mark.parametrize(
    ("filters", "status"), [("?state=good", 422), ("?author=me", 400), ("?colour=red", 400)]
)
def test_a_filter_that_makes_no_sense_is_refused(
    cast: Cast, browser: Browsers, filters: str, status: int
) -> None:
    reply = browser("carol").get(f"projects/{cast.project.id}/review-queue{filters}")
    assert reply.status_code == status


def test_the_queue_asks_as_many_queries_for_many_masks_as_for_one(
    cast: Cast, browser: Browsers, handed_in: Mask, django_assert_num_queries: Any
) -> None:
    carol = browser("carol")
    path = f"projects/{cast.project.id}/review-queue?state=any"
    carol.get(path)
    with django_assert_num_queries(15):
        carol.get(path)
    for _ in range(5):
        accepted_mask(handed_in.image, cast.alice)
    with django_assert_num_queries(15):
        assert len(carol.get(path).json()["masks"]) == 6


# ---- decisions -----------------------------------------------------------------------------------


def test_a_decision_is_a_row_and_a_retry_is_free(browser: Browsers, handed_in: Mask) -> None:
    body = decision(handed_in)
    path = f"masks/{handed_in.id}/reviews"
    statuses = [browser("carol").post(path, body).status_code for _ in range(3)]
    assert statuses == [201, 200, 200]
    review = Review.objects.get()
    told = (review.outcome, review.version, review.reviewer.name)
    assert told == ("accepted", handed_in.version, "carol")
    other = decision(handed_in, decision_id=body["decision_id"], outcome="rejected", reason="other")
    assert browser("carol").post(path, other).json()["error"]["code"] == "decision_id_reused"
    assert Review.objects.count() == 1


def test_decisions_stay_and_the_newest_counts(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    carol, path = browser("carol"), f"masks/{handed_in.id}/reviews"
    carol.post(path, decision(handed_in))
    reject(carol, handed_in, note="The mast is cut off.")
    browser("dan").post(path, decision(handed_in))
    assert queue(carol, cast, "?state=accepted") == [str(handed_in.id)]
    seen = carol.get(path).json()
    assert [(one["outcome"], one["reviewer"]) for one in seen["reviews"]] == [
        ("accepted", "Dan"),
        ("rejected", "Carol"),
        ("accepted", "Carol"),
    ]
    assert (seen["author_name"], seen["mask"]["review"]["outcome"]) == ("Alice", "accepted")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"outcome": "rejected"}, 422, "bad_reason"),
        ({"reason": "other"}, 422, "bad_reason"),
        ({"outcome": "fixed"}, 422, "invalid_choice"),
        ({"version": 99}, 412, "stale_version"),
        ({"pins": [{"x": 37.5, "y": 2, "note": ""}]}, 422, "outside"),
        ({"pins": [{"x": 1, "y": 2, "note": "\x07"}]}, 422, "control"),
        ({"verdict": "good"}, 400, "bad_request"),
    ],
)
def test_a_decision_that_makes_no_sense_leaves_nothing(
    browser: Browsers, handed_in: Mask, changes: dict[str, Any], status: int, code: str
) -> None:
    path = f"masks/{handed_in.id}/reviews"
    reply = browser("carol").post(path, decision(handed_in, **changes))
    assert reply.status_code == status
    assert reply.json()["error"]["code"] == code
    assert not Review.objects.exists()


def test_only_an_accepted_mask_is_reviewed(browser: Browsers, handed_in: Mask) -> None:
    Mask.objects.filter(id=handed_in.id).update(state=MaskState.DRAFT)
    reply = browser("carol").post(f"masks/{handed_in.id}/reviews", decision(handed_in))
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "not_accepted")


# ---- a rejection ---------------------------------------------------------------------------------


def test_a_rejected_mask_goes_back_to_its_annotator_with_the_reason(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    make_image(cast.project)
    pin = {"x": 30.5, "y": 12.0, "note": "here"}
    reply = reject(browser("carol"), handed_in, note="The mast is cut off.", pins=[pin])
    assert (reply.status_code, reply.json()["returned"]) == (201, True)
    assert lend(cast.bob, cast.project).image_id != handed_in.image_id, "it is Alice's alone"
    assert lend(cast.alice, cast.project).image_id == handed_in.image_id
    [shown] = browser("alice").get(f"images/{handed_in.image_id}/masks").json()["masks"]
    told = {name: shown["review"][name] for name in ("outcome", "reason", "note", "pins")}
    assert told == {
        "outcome": "rejected",
        "reason": "missing_part",
        "note": "The mast is cut off.",
        "pins": [pin],
    }


def test_what_was_reworked_is_reviewed_again(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    reject(browser("carol"), handed_in)
    lent = lend(cast.alice, cast.project)
    picture = lent.image.picture
    better = {"size": [picture.height, picture.width], "counts": counts(grown=2)}
    body = save_body(lent, state="accepted", rle=better)
    assert browser("alice").save(handed_in.id, body, version=handed_in.version).status_code == 200
    [shown] = browser("alice").get(f"images/{lent.image_id}/masks").json()["masks"]
    assert shown["review"] is None
    submit(assignment=lent)
    assert queue(browser("carol"), cast) == [str(handed_in.id)]
    body = save_body(lent, state="accepted", rle={**better, "counts": counts()})
    mask = Mask.objects.get()
    assert browser("alice").save(mask.id, body, version=mask.version).status_code == 409


def test_a_returned_image_is_in_progress_and_taken_up_by_a_late_save(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    reject(browser("carol"), handed_in)
    image = browser("carol").get(f"images/{handed_in.image_id}").json()
    assert image["state"] == "in_progress"
    assignment = Assignment.objects.get()
    assert assignment.state == AssignmentState.RETURNED
    body = save_body(assignment, state="draft")
    assert browser("alice").save(uuid.uuid4(), body).status_code == 201
    assignment.refresh_from_db()
    assert assignment.state == AssignmentState.LEASED


def test_a_rejection_taken_back_takes_the_image_back(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    reject(browser("carol"), handed_in)
    browser("carol").post(f"masks/{handed_in.id}/reviews", decision(handed_in))
    assert Assignment.objects.get().state == AssignmentState.SUBMITTED
    assert lease_next(person=cast.alice, project=cast.project) == []


def test_nobody_gets_back_what_is_nobodys(cast: Cast, browser: Browsers, handed_in: Mask) -> None:
    imported = accepted_mask(handed_in.image, cast.alice)
    Mask.objects.filter(id=imported.id).update(origin=MaskOrigin.IMPORTED, author=None)
    assert reject(browser("carol"), imported).json()["returned"] is False
    Membership.objects.filter(person=cast.alice).delete()
    assert reject(browser("carol"), handed_in).json()["returned"] is False
    assert Assignment.objects.get().state == AssignmentState.SUBMITTED


def test_rejected_masks_are_left_out_of_training_and_exports(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    kept = accepted_mask(handed_in.image, cast.alice)
    reject(browser("carol"), handed_in)
    assert [one.mask_id for one in snapshot_masks(cast.project)] == [str(kept.id)]
    assert new_since_last_round(cast.project).num_masks == 1
    assert list(accepted_masks(cast.project)) == [kept]
    before = Mask.objects.get(id=handed_in.id).updated_at
    browser("carol").post(f"masks/{handed_in.id}/reviews", decision(handed_in))
    assert len(snapshot_masks(cast.project)) == 2
    assert Mask.objects.get(id=handed_in.id).updated_at > before, "new for the next round"


# ---- a correction --------------------------------------------------------------------------------


def test_a_correction_stays_the_annotators_mask_and_is_a_review(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    reply = browser("carol").correct(handed_in, grown=3)
    assert reply.status_code == 200, reply.content
    mask = Mask.objects.get()
    assert (mask.author, mask.assignment_id) == (cast.alice, handed_in.assignment_id)
    assert MaskRevision.objects.get(version=mask.version).author == cast.carol
    review = Review.objects.get()
    assert (review.outcome, review.version, review.fixed_version) == (
        "fixed",
        mask.version,
        handed_in.version,
    )
    before, after = asymmetric_mask(), asymmetric_mask(grown=3)
    assert review.iou == pytest.approx(np.sum(before & after) / np.sum(before | after))
    assert queue(browser("carol"), cast) == []
    assert queue(browser("carol"), cast, "?state=fixed") == [str(mask.id)]


def test_a_correction_costs_the_annotator_no_time(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    Mask.objects.update(accepted_at=timezone.now() - timedelta(hours=1))
    assert write_overdue_timings() == 1
    browser("carol").correct(handed_in, grown=3)
    assert write_overdue_timings() == 0
    assert handed_in.timings.count() == 1


def test_what_was_rejected_can_be_corrected_by_the_reviewer(
    cast: Cast, browser: Browsers, handed_in: Mask
) -> None:
    reject(browser("carol"), handed_in)
    assert browser("carol").correct(handed_in, grown=1).status_code == 200
    assert Assignment.objects.get().state == AssignmentState.SUBMITTED
    assert accepted_masks(cast.project).count() == 1


def test_a_correction_that_changes_nothing_decides_nothing(
    browser: Browsers, handed_in: Mask
) -> None:
    assert browser("carol").correct(handed_in, grown=0).status_code == 200
    assert not Review.objects.exists()


def test_an_imported_mask_that_a_manager_corrects_becomes_theirs(
    cast: Cast, browser: Browsers
) -> None:
    imported = accepted_mask(make_image(cast.project), cast.alice)
    imported.origin, imported.author = MaskOrigin.IMPORTED, None
    imported.save()
    revision_of(imported).save()
    assert queue(browser("carol"), cast) == [str(imported.id)]
    assert browser("carol").correct(imported, grown=2).status_code == 200
    assert Mask.objects.get().author == cast.carol
    assert Review.objects.get().outcome == "fixed"


def test_annotators_correct_nobodys_masks(browser: Browsers, handed_in: Mask) -> None:
    assert browser("bob").correct(handed_in, grown=3).status_code == 404
    assert browser("mallory").correct(handed_in, grown=3).status_code == 404
    assert browser("alice").correct(handed_in, grown=3).status_code == 403
    assert Mask.objects.get().version == handed_in.version


def test_a_correction_opens_the_image_without_a_lease(browser: Browsers, handed_in: Mask) -> None:
    opened = browser("carol").get(f"masks/{handed_in.id}/correction").json()
    assert opened["image"]["id"] == str(handed_in.image_id)
    assert set(opened) == {"image", "model", "embedding_url"}
    assert Assignment.objects.count() == 1
