"""The outline of a mask as one polygon, for formats that know nothing else.

Outlines run along the edges between pixels, so that a polygon with all its points is the mask itself. Parts and
holes are joined to the largest ring by a line that is walked there and back: it bounds no area.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common import rle
from common.segmentation import BadSegmentation, read_segmentation

Ring = NDArray[np.int64]  # [N, 2], x and y of corners of pixels; the last one leads to the first
TOLERANCES_PX = (1.0, 0.5, 0.0)  # tried in this order
ENOUGH_IOU = 0.98
# Time is in proportion: of a mask of specks the smallest ones are left out, a ring as ragged as noise is thinned.
MOST_RINGS = 200
MOST_CORNERS = 10_000

RIGHT, DOWN, LEFT, UP = range(4)
STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True)
class Polygon:
    """x0, y0, x1, y1, … as shares of the sides, or in pixels; `iou` is what the mask has with it, drawn again."""

    numbers: list[int] | list[float]
    iou: float


def polygon_of(mask: NDArray[np.bool_], *, decimals: int | None = 6) -> Polygon:
    """The polygon with fewest points that keeps enough of a mask [H, W] with at least one pixel.

    In shares of so many decimals; None: in pixels, corners of theirs, so that the numbers are whole.
    """
    rings = _bounded(rings_of(mask))
    best = _drawn(mask, rings[:1], TOLERANCES_PX[0], decimals)
    if len(rings) == 1 and best.iou >= ENOUGH_IOU:
        return best
    for tolerance in TOLERANCES_PX:
        try:
            polygon = _drawn(mask, rings, tolerance, decimals)
        except BadSegmentation:  # longer than anybody would draw: the largest ring has to do
            break
        best = max(best, polygon, key=lambda one: one.iou)
        if best.iou >= ENOUGH_IOU:
            break
    return best


def rings_of(mask: NDArray[np.bool_]) -> list[Ring]:
    """Rings around the parts of a mask [H, W] and around its holes, the longest first."""
    ahead = _edges(mask)
    rings = []
    while ahead:
        rings.append(_walk(ahead, next(iter(ahead))))
    return sorted(rings, key=lambda ring: (-_length(ring), ring.tolist()))


def simplified(ring: Ring, tolerance: float) -> Ring:
    """Fewer points, none of those left out further than the tolerance from the line (Douglas and Peucker)."""
    if tolerance == 0 or len(ring) <= 4:
        return ring
    far = int(np.argmax(((ring - ring[0]) ** 2).sum(axis=1)))
    closed = np.vstack([ring, ring[:1]])
    kept = np.zeros(len(closed), dtype=bool)
    kept[[0, far]] = True
    spans = [(0, far), (far, len(ring))]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        distances = _distances(closed[first + 1 : last], closed[first], closed[last])
        worst = int(np.argmax(distances))
        if distances[worst] > tolerance:
            middle = first + 1 + worst
            kept[middle] = True
            spans += [(first, middle), (middle, last)]
    found = ring[kept[:-1]]
    return found if len(found) >= 3 else ring


def joined(rings: list[Ring]) -> Ring:
    """One closed walk over all rings."""
    whole = rings[0]
    for ring in rings[1:]:
        gaps = ((whole[:, None] - ring[None]) ** 2).sum(axis=2)
        here, there = np.unravel_index(int(np.argmin(gaps)), gaps.shape)
        around = np.vstack([ring[there:], ring[: there + 1]])
        whole = np.vstack([whole[: here + 1], around, whole[here:]])
    return whole


def _bounded(rings: list[Ring]) -> list[Ring]:
    """The first of them, at least one, with no more corners than are let through."""
    first, *others = rings[:MOST_RINGS]
    kept = [first[:: -(-len(first) // MOST_CORNERS)]]
    room = MOST_CORNERS - len(kept[0])
    for ring in others:
        room -= len(ring)
        if room < 0:
            break
        kept.append(ring)
    return kept


def _drawn(
    mask: NDArray[np.bool_], rings: list[Ring], tolerance: float, decimals: int | None
) -> Polygon:
    height, width = mask.shape
    points = joined([simplified(ring, tolerance) for ring in rings])
    sides = (1, 1) if decimals is None else (width, height)
    numbers = points if decimals is None else np.round(points / sides, decimals)
    outline = (numbers * sides).ravel().tolist()
    runs = read_segmentation([outline], height=height, width=width)
    drawn = rle.decode(runs, height=height, width=width)
    iou = float((mask & drawn).sum() / (mask | drawn).sum())
    return Polygon(numbers.ravel().tolist(), iou)


def _edges(mask: NDArray[np.bool_]) -> dict[tuple[int, int], list[int]]:
    """By corner the directions in which edges leave it, a pixel of the mask on their right hand."""
    padded = np.pad(mask, 1)
    inner = padded[1:-1, 1:-1]
    sides = (
        (RIGHT, padded[:-2, 1:-1], 0, 0),
        (DOWN, padded[1:-1, 2:], 1, 0),
        (LEFT, padded[2:, 1:-1], 1, 1),
        (UP, padded[1:-1, :-2], 0, 1),
    )
    ahead: dict[tuple[int, int], list[int]] = {}
    for direction, beside, x_shift, y_shift in sides:
        ys, xs = np.nonzero(inner & ~beside)
        for x, y in zip((xs + x_shift).tolist(), (ys + y_shift).tolist(), strict=True):
            ahead.setdefault((x, y), []).append(direction)
    return ahead


def _walk(ahead: dict[tuple[int, int], list[int]], start: tuple[int, int]) -> Ring:
    """The ring from a corner back to it, taking its edges out of `ahead`; only corners at which it turns."""
    first = came = _take(ahead, start, ahead[start][0])
    at, corners = start, [start]
    while True:
        at = (at[0] + STEPS[came][0], at[1] + STEPS[came][1])
        choices = ahead.get(at, []) + ([first] if at == start else [])
        # Where two parts touch at a corner the walk turns right and stays with its own.
        turned = min(choices, key=lambda direction: (came + 1 - direction) % 4)
        if at == start and turned == first:
            break
        if turned != came:
            corners.append(at)
        came = _take(ahead, at, turned)
    return np.array(corners if came != first else corners[1:], dtype=np.int64)


def _take(ahead: dict[tuple[int, int], list[int]], at: tuple[int, int], direction: int) -> int:
    ahead[at].remove(direction)
    if not ahead[at]:
        del ahead[at]
    return direction


def _distances(points: Ring, start: Ring, end: Ring) -> NDArray[np.float64]:
    """Of points [N, 2] from the straight line between two."""
    along = (end - start).astype(np.float64)
    length = float(np.hypot(*along))
    offsets = (points - start).astype(np.float64)
    if length == 0:
        return np.hypot(offsets[:, 0], offsets[:, 1])
    return np.asarray(np.abs(along[0] * offsets[:, 1] - along[1] * offsets[:, 0]) / length)


def _length(ring: Ring) -> float:
    return float(np.abs(ring - np.roll(ring, 1, axis=0)).sum())
