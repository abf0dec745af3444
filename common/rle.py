"""COCO run-length encoding: run lengths of a mask in column-major order, background first.

`counts` is COCO's compressed string: each run length (from the fourth on minus the one two before
it) in groups of five bits, lowest first, as characters from code 48 on. Here a string is read
strictly: exactly one string stands for a mask, and a string that could make another library read
outside its memory is refused before anything is decoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_FIRST_CODE = 48
_VALUE_BITS = 0x1F
_SIGN_BIT = 0x10
_MORE_BIT = 0x20
_MAX_GROUPS = 7  # 35 bits: a run length of any image we accept fits in six

Runs = NDArray[np.int64]


class BadRle(ValueError):
    """An RLE that is no mask of the given size. `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse_counts(counts: str, *, height: int, width: int, max_runs: int) -> Runs:
    """Run lengths [R] of a compressed counts string, checked against the size of the image.

    Raises `BadRle` for anything but the one canonical string of a mask of that size.
    """
    runs = _written_runs(counts, max_runs=max_runs)
    _check_runs(runs, height=height, width=width, max_runs=max_runs)
    if counts_of(runs) != counts:
        raise BadRle("not_canonical", "counts writes a number with more characters than it needs")
    return runs


def read_counts(counts: str, *, height: int, width: int, max_runs: int) -> Runs:
    """Canonical run lengths [R] of a counts string that another program wrote.

    As `parse_counts`, but runs may be empty and numbers longer than they need to be.
    """
    runs = _without_empty_runs(_written_runs(counts, max_runs=max_runs))
    _check_runs(runs, height=height, width=width, max_runs=max_runs)
    return runs


def read_lengths(lengths: Sequence[object], *, height: int, width: int, max_runs: int) -> Runs:
    """Canonical run lengths [R] of COCO's uncompressed form, a list of whole numbers; runs may be empty.

    Raises `BadRle` unless they make up a mask of that size.
    """
    if not lengths:
        raise BadRle("empty", "counts is empty")
    if len(lengths) > max_runs:
        raise BadRle("too_many_runs", f"counts has {len(lengths)} runs, more than {max_runs}")
    most = height * width
    numbers = [length for length in lengths if type(length) is int and abs(length) <= most]
    if len(numbers) != len(lengths):
        raise BadRle("bad_number", f"counts holds something other than whole numbers to {most}")
    runs = _without_empty_runs(np.array(numbers, dtype=np.int64))
    _check_runs(runs, height=height, width=width, max_runs=max_runs)
    return runs


def counts_of(runs: Runs) -> str:
    """The compressed counts string of run lengths [R]."""
    numbers = runs.copy()
    numbers[3:] -= runs[1:-2]
    num_groups = groups_needed(numbers)
    shifts = _positions(num_groups) * 5
    values = (np.repeat(numbers, num_groups) >> shifts) & _VALUE_BITS
    values |= _MORE_BIT
    values[np.cumsum(num_groups) - 1] &= ~_MORE_BIT
    return (values + _FIRST_CODE).astype(np.uint8).tobytes().decode("ascii")


def runs_of(mask: NDArray[np.bool_] | NDArray[np.uint8]) -> Runs:
    """Run lengths [R] of a mask [H, W]; anything but 0 is foreground."""
    pixels = np.asarray(mask).astype(bool, copy=False).ravel(order="F")
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    edges = np.concatenate(([0], changes, [pixels.size])).astype(np.int64)
    runs: Runs = np.diff(edges)
    return np.concatenate(([0], runs)) if pixels.size and pixels[0] else runs


def encode(mask: NDArray[np.bool_] | NDArray[np.uint8]) -> str:
    """The compressed counts string of a mask [H, W]; the same bytes as pycocotools writes."""
    return counts_of(runs_of(mask))


def decode(runs: Runs, *, height: int, width: int) -> NDArray[np.bool_]:
    """The mask [H, W] of run lengths that `parse_counts` has checked."""
    is_foreground = np.arange(runs.size) % 2 == 1
    return np.repeat(is_foreground, runs).reshape((height, width), order="F")


def area(runs: Runs) -> int:
    """Number of foreground pixels."""
    return int(runs[1::2].sum())


def box(runs: Runs, *, height: int) -> tuple[int, int, int, int]:
    """The smallest box x0, y0, x1, y1 (half-open, pixels) around the foreground; 0s for none."""
    ends = np.cumsum(runs)[1::2]
    starts = ends - runs[1::2]
    if ends.size == 0:
        return (0, 0, 0, 0)
    first_column, last_column = starts // height, (ends - 1) // height
    wraps = first_column != last_column
    top = np.where(wraps, 0, starts % height)
    bottom = np.where(wraps, height - 1, (ends - 1) % height)
    return (
        int(first_column.min()),
        int(top.min()),
        int(last_column.max()) + 1,
        int(bottom.max()) + 1,
    )


def intersection(first: Runs, second: Runs) -> int:
    """Foreground pixels that two masks of one size share; no raster is made."""
    is_foreground = np.arange(first.size + 1) % 2 == 1
    is_foreground[-1] = False
    begins = np.concatenate(([0], np.cumsum(first)))
    passed = np.concatenate(([0], np.cumsum(first * is_foreground[:-1])))

    def foreground_before(places: NDArray[np.int64]) -> NDArray[np.int64]:
        run = np.searchsorted(begins, places, side="right") - 1
        before: NDArray[np.int64] = passed[run] + (places - begins[run]) * is_foreground[run]
        return before

    ends = np.cumsum(second)[1::2]
    return int((foreground_before(ends) - foreground_before(ends - second[1::2])).sum())


def iou(first: Runs, second: Runs) -> float:
    """Intersection over union of two masks of one size; 1 when both are empty."""
    common = intersection(first, second)
    union = area(first) + area(second) - common
    return common / union if union else 1.0


def region_areas(runs: Runs, *, height: int) -> list[int]:
    """Pixels of each connected region of the foreground, by sides or corners, largest first."""
    column, top, bottom = _stretches(runs, height)
    # With two free places between columns, what touches in the next column is one stretch of the order.
    low, high = top + 2 * column, bottom + 2 * column
    stride = height + 2
    first = np.searchsorted(high, low + stride, side="left")
    last = np.searchsorted(low, high + stride, side="right")
    num_touching = np.maximum(last - first, 0)
    region = list(range(column.size))
    if num_touching.any():
        here = np.repeat(np.arange(column.size), num_touching)
        there = np.repeat(first, num_touching) + _positions(num_touching)
        _join(region, zip(here.tolist(), there.tolist(), strict=True))
    areas: dict[int, int] = {}
    for place, length in enumerate((bottom - top).tolist()):
        root = _root(region, place)
        areas[root] = areas.get(root, 0) + length
    return sorted(areas.values(), reverse=True)


def hull_area(runs: Runs, *, height: int) -> float:
    """Area in pixels of the convex hull of the foreground, pixels being squares; 0 for none.

    A filled rectangle's hull is the rectangle itself.
    """
    column, top, bottom = _stretches(runs, height)
    if column.size == 0:
        return 0.0
    first = np.flatnonzero(np.diff(column, prepend=-1))  # the highest stretch of each column
    last = np.append(first[1:], column.size) - 1
    left = column[first]
    highest, lowest = top[first] - left * height, bottom[last] - left * height
    upper = _chain(left, highest)
    under = _chain(left, -lowest)
    around = np.array([*upper, *((x, -y) for x, y in reversed(under))], dtype=np.float64)
    x, y = around[:, 0], around[:, 1]
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _chain(column: NDArray[np.int64], height_of: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The corners of the hull over columns of pixels, on the side of the smallest heights, from left to right."""
    corners = np.concatenate((column, column + 1))
    heights = np.concatenate((height_of, height_of))
    order = np.lexsort((heights, corners))
    chain: list[tuple[int, int]] = []
    for x, y in zip(corners[order].tolist(), heights[order].tolist(), strict=True):
        if chain and chain[-1][0] == x:
            continue  # of the two columns that share a corner the farther one counts
        while len(chain) > 1 and _turns_in(chain[-2], chain[-1], (x, y)):
            chain.pop()
        chain.append((x, y))
    return chain


def _turns_in(first: tuple[int, int], middle: tuple[int, int], last: tuple[int, int]) -> bool:
    """Whether the middle point is not outside the line from the first to the last."""
    across, down = last[0] - first[0], last[1] - first[1]
    return across * (middle[1] - first[1]) >= down * (middle[0] - first[0])


def _stretches(
    runs: Runs, height: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The foreground cut at columns, in order: column, begin and end (half-open) in column-major pixels."""
    ends = np.cumsum(runs)[1::2]
    starts = ends - runs[1::2]
    first_column = starts // height
    num_columns = (ends - 1) // height - first_column + 1
    column = np.repeat(first_column, num_columns) + _positions(num_columns) if ends.size else ends
    begin = np.maximum(np.repeat(starts, num_columns), column * height)
    end = np.minimum(np.repeat(ends, num_columns), (column + 1) * height)
    return column, begin, end


def _join(region: list[int], pairs: Iterable[tuple[int, int]]) -> None:
    for one, other in pairs:
        region[_root(region, other)] = _root(region, one)


def _root(region: list[int], place: int) -> int:
    """The place that stands for a region; the way there is halved for the next."""
    while region[place] != place:
        region[place] = region[region[place]]
        place = region[place]
    return place


def counts_sha256(counts: str) -> str:
    """SHA-256 in hex of the ASCII counts string: the identity of a mask's content."""
    return hashlib.sha256(counts.encode("ascii")).hexdigest()


def _written_runs(counts: str, *, max_runs: int) -> Runs:
    """Run lengths [R] as a counts string has them, checked against nothing yet."""
    if not isinstance(counts, str):
        raise BadRle("not_text", f"counts must be a string, not {type(counts).__name__}")
    if not counts:
        raise BadRle("empty", "counts is empty")
    if len(counts) > _MAX_GROUPS * max_runs:
        raise BadRle(
            "too_many_runs", f"counts has {len(counts)} characters, more than {max_runs} runs"
        )
    return _undo_differences(_signed_numbers(_groups(counts)))


def _without_empty_runs(runs: Runs) -> Runs:
    """The same mask with its neighbouring runs of one value as one; the first may be 0."""
    _check_not_negative(runs)
    is_kept = runs > 0
    if not is_kept.any():
        return runs[:1]
    kept, is_foreground = runs[is_kept], (np.arange(runs.size) % 2 == 1)[is_kept]
    first = np.flatnonzero(np.diff(is_foreground, prepend=not is_foreground[0]))
    joined: Runs = np.add.reduceat(kept, first)
    return np.concatenate(([0], joined)) if is_foreground[0] else joined


def _check_not_negative(runs: Runs) -> None:
    if runs.min() < 0:
        raise BadRle("negative_run", f"counts holds a run of {runs.min()} pixels")


def _groups(counts: str) -> NDArray[np.int64]:
    """Six-bit values [L] of the characters."""
    try:
        codes = np.frombuffer(counts.encode("ascii"), dtype=np.uint8).astype(np.int64)
    except UnicodeEncodeError as error:
        raise BadRle("bad_character", "counts holds a character outside ASCII") from error
    values: NDArray[np.int64] = codes - _FIRST_CODE
    if values.min() < 0 or values.max() > 63:
        raise BadRle("bad_character", "counts holds a character that COCO RLE does not use")
    return values


def _signed_numbers(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers [R] from six-bit values [L], lowest first; the last one's fifth bit is the sign."""
    last = np.flatnonzero((values & _MORE_BIT) == 0)
    if last.size == 0 or last[-1] != values.size - 1:
        raise BadRle("truncated", "counts ends in the middle of a number")
    first = np.concatenate(([0], last[:-1] + 1))
    num_groups = last - first + 1
    if num_groups.max() > _MAX_GROUPS:
        raise BadRle(
            "number_too_long", f"counts holds a number of more than {_MAX_GROUPS} characters"
        )
    numbers = np.add.reduceat((values & _VALUE_BITS) << (5 * _positions(num_groups)), first)
    is_negative = (values[last] & _SIGN_BIT) != 0
    return np.where(is_negative, numbers - (np.int64(1) << (5 * num_groups)), numbers)


def _undo_differences(numbers: NDArray[np.int64]) -> Runs:
    """Run lengths [R]: from the fourth on each number is the difference to the run two before."""
    runs = numbers.copy()
    runs[1::2] = np.cumsum(numbers[1::2])
    runs[2::2] = np.cumsum(numbers[2::2])
    return runs


def _check_runs(runs: Runs, *, height: int, width: int, max_runs: int) -> None:
    if runs.size > max_runs:
        raise BadRle(
            "too_many_runs", f"counts has {runs.size} runs, at most {max_runs} are allowed"
        )
    _check_not_negative(runs)
    if runs[1:].size and runs[1:].min() == 0:
        raise BadRle("empty_run", "counts holds a run of 0 pixels after the first")
    if runs.max() > height * width or runs.sum() != height * width:
        raise BadRle(
            "wrong_size",
            f"counts covers {runs.sum()} pixels, the image has {height} x {width}",
        )


def groups_needed(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many five-bit groups (characters) each number [R] needs, its sign bit included."""
    num_groups = np.ones(numbers.size, dtype=np.int64)
    for size in range(1, _MAX_GROUPS):
        limit = np.int64(1) << (5 * size - 1)
        num_groups[(numbers >= limit) | (numbers < -limit)] = size + 1
    return num_groups


def _positions(num_groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, ... within each number [L]."""
    ends = np.cumsum(num_groups)
    return np.arange(ends[-1]) - np.repeat(ends - num_groups, num_groups)
