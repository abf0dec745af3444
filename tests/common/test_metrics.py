"""Measures of masks agree with scipy and with what can be counted by hand."""

import numpy as np
import pytest
from scipy import ndimage

from common.metrics import (
    Click,
    border_depth,
    boundary_iou,
    iou,
    mean_iou,
    next_click,
    number_of_clicks,
)


def empty(height: int = 30, width: int = 47) -> np.ndarray:
    return np.zeros((height, width), bool)


def lopsided() -> np.ndarray:
    mask = empty()
    mask[4:20, 5:12] = True
    mask[14:20, 5:33] = True
    return mask


@pytest.mark.parametrize("seed", range(8))
def test_border_depth_is_the_exact_distance_transform(seed: int) -> None:
    noise = np.random.default_rng(seed).random((53, 71))
    mask = ndimage.gaussian_filter(noise, 1 + seed) > 0.5
    expected = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    np.testing.assert_allclose(border_depth(mask), expected)
    np.testing.assert_allclose(border_depth(mask, most=3), np.minimum(expected, 3))


def test_border_depth_counts_the_image_border_as_outside() -> None:
    assert border_depth(np.ones((3, 5), bool)).max() == 2
    assert border_depth(empty()).max() == 0
    assert border_depth(np.ones((1, 7), bool)).max() == 1


def test_iou_of_known_masks() -> None:
    first, second = empty(), empty()
    first[2:6, 3:13] = True  # 40 pixels
    second[4:8, 3:13] = True  # 40 pixels, 20 shared
    assert iou(first, second) == pytest.approx(20 / 60)
    assert iou(first, empty()) == 0
    assert iou(empty(), empty()) == 1
    assert mean_iou([(first, second), (first, first)]) == pytest.approx((1 / 3 + 1) / 2)


def test_boundary_iou_sees_what_iou_does_not() -> None:
    reference = empty(100, 140)
    reference[10:90, 10:120] = True
    shrunk = empty(100, 140)
    shrunk[14:86, 14:116] = True
    assert iou(reference, shrunk) > 0.8
    assert boundary_iou(reference, shrunk) < 0.2
    assert boundary_iou(reference, reference) == 1


def test_the_first_click_is_the_deepest_pixel() -> None:
    mask = empty()
    mask[3:12, 20:41] = True  # 9 rows: depth 5 along the middle row, first at the left
    assert next_click(empty(), mask) == Click(24, 7, 1)


def test_a_deeper_surplus_gets_a_background_click() -> None:
    reference, mask = empty(), empty()
    reference[2:5, 2:30] = True
    mask[10:25, 8:25] = True
    click = next_click(mask, reference)
    assert click is not None and click.label == 0 and mask[click.y, click.x]


def test_equally_deep_errors_get_a_background_click() -> None:
    reference, mask = empty(), empty()
    reference[2:7, 2:7] = True
    mask[12:17, 12:17] = True
    assert next_click(mask, reference) == Click(14, 14, 0)


def test_no_pixel_is_clicked_twice_and_a_perfect_mask_ends_it() -> None:
    reference = lopsided()
    first = next_click(empty(), reference)
    assert first is not None
    second = next_click(empty(), reference, [first])
    assert second is not None and second != first
    assert next_click(reference, reference) is None


def test_number_of_clicks_stops_at_the_limit() -> None:
    assert number_of_clicks([0.5, 0.91, 0.7], 0.9) == 2
    assert number_of_clicks([0.5] * 20, 0.9) == 20
    assert number_of_clicks([0.95], 0.9) == 1
