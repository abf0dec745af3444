"""PUT, DELETE and restore of masks: durable, retried for free, never overwritten silently."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from annotator.models import (
    Assignment,
    AssignmentState,
    Image,
    Mask,
    MaskRevision,
    MaskState,
    SaveReceipt,
)
from tests.cast import Browser, Cast, asymmetric_mask, counts, lend, make_image, save_body

Browsers = Callable[[str], Browser]


def test_a_new_mask_is_stored_and_echoed(browser: Browsers, lent: Assignment) -> None:
    mask_id = uuid.uuid4()
    body = save_body(lent)
    reply = browser("alice").save(mask_id, body)
    assert reply.status_code == 201, reply.content
    assert reply.json() == {
        "id": str(mask_id),
        "version": 1,
        "state": "draft",
        "area": int(asymmetric_mask().sum()),
        "sha256": hashlib.sha256(body["rle"]["counts"].encode()).hexdigest(),
        "image": str(lent.image_id),
        "order_index": 0,
    }
    assert reply.headers["ETag"] == '"1"'
    mask = Mask.objects.get(id=mask_id)
    assert mask.counts == body["rle"]["counts"]
    assert mask.box == [4, 3, 21, 17]
    assert mask.author.name == "alice"


def test_masks_of_an_image_are_listed_as_stored(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    body = save_body(lent)
    alice.save(mask_id, body)
    (listed,) = alice.get(f"images/{lent.image_id}/masks").json()["masks"]
    assert listed["rle"] == body["rle"]
    assert listed["bbox"] == [4, 3, 21, 17]
    assert listed["prompts"] == body["prompts"]
    assert listed["version"] == 1


def test_a_part_names_its_parent_which_may_arrive_later(
    browser: Browsers, lent: Assignment
) -> None:
    alice, whole, part = browser("alice"), uuid.uuid4(), uuid.uuid4()
    body = save_body(lent, parent=str(whole))
    assert alice.save(part, body).status_code == 201
    assert alice.save(whole, save_body(lent, order_index=1)).status_code == 201
    listed = {
        mask["id"]: mask["parent"]
        for mask in alice.get(f"images/{lent.image_id}/masks").json()["masks"]
    }
    assert listed == {str(part): str(whole), str(whole): None}
    assert alice.save(part, save_body(lent), version=1).status_code == 200
    assert Mask.objects.get(id=part).parent_id is None, "it lies in none any more"


def test_no_mask_is_a_part_of_itself(browser: Browsers, lent: Assignment) -> None:
    mask_id = uuid.uuid4()
    reply = browser("alice").save(mask_id, save_body(lent, parent=str(mask_id)))
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "own_parent")
    assert not Mask.objects.exists()


@pytest.mark.parametrize("state", ["draft", "accepted"])
def test_the_same_save_twenty_times_is_one_row(
    browser: Browsers, lent: Assignment, state: str
) -> None:
    alice, mask_id, body = browser("alice"), uuid.uuid4(), save_body(lent, state=state)
    first = alice.save(mask_id, body)
    for _ in range(19):
        again = alice.save(mask_id, body)
        assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert Mask.objects.get().version == 1
    assert SaveReceipt.objects.count() == 1


def test_a_retry_is_answered_before_its_version_is_looked_at(
    browser: Browsers, lent: Assignment
) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    first = save_body(lent)
    alice.save(mask_id, first)
    alice.save(mask_id, save_body(lent), version=1)
    assert alice.save(mask_id, first).json()["version"] == 1
    assert Mask.objects.get().version == 2


def test_a_save_id_belongs_to_one_save(browser: Browsers, lent: Assignment) -> None:
    alice, body = browser("alice"), save_body(lent)
    alice.save(uuid.uuid4(), body)
    reply = alice.save(uuid.uuid4(), body)
    assert reply.status_code == 422
    assert reply.json()["error"]["code"] == "save_id_reused"


def test_a_save_without_a_version_is_428(browser: Browsers, lent: Assignment) -> None:
    reply = browser("alice").send("PUT", f"masks/{uuid.uuid4()}", save_body(lent))
    assert reply.status_code == 428
    assert not Mask.objects.exists()


def test_a_stale_version_is_412_and_names_the_current_one(
    browser: Browsers, lent: Assignment
) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    alice.save(mask_id, save_body(lent))
    second = save_body(lent, rle={"size": [23, 37], "counts": counts(grown=3)})
    alice.save(mask_id, second, version=1)
    reply = alice.save(mask_id, save_body(lent), version=1)
    assert reply.status_code == 412
    sha256 = hashlib.sha256(counts(grown=3).encode()).hexdigest()
    assert reply.json()["current"] == {"version": 2, "sha256": sha256}
    assert Mask.objects.get().counts == counts(grown=3)


def test_creating_an_existing_mask_is_412(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    alice.save(mask_id, save_body(lent))
    assert alice.save(mask_id, save_body(lent)).status_code == 412


def test_updating_a_mask_that_was_never_made_is_412(browser: Browsers, lent: Assignment) -> None:
    reply = browser("alice").save(uuid.uuid4(), save_body(lent), version=4)
    assert reply.status_code == 412
    assert reply.json()["current"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {"If_Match": "banana"},
        {"If_Match": '"-1"'},
        {"If_Match": '"1"', "If_None_Match": "*"},
        {"If_None_Match": '"1"'},
    ],
)
def test_preconditions_that_cannot_be_read_are_400(
    browser: Browsers, lent: Assignment, headers: dict[str, str]
) -> None:
    reply = browser("alice").send("PUT", f"masks/{uuid.uuid4()}", save_body(lent), **headers)
    assert reply.status_code == 400


def test_accepting_a_mask_twice_keeps_the_first_time(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    alice.save(mask_id, save_body(lent, state="accepted"))
    first = Mask.objects.get().accepted_at
    alice.save(mask_id, save_body(lent, state="accepted"), version=1)
    assert Mask.objects.get().accepted_at == first
    assert list(MaskRevision.objects.values_list("version", flat=True)) == [1, 2]


def test_autosave_overwrites_one_draft_without_history(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    alice.save(mask_id, save_body(lent))
    alice.save(mask_id, save_body(lent), version=1)
    assert Mask.objects.get().version == 2
    assert not MaskRevision.objects.exists()


def _over(lent: Assignment) -> None:
    lent.expires_at = timezone.now() - timedelta(seconds=1)
    lent.leased_at = lent.expires_at - timedelta(hours=1)
    lent.state = AssignmentState.EXPIRED
    lent.save()


def test_an_expired_lease_that_nobody_took_is_taken_up_again_by_a_save(
    browser: Browsers, lent: Assignment
) -> None:
    _over(lent)
    assert browser("alice").save(uuid.uuid4(), save_body(lent)).status_code == 201
    lent.refresh_from_db()
    assert lent.state == AssignmentState.LEASED
    assert lent.expires_at > timezone.now()


def test_work_that_comes_after_its_lease_was_lost_is_kept_as_a_draft(
    browser: Browsers, cast: Cast, lent: Assignment
) -> None:
    _over(lent)
    lend(cast.bob, cast.project)
    mask_id, body = uuid.uuid4(), save_body(lent, state="accepted")
    reply = browser("alice").save(mask_id, body)
    assert reply.status_code == 409
    assert reply.json()["kept"] is True
    assert reply.json()["error"]["code"] == "lease_lost"
    mask = Mask.objects.get(id=mask_id)
    assert (mask.state, mask.counts) == (MaskState.DRAFT, body["rle"]["counts"])
    again = browser("alice").save(mask_id, body)
    assert (again.status_code, again.json()) == (409, reply.json())
    assert Mask.objects.count() == 1


def test_late_work_on_an_accepted_mask_is_kept_beside_it(
    browser: Browsers, cast: Cast, lent: Assignment
) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    alice.save(mask_id, save_body(lent, state="accepted"))
    _over(lent)
    lend(cast.bob, cast.project)
    late = save_body(lent, rle={"size": [23, 37], "counts": counts(grown=5)})
    reply = alice.save(mask_id, late, version=1)
    assert reply.status_code == 409
    assert Mask.objects.get(id=mask_id).state == MaskState.ACCEPTED
    kept = Mask.objects.get(id=reply.json()["kept_mask"]["id"])
    assert (kept.state, kept.counts) == (MaskState.DRAFT, counts(grown=5))


@pytest.mark.parametrize("what", ["image", "project"])
def test_removing_the_image_or_archiving_the_project_never_loses_work(
    browser: Browsers, cast: Cast, lent: Assignment, what: str
) -> None:
    if what == "image":
        Image.objects.update(deleted_at=timezone.now())
    else:
        cast.project.archived_at = timezone.now()
        cast.project.save()
    reply = browser("alice").save(uuid.uuid4(), save_body(lent))
    assert reply.status_code == (409 if what == "image" else 201)
    assert Mask.objects.get().counts == counts()


def test_a_mask_of_another_person_is_404(browser: Browsers, cast: Cast, lent: Assignment) -> None:
    mask_id = uuid.uuid4()
    browser("alice").save(mask_id, save_body(lent))
    make_image(cast.project)
    bobs = lend(cast.bob, cast.project)
    body = save_body(bobs, image=str(lent.image_id), assignment=str(bobs.id))
    for reply in (
        browser("bob").save(mask_id, body, version=1),
        browser("bob").send(
            "DELETE", f"masks/{mask_id}", {"save_id": str(uuid.uuid4())}, If_Match='"1"'
        ),
        browser("carol").post(
            f"masks/{mask_id}/restore", {"save_id": str(uuid.uuid4())}, If_Match='"1"'
        ),
    ):
        assert reply.status_code == 404
    assert Mask.objects.get().version == 1


def test_a_strangers_save_is_404_and_leaves_nothing(browser: Browsers, lent: Assignment) -> None:
    reply = browser("mallory").save(uuid.uuid4(), save_body(lent))
    assert reply.status_code == 404
    assert not Mask.objects.exists()


def test_somebody_elses_assignment_is_404(browser: Browsers, lent: Assignment) -> None:
    assert browser("bob").save(uuid.uuid4(), save_body(lent)).status_code == 404


def test_an_annotator_saves_only_within_an_assignment(browser: Browsers, lent: Assignment) -> None:
    body = save_body(lent, assignment=None)
    assert browser("alice").save(uuid.uuid4(), body).status_code == 403
    assert browser("carol").save(uuid.uuid4(), body).status_code == 201


def test_a_deleted_mask_comes_back_byte_for_byte(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    alice.save(mask_id, save_body(lent, state="accepted"))
    before = Mask.objects.values("counts", "prompts", "accepted_at", "area").get()
    turn = {"save_id": str(uuid.uuid4())}
    gone = alice.send("DELETE", f"masks/{mask_id}", turn, If_Match='"1"')
    assert (gone.status_code, gone.json()["state"], gone.json()["version"]) == (200, "deleted", 2)
    again = alice.send("DELETE", f"masks/{mask_id}", turn, If_Match='"1"')
    assert again.json() == gone.json()
    back = alice.post(f"masks/{mask_id}/restore", {"save_id": str(uuid.uuid4())}, If_Match='"2"')
    assert (back.json()["state"], back.json()["version"]) == ("accepted", 3)
    assert Mask.objects.values("counts", "prompts", "accepted_at", "area").get() == before


def test_a_deleted_draft_comes_back_as_a_draft(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    alice.save(mask_id, save_body(lent))
    alice.send("DELETE", f"masks/{mask_id}", {"save_id": str(uuid.uuid4())}, If_Match='"1"')
    back = alice.post(f"masks/{mask_id}/restore", {"save_id": str(uuid.uuid4())}, If_Match='"2"')
    assert back.json()["state"] == "draft"


def test_deleting_asks_for_a_version(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    alice.save(mask_id, save_body(lent))
    turn = {"save_id": str(uuid.uuid4())}
    assert alice.send("DELETE", f"masks/{mask_id}", turn).status_code == 428
    assert alice.send("DELETE", f"masks/{mask_id}", turn, If_Match='"9"').status_code == 412
    assert Mask.objects.get().state == MaskState.DRAFT


def test_saving_counts_the_same_queries_however_many_masks_there_are(
    browser: Browsers, lent: Assignment, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    alice = browser("alice")
    for number in range(5):
        alice.save(uuid.uuid4(), save_body(lent, order_index=number))
    with django_assert_max_num_queries(22):  # type: ignore[attr-defined]
        alice.save(uuid.uuid4(), save_body(lent))


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_other_methods_are_405(browser: Browsers, method: str) -> None:
    reply = browser("alice").send(method, f"masks/{uuid.uuid4()}", {})
    assert (reply.status_code, reply.json()["error"]["code"]) == (405, "wrong_method")


def test_nobody_signed_in_is_401_in_json(browser: Browsers, lent: Assignment) -> None:
    reply = browser("nobody").save(uuid.uuid4(), save_body(lent))
    assert reply.status_code == 401
    assert json.loads(reply.content)["error"]["code"] == "not_signed_in"
