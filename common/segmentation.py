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
    most = most_runs(height, width, max_runs)
    size = {"height": height, "width": width, "max_runs": most}
    try:
        return rle.read_counts(written_counts(segmentation, **size), **size)
    except rle.BadRle as error:
        raise bad_rle(error) from error


def written_counts(segmentation: object, *, height: int, width: int, max_runs: int) -> str:
    """Compressed counts of a segmentation, drawn from polygons; nobody has looked yet whether they are a mask.

    Raises `BadSegmentation` where there are none.
    """
    if isinstance(segmentation, list) and segmentation:
        return _drawn(segmentation, height, width)
    if not isinstance(segmentation, dict):
        raise BadSegmentation("no_mask", "It has no mask.")
    if segmentation.get("size") != [height, width]:
        text = f"Its size {_short(segmentation.get('size'))} is not [height, width] = {[height, width]}."
        raise BadSegmentation("wrong_size", text)
    counts = segmentation.get("counts")
    if isinstance(counts, list):
        try:
            runs = rle.read_lengths(counts, height=height, width=width, max_runs=max_runs)
        except rle.BadRle as error:
            raise bad_rle(error) from error
        return rle.counts_of(runs)
    if not isinstance(counts, str):
        kind = type(counts).__name__
        raise BadSegmentation("rle_not_text", f"Its RLE is wrong: counts is a {kind}, not a text.")
    return counts


def most_runs(height: int, width: int, max_runs: int | None) -> int:
    """How many runs a mask of that size may have: no more than it can have."""
    possible = height * width + 1
    return possible if max_runs is None else min(possible, max_runs)


def bad_rle(error: rle.BadRle) -> BadSegmentation:
    """What is wrong with an RLE, of the segmentation that it is."""
    return BadSegmentation(f"rle_{error.code}", f"Its RLE is wrong: {error}.")


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
