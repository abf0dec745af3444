"""The mask of a COCO annotation, whatever form it has: polygons, RLE compressed or not. Checked before it is drawn."""

from __future__ import annotations

from itertools import pairwise

from pycocotools import mask as coco_mask

from common import rle

MAX_OUTLINES = 2_000
MAX_OUTLINE_LENGTH = 4_000_000.0  # pixels along all edges: drawing takes memory in proportion


class BadSegmentation(ValueError):
    """A segmentation that is no mask of its image; `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read_segmentation(
    segmentation: object, *, height: int, width: int, max_runs: int | None = None
) -> rle.Runs:
    """Canonical run lengths [R] of a segmentation in an image of that size (pixels); may be empty of foreground.

    Raises `BadSegmentation`, also for more than `max_runs` of them.
    """
    possible = height * width + 1
    max_runs = possible if max_runs is None else min(possible, max_runs)
    size = {"height": height, "width": width, "max_runs": max_runs}
    try:
        if isinstance(segmentation, list) and segmentation:
            return rle.read_counts(_drawn(segmentation, height, width), **size)
        if not isinstance(segmentation, dict):
            raise BadSegmentation("no_mask", "It has no mask.")
        if segmentation.get("size") != [height, width]:
            text = f"Its size {_short(segmentation.get('size'))} is not [height, width] = {[height, width]}."
            raise BadSegmentation("wrong_size", text)
        counts = segmentation.get("counts")
        if isinstance(counts, list):
            return rle.read_lengths(counts, **size)
        return rle.read_counts(counts, **size)  # type: ignore[arg-type]  # it says so when it is no text
    except rle.BadRle as error:
        raise BadSegmentation(f"rle_{error.code}", f"Its RLE is wrong: {error}.") from error


def _drawn(outlines: list[object], height: int, width: int) -> str:
    """Counts of the union of polygons [x0, y0, x1, y1, …], as pycocotools draws them."""
    if len(outlines) > MAX_OUTLINES:
        raise BadSegmentation("too_complex", f"It has more than {MAX_OUTLINES:,} polygons.")
    checked = [_checked_outline(outline, height, width) for outline in outlines]
    if sum(_length(outline) for outline in checked) > MAX_OUTLINE_LENGTH:
        raise BadSegmentation("too_complex", "Its outline is too long.")
    merged = coco_mask.merge(coco_mask.frPyObjects(checked, height, width))
    return str(merged["counts"].decode("ascii"))


def _checked_outline(outline: object, height: int, width: int) -> list[float]:
    """pycocotools takes four numbers for a box and trusts all others."""
    if not isinstance(outline, list) or len(outline) < 6 or len(outline) % 2:
        raise BadSegmentation("bad_polygon", "A polygon needs three points, x and y of each.")
    if not all(type(value) in {int, float} for value in outline):
        raise BadSegmentation("bad_polygon", "A polygon holds something other than numbers.")
    for side, values in ((width, outline[::2]), (height, outline[1::2])):
        if not all(-side <= value <= 2 * side for value in values):  # NaN neither
            raise BadSegmentation("bad_polygon", "A polygon lies far outside of its image.")
    return [float(value) for value in outline]


def _length(outline: list[float]) -> float:
    points = list(zip(outline[::2], outline[1::2], strict=True))
    edges = pairwise([*points, points[0]])
    return sum(max(abs(x1 - x0), abs(y1 - y0)) + 1 for (x0, y0), (x1, y1) in edges)


def _short(value: object) -> str:
    return repr(value)[:40]
