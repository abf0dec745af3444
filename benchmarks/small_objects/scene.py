"""Large generated pictures with small objects whose masks are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HARMONICS = (2, 3, 5)  # of an outline around the circle
CLEAR = 1.6  # diameters from one object to the next


@dataclass(frozen=True)
class Thing:
    """One object: `mask` [h, w] stands in the picture with its corner at `left`, `top`, px."""

    left: int
    top: int
    mask: NDArray[np.bool_]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 in picture pixels."""
        height, width = self.mask.shape
        return self.left, self.top, self.left + width, self.top + height


def scene(
    width: int,
    height: int,
    *,
    diameter: int,
    count: int,
    seed: int,
    within: tuple[int, int, int, int] | None = None,
) -> tuple[NDArray[np.uint8], list[Thing]]:
    """RGB [height, width, 3] and its objects of about `diameter` px, clear of each other and of the border.

    They lie in the box `within`, else anywhere.
    """
    rng = np.random.default_rng(seed)
    soft = rng.integers(110, 141, (9, 12, 3)).astype(np.uint8)
    ground = Image.fromarray(soft).resize((width, height), Image.Resampling.BICUBIC)
    picture = np.array(ground)
    grain = rng.normal(0, 7, (512, 512, 1))
    tiles = (-(-height // 512), -(-width // 512), 1)
    picture = np.clip(picture + np.tile(grain, tiles)[:height, :width], 0, 255).astype(np.uint8)
    things: list[Thing] = []
    while len(things) < count:
        thing = _thing(rng, within or (0, 0, width, height), diameter)
        if all(_apart(thing, other, CLEAR * diameter) for other in things):
            x0, y0, x1, y1 = thing.box
            part = picture[y0:y1, x0:x1]
            shade = part[thing.mask].mean(0) + rng.choice([-1, 1], 3) * rng.uniform(25, 60, 3)
            texture = rng.normal(0, 7, (int(thing.mask.sum()), 3))
            part[thing.mask] = np.clip(shade + texture, 0, 255)
            things.append(thing)
    return picture, things


def _thing(rng: np.random.Generator, within: tuple[int, int, int, int], diameter: int) -> Thing:
    """A blob: a circle whose radius swings, wider than high or the other way round."""
    side = 2 * diameter
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    stretch = rng.uniform(0.7, 1.0)
    angle = np.arctan2(y, x * stretch)
    swing = sum(
        rng.uniform(0, 0.5 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
        for order in HARMONICS
    )
    mask = np.hypot(x * stretch, y) < diameter / 2 * np.clip(1 + swing, 0.3, 1.8)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    mask = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    x0, y0, x1, y1 = within
    left = int(rng.integers(x0 + diameter, x1 - diameter - mask.shape[1]))
    top = int(rng.integers(y0 + diameter, y1 - diameter - mask.shape[0]))
    return Thing(left, top, mask)


def _apart(one: Thing, other: Thing, gap: float) -> bool:
    x0, y0, x1, y1 = one.box
    left, top, right, foot = other.box
    return x0 > right + gap or x1 + gap < left or y0 > foot + gap or y1 + gap < top
