"""Measures of masks, and the simulated person who clicks where a mask is most wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

CLICK_LIMIT = 20
BOUNDARY_SHARE = 0.02  # of the image diagonal


@dataclass(frozen=True)
class Click:
    """A simulated click on a pixel: label 1 foreground, 0 background."""

    x: int
    y: int
    label: int


def iou(first: Mask, second: Mask) -> float:
    """Intersection over union of two masks [H, W]; 1 when both are empty."""
    union = int(np.count_nonzero(first | second))
    return 1.0 if union == 0 else int(np.count_nonzero(first & second)) / union


def mean_iou(pairs: Sequence[tuple[Mask, Mask]]) -> float:
    """Mean IoU over (mask, reference mask) pairs."""
    return float(np.mean([iou(mask, reference) for mask, reference in pairs]))


def border_depth(mask: Mask, *, most: float = np.inf) -> NDArray[np.float64]:
    """Exact Euclidean distance of each mask pixel to the nearest pixel outside, [H, W].

    Outside the image counts as outside the mask; pixels outside are 0. What is deeper than `most` has `most`,
    which takes less time.
    """
    depth = np.zeros(mask.shape)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        return depth
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    in_column = np.minimum(run_depth(np.pad(mask[box], 1)), most)
    squared = lower_envelope(np.square(in_column))
    depth[box] = np.sqrt(squared[1:-1, 1:-1])
    return depth


def run_depth(mask: Mask) -> NDArray[np.float64]:
    """Distance of each pixel to the nearest outside pixel of its own column, [H, W].

    The first and last rows must be outside.
    """
    rows = np.arange(mask.shape[0])[:, None]
    before = np.maximum.accumulate(np.where(mask, 0, rows), axis=0)
    after = np.minimum.accumulate(np.where(mask, mask.shape[0], rows)[::-1], axis=0)[::-1]
    return np.minimum(rows - before, after - rows).astype(np.float64)


def lower_envelope(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minimum over each row of value + squared column distance, [H, W].

    Only shifts below the greatest remaining distance can matter, so the loop is as long as the
    deepest pixel is deep.
    """
    result = squared.copy()
    shift = 1
    while shift < squared.shape[1] and shift * shift < result.max():
        cost = shift * shift
        np.minimum(result[:, shift:], squared[:, :-shift] + cost, out=result[:, shift:])
        np.minimum(result[:, :-shift], squared[:, shift:] + cost, out=result[:, :-shift])
        shift += 1
    return result


def boundary_band(mask: Mask) -> Mask:
    """The pixels of a mask [H, W] along its border, 2 % of the image diagonal wide."""
    width = max(1.0, round(BOUNDARY_SHARE * float(np.hypot(*mask.shape))))
    band: Mask = mask & (border_depth(mask, most=width + 1) <= width)
    return band


def boundary_iou(first: Mask, second: Mask) -> float:
    """IoU of the bands along the two borders (Cheng et al. 2021)."""
    return iou(boundary_band(first), boundary_band(second))


def error_depth(
    mask: Mask, reference: Mask, clicked: Sequence[Click] = ()
) -> tuple[NDArray[np.float64], int]:
    """Depth [H, W] of the larger error of a mask, and the label of a click that mends it.

    1 (foreground) only when the missing part is strictly deeper than the surplus. Pixels outside of
    the error, and pixels clicked before, are 0.
    """
    missing = border_depth(reference & ~mask)
    surplus = border_depth(mask & ~reference)
    for click in clicked:
        missing[click.y, click.x] = surplus[click.y, click.x] = 0
    label = int(missing.max() > surplus.max())
    return (missing if label else surplus), label


def next_click(mask: Mask, reference: Mask, clicked: Sequence[Click] = ()) -> Click | None:
    """The click of the NoC protocol: the deepest pixel of the larger error; None if there is none.

    Foreground only when the missing part is strictly deeper than the surplus; of equally deep
    pixels the first in reading order; never a pixel clicked before.
    """
    depth, label = error_depth(mask, reference, clicked)
    if depth.max() <= 0:
        return None
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return Click(int(x), int(y), label)


def number_of_clicks(ious: Sequence[float], target: float, limit: int = CLICK_LIMIT) -> int:
    """Clicks until `target` was first reached, given the IoU after each; `limit` if never."""
    reached = [number for number, value in enumerate(ious, 1) if value >= target]
    return min(reached[0], limit) if reached else limit
