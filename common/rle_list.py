"""Many compressed RLEs checked and measured in one pass: the work of `common.rle` without its cost for each of them.

A single mask costs some forty calls of numpy, whatever its size; a list of them costs no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, groupby

import numpy as np
from numpy.typing import NDArray

from common import rle

_NOT_WHOLE = re.compile(
    r"[^0-o]|[P-o]{7}|[P-o]\Z"
)  # no RLE, a number too long, or one that is cut off
_AT_ONCE = 1 << 18  # characters: what is made of them takes some 30 MB
_Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class MeasuredMask:
    """A mask of the size that was asked for."""

    counts: str  # the one canonical string
    area: int  # pixels
    box: tuple[int, int, int, int]  # x0, y0, x1, y1, half-open, pixels; 0s for none


def read_list(
    written: Sequence[str], *, height: int, width: int, max_runs: int
) -> list[MeasuredMask | rle.BadRle]:
    """Each string as `rle.read_counts` takes it, measured; or why it is no mask of that size."""
    size = {"height": height, "width": width, "max_runs": max_runs}
    found: list[MeasuredMask | rle.BadRle] = []
    for part in _parts(written):
        whole = [_is_whole(one) for one in part]
        measured = iter(_measured(list(compress(part, whole)), **size))
        for one, is_whole in zip(part, whole, strict=True):
            good = next(measured) if is_whole else None
            found.append(good or _read_alone(one, **size))
    return found


def _is_whole(written: str) -> bool:
    return written != "" and not _NOT_WHOLE.search(written)


def _parts(written: Sequence[str]) -> Iterator[list[str]]:
    """Parts of about `_AT_ONCE` characters; a longer string may end one."""
    ends = accumulate(map(len, written))
    for _, part in groupby(zip(written, ends, strict=True), lambda one: one[1] // _AT_ONCE):
        yield [one for one, _ in part]


def _read_alone(
    written: str, *, height: int, width: int, max_runs: int
) -> MeasuredMask | rle.BadRle:
    try:
        runs = rle.read_counts(written, height=height, width=width, max_runs=max_runs)
    except rle.BadRle as error:
        return error
    return MeasuredMask(rle.counts_of(runs), rle.area(runs), rle.box(runs, height=height))


def _measured(
    written: list[str], *, height: int, width: int, max_runs: int
) -> list[MeasuredMask | None]:
    """None for every string that is not the canonical one of a mask of that size, or has no foreground."""
    if not written:
        return []
    numbers, num_groups, first, size = _numbers(written)
    place = np.arange(numbers.size) - np.repeat(first, size)  # of each number in its string
    is_foreground = place % 2 == 1
    odd = _sums(np.where(is_foreground, numbers, 0), first, size)
    even = _sums(np.where(is_foreground | (place == 0), 0, numbers), first, size)
    runs = np.where(place == 0, numbers, np.where(is_foreground, odd, even))
    is_wrong = (runs < 0) | ((runs == 0) & (place > 0)) | (num_groups != rle.groups_needed(numbers))
    is_good = np.add.reduceat(is_wrong, first, dtype=np.int64) == 0
    is_good &= (np.add.reduceat(runs, first) == height * width) & (size <= max_runs) & (size > 1)
    area = np.add.reduceat(np.where(is_foreground, runs, 0), first)
    boxes = np.zeros((size.size, 4), dtype=np.int64)
    if is_good.any():
        ends = _sums(runs, first, size)
        drawn = is_foreground & np.repeat(is_good, size)
        boxes[is_good] = _boxes((ends - runs)[drawn], ends[drawn], (size // 2)[is_good], height)
    return [
        MeasuredMask(one, covered, (box[0], box[1], box[2], box[3])) if good else None
        for one, good, covered, box in zip(
            written, is_good.tolist(), area.tolist(), boxes.tolist(), strict=True
        )
    ]


def _numbers(written: list[str]) -> tuple[_Numbers, _Numbers, _Numbers, _Numbers]:
    """Of strings [N] with numbers [R] in all: the numbers and their characters [R], first number and size [N]."""
    values = np.frombuffer("".join(written).encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    last = np.flatnonzero(values < 32)
    begin = np.concatenate(([0], last[:-1] + 1))
    num_groups = last - begin + 1
    numbers = np.zeros(last.size, dtype=np.int64)
    for group in range(int(num_groups.max())):
        has_it = num_groups > group
        numbers[has_it] |= (values[begin[has_it] + group] & 31) << (5 * group)
    numbers -= np.where(values[last] & 16, np.int64(1) << (5 * num_groups), 0)
    ends = np.cumsum([len(one) for one in written])
    after = np.searchsorted(last, ends, side="left")
    first = np.concatenate(([0], after[:-1]))
    return numbers, num_groups, first, after - first


def _sums(values: _Numbers, first: _Numbers, size: _Numbers) -> _Numbers:
    """Of each string's values up to each one of them [R]."""
    sums = np.cumsum(values)
    before: _Numbers = sums - np.repeat((sums - values)[first], size)
    return before


def _boxes(starts: _Numbers, ends: _Numbers, number: _Numbers, height: int) -> _Numbers:
    """Boxes [N, 4] around foreground runs [R], so many of each mask, by their places in its column-major pixels."""
    first = np.cumsum(number) - number
    first_column, last_column = starts // height, (ends - 1) // height
    wraps = first_column != last_column
    top = np.where(wraps, 0, starts % height)
    bottom = np.where(wraps, height - 1, (ends - 1) % height)
    sides = (
        np.minimum.reduceat(first_column, first),
        np.minimum.reduceat(top, first),
        np.maximum.reduceat(last_column, first) + 1,
        np.maximum.reduceat(bottom, first) + 1,
    )
    return np.stack(sides, axis=1)
