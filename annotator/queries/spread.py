"""Middle and slow end of a set of numbers, asked of the database."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db.models import Aggregate, BinaryField
from numpy.typing import NDArray


class Packed(Aggregate):
    """All values but nulls as eight bytes each, which nobody has to parse; `unpacked` reads them."""

    function = "STRING_AGG"
    name = "Packed"
    output_field = BinaryField()
    template = "%(function)s(float8send(%(expressions)s), '')"


def unpacked(packed: memoryview | bytes | None) -> NDArray[np.float64]:
    """[N] numbers that the database packed."""
    return np.frombuffer(packed or b"", dtype=">f8").astype(np.float64)


@dataclass(frozen=True)
class Spread:
    """Middle and slow end of a set of numbers; None without numbers."""

    median: float | None = None
    p90: float | None = None


def spread_of(numbers: NDArray[np.float64]) -> Spread:
    """Linear between the two nearest values, as PERCENTILE_CONT."""
    if not len(numbers):
        return Spread()
    median, p90 = np.percentile(numbers, [50, 90])
    return Spread(float(median), float(p90))
