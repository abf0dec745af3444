"""Masks that no save may leave behind: each is refused with its field and reason."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from annotator.models import (
    Assignment,
    Mask,
    SaveReceipt,
)
from common import rle
from tests.cast import Browser, counts, save_body

Browsers = Callable[[str], Browser]


BAD_COUNTS = {
    "empty": "",
    "truncated": counts()[:-1],
    "one run too many": counts() + "1",
    "not of this alphabet": "é" + counts(),
    "a character outside": " " + counts(),
    "unfinished number": counts() + "P",
    "negative": "T1O5",
    "a huge number": "ooooooooooooo0",
    "a list": [1, 2, 3],
    "a number": 7,
    "nothing": None,
}


@pytest.mark.parametrize("kind", BAD_COUNTS)
def test_bad_counts_are_422_and_leave_nothing(
    browser: Browsers, lent: Assignment, kind: str
) -> None:
    body = save_body(lent, rle={"size": [23, 37], "counts": BAD_COUNTS[kind]})
    reply = browser("alice").save(uuid.uuid4(), body)
    assert reply.status_code == 422, reply.content
    assert reply.json()["error"]["field"].startswith("rle")
    assert not Mask.objects.exists() and not SaveReceipt.objects.exists()


@pytest.mark.parametrize(
    "size", [[37, 23], [1, 851], [0, 0], [23], [23, 37, 1], ["23", "37"], [10**9, 10**9], None]
)
def test_a_size_that_is_not_the_images_is_422(
    browser: Browsers, lent: Assignment, size: object
) -> None:
    body = save_body(lent, rle={"size": size, "counts": counts()})
    assert browser("alice").save(uuid.uuid4(), body).status_code == 422


def test_an_empty_mask_is_a_draft_or_given_up_but_never_accepted(
    browser: Browsers, lent: Assignment
) -> None:
    alice = browser("alice")
    nothing = {"size": [23, 37], "counts": rle.encode(np.zeros((23, 37), dtype=bool))}
    assert alice.save(uuid.uuid4(), save_body(lent, rle=nothing)).status_code == 201
    refused = alice.save(uuid.uuid4(), save_body(lent, rle=nothing, state="accepted"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "empty_mask")
    given_up = save_body(lent, rle=nothing, state="accepted", given_up=True)
    assert alice.save(uuid.uuid4(), given_up).status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("save_id", "nonsense"),
        ("save_id", "ABCDEF12-3456-4789-8ABC-DEF012345678"),
        ("image", 3),
        ("state", "deleted"),
        ("state", None),
        ("order_index", -1),
        ("order_index", "0"),
        ("order_index", 1.5),
        ("order_index", 10**30),
        ("predicted_iou", "high"),
        ("predicted_iou", 10**400),
        ("prompts", "many"),
        ("prompts", [1]),
        ("prompts", [{"x": 1}]),
        ("given_up", "yes"),
        ("model_version", "7d3c1f52-4a86-4b0e-9d55-0c8e2b7a6f19"),
        ("rle", None),
        ("rle", []),
    ],
)
def test_a_bad_field_is_422_and_named(
    browser: Browsers, lent: Assignment, field: str, value: object
) -> None:
    reply = browser("alice").save(uuid.uuid4(), save_body(lent, **{field: value}))
    assert reply.status_code == 422, reply.content
    assert reply.json()["error"]["field"].startswith(field)


def test_an_unknown_field_is_400(browser: Browsers, lent: Assignment) -> None:
    reply = browser("alice").save(uuid.uuid4(), save_body(lent, colour="red"))
    assert reply.status_code == 400


def test_a_mask_id_that_is_no_version_4_uuid_is_refused(
    browser: Browsers, lent: Assignment
) -> None:
    alice = browser("alice")
    assert alice.save(uuid.uuid1(), save_body(lent)).status_code == 422
    assert alice.save(str(uuid.uuid4()).upper(), save_body(lent)).status_code == 404


def test_a_body_over_two_megabytes_is_413(browser: Browsers, lent: Assignment) -> None:
    body = save_body(lent, prompts=[{"kind": "point", "note": "x" * 2_100_000}])
    assert browser("alice").save(uuid.uuid4(), body).status_code == 413


def test_an_image_has_a_limited_number_of_masks(
    browser: Browsers, lent: Assignment, settings: Settings
) -> None:
    settings.MAX_MASKS_PER_IMAGE = 1
    alice = browser("alice")
    assert alice.save(uuid.uuid4(), save_body(lent)).status_code == 201
    reply = alice.save(uuid.uuid4(), save_body(lent))
    assert reply.json()["error"]["code"] == "too_many_masks"
