"""Middle and slow end of a set of numbers, asked of the database."""

from __future__ import annotations

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
