"""The grid of crops: every looked-at box lies well inside its crop, and neighbours share one."""

from __future__ import annotations

import numpy as np
import pytest

from common.crop_grid import Box, crop_around, crop_sides

SIZES = [(4001, 2999), (2999, 4001), (12247, 8165), (1025, 16), (1030, 1030), (20000, 5000)]


def looked_at(rng: np.random.Generator, width: int, height: int) -> Box:
    """A box somewhere in the picture, of any size that may have a crop."""
    across = int(rng.integers(1, max(2, width // 2)))
    down = int(rng.integers(1, max(2, height // 2)))
    x0, y0 = int(rng.integers(0, width - across + 1)), int(rng.integers(0, height - down + 1))
    return x0, y0, x0 + across, y0 + down


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_crop_holds_what_is_looked_at_and_stays_in_the_picture(width: int, height: int) -> None:
    rng = np.random.default_rng(width)
    sides = crop_sides(width=width, height=height, input_size=512)
    for _ in range(400):
        box = looked_at(rng, width, height)
        crop = crop_around(box, width=width, height=height, input_size=512)
        longest = max(box[2] - box[0], box[3] - box[1])
        if crop is None:
            assert longest + 2 > sides[0] * 3 / 4
            continue
        assert 0 <= crop[0] <= box[0] and box[2] <= crop[2] <= width
        assert 0 <= crop[1] <= box[1] and box[3] <= crop[3] <= height
        side = max(crop[2] - crop[0], crop[3] - crop[1])
        assert side in sides
        # None of the grid is both smaller and large enough.
        assert all(longest + 2 > other * 3 / 4 for other in sides if other < side)
        again = crop_around(_middle(crop), width=width, height=height, input_size=512)
        assert again is None or max(again[2] - again[0], again[3] - again[1]) <= side


def _middle(crop: Box) -> Box:
    x0, y0, x1, y1 = crop
    quarter = (x1 - x0) // 4, (y1 - y0) // 4
    return x0 + quarter[0], y0 + quarter[1], x1 - quarter[0], y1 - quarter[1]


def test_the_same_crop_serves_after_a_little_panning() -> None:
    size = {"width": 4000, "height": 3000, "input_size": 512}
    crops = {crop_around((x, 1400, x + 500, 1700), **size) for x in range(1000, 1200, 5)}
    assert crops == {(750, 1000, 1750, 2000), (1000, 1000, 2000, 2000)}


def test_crops_are_few_and_enlarged_four_times_at_most() -> None:
    assert crop_sides(width=4000, height=3000, input_size=512) == [2000, 1000, 500, 250]
    assert crop_sides(width=900, height=1023, input_size=512) == [512, 256, 128]
    assert crop_sides(width=513, height=500, input_size=512) == [257, 129]
    assert crop_sides(width=512, height=500, input_size=512) == []
    assert crop_sides(width=12247, height=100, input_size=1024) == [6124, 3062, 1531, 766, 383]


def test_where_the_whole_picture_serves_there_is_no_crop() -> None:
    assert crop_around((0, 0, 10, 10), width=500, height=400, input_size=512) is None
    assert crop_around((0, 0, 1600, 10), width=4000, height=3000, input_size=512) is None
    corner = crop_around((0, 0, 400, 300), width=4000, height=3000, input_size=512)
    assert corner == (0, 0, 1000, 1000)
    foot = crop_around((3990, 2990, 4000, 3000), width=4000, height=3000, input_size=512)
    assert foot == (3750, 2750, 4000, 3000)
