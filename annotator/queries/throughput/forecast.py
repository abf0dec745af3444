"""When the images that are left will be done, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from statistics import fmean, stdev

from django.db.models import Min

from annotator.models import Assignment, AssignmentState, Project
from annotator.queries.throughput.groups import run

DAYS_LOOKED_AT = 14  # two weeks, so that weekends count as they come
DAYS_FOR_AN_INTERVAL = 3
NORMAL_80 = (
    1.2816  # four of five values of a normal distribution lie within so many standard deviations
)
ENDED = (AssignmentState.SUBMITTED, AssignmentState.SKIPPED)
DAY = timedelta(days=1)

STATEMENT = """
SELECT least(%(days)s - 1, floor(extract(epoch FROM %(now)s - assignment.ended_at) / 86400))::int AS days_ago, count(*)
FROM annotator_assignment AS assignment
JOIN annotator_image AS image ON image.id = assignment.image_id
WHERE image.project_id = %(project)s AND image.deleted_at IS NULL AND assignment.state IN ('submitted', 'skipped')
  AND assignment.ended_at >= %(since)s AND assignment.ended_at <= %(now)s
GROUP BY days_ago
"""


@dataclass(frozen=True)
class Forecast:
    """Days until no image is left. `low` and `high` hold the truth in four of five cases; None: too early to say."""

    images_per_day: float
    days_seen: int
    days_left: float | None
    low: float | None
    high: float | None


def forecast(*, project: Project, images_left: int, now: datetime) -> Forecast:
    """From the images submitted or skipped on each of the last days, which end at this time of day."""
    first = Assignment.objects.filter(
        image__project=project, image__deleted_at=None, state__in=ENDED, ended_at__lte=now
    ).aggregate(first=Min("ended_at"))["first"]
    days = 1 if first is None else min(DAYS_LOOKED_AT, max(1, (now - first) // DAY))
    values = {"project": project.id, "now": now, "since": now - days * DAY, "days": days}
    found = dict(run(STATEMENT, values))
    return extrapolate(images_left, [found.get(days_ago, 0) for days_ago in range(days)])


def extrapolate(images_left: int, per_day: list[int]) -> Forecast:
    """The mean pace goes on; days scatter as they did, and the mean itself is known from these days only.

    With mean m and standard deviation s over n days, T = left / m days have a standard deviation of
    s/m * sqrt(T + T*T/n): what T days to come scatter, and T times the error of the mean.
    """
    pace, seen = fmean(per_day), len(per_day)
    if not images_left or not pace:
        done = 0.0 if not images_left else None
        return Forecast(pace, seen, days_left=done, low=done, high=done)
    days_left = images_left / pace
    if seen < DAYS_FOR_AN_INTERVAL:
        return Forecast(pace, seen, days_left, low=None, high=None)
    off = NORMAL_80 * stdev(per_day) / pace * sqrt(days_left + days_left**2 / seen)
    return Forecast(pace, seen, days_left, low=max(0.0, days_left - off), high=days_left + off)
