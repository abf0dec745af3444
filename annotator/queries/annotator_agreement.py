"""How far annotators who masked the same images on their own agree: pair by pair, and week by week."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from uuid import UUID

from django.db.models import QuerySet

from annotator.models import Agreement, Project
from annotator.queries.agreements import weighted_mean


@dataclass(frozen=True)
class Together:
    """Of some comparisons of two people's work on one image; means over matched masks, None without any."""

    num_images: int  # comparisons: an image that three people masked makes three
    num_matched: int  # pairs of masks of the same object
    num_unmatched: int  # masks of one that the other has not
    mean_iou: float | None
    mean_boundary_iou: float | None

    @property
    def unmatched_share(self) -> float | None:
        """Of all masks of both."""
        num_masks = 2 * self.num_matched + self.num_unmatched
        return self.num_unmatched / num_masks if num_masks else None


@dataclass(frozen=True)
class PairLine:
    """Two people, in the order of their names."""

    first: UUID
    first_name: str
    second: UUID
    second_name: str
    together: Together


@dataclass(frozen=True)
class WeekLine:
    """Everybody in the week that begins on that Monday, in UTC."""

    week: date
    together: Together


def annotator_agreements(project: Project) -> QuerySet[Agreement]:
    """Comparisons of two people's work on images that are still there, the earlier first."""
    return (
        Agreement.objects.filter(
            copy__original__project=project,
            copy__original__deleted_at=None,
            other_annotator__isnull=False,
        )
        .select_related("annotator", "other_annotator")
        .order_by("handed_in_at", "id")
    )


def pair_lines(rows: Iterable[Agreement]) -> list[PairLine]:
    """Every two people with images in common, by name."""
    by_pair: dict[tuple[tuple[str, UUID], tuple[str, UUID]], list[Agreement]] = {}
    for row in rows:
        people = [row.annotator, row.other_annotator]
        first, second = sorted((one.display_name, one.pk) for one in people if one is not None)
        by_pair.setdefault((first, second), []).append(row)
    return [
        PairLine(first[1], first[0], second[1], second[0], together_of(by_pair[first, second]))
        for first, second in sorted(by_pair)
    ]


def week_lines(rows: Iterable[Agreement]) -> list[WeekLine]:
    """The weeks in which the later of two works was handed in, the earlier first; weeks without any are left out."""
    by_week: dict[date, list[Agreement]] = {}
    for row in rows:
        day = row.handed_in_at.astimezone(UTC).date()
        by_week.setdefault(day - timedelta(days=day.weekday()), []).append(row)
    return [WeekLine(week, together_of(by_week[week])) for week in sorted(by_week)]


def together_of(rows: Iterable[Agreement]) -> Together:
    """Means weigh each matched pair alike."""
    rows = list(rows)
    return Together(
        num_images=len(rows),
        num_matched=sum(row.num_matched for row in rows),
        num_unmatched=sum(row.num_only_here + row.num_only_there for row in rows),
        mean_iou=weighted_mean((row.mean_iou, row.num_matched) for row in rows),
        mean_boundary_iou=weighted_mean((row.mean_boundary_iou, row.num_matched) for row in rows),
    )
