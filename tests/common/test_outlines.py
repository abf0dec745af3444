"""Outlines of masks as single polygons: drawn again by pycocotools they are the mask, or as much of it as is told."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from common import outlines, segmentation
from common.outlines import ENOUGH_IOU, joined, polygon_of, rings_of, simplified

HEIGHT, WIDTH = 48, 70


def blank() -> NDArray[np.bool_]:
    return np.zeros((HEIGHT, WIDTH), dtype=bool)


def drawn(numbers: list[float]) -> NDArray[np.bool_]:
    """By shares of width and height, as a reader of the format draws them."""
    outline = (np.reshape(numbers, (-1, 2)) * (WIDTH, HEIGHT)).ravel().tolist()
    [found] = coco_mask.frPyObjects([outline], HEIGHT, WIDTH)
    return np.asarray(coco_mask.decode([found])[..., 0], dtype=bool)


def iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


def shapes() -> dict[str, NDArray[np.bool_]]:
    shapes = {name: blank() for name in ("pixel", "line", "L", "holes", "parts", "touching", "all")}
    shapes["pixel"][5, 8] = True
    shapes["line"][7, 3:60] = True
    shapes["L"][3:17, 4:9] = shapes["L"][13:17, 4:31] = True
    shapes["holes"][5:40, 6:60] = True
    shapes["holes"][10:14, 10:20] = shapes["holes"][30:33, 41:43] = False
    shapes["parts"][2:12, 3:9] = shapes["parts"][20:41, 33:66] = shapes["parts"][44, 2] = True
    shapes["touching"][10:20, 10:20] = shapes["touching"][20:31, 20:33] = True
    shapes["touching"][8:10, 20:22] = True
    shapes["all"][:] = True
    return shapes


@pytest.mark.parametrize("name", shapes())
def test_straight_shapes_lose_nothing(name: str) -> None:
    mask = shapes()[name]
    polygon = polygon_of(mask)
    assert np.array_equal(drawn(polygon.numbers), mask)
    assert polygon.iou == 1.0
    assert min(polygon.numbers) >= 0 and max(polygon.numbers) <= 1


def test_a_rectangle_is_its_four_corners() -> None:
    mask = blank()
    mask[10:20, 30:50] = True
    [ring] = rings_of(mask)
    assert sorted(map(tuple, ring.tolist())) == [(30, 10), (30, 20), (50, 10), (50, 20)]


def test_parts_and_holes_have_rings_of_their_own_the_longest_first() -> None:
    lengths = [len(rings_of(shapes()[name])) for name in ("L", "holes", "parts", "touching")]
    assert lengths == [1, 3, 3, 3]
    first, *_ = rings_of(shapes()["parts"])
    assert first[:, 0].max() == 66


def test_an_ellipse_has_few_points_and_tells_what_it_lost() -> None:
    rows, columns = np.indices((HEIGHT, WIDTH))
    mask = ((rows - 22) / 19) ** 2 + ((columns - 33) / 30) ** 2 < 1
    polygon = polygon_of(mask)
    [ring] = rings_of(mask)
    assert len(polygon.numbers) / 2 < len(ring) / 2
    assert ENOUGH_IOU <= polygon.iou < 1
    assert polygon.iou == pytest.approx(iou(drawn(polygon.numbers), mask))


@pytest.mark.parametrize("seed", range(12))
def test_ragged_masks_keep_enough_and_tell_the_truth(seed: int) -> None:
    noise = np.random.default_rng(seed).random((HEIGHT, WIDTH))
    smooth = sum(np.roll(noise, shift, axis) for shift in range(-2, 3) for axis in (0, 1))
    mask = np.asarray(smooth > np.quantile(smooth, 0.7))
    polygon = polygon_of(mask)
    assert polygon.iou == pytest.approx(iou(drawn(polygon.numbers), mask))
    assert polygon.iou >= ENOUGH_IOU


def test_of_many_specks_the_largest_are_kept_and_the_rest_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mask = blank()
    mask[2:6, 2:6] = mask[20:30, 20:40] = mask[40, 60] = True
    monkeypatch.setattr(outlines, "MOST_RINGS", 2)
    polygon = polygon_of(mask)
    assert polygon.iou == pytest.approx(216 / 217)
    monkeypatch.setattr(outlines, "MOST_RINGS", 1)
    assert polygon_of(mask).iou == pytest.approx(200 / 217)


def test_a_ring_with_too_many_corners_is_thinned_and_the_rest_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, columns = np.indices((HEIGHT, WIDTH))
    mask = (rows - 22) ** 2 + (columns - 33) ** 2 < 400
    mask[1:3, 1:3] = True
    [ring, _] = rings_of(mask)
    monkeypatch.setattr(outlines, "MOST_CORNERS", 20)
    polygon = polygon_of(mask)
    assert len(polygon.numbers) / 2 <= 25 < len(ring)
    assert polygon.iou == pytest.approx(iou(drawn(polygon.numbers), mask))
    assert 0.9 < polygon.iou < 1


def test_what_is_too_long_to_be_drawn_is_its_largest_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = blank()
    mask[2:6, 2:6] = mask[20:30, 20:40] = True
    monkeypatch.setattr(segmentation, "MAX_OUTLINE_LENGTH", 100.0)
    polygon = polygon_of(mask)
    assert len(polygon.numbers) == 8 and polygon.iou == pytest.approx(200 / 216)


@pytest.mark.parametrize("seed", range(6))
def test_all_points_are_the_mask_itself(seed: int) -> None:
    mask = np.random.default_rng(seed).random((HEIGHT, WIDTH)) > 0.6
    whole = joined(rings_of(mask)) / (WIDTH, HEIGHT)
    assert np.array_equal(drawn(whole.ravel().tolist()), mask)


def test_nothing_that_is_left_out_is_further_than_the_tolerance_from_the_line() -> None:
    rows, columns = np.indices((HEIGHT, WIDTH))
    [ring] = rings_of((rows - 22) ** 2 + (columns - 33) ** 2 < 400)
    found = simplified(ring, 1.0)
    ends = np.roll(found, -1, axis=0)
    for point in ring:
        along, offset = (ends - found).astype(float), (point - found).astype(float)
        share = np.clip((along * offset).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
        assert np.hypot(*(offset - share[:, None] * along).T).min() <= 1.0 + 1e-9
