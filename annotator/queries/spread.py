"""Middle and slow end of a set of numbers, in the database and outside it, by the same definition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Aggregate, FloatField


class Percentile(Aggregate):
    """PERCENTILE_CONT: linear between the two nearest values; null without values."""

    function = "PERCENTILE_CONT"
    name = "Percentile"
    output_field = FloatField()
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: str, share: float, **extra: object) -> None:
        super().__init__(expression, share=share, **extra)


@dataclass(frozen=True)
class Spread:
    """Middle and slow end of a set of numbers; None without numbers."""

    median: float | None = None
    p90: float | None = None


def percentile(numbers: Iterable[float], share: float) -> float | None:
    """Linear between the two nearest values, as PERCENTILE_CONT; None without values."""
    ordered = sorted(numbers)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
