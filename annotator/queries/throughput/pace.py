"""Masks and images hour by hour, as they come in now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from annotator.models import Project
from annotator.queries.throughput.groups import MADE_HERE, run

HOURS_SHOWN = 48
HOUR = timedelta(hours=1)

STATEMENT = f"""
WITH ended AS (
  SELECT mask.accepted_at AS at, mask.author_id AS person, 1 AS masks, 0 AS images
  FROM annotator_mask AS mask
  JOIN annotator_image AS image ON image.id = mask.image_id
  WHERE image.project_id = %(project)s AND image.deleted_at IS NULL AND {MADE_HERE}
    AND mask.accepted_at > %(since)s AND mask.accepted_at <= %(now)s
  UNION ALL
  SELECT assignment.ended_at, assignment.annotator_id, 0, 1
  FROM annotator_assignment AS assignment
  JOIN annotator_image AS image ON image.id = assignment.image_id
  WHERE image.project_id = %(project)s AND image.deleted_at IS NULL AND assignment.state = 'submitted'
    AND assignment.ended_at > %(since)s AND assignment.ended_at <= %(now)s
)
SELECT floor(extract(epoch FROM %(now)s - at) / 3600)::int AS hours_ago, sum(masks), sum(images), count(DISTINCT person)
FROM ended GROUP BY hours_ago
"""


@dataclass(frozen=True)
class HourRow:
    """Sixty minutes that end at `until`: masks accepted, images submitted, people who did either."""

    until: datetime
    masks: int = 0
    images: int = 0
    people: int = 0


def hours(*, project: Project, now: datetime) -> list[HourRow]:
    """The last `HOURS_SHOWN` hours, oldest first; the last one ends now."""
    values = {"project": project.id, "now": now, "since": now - HOURS_SHOWN * HOUR}
    found = {
        ago: (int(masks), int(images), people)
        for ago, masks, images, people in run(STATEMENT, values)
    }
    return [
        HourRow(now - ago * HOUR, *found.get(ago, (0, 0, 0)))
        for ago in reversed(range(HOURS_SHOWN))
    ]
