"""Practice: who gets which image, what its person hears at once, and that nothing of it counts."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotator.models import (
    Agreement,
    Assignment,
    AuditEntry,
    Image,
    ImageCopy,
    Mask,
    MaskTiming,
    Project,
    RejectReason,
    ReviewOutcome,
)
from annotator.queries.my_images import my_images
from annotator.services.agreements import compare_due_copies
from annotator.services.assignments import lease_next, reopen, submit
from annotator.services.image_changes import ImageChanges, change_image
from annotator.services.image_copies import lends_copies
from annotator.services.mask_checks import check_due_masks
from annotator.services.mask_history import revision_of
from annotator.services.projects import ProjectChanges, change_project
from annotator.services.reviews import Decision, decide
from common import rle
from common.metrics import boundary_iou
from tests.annotator.test_image_copies import every_number, handed_in, lend_references, save
from tests.cast import (
    Browser,
    Cast,
    accepted_mask,
    asymmetric_mask,
    lend,
    make_embedding,
    make_image,
    make_model,
    save_body,
)
from tests.database_fixtures import browser

__all__ = ["browser"]
Browsers = Callable[[str], Browser]


def practice_image(cast: Cast) -> Image:
    image = handed_in(cast)
    change_image(image=image, changes=ImageChanges(is_practice=True), by=cast.carol)
    return image


def practise(cast: Cast, *, ahead: int = 0) -> list[Assignment]:
    """What Alice gets to practise on."""
    return lease_next(person=cast.alice, project=cast.project, ahead=ahead, practice=True)


def originals(leases: list[Assignment]) -> list[uuid.UUID]:
    return [ImageCopy.objects.get(image=lease.image_id).original_id for lease in leases]


# ---- the set -------------------------------------------------------------------------------------


def test_a_manager_puts_an_image_in_and_takes_it_out(cast: Cast, browser: Browsers) -> None:
    image, fresh, carol = handed_in(cast), make_image(cast.project), browser("carol")
    assert carol.send("PATCH", f"images/{image.id}", {"is_practice": True}).json()["is_practice"]
    reply = carol.send("PATCH", f"images/{fresh.id}", {"is_practice": True})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "not_handed_in")
    Mask.objects.update(given_up=True)
    reply = carol.send("PATCH", f"images/{image.id}", {"is_practice": True})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "no_masks")
    told = carol.send("PATCH", f"images/{image.id}", {"is_practice": False}).json()
    assert (told["is_practice"], told["is_reference"]) == (False, False)
    acts = AuditEntry.objects.filter(subject=image.name).values_list("act", flat=True)
    assert list(acts.order_by("id")) == ["image.practice", "image.no_practice"]


def test_its_images_come_one_after_the_other_to_each_person(cast: Cast) -> None:
    first, second = practice_image(cast), practice_image(cast)
    lent = practise(cast, ahead=3)
    assert originals(lent) == [first.id, second.id]
    assert [one.id for one in practise(cast, ahead=3)] == [one.id for one in lent]
    submit(assignment=lent[0])
    assert [one.id for one in practise(cast)] == [lent[1].id]
    submit(assignment=lent[1])
    assert practise(cast) == []
    others = lease_next(person=cast.carol, project=cast.project, practice=True)
    assert originals(others) == [first.id]


def test_nobody_practises_on_what_they_made(cast: Cast) -> None:
    practice_image(cast)
    assert lease_next(person=cast.bob, project=cast.project, practice=True) == []
    assert len(practise(cast)) == 1


def test_a_lease_that_ran_out_comes_again(cast: Cast) -> None:
    practice_image(cast)
    (lent,) = practise(cast)
    past = timezone.now() - timedelta(hours=1)
    Assignment.objects.update(leased_at=past - timedelta(hours=1), expires_at=past)
    assert [one.id for one in practise(cast)] == [lent.id]


def test_what_is_taken_out_removed_sent_back_or_archived_is_not_offered(cast: Cast) -> None:
    out, removed, rejected = (practice_image(cast) for _ in range(3))
    change_image(image=removed, changes=ImageChanges(removed=True), by=cast.carol)
    change_image(image=out, changes=ImageChanges(is_practice=False), by=cast.carol)
    mask = Mask.objects.get(image=rejected)
    why = Decision(uuid.uuid4(), 1, ReviewOutcome.REJECTED, RejectReason.INEXACT_EDGE)
    decide(mask=mask, decision=why, by=cast.carol)
    assert practise(cast) == []
    practice_image(cast)
    changes = ProjectChanges(archived=True)
    project = change_project(project=cast.project, changes=changes, by=cast.carol)
    assert lease_next(person=cast.alice, project=project, practice=True) == []


def test_it_needs_the_embedding_that_any_image_needs(cast: Cast) -> None:
    image, model = practice_image(cast), make_model()
    assert practise(cast) == []
    make_embedding(image, model)
    assert [one.model_version for one in practise(cast)] == [model]


def test_the_queue_of_work_knows_nothing_of_practice(cast: Cast, browser: Browsers) -> None:
    practice_image(cast)
    for _ in range(4):
        make_image(cast.project)
    lend_references(cast, every=2)
    (lent,) = practise(cast)
    assert lends_copies(Project.objects.get(id=cast.project.id))
    work = lease_next(person=cast.alice, project=cast.project, ahead=3)
    assert len(work) == 4 and lent.id not in {one.id for one in work}
    alice = browser("alice")
    for path, expected in (
        ("assignments", {str(one.id) for one in work}),
        (f"assignments?practice=1&project={cast.project.id}", {str(lent.id)}),
    ):
        found = alice.get(path).json()["assignments"]
        assert {one["id"] for one in found} == expected
    assert [one.assignment.id for one in my_images(cast.alice, limit=9)] == [work[0].id]
    told = alice.post(f"projects/{cast.project.id}/assignments/next", {"practice": True}).json()
    assert told["assignment"]["id"] == str(lent.id)
    assert told["assignment"]["image"]["project"] == str(cast.project.id)
    assert alice.get(f"images/{lent.image_id}/masks").json() == {"masks": []}


def test_who_practised_on_an_image_never_gets_it_as_a_reference(cast: Cast) -> None:
    image = practice_image(cast)
    Image.objects.filter(id=image.id).update(is_reference=True)
    for _ in range(4):
        make_image(cast.project)
    lend_references(cast, every=2)
    submit(assignment=practise(cast)[0])
    lent = [submit(assignment=lend(cast.alice, cast.project)) for _ in range(4)]
    assert {one.image.project_id for one in lent} == {cast.project.id}


# ---- how close -----------------------------------------------------------------------------------


def result(who: Browser, assignment: Assignment) -> dict[str, Any]:
    reply = who.get(f"assignments/{assignment.id}/practice")
    assert reply.status_code == 200, reply.content
    told: dict[str, Any] = reply.json()
    return told


def test_each_object_is_compared_as_soon_as_the_image_is_handed_in(
    cast: Cast, browser: Browsers
) -> None:
    image = practice_image(cast)
    other = accepted_mask(image, cast.bob)
    speck = rle.encode(_block(30, 20))
    Mask.objects.filter(id=other.id).update(
        counts=speck, area=9, box=[30, 20, 33, 23], order_index=1
    )
    other.refresh_from_db()
    (lent,) = practise(cast)
    alice, like, alone = browser("alice"), str(uuid.uuid4()), str(uuid.uuid4())
    save(alice, lent, like, grown=4)
    beyond = {
        "size": [image.picture.height, image.picture.width],
        "counts": rle.encode(_block(24, 2)),
    }
    body = save_body(lent, state="accepted", rle=beyond, order_index=1)
    assert alice.save(alone, body).status_code == 201
    assert alice.save(uuid.uuid4(), save_body(lent, order_index=2)).status_code == 201, "a draft"
    early = alice.get(f"assignments/{lent.id}/practice")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_handed_in")
    submit(assignment=lent)
    told = result(alice, lent)
    assert (told["num_found"], told["num_missed"], told["num_extra"]) == (1, 1, 1)
    known, mine = asymmetric_mask(), asymmetric_mask(grown=4)
    iou = float((known & mine).sum() / (known | mine).sum())
    first, missed, extra = told["objects"]
    assert (first["mask"], first["rle"]["counts"]) == (like, rle.encode(known))
    assert first["iou"] == told["mean_iou"] == pytest.approx(iou)
    assert first["boundary_iou"] == pytest.approx(boundary_iou(mine, known))
    assert (missed["mask"], missed["rle"]["counts"], missed["iou"]) == (None, speck, None)
    assert (extra["mask"], extra["rle"], extra["boundary_iou"]) == (alone, None, None)


def _block(x: int, y: int) -> Any:
    mask = asymmetric_mask() & False
    mask[y : y + 3, x : x + 3] = True
    return mask


def test_a_second_try_is_compared_anew(cast: Cast, browser: Browsers) -> None:
    practice_image(cast)
    (lent,) = practise(cast)
    alice, mask = browser("alice"), str(uuid.uuid4())
    save(alice, lent, mask, grown=9)
    submit(assignment=lent)
    first = result(alice, lent)["mean_iou"]
    assert alice.post(f"assignments/{lent.id}/reopen").status_code == 200
    assert alice.get(f"assignments/{lent.id}/practice").status_code == 409
    save(alice, lent, mask, grown=0, version=1)
    assert alice.post(f"assignments/{lent.id}/submit").status_code == 200
    assert first < result(alice, lent)["mean_iou"] == 1.0


def test_only_practice_has_a_result_and_only_for_its_person(cast: Cast, browser: Browsers) -> None:
    image = practice_image(cast)
    (lent,) = practise(cast)
    submit(assignment=lent)
    for who in ("bob", "carol", "dan", "mallory"):
        assert browser(who).get(f"assignments/{lent.id}/practice").status_code == 404
    make_image(cast.project)
    work = submit(assignment=lend(cast.alice, cast.project))
    reply = browser("alice").get(f"assignments/{work.id}/practice")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "not_practice")
    change_image(image=image, changes=ImageChanges(removed=True), by=cast.carol)
    assert browser("alice").get(f"assignments/{lent.id}/practice").status_code == 409


# ---- nothing of it counts ------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_no_number_knows_of_practice(cast: Cast, browser: Browsers) -> None:
    practice_image(cast)
    work = make_image(cast.project)
    revision_of(accepted_mask(work, cast.alice)).save()
    (lent,) = practise(cast)
    check_due_masks(seconds=60)
    now = timezone.now() + timedelta(minutes=1)
    before = every_number(cast, browser, now)
    alice = browser("alice")
    for grown in (0, 9):
        mask = str(uuid.uuid4())
        save(alice, lent, mask, grown=grown)
        MaskTiming.objects.update_or_create(
            mask_id=mask, version=1, defaults={"active_ms": 300.0, "num_points": 50}
        )
    submit(assignment=lent)
    assert result(alice, lent)["num_found"] == 1
    submit(assignment=reopen(assignment=lent))
    assert compare_due_copies(seconds=60) == 0 and not Agreement.objects.exists()
    check_due_masks(seconds=60)
    after = every_number(cast, browser, now)
    for name, value in before.items():
        assert after[name] == value, name
