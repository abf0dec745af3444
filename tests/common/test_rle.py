"""RLE against pycocotools, and refusal of everything that is not one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as coco
from scipy.spatial import ConvexHull
from skimage.measure import label

from common import rle
from common.metrics import iou

HEIGHT, WIDTH = 7, 11


def random_mask(*, height: int, width: int, share: float, seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((height, width)) < share


def coco_counts(mask: NDArray[np.bool_]) -> str:
    return coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode("ascii")


def parse(counts: str, *, height: int = HEIGHT, width: int = WIDTH) -> rle.Runs:
    return rle.parse_counts(counts, height=height, width=width, max_runs=height * width + 1)


@settings(max_examples=150, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_mask_is_written_and_read_as_pycocotools_does(
    height: int, width: int, share: float, seed: int
) -> None:
    mask = random_mask(height=height, width=width, share=share, seed=seed)
    counts = rle.encode(mask)
    runs = parse(counts, height=height, width=width)
    assert counts == coco_counts(mask)
    assert np.array_equal(rle.decode(runs, height=height, width=width), mask)
    assert rle.area(runs) == mask.sum()
    assert rle.box(runs, height=height) == box_by_projection(mask)


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    seed=st.integers(0, 2**32 - 2),
)
def test_iou_of_runs_is_that_of_the_rasters(
    height: int, width: int, shares: tuple[float, float], seed: int
) -> None:
    first, second = (
        random_mask(height=height, width=width, share=share, seed=seed + number)
        for number, share in enumerate(shares)
    )
    runs = [rle.runs_of(mask) for mask in (first, second)]
    assert rle.intersection(*runs) == np.count_nonzero(first & second)
    assert rle.iou(*runs) == pytest.approx(iou(first, second), abs=0)


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_regions_are_those_of_scikit_image(
    height: int, width: int, share: float, seed: int
) -> None:
    mask = random_mask(height=height, width=width, share=share, seed=seed)
    labelled = label(mask, connectivity=2)
    areas = sorted(np.bincount(labelled.ravel())[1:].tolist(), reverse=True)
    assert rle.region_areas(rle.runs_of(mask), height=height) == areas


def box_by_projection(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return (0, 0, 0, 0)
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_hull_is_scipys_around_the_corners_of_the_pixels(
    height: int, width: int, share: float, seed: int
) -> None:
    mask = random_mask(height=height, width=width, share=share**3, seed=seed)
    rows, columns = np.nonzero(mask)
    corners = [np.stack((columns + x, rows + y), axis=1) for x in (0, 1) for y in (0, 1)]
    expected = ConvexHull(np.concatenate(corners)).volume if rows.size else 0.0
    assert rle.hull_area(rle.runs_of(mask), height=height) == pytest.approx(expected)


def test_the_hull_of_a_rectangle_is_the_rectangle_and_of_an_l_more() -> None:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[1:6, 2:9] = True
    assert rle.hull_area(rle.runs_of(mask), height=HEIGHT) == 35
    mask[1:5, 3:9] = False  # 5 high at the left, 7 wide at the bottom
    assert rle.hull_area(rle.runs_of(mask), height=HEIGHT) == 35 - 6 * 4 / 2


def test_long_runs_of_a_large_picture_agree_with_pycocotools() -> None:
    mask = np.zeros((4000, 6001), dtype=bool)
    mask[17:3500, 20:21] = True
    mask[100:200, 5000:5900] = True
    counts = rle.encode(mask)
    assert counts == coco_counts(mask)
    assert rle.area(parse(counts, height=4000, width=6001)) == mask.sum()


def test_an_empty_and_a_full_mask_keep_their_size() -> None:
    empty, full = np.zeros((HEIGHT, WIDTH), dtype=bool), np.ones((HEIGHT, WIDTH), dtype=bool)
    assert rle.encode(empty) == coco_counts(empty)
    assert rle.encode(full) == coco_counts(full)
    assert rle.box(parse(rle.encode(full)), height=HEIGHT) == (0, 0, WIDTH, HEIGHT)
    assert rle.box(parse(rle.encode(empty)), height=HEIGHT) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ("", "empty"),
        ("]", "truncated"),
        ("é", "bad_character"),
        ("\x00", "bad_character"),
        ("5", "wrong_size"),  # too few pixels: pycocotools would return heap memory
        ("_____________0", "number_too_long"),
        ("=@=", "negative_run"),
        (rle.counts_of(np.array([40, 0, 37])), "empty_run"),
        (rle.counts_of(np.array([70, 8])), "wrong_size"),
        ("m2", "wrong_size"),  # 93 pixels in an image of 77
    ],
)
def test_a_string_that_is_no_mask_of_this_size_is_refused(counts: str, code: str) -> None:
    with pytest.raises(rle.BadRle) as refusal:
        parse(counts)
    assert refusal.value.code == code


def test_a_number_written_longer_than_needed_is_refused() -> None:
    counts = rle.counts_of(np.array([40, 37]))
    padded = counts[:-1] + chr((ord(counts[-1]) - 48 | 0x20) + 48) + "0"
    with pytest.raises(rle.BadRle, match="more characters"):
        parse(padded)


def test_more_runs_than_allowed_are_refused() -> None:
    counts = rle.encode(random_mask(height=HEIGHT, width=WIDTH, share=0.5, seed=3))
    with pytest.raises(rle.BadRle, match="5"):
        rle.parse_counts(counts, height=HEIGHT, width=WIDTH, max_runs=5)


@settings(max_examples=300, deadline=None)
@given(counts=st.text(alphabet=[chr(code) for code in range(48, 112)], min_size=1, max_size=40))
def test_random_text_is_refused_or_covers_the_image_exactly(counts: str) -> None:
    try:
        runs = parse(counts)
    except rle.BadRle:
        return
    assert runs.sum() == HEIGHT * WIDTH
    assert rle.encode(rle.decode(runs, height=HEIGHT, width=WIDTH)) == counts


@settings(max_examples=150, deadline=None)
@given(runs=st.lists(st.integers(0, 9), min_size=1, max_size=60))
def test_runs_of_others_may_be_empty_and_give_the_same_mask(runs: list[int]) -> None:
    width, lengths = 5, [*runs, -sum(runs) % 5 + 5]
    size = {"height": sum(lengths) // width, "width": width, "max_runs": 1000}
    written = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    mask = written.reshape((size["height"], width), order="F")
    for found in (
        rle.read_lengths(lengths, **size),
        rle.read_counts(rle.counts_of(np.array(lengths)), **size),
    ):
        assert rle.counts_of(found) == coco_counts(mask)


@pytest.mark.parametrize(
    ("lengths", "code"),
    [
        ([], "empty"),
        ([0, 0], "wrong_size"),
        ([40, 36], "wrong_size"),
        ([10, 0, -3, 1, 69], "negative_run"),
        ([10.0, 67], "bad_number"),
        ([True, 76], "bad_number"),
        ([10**40], "bad_number"),
        ([1] * 78, "too_many_runs"),
    ],
)
def test_lengths_that_are_no_mask_of_this_size_are_refused(
    lengths: list[object], code: str
) -> None:
    with pytest.raises(rle.BadRle) as refusal:
        rle.read_lengths(lengths, height=HEIGHT, width=WIDTH, max_runs=HEIGHT * WIDTH)
    assert refusal.value.code == code


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(rle.BadRle, match="not list"):
        parse([1, 2])  # type: ignore[arg-type]
