"""Many RLEs at once, each exactly as it is read alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import rle, rle_list
from tests.common.test_rle import HEIGHT, WIDTH, coco_counts, random_mask

SIZE = {"height": HEIGHT, "width": WIDTH, "max_runs": HEIGHT * WIDTH + 1}
MASK = rle.encode(random_mask(height=HEIGHT, width=WIDTH, share=0.4, seed=5))
EMPTY, FULL = rle.encode(np.zeros((HEIGHT, WIDTH))), rle.encode(np.ones((HEIGHT, WIDTH)))
ODD = [
    "",
    "5",
    "ü",
    "\x00",
    "ooooooo0",  # eight characters
    MASK[:-1] + "P",  # cut off
    MASK + "0",  # a run of nothing at the end
    MASK[::-1],
    "Q2" + EMPTY,
    rle.counts_of(np.array([3, 0, HEIGHT * WIDTH - 3])),  # a run of nothing in the middle
    rle.counts_of(np.array([9, -2, HEIGHT * WIDTH - 7])),
    rle.counts_of(np.array([2**34, 1, HEIGHT * WIDTH])),
    chr(ord(EMPTY[-1]) | 32) + "0",  # longer than it needs to be
]


def alone(written: str) -> rle_list.MeasuredMask | str:
    """The mask, or the code of what is wrong."""
    try:
        runs = rle.read_counts(written, **SIZE)
    except rle.BadRle as error:
        return error.code
    return rle_list.MeasuredMask(rle.counts_of(runs), rle.area(runs), rle.box(runs, height=HEIGHT))


def together(written: list[str]) -> list[rle_list.MeasuredMask | str]:
    found = rle_list.read_list(written, **SIZE)
    return [one.code if isinstance(one, rle.BadRle) else one for one in found]


@settings(max_examples=100, deadline=None)
@given(
    shares=st.lists(st.floats(0, 1), max_size=9),
    odd=st.lists(st.sampled_from([*ODD, EMPTY, FULL]), max_size=4),
    text=st.text(alphabet="".join(map(chr, range(46, 114))), max_size=12),
    seed=st.integers(0, 2**31),
)
def test_each_is_what_it_is_alone_whatever_stands_beside_it(
    shares: list[float], odd: list[str], text: str, seed: int
) -> None:
    masks = [
        random_mask(height=HEIGHT, width=WIDTH, share=share, seed=seed + number)
        for number, share in enumerate(shares)
    ]
    written = [*(coco_counts(mask) for mask in masks), *odd, text]
    np.random.default_rng(seed).shuffle(written)  # type: ignore[arg-type]
    assert together(written) == [alone(one) for one in written]


def test_area_and_box_are_those_of_the_raster() -> None:
    masks = [random_mask(height=HEIGHT, width=WIDTH, share=0.1, seed=seed) for seed in range(30)]
    found = rle_list.read_list([coco_counts(mask) for mask in masks], **SIZE)
    for mask, one in zip(masks, found, strict=True):
        assert isinstance(one, rle_list.MeasuredMask)
        rows, columns = np.nonzero(mask)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert (one.area, one.box) == (mask.sum(), box)


@pytest.mark.parametrize("at_once", [1, len(MASK), 3 * len(MASK)])
def test_it_is_the_same_in_parts_of_any_length(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    written = [MASK, FULL, *ODD, MASK, EMPTY, MASK]
    whole = together(written)
    monkeypatch.setattr(rle_list, "_AT_ONCE", at_once)
    assert together(written) == whole == [alone(one) for one in written]


def test_more_runs_than_allowed_are_refused_and_none_of_the_others() -> None:
    simple = rle.encode(np.arange(HEIGHT * WIDTH).reshape(WIDTH, HEIGHT).T > 5)
    found = rle_list.read_list([MASK, simple], height=HEIGHT, width=WIDTH, max_runs=4)
    assert isinstance(found[0], rle.BadRle) and found[0].code == "too_many_runs"
    assert isinstance(found[1], rle_list.MeasuredMask)


def test_a_list_of_nothing_is_nothing() -> None:
    assert rle_list.read_list([], **SIZE) == []
