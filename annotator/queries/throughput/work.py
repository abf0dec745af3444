"""What masks cost: how many, seconds each, in which phase the time went, clicks and painting.

Every number is over masks that people began and finished here, accepted and not given up on, in images that are
still there. Times and effort are over the *timed* ones among them: those with timing rows of which every one is
trusted, summed over all accepted versions of the mask. Half a time would make people look fast.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np

from annotator.models import Project
from annotator.queries.spread import Spread, spread_of, unpacked
from annotator.queries.throughput.groups import MADE_HERE, Groups, run
from annotator.queries.throughput.period import Period

# One row per day, person and model version, with the seconds of each of its masks: they are few enough to sort here
# by every grouping, which costs the database a sort of all masks for each. Most masks were accepted once, so that
# only those accepted again need adding up. The seconds come as eight bytes each, which nobody has to parse.
STATEMENT = f"""
WITH mine AS NOT MATERIALIZED (
  SELECT
    mask.id,
    (mask.accepted_at AT TIME ZONE 'UTC')::date AS day,
    mask.author_id AS person,
    mask.model_version_id AS model,
    mask.accepted_at,
    mask.area
  FROM annotator_mask AS mask
  JOIN annotator_image AS image ON image.id = mask.image_id
  WHERE image.project_id = %(project)s AND image.deleted_at IS NULL
    AND {MADE_HERE} AND mask.accepted_at >= %(since)s
), again AS MATERIALIZED (
  SELECT mask_id FROM annotator_masktiming GROUP BY mask_id HAVING count(*) > 1
), made AS (
  SELECT mine.*, active_ms, looking_ms, prompting_ms, waiting_ms, painting_ms, idle_ms,
    num_points, num_boxes, num_candidate_switches, num_strokes, painted_px + erased_px AS painted
  FROM mine LEFT JOIN annotator_masktiming AS timing ON timing.mask_id = mine.id
  WHERE mine.id NOT IN (SELECT mask_id FROM again)
  UNION ALL
  SELECT mine.*, CASE WHEN count(*) = count(active_ms) THEN sum(active_ms) END,
    sum(looking_ms), sum(prompting_ms), sum(waiting_ms), sum(painting_ms), sum(idle_ms),
    sum(num_points), sum(num_boxes), sum(num_candidate_switches), sum(num_strokes), sum(painted_px + erased_px)
  FROM again JOIN mine ON mine.id = again.mask_id
  JOIN annotator_masktiming AS timing ON timing.mask_id = mine.id
  GROUP BY mine.id, day, person, model, accepted_at, area
)
SELECT day, person, model,
  count(*),
  max(accepted_at),
  string_agg(float8send(active_ms), ''),
  sum(looking_ms) FILTER (WHERE active_ms IS NOT NULL),
  sum(prompting_ms) FILTER (WHERE active_ms IS NOT NULL),
  sum(waiting_ms) FILTER (WHERE active_ms IS NOT NULL),
  sum(painting_ms) FILTER (WHERE active_ms IS NOT NULL),
  sum(idle_ms) FILTER (WHERE active_ms IS NOT NULL),
  sum(num_points) FILTER (WHERE active_ms IS NOT NULL),
  sum(num_boxes) FILTER (WHERE active_ms IS NOT NULL),
  sum(num_candidate_switches) FILTER (WHERE active_ms IS NOT NULL),
  count(*) FILTER (WHERE active_ms IS NOT NULL AND num_strokes > 0),
  sum(painted) FILTER (WHERE active_ms IS NOT NULL),
  sum(area) FILTER (WHERE active_ms IS NOT NULL)
FROM made GROUP BY day, person, model
"""


@dataclass(frozen=True)
class Phases:
    """Shares of active time, which add up to 1."""

    looking: float
    prompting: float
    waiting: float
    painting: float


@dataclass(frozen=True)
class Effort:
    """Means per timed mask, and shares of what was painted or erased after the model's answer."""

    points: float
    boxes: float
    candidate_switches: float
    painted_masks: float  # masks with a stroke, of all
    painted_pixels: float | None  # pixels painted or erased, by pixels of the masks


@dataclass(frozen=True)
class Work:
    """Some masks and what they cost; seconds are active seconds."""

    masks: int = 0
    last_accepted_at: datetime | None = None
    timed_masks: int = 0
    seconds_per_mask: Spread = field(default_factory=Spread)
    active_s: float = 0.0  # of all timed masks together
    idle_s: float = 0.0
    phases: Phases | None = None
    effort: Effort | None = None

    @property
    def masks_per_active_hour(self) -> float | None:
        return 3600 * self.timed_masks / self.active_s if self.active_s else None


def work(*, project: Project, period: Period) -> Groups[Work]:
    """Masks by the day of their accept, by their author and by their model version."""
    values = {"project": project.id, "since": period.since}
    rows = [_read(*row) for row in run(STATEMENT, values, has_few_groups=True)]
    return Groups(
        whole=_sum(rows),
        by_day=_by(rows, "day"),
        by_person=_by(rows, "person"),
        by_model=_by(rows, "model"),
    )


@dataclass(frozen=True)
class _Row:
    """The masks of one day, person and model version."""

    day: date
    person: UUID | None
    model: UUID | None
    masks: int
    last_accepted_at: datetime
    active_ms: np.ndarray[Any, np.dtype[np.float64]]  # of each timed mask
    totals: np.ndarray[Any, np.dtype[np.float64]]  # the sums that follow in the statement


def _read(
    day: date,
    person: UUID | None,
    model: UUID | None,
    masks: int,
    last_accepted_at: datetime,
    active_ms: memoryview | None,
    *totals: float | None,
) -> _Row:
    return _Row(
        day=day,
        person=person,
        model=model,
        masks=masks,
        last_accepted_at=last_accepted_at,
        active_ms=unpacked(active_ms),
        totals=np.array([float(total or 0) for total in totals]),
    )


def _by(rows: Iterable[_Row], key: str) -> dict[Any, Work]:
    found: dict[Any, list[_Row]] = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return {value: _sum(some) for value, some in found.items()}


def _sum(rows: list[_Row]) -> Work:
    if not rows:
        return Work()
    active_ms = np.concatenate([row.active_ms for row in rows])
    totals = np.sum([row.totals for row in rows], axis=0)
    *spent_s, idle_s = (float(spent) / 1000 for spent in totals[:5])
    active_s = sum(spent_s)
    return Work(
        masks=sum(row.masks for row in rows),
        last_accepted_at=max(row.last_accepted_at for row in rows),
        timed_masks=len(active_ms),
        seconds_per_mask=spread_of(active_ms / 1000),
        active_s=active_s,
        idle_s=idle_s,
        phases=Phases(*(part / active_s for part in spent_s)) if active_s else None,
        effort=_effort(len(active_ms), *(float(total) for total in totals[5:]))
        if len(active_ms)
        else None,
    )


def _effort(
    timed: int,
    points: float,
    boxes: float,
    switches: float,
    painted: float,
    painted_px: float,
    area: float,
) -> Effort:
    return Effort(
        points=points / timed,
        boxes=boxes / timed,
        candidate_switches=switches / timed,
        painted_masks=painted / timed,
        painted_pixels=painted_px / area if area else None,
    )
