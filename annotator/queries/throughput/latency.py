"""How long people waited for the model: decodes as their browsers measured them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from annotator.models import Project
from annotator.queries.spread import Spread
from annotator.queries.throughput.groups import GROUPINGS, KEYS, MADE_HERE, Groups, grouped

MASKS_PER_DAY = 500  # the newest of each day: enough for a p90, and few enough to be read at once

STATEMENT = f"""
WITH sampled AS (
  SELECT days.day, newest.id, newest.person, newest.model
  FROM unnest(%(days)s::date[]) AS days (day)
  CROSS JOIN LATERAL (
    SELECT mask.id, mask.author_id AS person, mask.model_version_id AS model
    FROM annotator_mask AS mask
    JOIN annotator_image AS image ON image.id = mask.image_id
    WHERE image.project_id = %(project)s AND image.deleted_at IS NULL AND {MADE_HERE}
      AND mask.accepted_at >= days.day::timestamp AT TIME ZONE 'UTC'
      AND mask.accepted_at < (days.day + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY mask.accepted_at DESC
    LIMIT %(masks_per_day)s
  ) AS newest
), decodes AS (
  SELECT sampled.day, sampled.person, sampled.model, (decode.ms)::float8 AS ms
  FROM sampled
  JOIN annotator_masktiming AS timing ON timing.mask_id = sampled.id
  CROSS JOIN LATERAL jsonb_array_elements(timing.decode_ms) AS decode (ms)
  WHERE jsonb_typeof(decode.ms) = 'number'
)
SELECT {KEYS},
  count(*),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY ms),
  percentile_cont(0.9) WITHIN GROUP (ORDER BY ms)
FROM decodes {GROUPINGS}
"""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from a prompt to its candidates on the screen."""

    decodes: int = 0
    ms: Spread = field(default_factory=Spread)


def latency(
    *, project: Project, days: Iterable[date], masks_per_day: int = MASKS_PER_DAY
) -> Groups[Latency]:
    """Over every decode of the newest masks of each of the days (UTC)."""
    values = {"project": project.id, "days": list(days), "masks_per_day": masks_per_day}
    return grouped(STATEMENT, values, _latency, Latency())


def _latency(decodes: int, median: float | None, p90: float | None) -> Latency:
    return Latency(decodes, Spread(median, p90))
