"""Automatic checks: what they find in masks, when they look again, and how the queue filters by them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from annotator.models import Image, Mask, MaskCheck, MaskTiming
from annotator.queries.mask_checks import counts_by_check, findings_of, num_unchecked
from annotator.services.mask_checks import check_due_masks
from common import rle
from tests.cast import Browser, Cast, accepted_mask, asymmetric_mask, make_image

WIDTH, HEIGHT = 61, 43


@pytest.fixture
def image(cast: Cast) -> Image:
    return make_image(cast.project, width=WIDTH, height=HEIGHT)


def blank() -> NDArray[np.bool_]:
    return np.zeros((HEIGHT, WIDTH), dtype=bool)


def solid() -> NDArray[np.bool_]:
    return asymmetric_mask(width=WIDTH, height=HEIGHT)


def put(mask: Mask, pixels: NDArray[np.bool_]) -> Mask:
    """The mask with other pixels, as a save would leave it."""
    runs = rle.runs_of(pixels)
    mask.counts = rle.counts_of(runs)
    mask.counts_sha256 = rle.counts_sha256(mask.counts)
    mask.area, mask.box = rle.area(runs), list(rle.box(runs, height=HEIGHT))
    mask.save()
    return mask


def made(image: Image, cast: Cast, pixels: NDArray[np.bool_]) -> Mask:
    return put(accepted_mask(image, cast.alice), pixels)


def findings(mask: Mask) -> list[str]:
    check_due_masks()
    return findings_of([mask])[mask.id]


def test_a_sound_mask_has_nothing(cast: Cast, image: Image) -> None:
    assert findings(made(image, cast, solid())) == []


def test_hardly_any_pixels(cast: Cast, image: Image) -> None:
    pixels = blank()
    pixels[10:13, 20:25] = True
    assert findings(made(image, cast, pixels)) == ["empty"]


def test_small_regions_apart_from_the_object_are_specks(cast: Cast, image: Image) -> None:
    pixels = solid()
    pixels[30:33, 40:44] = True
    mask = made(image, cast, pixels)
    assert findings(mask) == ["specks"]
    assert MaskCheck.objects.get().num_specks == 1
    pixels[25:38, 38:50] = True
    assert findings(put(mask, pixels)) == [], "a second part of 156 pixels is no speck"


@pytest.mark.parametrize(
    ("rows", "columns"),
    [((0, 9), (5, 20)), ((34, 43), (5, 20)), ((9, 21), (0, 8)), ((9, 21), (53, 61))],
)
def test_touching_the_border(
    cast: Cast, image: Image, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    pixels = blank()
    pixels[slice(*rows), slice(*columns)] = True
    assert findings(made(image, cast, pixels)) == ["border"]


def test_two_masks_of_one_object_are_duplicates_until_one_is_gone(cast: Cast, image: Image) -> None:
    first, other = made(image, cast, solid()), solid()
    other[3, 4:9] = False
    second = made(image, cast, other)
    elsewhere = made(make_image(cast.project, width=WIDTH, height=HEIGHT), cast, solid())
    assert (findings(first), findings(second)) == (["duplicate"], ["duplicate"])
    assert findings(elsewhere) == []
    check = MaskCheck.objects.get(mask=second)
    overlap = np.sum(solid() & other) / np.sum(solid() | other)
    assert (check.twin, check.twin_iou) == (first, pytest.approx(overlap))
    first.state = "deleted"
    first.save()
    assert findings(second) == []


def test_masks_that_overlap_less_are_no_duplicates(cast: Cast, image: Image) -> None:
    made(image, cast, solid())
    other = solid()
    other[3:6, 4:9] = False
    assert findings(made(image, cast, other)) == []


def test_too_fast_needs_a_trusted_time(cast: Cast, image: Image) -> None:
    mask = made(image, cast, solid())
    MaskTiming.objects.create(mask=mask, version=1, active_ms=700.0)
    assert findings(mask) == ["too_fast"]
    MaskTiming.objects.create(mask=mask, version=2, active_ms=400.0)
    assert findings(mask) == [], "all its versions took 1.1 s"
    MaskTiming.objects.update(active_ms=None)
    assert findings(mask) == []


def test_a_part_that_was_kept_with_its_whole_is_never_too_fast(cast: Cast, image: Image) -> None:
    smaller = solid()
    smaller[3:9] = False
    whole, part = made(image, cast, solid()), made(image, cast, smaller)
    part.prompts = [{"kind": "candidate", "token": 1}, {"kind": "part_of", "mask": str(whole.id)}]
    part.save()
    for mask in (whole, part):
        MaskTiming.objects.create(mask=mask, version=1, active_ms=0.4)
    found = findings_of([whole, part])
    assert (found[whole.id], found[part.id]) == (["too_fast"], [])


def test_a_mask_is_looked_at_once_and_again_when_it_changes(cast: Cast, image: Image) -> None:
    mask = made(image, cast, solid())
    assert num_unchecked(cast.project) == 1
    assert [check_due_masks(), check_due_masks()] == [1, 0]
    mask.save()
    assert check_due_masks() == 0, "the pixels are the same"
    changed = solid()
    changed[30, 30] = True
    put(mask, changed)
    assert [check_due_masks(), num_unchecked(cast.project)] == [1, 0]


def test_masks_of_long_ago_are_not_searched_for_again(cast: Cast, image: Image) -> None:
    old, new = made(image, cast, solid()), made(image, cast, solid()[::-1])
    Mask.objects.filter(id=old.id).update(updated_at=new.updated_at - timedelta(hours=1))
    assert check_due_masks(seconds=0) == 1, "the oldest first"
    assert list(MaskCheck.objects.values_list("mask", flat=True)) == [old.id]
    assert check_due_masks() == 1


def test_the_queue_is_filtered_by_what_was_found(
    cast: Cast, image: Image, browser: Callable[[str], Browser]
) -> None:
    pixels = solid()
    pixels[0, 30:50] = True
    flagged, sound = made(image, cast, pixels), made(image, cast, solid()[:, ::-1])
    check_due_masks()
    carol, path = browser("carol"), f"projects/{cast.project.id}"
    rows = carol.get(f"{path}/review-queue?check=border").json()["masks"]
    assert [(row["mask"], row["findings"]) for row in rows] == [
        (str(flagged.id), ["specks", "border"])
    ]
    assert carol.get(f"masks/{flagged.id}/reviews").json()["findings"] == ["specks", "border"]
    assert carol.get(f"masks/{sound.id}/reviews").json()["findings"] == []
    assert carol.get(f"{path}/review-queue?check=ugly").status_code == 422
    told = carol.get(f"{path}/mask-checks").json()
    assert told == {
        "found": {"empty": 0, "specks": 1, "border": 1, "duplicate": 0, "too_fast": 0},
        "unchecked": 0,
    }
    rejection = {
        "decision_id": str(uuid.uuid4()),
        "version": flagged.version,
        "outcome": "rejected",
        "reason": "too_much",
    }
    assert carol.post(f"masks/{flagged.id}/reviews", rejection).status_code == 201
    assert counts_by_check(cast.project)["border"] == 0
