"""The picture of speed and quality: a dot for each person, with names that can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from annotator.queries.quality import PersonQuality

# The picture in its own units.
LEFT, RIGHT, TOP, BOTTOM, WIDTH = 48.0, 620.0, 16.0, 236.0, 640.0
DOT, LINE, LETTER = 6.0, 13.0, 7.0  # radius of a dot, height of a line of text, width of a letter
GAP = 4.0  # between a dot and its name
# Lines from its dot at which a name is tried: farther off it would be another's.
STEPS = (0, 1, -1, 2, -2)


@dataclass(frozen=True)
class Label:
    """Where a name stands: `x` is its end at the dot, `y` its middle, `anchor` which end that is, as SVG calls it."""

    x: float
    y: float
    anchor: Literal["start", "end"]


@dataclass(frozen=True)
class Dot:
    """One person; `label` is None where no place for the name is left: the table has all."""

    person: PersonQuality
    x: float
    y: float
    label: Label | None


@dataclass(frozen=True)
class _Box:
    left: float
    right: float
    middle: float
    half: float

    def meets(self, other: _Box) -> bool:
        beside = self.left < other.right and other.left < self.right
        return beside and abs(self.middle - other.middle) < self.half + other.half

    def is_inside(self) -> bool:
        """Whether it is in the picture, between the axes and the right margin."""
        is_between = self.left > LEFT and self.right <= WIDTH
        return is_between and self.middle - self.half > 0 and self.middle + self.half <= BOTTOM


def dots_of(people: list[PersonQuality]) -> tuple[float, list[Dot]]:
    """The end of the axis of seconds, and where everybody stands of whom both numbers are known."""
    slowest = max((one.median_seconds or 0.0 for one in people), default=0.0)
    end = max(10.0, 10.0 * -(-slowest // 10.0))
    places = [
        (one, LEFT + (RIGHT - LEFT) * one.median_seconds / end, BOTTOM - (BOTTOM - TOP) * one.share)
        for one in people
        if one.median_seconds is not None and one.share is not None
    ]
    taken = [_Box(x - DOT, x + DOT, y, DOT) for _, x, y in places]
    return end, [Dot(one, x, y, _place_name(one.name, x, y, taken)) for one, x, y in places]


def _place_name(name: str, x: float, y: float, taken: list[_Box]) -> Label | None:
    """The place nearest to the dot where the name covers nothing, on its right first; from now on it is taken."""
    width = LETTER * len(name)
    for step in STEPS:
        middle = y + step * LINE
        for anchor, end, left in (
            ("start", x + DOT + GAP, x + DOT + GAP),
            ("end", x - DOT - GAP, x - DOT - GAP - width),
        ):
            box = _Box(left, left + width, middle, LINE / 2)
            if box.is_inside() and not any(box.meets(other) for other in taken):
                taken.append(box)
                return Label(end, middle, anchor)
    return None
