"""Many images of a project changed in one request: all that can be, with a reason for each other one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse

from annotator.models import Agreement, AuditEntry, CopyPurpose, Image, ImageCopy, Mask
from tests.annotator.test_image_copies import handed_in
from tests.cast import Browser, Cast, make_image

Browsers = Callable[[str], Browser]


def change(who: Browser, cast: Cast, images: Sequence[Image], **changes: object) -> HttpResponse:
    body = {"images": [str(one.pk) for one in images], **changes}
    return who.post(f"projects/{cast.project.id}/image-changes", body)


def report(reply: HttpResponse) -> tuple[list[str], dict[str, str]]:
    """(ids that were changed, code by id of those that were refused)"""
    assert reply.status_code == 200, reply.content
    told: dict[str, Any] = reply.json()  # type: ignore[attr-defined]
    return told["changed"], {one["id"]: one["code"] for one in told["refused"]}


def ids(images: Sequence[Image]) -> list[str]:
    return [str(one.pk) for one in images]


def acts() -> list[tuple[str, str, list[str]]]:
    """(act, subject, sorted names of the images) of each act on images, oldest first"""
    found = AuditEntry.objects.filter(act__startswith="image.").order_by("id")
    return [(one.act, one.subject, sorted(one.detail["images"].values())) for one in found]


def test_all_of_them_are_changed_and_it_is_one_act(browser: Browsers, cast: Cast) -> None:
    images = [make_image(cast.project) for _ in range(4)]
    told = report(change(browser("carol"), cast, images[:3], held_out=True))
    assert told == (ids(images[:3]), {})
    held_out = Image.objects.order_by("order_index").values_list("held_out", flat=True)
    assert list(held_out) == [True, True, True, False]
    names = [one.name for one in images[:3]]
    assert acts() == [("image.held_out", "3 images", names)]
    entry = AuditEntry.objects.get(act="image.held_out")
    assert (entry.person, entry.project) == (cast.carol, cast.project)
    assert set(entry.detail["images"]) == set(ids(images[:3]))


def test_what_can_be_is_changed_and_each_refusal_has_its_reason(
    browser: Browsers, cast: Cast
) -> None:
    known, fresh, unmasked, gone = (
        handed_in(cast),
        make_image(cast.project),
        handed_in(cast),
        handed_in(cast),
    )
    Mask.objects.filter(image=unmasked).update(given_up=True)
    Image.objects.filter(pk=gone.pk).update(deleted_at=gone.created_at)
    stranger = make_image(cast.elsewhere)
    wanted = [fresh, stranger, known, unmasked, gone]
    reply = change(browser("carol"), cast, wanted, is_practice=True, held_out=True)
    told = report(reply)
    assert told == (
        ids([known]),
        {
            str(fresh.pk): "not_handed_in",
            str(stranger.pk): "not_found",
            str(unmasked.pk): "no_masks",
            str(gone.pk): "not_found",
        },
    )
    refused = {one["id"]: one for one in reply.json()["refused"]}  # type: ignore[attr-defined]
    assert refused[str(fresh.pk)]["name"] == fresh.name
    assert "handed in" in refused[str(fresh.pk)]["message"]
    assert refused[str(stranger.pk)]["name"] == "", "nobody learns what another project has"
    assert list(Image.objects.filter(is_practice=True)) == [known]
    assert list(Image.objects.filter(held_out=True)) == [known], "an image is changed wholly or not"
    assert acts() == [
        ("image.held_out", known.name, [known.name]),
        ("image.practice", known.name, [known.name]),
    ]


def test_when_all_are_refused_nothing_is_recorded(browser: Browsers, cast: Cast) -> None:
    images = [make_image(cast.project) for _ in range(2)]
    changed, refused = report(change(browser("carol"), cast, images, is_reference=True))
    assert (changed, set(refused.values())) == ([], {"not_handed_in"})
    assert acts() == []


def test_the_same_request_again_gives_the_same_answer(browser: Browsers, cast: Cast) -> None:
    images, carol = [make_image(cast.project) for _ in range(2)], browser("carol")
    first = change(carol, cast, [*images, images[0]], removed=True)
    assert report(first) == (ids(images), {})
    assert carol.get(f"projects/{cast.project.id}/images").json()["total"] == 0
    removed_at = list(Image.objects.order_by("pk").values_list("deleted_at", flat=True))
    assert report(change(carol, cast, images, removed=True)) == report(first)
    assert list(Image.objects.order_by("pk").values_list("deleted_at", flat=True)) == removed_at
    assert len(acts()) == 1


def test_marked_again_everybodys_scores_are_made_anew(browser: Browsers, cast: Cast) -> None:
    images = [handed_in(cast) for _ in range(2)]
    for image in images:
        made = make_image(cast.elsewhere)
        copy = ImageCopy.objects.create(image=made, original=image, purpose=CopyPurpose.REFERENCE)
        Agreement.objects.create(
            copy=copy,
            other=image,
            annotator=cast.bob,
            num_matched=0,
            num_only_here=1,
            num_only_there=1,
            handed_in_at=image.created_at,
        )
    report(change(browser("carol"), cast, images[:1], is_reference=True))
    assert [one.other for one in Agreement.objects.all()] == images[1:]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({}, 422, "required"),
        ({"held_out": 1}, 422, "not_boolean"),
        ({"removed": False}, 422, "invalid"),
        ({"name": "a.png"}, 400, "bad_request"),
        ({"images": [], "held_out": True}, 422, "min_length"),
        ({"images": "all", "held_out": True}, 422, "not_a_list"),
        ({"images": ["a.png"], "held_out": True}, 422, "invalid"),
        ({"images": [str(uuid.uuid4()) for _ in range(1001)], "held_out": True}, 422, "max_length"),
    ],
)
def test_a_body_that_asks_for_nothing_or_too_much_is_refused(
    browser: Browsers, cast: Cast, changes: dict[str, object], status: int, code: str
) -> None:
    image = make_image(cast.project)
    body = {"images": ids([image]), **changes}
    reply = browser("carol").post(f"projects/{cast.project.id}/image-changes", body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    image.refresh_from_db()
    assert not image.held_out and image.deleted_at is None


@pytest.mark.parametrize(("name", "status"), [("alice", 403), ("mallory", 404), ("nobody", 401)])
def test_only_managers_change_images(browser: Browsers, cast: Cast, name: str, status: int) -> None:
    image = make_image(cast.project)
    assert change(browser(name), cast, [image], removed=True).status_code == status
    image.refresh_from_db()
    assert image.deleted_at is None


def test_as_many_as_are_allowed_take_as_many_queries_as_one(
    browser: Browsers, cast: Cast, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    image = handed_in(cast)
    most = settings.MAX_IMAGES_PER_CHANGE
    body = {
        "images": [*ids([image]), *(str(uuid.uuid4()) for _ in range(most - 1))],
        "is_reference": True,
    }
    carol = browser("carol")
    with django_assert_max_num_queries(16):
        reply = carol.post(f"projects/{cast.project.id}/image-changes", body)
    changed, refused = report(reply)
    assert (changed, len(refused)) == (ids([image]), most - 1)
