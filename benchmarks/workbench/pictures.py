"""Pictures and masks of any size, painted from a seed."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NUM_BLOBS = 40


def painted_picture(width: int, height: int, *, seed: int) -> bytes:
    """A JPEG of soft blobs on a gradient, with fine grain."""
    rng = np.random.default_rng(seed)
    small = _blobs(320, 240, rng)
    picture = Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def _blobs(width: int, height: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """RGB [height, width, 3]."""
    y, x = np.mgrid[:height, :width]
    picture = np.stack([90 + 60 * x / width, 100 + 40 * y / height, np.full_like(x, 120)], -1)
    for _ in range(NUM_BLOBS):
        centre, radius = rng.uniform(0, 1, 2) * (width, height), rng.uniform(6, 30)
        inside = np.hypot(x - centre[0], 1.3 * (y - centre[1])) < radius
        picture[inside] = rng.integers(20, 236, 3)
    return np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


def disc(width: int, height: int, *, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A mask [height, width] somewhere in the picture, 2 to 6 % of its height across."""
    radius = rng.uniform(0.01, 0.03) * height
    x0, y0 = rng.uniform(radius, width - radius), rng.uniform(radius, height - radius)
    mask = np.zeros((height, width), bool)
    top, end = int(y0 - radius), int(y0 + radius) + 1
    y, x = np.ogrid[top:end, :width]
    mask[top:end] = np.hypot(x - x0, y - y0) < radius
    return mask
