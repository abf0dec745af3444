"""Which masks of two sets mean the same object, by hand and against the best of all pairings."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from common import agreement as module
from common import rle
from common.agreement import agreement, match_masks
from common.metrics import boundary_iou, iou

HEIGHT, WIDTH = 40, 61


def block(x0: int, y0: int, x1: int, y1: int) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def runs(masks: list[NDArray[np.bool_]]) -> list[rle.Runs]:
    return [rle.runs_of(mask) for mask in masks]


def test_the_most_alike_are_one_object_and_each_mask_is_in_one_pair() -> None:
    theirs = [block(2, 3, 12, 13), block(2, 3, 22, 13), block(40, 20, 50, 30)]
    mine = [block(2, 3, 13, 13), block(2, 3, 21, 13), block(30, 2, 35, 7), block(2, 3, 12, 12)]
    found = match_masks(runs(mine), runs(theirs), height=HEIGHT)
    assert [(here, there) for here, there, _ in found] == [(1, 1), (0, 0)]
    assert [one for *_, one in found] == pytest.approx([190 / 200, 100 / 110])
    told = agreement(runs(mine), runs(theirs), height=HEIGHT, width=WIDTH)
    assert (told.num_matched, told.num_only_first, told.num_only_second) == (2, 2, 1)
    assert told.mean_iou == pytest.approx((190 / 200 + 100 / 110) / 2)
    by_hand = [boundary_iou(mine[0], theirs[0]), boundary_iou(mine[1], theirs[1])]
    assert told.mean_boundary_iou == pytest.approx(sum(by_hand) / 2)


def test_half_of_the_union_is_the_least_for_one_object() -> None:
    whole = [block(0, 0, 20, 10)]
    for width, num in ((10, 1), (9, 0)):
        found = match_masks(runs(whole), runs([block(0, 0, width, 10)]), height=HEIGHT)
        assert len(found) == num


@pytest.mark.parametrize(
    ("mine", "theirs", "only"), [([], [], (0, 0)), ([block(1, 2, 9, 7)], [], (1, 0))]
)
def test_without_masks_there_are_no_means(
    mine: list[NDArray[np.bool_]], theirs: list[NDArray[np.bool_]], only: tuple[int, int]
) -> None:
    told = agreement(runs(mine), runs(theirs), height=HEIGHT, width=WIDTH)
    assert (told.num_only_first, told.num_only_second) == only
    assert (told.num_matched, told.mean_iou, told.mean_boundary_iou) == (0, None, None)


@pytest.mark.parametrize("seed", range(5))
def test_where_objects_do_not_overlap_no_other_pairing_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    theirs = [block(1 + 12 * i, 4, 11 + 12 * i, 30) for i in range(4)]
    mine = []
    for i in rng.permutation(4):
        x, y = rng.integers(-3, 4, 2)
        mine.append(block(2 + 12 * i + x, 6 + y, 11 + 12 * i + x, 28 + y))
    found = match_masks(runs(mine), runs(theirs), height=HEIGHT)
    assert found
    assert {(here, there) for here, there, _ in found} == {
        (here, there)
        for here, one in enumerate(mine)
        for there, other in enumerate(theirs)
        if iou(one, other) >= 0.5
    }
    best = max(
        sum(one for one in (iou(mine[i], theirs[j]) for i, j in enumerate(order)) if one >= 0.5)
        for order in permutations(range(4))
    )
    assert sum(one for *_, one in found) == pytest.approx(best)


def test_boundaries_of_large_pictures_are_compared_on_fewer_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine, theirs = block(4, 6, 44, 34), block(6, 6, 46, 36)
    monkeypatch.setattr(module, "LONGEST_SIDE", 21)  # every third pixel of 61
    told = agreement(runs([mine]), runs([theirs]), height=HEIGHT, width=WIDTH)
    assert told.mean_iou == pytest.approx(iou(mine, theirs))
    assert told.mean_boundary_iou == pytest.approx(boundary_iou(mine[::3, ::3], theirs[::3, ::3]))
