"""What masks cost: how many, seconds each, in which phase the time went, clicks and painting.

Every number is over masks that people began and finished here, accepted and not given up on, in images that are
still there. Times and effort are over the *timed* ones among them: those with timing rows of which every one is
trusted, summed over all accepted versions of the mask. Half a time would make people look fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from annotator.models import Project
from annotator.queries.spread import Spread
from annotator.queries.throughput.groups import GROUPINGS, KEYS, MADE_HERE, Groups, grouped
from annotator.queries.throughput.period import Period

STATEMENT = f"""
WITH made AS MATERIALIZED (
  SELECT
    (mask.accepted_at AT TIME ZONE 'UTC')::date AS day,
    mask.author_id AS person,
    mask.model_version_id AS model,
    mask.area,
    mask.accepted_at,
    count(timing.id) > 0 AND count(timing.id) = count(timing.active_ms) AS is_timed,
    sum(timing.active_ms) / 1000 AS active_s,
    sum(timing.looking_ms) / 1000 AS looking_s,
    sum(timing.prompting_ms) / 1000 AS prompting_s,
    sum(timing.waiting_ms) / 1000 AS waiting_s,
    sum(timing.painting_ms) / 1000 AS painting_s,
    sum(timing.idle_ms) / 1000 AS idle_s,
    sum(timing.num_points) AS points,
    sum(timing.num_boxes) AS boxes,
    sum(timing.num_candidate_switches) AS switches,
    sum(timing.num_strokes) AS strokes,
    sum(timing.painted_px + timing.erased_px) AS painted_px
  FROM annotator_mask AS mask
  JOIN annotator_image AS image ON image.id = mask.image_id
  LEFT JOIN annotator_masktiming AS timing ON timing.mask_id = mask.id
  WHERE image.project_id = %(project)s AND image.deleted_at IS NULL
    AND {MADE_HERE} AND mask.accepted_at >= %(since)s
  GROUP BY mask.id
)
SELECT {KEYS},
  count(*),
  max(accepted_at),
  count(*) FILTER (WHERE is_timed),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY active_s) FILTER (WHERE is_timed),
  percentile_cont(0.9) WITHIN GROUP (ORDER BY active_s) FILTER (WHERE is_timed),
  sum(looking_s) FILTER (WHERE is_timed),
  sum(prompting_s) FILTER (WHERE is_timed),
  sum(waiting_s) FILTER (WHERE is_timed),
  sum(painting_s) FILTER (WHERE is_timed),
  sum(idle_s) FILTER (WHERE is_timed),
  sum(points) FILTER (WHERE is_timed),
  sum(boxes) FILTER (WHERE is_timed),
  sum(switches) FILTER (WHERE is_timed),
  count(*) FILTER (WHERE is_timed AND strokes > 0),
  sum(painted_px) FILTER (WHERE is_timed),
  sum(area) FILTER (WHERE is_timed)
FROM made {GROUPINGS}
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
    return grouped(STATEMENT, values, _work, Work())


def _work(
    masks: int,
    last_accepted_at: datetime,
    timed: int,
    median: float | None,
    p90: float | None,
    looking_s: float | None,
    prompting_s: float | None,
    waiting_s: float | None,
    painting_s: float | None,
    idle_s: float | None,
    *effort: int | None,
) -> Work:
    spent = [looking_s or 0.0, prompting_s or 0.0, waiting_s or 0.0, painting_s or 0.0]
    active_s = sum(spent)
    return Work(
        masks=masks,
        last_accepted_at=last_accepted_at,
        timed_masks=timed,
        seconds_per_mask=Spread(median, p90),
        active_s=active_s,
        idle_s=idle_s or 0.0,
        phases=Phases(*(part / active_s for part in spent)) if active_s else None,
        effort=_effort(timed, *(int(count or 0) for count in effort)) if timed else None,
    )


def _effort(
    timed: int, points: int, boxes: int, switches: int, painted: int, painted_px: int, area: int
) -> Effort:
    return Effort(
        points=points / timed,
        boxes=boxes / timed,
        candidate_switches=switches / timed,
        painted_masks=painted / timed,
        painted_pixels=painted_px / area if area else None,
    )
