"""How agreement between annotators is drawn: a matrix of people, and lines over weeks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from annotator.queries.annotator_agreement import PairLine, Together, WeekLine

# The picture of the weeks, in its own units.
LEFT, RIGHT, TOP, BOTTOM = 48.0, 560.0, 16.0, 176.0
LABEL_HEIGHT = 14.0


@dataclass(frozen=True)
class MatrixRow:
    """One person, and what they share with everybody in the order of the rows; None: nothing, or themselves."""

    person: UUID
    name: str
    cells: list[Together | None]


@dataclass(frozen=True)
class Curve:
    """A measure over the weeks: `points` as SVG wants them, and where its label stands."""

    label: str
    style: str  # a class of pages.css
    points: str
    label_x: float
    label_y: float


def matrix(pairs: Sequence[PairLine]) -> list[MatrixRow]:
    """The same from both sides of the diagonal, people by name."""
    names = {one.first: one.first_name for one in pairs}
    names |= {one.second: one.second_name for one in pairs}
    people = sorted(names, key=lambda person: (names[person], person))
    found = {frozenset((one.first, one.second)): one.together for one in pairs}
    return [
        MatrixRow(one, names[one], [found.get(frozenset((one, other))) for other in people])
        for one in people
    ]


def curves(weeks: Sequence[WeekLine]) -> list[Curve]:
    """Lines over the weeks from 0 to 1; none before the second week."""
    measures: list[tuple[str, str, Callable[[Together], float | None]]] = [
        ("IoU", "chart-median", lambda together: together.mean_iou),
        ("edges", "chart-paper", lambda together: together.mean_boundary_iou),
    ]
    drawn: list[Curve] = []
    for label, style, measure in measures:
        curve = _curve(label, style, measure, weeks)
        if curve is not None:
            drawn.append(_clear_of(curve, drawn))
    return drawn


def _clear_of(curve: Curve, others: Sequence[Curve]) -> Curve:
    """The curve with its label below those of others that it would cover."""
    for other in others:
        if abs(curve.label_y - other.label_y) < LABEL_HEIGHT:
            curve = replace(curve, label_y=other.label_y + LABEL_HEIGHT)
    return curve


def _curve(
    label: str,
    style: str,
    measure: Callable[[Together], float | None],
    weeks: Sequence[WeekLine],
) -> Curve | None:
    known = [(one.week, value) for one in weeks if (value := measure(one.together)) is not None]
    if len(known) < 2:
        return None
    begin, days = weeks[0].week, max(1, (weeks[-1].week - weeks[0].week).days)
    points = [
        (LEFT + (RIGHT - LEFT) * (week - begin).days / days, BOTTOM - (BOTTOM - TOP) * value)
        for week, value in known
    ]
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Curve(label, style, text, *points[-1])
