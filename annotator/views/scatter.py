"""The picture of speed and quality: a dot for each person, with names that can be read."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.queries.quality import PersonQuality

# The picture in its own units.
LEFT, RIGHT, TOP, BOTTOM = 48.0, 620.0, 16.0, 236.0
DOT, LINE, LETTER = 6.0, 13.0, 7.0  # radius of a dot, height of a line of text, width of a letter
STEPS = (0, 1, -1, 2, -2, 3, -3, 4, -4)  # lines from its dot at which a name is tried


@dataclass(frozen=True)
class Dot:
    """One person; `name_y` is None where no place for the name is left: the table has all."""

    person: PersonQuality
    x: float
    y: float
    name_y: float | None


@dataclass(frozen=True)
class _Box:
    left: float
    right: float
    middle: float
    half: float

    def meets(self, other: _Box) -> bool:
        beside = self.left < other.right and other.left < self.right
        return beside and abs(self.middle - other.middle) < self.half + other.half


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


def _place_name(name: str, x: float, y: float, taken: list[_Box]) -> float | None:
    """The height nearest to the dot where the name covers nothing; from now on the place is taken."""
    for step in STEPS:
        left = x + DOT + 2
        box = _Box(left, left + LETTER * len(name), y + step * LINE, LINE / 2)
        is_inside = box.middle - box.half > 0 and box.middle + box.half <= BOTTOM
        if is_inside and not any(box.meets(other) for other in taken):
            taken.append(box)
            return box.middle
    return None
