"""The way to the model frame and back is exact to the pixel."""

import numpy as np
import pytest
import torch

from common.model_frame import (
    frame_of,
    normalise_and_pad,
    prompt_arrays,
    to_frame_points,
    upscale_logits,
)


@pytest.mark.parametrize(
    ("width", "height", "new_width", "new_height"),
    [(2250, 1500, 1024, 683), (640, 480, 1024, 768), (3, 3000, 1, 1024), (1, 1, 1024, 1024)],
)
def test_an_image_fills_the_frame_with_its_longest_side(
    width: int, height: int, new_width: int, new_height: int
) -> None:
    frame = frame_of(width=width, height=height, input_size=1024, low_res_size=256)
    assert (frame.new_width, frame.new_height) == (new_width, new_height)


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="0 x 5"):
        frame_of(width=0, height=5, input_size=1024, low_res_size=256)


def test_points_scale_by_the_rounded_size_of_each_axis() -> None:
    frame = frame_of(width=2250, height=1500, input_size=1024, low_res_size=256)
    scaled = to_frame_points(np.array([[2250.0, 1500.0], [225.0, 150.0]]), frame)
    np.testing.assert_allclose(scaled, [[1024, 683], [102.4, 68.3]])


def test_a_prompt_ends_with_padding_or_with_its_box() -> None:
    frame = frame_of(width=200, height=100, input_size=100, low_res_size=25)
    points, labels = np.array([[20.0, 10.0], [60.0, 80.0]]), np.array([1.0, 0.0])
    coords, marks = prompt_arrays(points=points, labels=labels, box=None, frame=frame)
    assert coords.tolist() == [[10, 5], [30, 40], [0, 0]] and marks.tolist() == [1, 0, -1]
    box = np.array([10.0, 20.0, 30.0, 60.0])
    coords, marks = prompt_arrays(points=points, labels=labels, box=box, frame=frame)
    assert coords[2:].tolist() == [[5, 10], [15, 30]] and marks.tolist() == [1, 0, 2, 3]
    assert coords.dtype == marks.dtype == np.float32


def test_padding_is_zero_after_normalising() -> None:
    frame = frame_of(width=8, height=4, input_size=16, low_res_size=4)
    padded = normalise_and_pad(np.full((8, 16, 3), 255, np.uint8), frame)
    assert padded.shape == (3, 16, 16) and padded.dtype == np.float32
    assert (padded[:, 8:] == 0).all()
    assert padded[0, 0, 0] == pytest.approx((255 - 123.675) / 58.395)
    with pytest.raises(ValueError, match="expected 8 x 16"):
        normalise_and_pad(np.zeros((16, 8, 3), np.uint8), frame)


def test_upscaling_a_square_image_is_the_bilinear_resize_of_torch() -> None:
    low_res = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32)
    frame = frame_of(width=100, height=100, input_size=64, low_res_size=16)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(low_res).double()[None, None], (100, 100), mode="bilinear"
    )
    np.testing.assert_allclose(upscale_logits(low_res, frame), expected[0, 0].numpy())


def test_upscaling_a_tall_image_follows_the_formula_pixel_by_pixel() -> None:
    low_res = np.random.default_rng(1).normal(size=(8, 8)).astype(np.float32)
    frame = frame_of(width=13, height=37, input_size=32, low_res_size=8)
    upscaled = upscale_logits(low_res, frame)
    assert upscaled.shape == (37, 13) and upscaled.dtype == np.float64
    for x, y in ((0, 0), (12, 36), (5, 20), (11, 3)):
        u = min(max((x + 0.5) * frame.new_width / 13 * 8 / 32 - 0.5, 0), 7)
        v = min(max((y + 0.5) * frame.new_height / 37 * 8 / 32 - 0.5, 0), 7)
        left, above = int(u), int(v)
        right, below = min(left + 1, 7), min(above + 1, 7)
        top = low_res[above, left] * (1 - (u - left)) + low_res[above, right] * (u - left)
        low = low_res[below, left] * (1 - (u - left)) + low_res[below, right] * (u - left)
        assert upscaled[y, x] == pytest.approx(top * (1 - (v - above)) + low * (v - above))
