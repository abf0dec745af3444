"""How images and objects ended: submitted, skipped with a reason, given up on."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.models import Project
from annotator.queries.throughput.groups import (
    GROUPINGS,
    KEYS,
    MADE_HERE,
    Groups,
    grouped,
    run,
)
from annotator.queries.throughput.period import Period

ENDED = f"""
WITH ended AS (
  SELECT
    (assignment.ended_at AT TIME ZONE 'UTC')::date AS day,
    assignment.annotator_id AS person,
    assignment.model_version_id AS model,
    assignment.state,
    CASE WHEN assignment.state = 'submitted' THEN
      (SELECT count(*) FROM annotator_mask AS mask WHERE mask.image_id = image.id AND {MADE_HERE})
    END AS masks
  FROM annotator_assignment AS assignment
  JOIN annotator_image AS image ON image.id = assignment.image_id
  WHERE image.project_id = %(project)s AND image.deleted_at IS NULL
    AND assignment.state IN ('submitted', 'skipped') AND assignment.ended_at >= %(since)s
)
SELECT {KEYS},
  count(*) FILTER (WHERE state = 'submitted'), count(*) FILTER (WHERE state = 'skipped'), sum(masks)
FROM ended {GROUPINGS}
"""

REASONS = """
SELECT assignment.skip_reason, count(*)
FROM annotator_assignment AS assignment
JOIN annotator_image AS image ON image.id = assignment.image_id
WHERE image.project_id = %(project)s AND image.deleted_at IS NULL
  AND assignment.state = 'skipped' AND assignment.ended_at >= %(since)s
GROUP BY assignment.skip_reason ORDER BY count(*) DESC, assignment.skip_reason
"""

GIVEN_UP = f"""
WITH given_up AS (
  SELECT (mask.updated_at AT TIME ZONE 'UTC')::date AS day, mask.author_id AS person, mask.model_version_id AS model
  FROM annotator_mask AS mask
  JOIN annotator_image AS image ON image.id = mask.image_id
  WHERE image.project_id = %(project)s AND image.deleted_at IS NULL
    AND mask.given_up AND mask.state <> 'deleted' AND mask.updated_at >= %(since)s
)
SELECT {KEYS}, count(*) FROM given_up {GROUPINGS}
"""


@dataclass(frozen=True)
class Endings:
    """Images that somebody was done with. `masks` are the accepted ones, made here, in the submitted images."""

    submitted: int = 0
    skipped: int = 0
    masks: int = 0

    @property
    def skip_rate(self) -> float | None:
        ended = self.submitted + self.skipped
        return self.skipped / ended if ended else None

    @property
    def masks_per_image(self) -> float | None:
        return self.masks / self.submitted if self.submitted else None


@dataclass(frozen=True)
class SkipReasonRow:
    reason: str
    images: int


def endings(*, project: Project, period: Period) -> Groups[Endings]:
    """Images by the day they ended, by who ended them and by the model version they were lent with."""
    values = {"project": project.id, "since": period.since}
    return grouped(ENDED, values, _endings, Endings())


def skip_reasons(*, project: Project, period: Period) -> list[SkipReasonRow]:
    """Skipped images by reason, the most frequent first."""
    found = run(REASONS, {"project": project.id, "since": period.since})
    return [SkipReasonRow(reason, images) for reason, images in found]


def given_up(*, project: Project, period: Period) -> Groups[int]:
    """Objects that people gave up on, by the day they were last touched: hard examples, never counted as masks."""
    values = {"project": project.id, "since": period.since}
    return grouped(GIVEN_UP, values, int, 0)


def _endings(submitted: int, skipped: int, masks: int | None) -> Endings:
    return Endings(submitted, skipped, int(masks or 0))
