"""Which part of a large picture is embedded for somebody who looks at a small part of it.

The parts are squares of a grid, so that looking a little further to the left needs no other one: sides of a half, a
quarter, … of the picture's longest side, places every quarter of a side. The smallest is enlarged four times into the
model frame. docs/decisions/crop-embeddings.md has the reasons.
"""

from __future__ import annotations

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in image pixels, half-open

STEPS_PER_SIDE = 4
SLACK_PX = 2  # of rounding
MOST_ENLARGED = 4


def crop_sides(*, width: int, height: int, input_size: int) -> list[int]:
    """The sides of the grid's squares, the largest first; none for a picture that does not exceed the frame."""
    longest = max(width, height)
    sides: list[int] = []
    if longest > input_size:
        while (side := -(-longest >> len(sides) + 1)) * MOST_ENLARGED >= input_size:
            sides.append(side)
    return sides


def crop_around(box: Box, *, width: int, height: int, input_size: int) -> Box | None:
    """The smallest part of the grid that has the looked-at `box` well inside, or None where the whole picture serves.

    Args:
        box: within the picture.
        width: of the picture, px.
        height: of the picture, px.
        input_size: side of the model frame, px.
    """
    x0, y0, x1, y1 = box
    looked_at = max(x1 - x0, y1 - y0) + SLACK_PX
    sides = crop_sides(width=width, height=height, input_size=input_size)
    fitting = [side for side in sides if looked_at * STEPS_PER_SIDE <= side * (STEPS_PER_SIDE - 1)]
    if not fitting:
        return None
    side = fitting[-1]
    left, right = _nearest(x0 + x1, width, side)
    top, bottom = _nearest(y0 + y1, height, side)
    return left, top, right, bottom


def _nearest(twice_centre: int, length: int, side: int) -> tuple[int, int]:
    """Begin and end on one axis of the grid's square whose centre is nearest; all of an axis that is shorter."""
    if length <= side:
        return 0, length
    last = length - side
    wanted = min(max(0, (twice_centre - side) // 2), last)
    step = wanted * STEPS_PER_SIDE // side
    places = [min(one * side // STEPS_PER_SIDE, last) for one in (step, step + 1)]
    begin = min(places, key=lambda place: abs(place - wanted))
    return begin, begin + side
