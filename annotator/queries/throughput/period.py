"""Which days the dashboard looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from annotator.errors import Invalid

CHOICES: dict[str, int | None] = {"7": 7, "30": 30, "90": 90, "all": None}
DEFAULT = "30"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """From the beginning of a day in UTC until `now`; `days` counts today, None is all of them."""

    now: datetime
    days: int | None

    @property
    def since(self) -> datetime:
        if self.days is None:
            return LONG_AGO
        today = self.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=self.days - 1)


def period_of(word: str, *, now: datetime) -> Period:
    """The period that one of `CHOICES` names; raises `Invalid` for any other word."""
    if word not in CHOICES:
        known = ", ".join(CHOICES)
        raise Invalid(f"days is one of {known}.", code="unknown_period", field="days")
    return Period(now=now, days=CHOICES[word])
