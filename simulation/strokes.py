"""Strokes of brush and eraser, pixel for pixel those of the page (`web/static/js/geometry/brush.js`)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.metrics import Mask, error_depth

MAX_BRUSH_PX = 299  # the largest odd size
DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1))


@dataclass(frozen=True)
class Stroke:
    """A straight drag with a round brush of odd size in image pixels."""

    mode: Literal["brush", "eraser"]
    size: int
    start: tuple[int, int]  # x, y
    end: tuple[int, int]  # level, upright or diagonal from `start`

    @property
    def length(self) -> float:
        """Image pixels from start to end."""
        return float(np.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1]))

    def facts(self) -> dict[str, object]:
        """The stroke as the page writes it into provenance and log."""
        points = (
            [list(self.start)] if self.start == self.end else [list(self.start), list(self.end)]
        )
        return {"mode": self.mode, "shape": "circle", "size": self.size, "points": points}

    def area(self, shape: tuple[int, int]) -> Mask:
        """The pixels [H, W] it covers: the brush stamped at every pixel of the way."""
        steps = max(abs(self.end[0] - self.start[0]), abs(self.end[1] - self.start[1]))
        ways = [
            np.linspace(self.start[i], self.end[i], steps + 1).round().astype(int) for i in (0, 1)
        ]
        reach = self.size // 2
        offsets = np.arange(-reach, reach + 1)
        disc = 4 * (offsets[:, None] ** 2 + offsets**2) <= self.size**2
        covered = np.zeros((shape[0] + 2 * reach, shape[1] + 2 * reach), dtype=bool)
        for x, y in zip(*ways, strict=True):
            covered[y : y + self.size, x : x + self.size] |= disc
        return covered[reach : reach + shape[0], reach : reach + shape[1]]


def next_stroke(mask: Mask, reference: Mask) -> Stroke | None:
    """The stroke a careful person makes next: inside the larger error, through its deepest pixel.

    The brush is as large as the error is deep there and is dragged straight on as long as it stays
    inside, in the best of four directions: what it touches was wrong and is right afterwards. None
    when nothing is wrong.
    """
    depth, label = error_depth(mask, reference)
    if depth.max() <= 0:
        return None
    reach = min(ceil(float(depth.max()) - 0.5) - 1, MAX_BRUSH_PX // 2)
    y, x = (int(i) for i in np.unravel_index(int(depth.argmax()), depth.shape))
    fits = depth > reach + 0.5
    runs = [_run(fits, x, y, direction) for direction in DIRECTIONS]
    start, end = max(
        runs, key=lambda run: max(abs(run[1][0] - run[0][0]), abs(run[1][1] - run[0][1]))
    )
    return Stroke("brush" if label else "eraser", 2 * reach + 1, start, end)


def _run(
    fits: NDArray[np.bool_], x: int, y: int, direction: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The ends (x, y) of the longest straight run of true pixels through one of them."""
    ends = []
    for sign in (-1, 1):
        step_x, step_y = sign * direction[0], sign * direction[1]
        at_x, at_y = x, y
        while _is_true(fits, at_x + step_x, at_y + step_y):
            at_x, at_y = at_x + step_x, at_y + step_y
        ends.append((at_x, at_y))
    return ends[0], ends[1]


def _is_true(fits: NDArray[np.bool_], x: int, y: int) -> bool:
    height, width = fits.shape
    return 0 <= x < width and 0 <= y < height and bool(fits[y, x])
