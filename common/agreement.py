"""How far two sets of masks of one picture agree: which masks mean the same object, and how alike those are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from common import rle
from common.metrics import boundary_iou

SAME_OBJECT_IOU = 0.5
LONGEST_SIDE = 2048  # of the pixels that boundaries are compared on


@dataclass(frozen=True)
class Pair:
    """Two masks that mean the same object, by their places, and how alike they are."""

    first: int
    second: int
    iou: float
    boundary_iou: float


@dataclass(frozen=True)
class SetAgreement:
    """Means over the matched pairs; None without any."""

    pairs: list[Pair]  # most alike first
    num_matched: int
    num_only_first: int
    num_only_second: int
    mean_iou: float | None
    mean_boundary_iou: float | None


def agreement(
    first: Sequence[rle.Runs], second: Sequence[rle.Runs], *, height: int, width: int
) -> SetAgreement:
    """Compares two sets of masks of a picture."""
    pairs = [
        Pair(
            here, there, iou, _boundary_iou(first[here], second[there], height=height, width=width)
        )
        for here, there, iou in match_masks(first, second, height=height)
    ]
    return SetAgreement(
        pairs=pairs,
        num_matched=len(pairs),
        num_only_first=len(first) - len(pairs),
        num_only_second=len(second) - len(pairs),
        mean_iou=fmean(pair.iou for pair in pairs) if pairs else None,
        mean_boundary_iou=fmean(pair.boundary_iou for pair in pairs) if pairs else None,
    )


def match_masks(
    first: Sequence[rle.Runs], second: Sequence[rle.Runs], *, height: int
) -> list[tuple[int, int, float]]:
    """(place in `first`, place in `second`, IoU) of the masks that mean the same object, most alike first.

    Each mask in one pair at most; the most alike are paired first, of equally alike ones the earlier, down to
    `SAME_OBJECT_IOU`.
    """
    candidates = [
        (rle.iou(first[here], second[there]), here, there)
        for here, there in _worth_a_look(first, second, height=height)
    ]
    candidates.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    pairs: list[tuple[int, int, float]] = []
    taken_here: set[int] = set()
    taken_there: set[int] = set()
    for iou, here, there in candidates:
        if iou < SAME_OBJECT_IOU:
            break
        if here in taken_here or there in taken_there:
            continue
        pairs.append((here, there, iou))
        taken_here.add(here)
        taken_there.add(there)
    return pairs


def _worth_a_look(
    first: Sequence[rle.Runs], second: Sequence[rle.Runs], *, height: int
) -> list[tuple[int, int]]:
    """The pairs whose boxes and areas allow an IoU of `SAME_OBJECT_IOU`; few pixels are compared then."""
    if not first or not second:
        return []
    (box, area), (other_box, other_area) = _outlines(first, height), _outlines(second, height)
    low = np.maximum(box[:, None, :2], other_box[None, :, :2])
    high = np.minimum(box[:, None, 2:], other_box[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)  # pixels that the two boxes share
    most = np.minimum(shared, np.minimum(area[:, None], other_area[None]))
    union = area[:, None] + other_area[None] - most
    return [(int(here), int(there)) for here, there in np.argwhere(most >= SAME_OBJECT_IOU * union)]


def _outlines(
    masks: Sequence[rle.Runs], height: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Boxes [N, 4] and areas [N]."""
    boxes = np.array([rle.box(runs, height=height) for runs in masks], dtype=np.int64)
    return boxes, np.array([rle.area(runs) for runs in masks], dtype=np.int64)


def _boundary_iou(first: rle.Runs, second: rle.Runs, *, height: int, width: int) -> float:
    """On every pixel, or on every so-manieth of a large picture."""
    step = -(-max(height, width) // LONGEST_SIDE)
    here, there = (
        rle.decode(runs, height=height, width=width)[::step, ::step] for runs in (first, second)
    )
    return boundary_iou(here, there)
