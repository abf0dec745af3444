"""How fast masks are made and what is left: every number is asked of rows that are there, none is stored.

Seconds per mask are *active* seconds (the page visible, the person not idle), as the paper reports them
(Segment Anything, section 4: 34 s fell to 14 s while the masks per image rose from 20 to 44).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar
from uuid import UUID

from annotator.models import ModelVersion, Person, Project
from annotator.models.masks import ACCEPTED_IMPORTED
from annotator.queries.image_counts import ImageCounts, image_counts
from annotator.queries.masks import masks_made_here, masks_of_kind
from annotator.queries.throughput.endings import (
    Endings,
    SkipReasonRow,
    endings,
    given_up,
    skip_reasons,
)
from annotator.queries.throughput.forecast import Forecast, forecast
from annotator.queries.throughput.latency import Latency, latency
from annotator.queries.throughput.pace import HourRow, hours
from annotator.queries.throughput.period import Period
from annotator.queries.throughput.work import Work, work

Key = TypeVar("Key")


@dataclass(frozen=True)
class Line:
    """Everything about some part of the work: all of it, a day's, a person's, a model version's."""

    work: Work = field(default_factory=Work)
    endings: Endings = field(default_factory=Endings)
    given_up: int = 0
    latency: Latency = field(default_factory=Latency)

    @property
    def given_up_rate(self) -> float | None:
        """Objects given up on, of all objects that somebody finished or gave up on."""
        tried = self.work.masks + self.given_up
        return self.given_up / tried if tried else None


@dataclass(frozen=True)
class DayLine:
    """`day` is a day in UTC."""

    day: date
    line: Line


@dataclass(frozen=True)
class PersonLine:
    person: UUID
    name: str
    line: Line


@dataclass(frozen=True)
class ModelLine:
    """`name` is "" for what was painted without a model. `retrainings` led to the version from its first ancestor."""

    model_version: UUID | None
    name: str
    retrainings: int
    line: Line


@dataclass(frozen=True)
class Throughput:
    """The dashboard's numbers at `period.now`.

    `masks`, `imported` and `images` are of all time; the hours are the last ones; the rest is the period's.
    """

    period: Period
    masks: int
    imported: int
    images: ImageCounts
    forecast: Forecast
    hours: list[HourRow]
    whole: Line
    by_day: list[DayLine]
    by_person: list[PersonLine]
    by_model: list[ModelLine]
    skip_reasons: list[SkipReasonRow]


def throughput(*, project: Project, period: Period) -> Throughput:
    """All numbers of the dashboard."""
    images = image_counts(project=project)
    made = work(project=project, period=period)
    ended = endings(project=project, period=period)
    hard = given_up(project=project, period=period)
    waits = latency(project=project, days=made.by_day)
    by_day = _lines(made.by_day, ended.by_day, hard.by_day, waits.by_day)
    by_person = _lines(made.by_person, ended.by_person, hard.by_person, waits.by_person)
    by_model = _lines(made.by_model, ended.by_model, hard.by_model, waits.by_model)
    return Throughput(
        period=period,
        masks=masks_made_here(project).count(),
        imported=masks_of_kind(project, ACCEPTED_IMPORTED).count(),
        images=images,
        forecast=forecast(project=project, images_left=images.left, now=period.now),
        hours=hours(project=project, now=period.now),
        whole=Line(made.whole, ended.whole, hard.whole, waits.whole),
        by_day=[DayLine(day, by_day[day]) for day in sorted(by_day)],
        by_person=_people(by_person),
        by_model=_models(by_model),
        skip_reasons=skip_reasons(project=project, period=period),
    )


def _lines(
    made: Mapping[Key, Work],
    ended: Mapping[Key, Endings],
    hard: Mapping[Key, int],
    waits: Mapping[Key, Latency],
) -> dict[Key, Line]:
    return {
        key: Line(
            work=made.get(key, Work()),
            endings=ended.get(key, Endings()),
            given_up=hard.get(key, 0),
            latency=waits.get(key, Latency()),
        )
        for key in made.keys() | ended.keys() | hard.keys()
    }


def _people(lines: Mapping[UUID | None, Line]) -> list[PersonLine]:
    """Who made most masks first."""
    names = Person.objects.filter(id__in=lines.keys() - {None}).values_list("id", "display_name")
    found = [PersonLine(person, name, lines[person]) for person, name in names]
    return sorted(found, key=lambda one: (-one.line.work.masks, one.name, one.person))


def _models(lines: Mapping[UUID | None, Line]) -> list[ModelLine]:
    """What was painted without a model first, then the versions in the order they were made."""
    versions = list(ModelVersion.objects.order_by("created_at", "id").only("name", "parent"))
    retrainings: dict[UUID | None, int] = {None: -1}
    for version in versions:  # a parent is always older
        retrainings[version.id] = retrainings.get(version.parent_id, -1) + 1
    found = [
        ModelLine(version.id, version.name, retrainings[version.id], lines[version.id])
        for version in versions
        if version.id in lines
    ]
    return [ModelLine(None, "", 0, lines[None]), *found] if None in lines else found
