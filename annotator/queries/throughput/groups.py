"""The ways in which the dashboard tells work apart: all of it, by day, by person, by model version.

These queries are written in SQL: grouping sets are beyond the ORM, and one pass over a million masks is what makes
the page quick. A statement of `grouped` selects `KEYS` first, from rows with the columns `day`, `person` and
`model`, and ends with `GROUPINGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection, transaction

KEYS = "GROUPING(day, person, model) AS missing, day, person, model"
GROUPINGS = "GROUP BY GROUPING SETS ((), (day), (person), (model))"
# `models.masks.MADE_HERE` in SQL, with the columns as its index has them.
MADE_HERE = "mask.state = 'accepted' AND NOT mask.given_up AND mask.origin = 'annotated'"
WORK_MEMORY = "64MB"  # sorts a million numbers without files; it is given back with the transaction
_WHOLE, _DAY, _PERSON = 0b111, 0b011, 0b101  # which keys are missing

Row = TypeVar("Row")


@dataclass
class Groups(Generic[Row]):
    """What a statement found: of all rows, of each day (UTC), person and model version (None: painted without one)."""

    whole: Row
    by_day: dict[date, Row] = field(default_factory=dict)
    by_person: dict[UUID | None, Row] = field(default_factory=dict)
    by_model: dict[UUID | None, Row] = field(default_factory=dict)


def grouped(
    statement: str, values: Mapping[str, object], read: Callable[..., Row], nothing: Row
) -> Groups[Row]:
    """Runs a statement and reads what follows the keys of each row by `read`; `nothing` stands for no rows at all."""
    groups = Groups(whole=nothing)
    for missing, day, person, model, *rest in run(statement, values):
        row = read(*rest)
        if missing == _WHOLE:
            groups.whole = row
        elif missing == _DAY:
            groups.by_day[day] = row
        elif missing == _PERSON:
            groups.by_person[person] = row
        else:
            groups.by_model[model] = row
    return groups


def run(
    statement: str, values: Mapping[str, object], *, has_few_groups: bool = False
) -> list[tuple[Any, ...]]:
    """The rows of a statement. `has_few_groups`: thousands, where the planner expects millions and would sort."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
        cursor.execute(f"SET LOCAL enable_sort = {'off' if has_few_groups else 'on'}")
        cursor.execute(statement, values)
        return list(cursor.fetchall())
