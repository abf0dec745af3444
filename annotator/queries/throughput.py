"""How fast masks are made: every number is asked of accepted masks and their timing rows, none is stored.

Seconds per mask are *active* seconds (the page visible, the person not idle), as the paper reports them
(Segment Anything, section 4: 34 s fell to 14 s while the masks per image rose from 20 to 44).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import (
    Count,
    Exists,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.functions import TruncDate

from annotator.models import (
    Assignment,
    AssignmentState,
    Mask,
    MaskOrigin,
    MaskState,
    MaskTiming,
    Project,
)
from annotator.queries.image_counts import ImageCounts, image_counts
from annotator.queries.masks import accepted_masks, masks_made_here, with_active_time
from annotator.queries.spread import Percentile, Spread, percentile

LATENCY_MASKS = 500  # the newest accepted masks whose decode latencies are looked at
DAYS_SHOWN = 30
PACE_WINDOW = timedelta(hours=1)
FORECAST_DAYS = 7


@dataclass(frozen=True)
class PersonRow:
    person: UUID
    name: str
    masks: int
    masks_last_hour: int
    seconds_per_mask: Spread
    images_submitted: int
    last_accepted_at: datetime | None


@dataclass(frozen=True)
class DayRow:
    """`day` is a day in UTC."""

    day: date
    masks: int
    seconds_per_mask: Spread


@dataclass(frozen=True)
class ModelRow:
    """Masks made with one model version; `name` is "" for masks painted without one."""

    model_version: UUID | None
    name: str
    masks: int
    seconds_per_mask: Spread


@dataclass(frozen=True)
class Throughput:
    """The dashboard's numbers; `at` is the moment they were asked. Only `imported` counts imported masks."""

    at: datetime
    masks: int
    imported: int
    given_up: int
    masks_per_hour: int  # accepted in the last hour
    masks_per_active_hour: float | None
    masks_per_submitted_image: float | None
    days_left: float | None  # images left at the pace of the last week; None without a pace
    seconds_per_mask: Spread
    timed_masks: int
    latency_ms: Spread
    latency_count: int
    images: ImageCounts
    people: list[PersonRow]
    by_day: list[DayRow]
    by_model: list[ModelRow]


def throughput(*, project: Project, now: datetime) -> Throughput:
    """All numbers of the dashboard at `now`."""
    timed = with_active_time(masks_made_here(project))
    whole = timed.aggregate(
        masks=Count("pk"),
        last_hour=Count("pk", filter=Q(accepted_at__gt=now - PACE_WINDOW)),
        timed_masks=Count("active_s"),
        total_s=Sum("active_s"),
        **_spread_of_seconds(),
    )
    images = image_counts(project=project)
    in_submitted = masks_made_here(project).filter(
        Exists(_assignments(AssignmentState.SUBMITTED, "image"))
    )
    latencies = _decode_latencies(project)
    return Throughput(
        at=now,
        masks=whole["masks"],
        imported=accepted_masks(project, origin=MaskOrigin.IMPORTED).count(),
        given_up=_given_up(project),
        masks_per_hour=whole["last_hour"],
        masks_per_active_hour=_ratio(whole["timed_masks"], (whole["total_s"] or 0.0) / 3600.0),
        masks_per_submitted_image=_ratio(in_submitted.count(), images.submitted),
        days_left=_ratio(images.left, _images_per_day(project, now)),
        seconds_per_mask=Spread(whole["median"], whole["p90"]),
        timed_masks=whole["timed_masks"],
        latency_ms=Spread(percentile(latencies, 0.5), percentile(latencies, 0.9)),
        latency_count=len(latencies),
        images=images,
        people=_by_person(project, timed, now),
        by_day=_by_day(timed, now),
        by_model=_by_model(timed),
    )


def _assignments(state: AssignmentState, image: str) -> QuerySet[Assignment]:
    return Assignment.objects.filter(image=OuterRef(image), state=state)


def _spread_of_seconds() -> dict[str, Percentile]:
    return {"median": Percentile("active_s", 0.5), "p90": Percentile("active_s", 0.9)}


def _given_up(project: Project) -> int:
    """Objects that people gave up on: kept as hard examples, never counted as masks."""
    return (
        Mask.objects.filter(image__project=project, image__deleted_at=None, given_up=True)
        .exclude(state=MaskState.DELETED)
        .count()
    )


def _images_per_day(project: Project, now: datetime) -> float:
    """Images submitted per day over the last week, or since the first one when that is less."""
    ended = Assignment.objects.filter(
        image__project=project,
        image__deleted_at=None,
        state=AssignmentState.SUBMITTED,
        ended_at__gt=now - timedelta(days=FORECAST_DAYS),
    ).aggregate(num_images=Count("pk"), first=Min("ended_at"))
    if not ended["num_images"]:
        return 0.0
    days = max(1.0, (now - ended["first"]) / timedelta(days=1))
    return float(ended["num_images"] / days)


def _by_person(project: Project, timed: QuerySet[Mask], now: datetime) -> list[PersonRow]:
    rows = (
        timed.order_by()
        .values("author", "author__display_name")
        .annotate(
            masks=Count("pk"),
            last_hour=Count("pk", filter=Q(accepted_at__gt=now - PACE_WINDOW)),
            last_at=Max("accepted_at"),
            **_spread_of_seconds(),
        )
        .order_by("-masks", "author__display_name")
    )
    submitted: dict[UUID, int] = dict(
        Assignment.objects.filter(
            image__project=project, image__deleted_at=None, state=AssignmentState.SUBMITTED
        )
        .values_list("annotator")
        .annotate(num_images=Count("pk"))
    )
    return [
        PersonRow(
            person=row["author"],
            name=row["author__display_name"],
            masks=row["masks"],
            masks_last_hour=row["last_hour"],
            seconds_per_mask=Spread(row["median"], row["p90"]),
            images_submitted=submitted.get(row["author"], 0),
            last_accepted_at=row["last_at"],
        )
        for row in rows
    ]


def _by_day(timed: QuerySet[Mask], now: datetime) -> list[DayRow]:
    """The last `DAYS_SHOWN` days on which masks were accepted, oldest first."""
    rows = (
        timed.filter(accepted_at__gt=now - timedelta(days=DAYS_SHOWN))
        .order_by()
        .values(day=TruncDate("accepted_at"))
        .annotate(masks=Count("pk"), **_spread_of_seconds())
        .order_by("day")
    )
    return [DayRow(row["day"], row["masks"], Spread(row["median"], row["p90"])) for row in rows]


def _by_model(timed: QuerySet[Mask]) -> list[ModelRow]:
    """One row per model version, in the order the versions were made."""
    rows = (
        timed.order_by()
        .values("model_version", "model_version__name", "model_version__created_at")
        .annotate(masks=Count("pk"), **_spread_of_seconds())
        .order_by("model_version__created_at")
    )
    return [
        ModelRow(
            model_version=row["model_version"],
            name=row["model_version__name"] or "",
            masks=row["masks"],
            seconds_per_mask=Spread(row["median"], row["p90"]),
        )
        for row in rows
    ]


def _decode_latencies(project: Project) -> list[float]:
    """Milliseconds from click to candidates as browsers measured them, of the newest accepted masks."""
    lists = (
        MaskTiming.objects.filter(mask__in=masks_made_here(project).values("pk"))
        .order_by("-created_at")
        .values_list("decode_ms", flat=True)[:LATENCY_MASKS]
    )
    return [float(ms) for decodes in lists for ms in decodes if isinstance(ms, (int, float))]


def _ratio(count: float, of: float) -> float | None:
    return count / of if of else None
