"""Strokes of brush and eraser, pixel for pixel those of the page (`web/static/js/geometry/brush.js`)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, hypot
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.metrics import Mask, error_depth

MAX_BRUSH_PX = 299  # the largest odd size
BRUSH_SHARES = (1.0, 0.75, 0.5)  # of the widest brush that fits
AROUND = tuple((x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if x or y)

Place = tuple[int, int]  # x, y


@dataclass(frozen=True)
class Stroke:
    """A drag with a round brush of odd size in image pixels."""

    mode: Literal["brush", "eraser"]
    size: int
    points: tuple[Place, ...]  # each level, upright or diagonal from the one before

    @property
    def length(self) -> float:
        """Image pixels from start to end along the way."""
        return sum(hypot(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in pairwise(self.points))

    @property
    def num_pieces(self) -> int:
        """Straight lines that a hand needs for it, cutting corners by a quarter of the brush."""
        way, start, count = self._way(), 0, 1
        for end in range(1, len(way)):
            if _strays(way[start : end + 1], max(1.0, self.size / 4)):
                start, count = end - 1, count + 1
        return count

    def facts(self) -> dict[str, object]:
        """The stroke as the page writes it into provenance and log."""
        points = [list(point) for point in self.points]
        return {"mode": self.mode, "shape": "circle", "size": self.size, "points": points}

    def area(self, shape: tuple[int, int]) -> Mask:
        """The pixels [H, W] it covers: the brush stamped at every pixel of the way."""
        reach = self.size // 2
        offsets = np.arange(-reach, reach + 1)
        disc = 4 * (offsets[:, None] ** 2 + offsets**2) <= self.size**2
        covered = np.zeros((shape[0] + 2 * reach, shape[1] + 2 * reach), dtype=bool)
        for x, y in self._way():
            covered[y : y + self.size, x : x + self.size] |= disc
        return covered[reach : reach + shape[0], reach : reach + shape[1]]

    def _way(self) -> list[Place]:
        """Every pixel from start to end."""
        way = [self.points[0]]
        for (x0, y0), (x1, y1) in pairwise(self.points):
            steps = max(abs(x1 - x0), abs(y1 - y0))
            way += [
                (x0 + (x1 - x0) * step // steps, y0 + (y1 - y0) * step // steps)
                for step in range(1, steps + 1)
            ]
        return way


def next_stroke(mask: Mask, reference: Mask) -> Stroke | None:
    """The stroke a careful person makes next: inside the larger error, along it, through its middle.

    Of brushes up to as large as the error is deep it takes the one that mends most: what it touches
    was wrong and is right afterwards. None when nothing is wrong.
    """
    depth, label = error_depth(mask, reference)
    deepest = float(depth.max())
    if deepest <= 0:
        return None
    y, x = (int(i) for i in np.unravel_index(int(depth.argmax()), depth.shape))
    widest = min(ceil(deepest - 0.5) - 1, MAX_BRUSH_PX // 2)
    strokes = [
        Stroke("brush" if label else "eraser", 2 * reach + 1, _along(depth > reach + 0.5, (x, y)))
        for reach in sorted({round(share * widest) for share in BRUSH_SHARES}, reverse=True)
    ]
    return max(strokes, key=lambda stroke: np.count_nonzero(stroke.area(mask.shape)))


def _along(fits: NDArray[np.bool_], middle: Place) -> tuple[Place, ...]:
    """A long way through the pixels where the brush fits, in the part of them around `middle`.

    From the pixel that is farthest from the middle to the pixel farthest from that one: on a thin
    shape the longest way there is.
    """
    first, _ = _farthest(fits, middle)
    last, came_from = _farthest(fits, first)
    way = [last]
    while way[-1] != first:
        way.append(came_from[way[-1]])
    return _corners(way)


def _farthest(fits: NDArray[np.bool_], start: Place) -> tuple[Place, dict[Place, Place]]:
    """The pixel that takes the most steps from `start`, and for each pixel the one before it."""
    height, width = fits.shape
    came_from, waiting, last = {start: start}, deque([start]), start
    while waiting:
        last = waiting.popleft()
        for step_x, step_y in AROUND:
            x, y = last[0] + step_x, last[1] + step_y
            if 0 <= x < width and 0 <= y < height and fits[y, x] and (x, y) not in came_from:
                came_from[x, y] = last
                waiting.append((x, y))
    return last, came_from


def _corners(way: list[Place]) -> tuple[Place, ...]:
    """The ends of a way of neighbouring pixels, and the pixels where it turns."""
    steps = [(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in pairwise(way)]
    turns = [way[i] for i in range(1, len(steps)) if steps[i] != steps[i - 1]]
    return (way[0], *turns, *way[-1:]) if len(way) > 1 else (way[0],)


def _strays(way: list[Place], tolerance: float) -> bool:
    """Whether a pixel lies farther than that from the straight line between the ends."""
    (x0, y0), (x1, y1) = way[0], way[-1]
    length = hypot(x1 - x0, y1 - y0)
    if length == 0:
        return len(way) > 1
    return any(
        abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) > tolerance * length for x, y in way
    )
