"""Shapes and pictures that nobody photographed: wavy blobs, and small pictures on which they can be seen."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pixels

from common import rle

WIDTH, HEIGHT = 320, 240  # pixels; a picture is its own thumbnail
NUM_SHAPES = 1000
IMAGE_STEP, MASK_STEP = 31, 13  # shape of mask k in image n; masks of one image have different ones
NUM_PAINTED = 30  # objects of a picture


@dataclass(frozen=True)
class Shape:
    """A mask of any of the pictures; `x` and `y` are a pixel inside."""

    counts: str
    area: int
    box: tuple[int, int, int, int]
    hull_area: float
    x: int
    y: int

    @property
    def mask(self) -> NDArray[np.bool_]:
        """[HEIGHT, WIDTH]."""
        most = HEIGHT * WIDTH + 1
        runs = rle.parse_counts(self.counts, height=HEIGHT, width=WIDTH, max_runs=most)
        return rle.decode(runs, height=HEIGHT, width=WIDTH)


@cache
def shapes() -> list[Shape]:
    """The same ones at every call."""
    luck = np.random.default_rng(11)
    return [_shape(luck) for _ in range(NUM_SHAPES)]


def _shape(luck: np.random.Generator) -> Shape:
    x, y = int(luck.integers(8, WIDTH - 8)), int(luck.integers(8, HEIGHT - 8))
    size = 5 * 12 ** luck.random()
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    angle = np.arctan2(rows - y, columns - x)
    edge = size * (1 + 0.2 * np.sin(luck.integers(2, 6) * angle + luck.uniform(0, 6)))
    runs = rle.runs_of(np.hypot((columns - x) * luck.uniform(0.7, 1.4), rows - y) < edge)
    return Shape(
        counts=rle.counts_of(runs),
        area=rle.area(runs),
        box=rle.box(runs, height=HEIGHT),
        hull_area=rle.hull_area(runs, height=HEIGHT),
        x=x,
        y=y,
    )


def pictures(count: int) -> Iterator[bytes]:
    """JPEG files, numbered from 1, no two alike."""
    masks = [shape.mask for shape in shapes()]
    areas = np.array([shape.area for shape in shapes()])
    for number in range(1, count + 1):
        painted = (IMAGE_STEP * number + MASK_STEP * np.arange(1, NUM_PAINTED + 1)) % NUM_SHAPES
        largest_first = painted[np.argsort(-areas[painted])]
        yield _picture(number, [masks[place] for place in largest_first])


def _picture(number: int, objects: list[NDArray[np.bool_]]) -> bytes:
    luck = np.random.default_rng(number)
    sky, ground = luck.uniform(60, 220, (2, 1, 1, 3))
    pixels = sky + (ground - sky) * np.linspace(0, 1, HEIGHT)[:, None, None]
    pixels = np.repeat(pixels, WIDTH, axis=1)
    for one in objects:
        pixels[one] = luck.uniform(20, 235, 3)
    pixels += luck.normal(0, 4, (HEIGHT, WIDTH, 1))
    out = io.BytesIO()
    Pixels.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=80)
    return out.getvalue()
