"""Masks drawn on pixels as a file stores them, on the picture as it is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common import rle


def turned_upright(
    runs: rle.Runs, *, height: int, width: int, orientation: int
) -> tuple[rle.Runs, int, int]:
    """A mask drawn on pixels as stored, on the picture as EXIF `orientation` (1 to 8) shows it.

    Sizes in pixels as stored. Returns the runs, and the height and width of the upright picture.
    """
    if orientation == 1:
        return runs, height, width
    mask = _upright(rle.decode(runs, height=height, width=width), orientation)
    return rle.runs_of(mask), mask.shape[0], mask.shape[1]


def _upright(mask: NDArray[np.bool_], orientation: int) -> NDArray[np.bool_]:
    """EXIF 2.32, tag 0x0112; a transposition first for those that lie on their side."""
    upright = mask.T if orientation >= 5 else mask
    if orientation in {2, 3, 6, 7}:
        upright = upright[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        upright = upright[::-1]
    return upright
