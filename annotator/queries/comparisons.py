"""Two model versions beside each other: the numbers of their comparison, by measure and by project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from annotator.errors import NotInScope
from annotator.models import OPEN_STATES, JobKind, ModelVersion, VersionComparison
from annotator.queries.scope import NOTHING
from annotator.queries.verdicts import (
    MEASURES,
    Measure,
    Verdict,
    deciding_comparison,
    group_names,
    judge,
    judge_if_measured,
    verdict_of,
)

LEAST_REACH = 0.01  # what the half of a drawing stands for at least, in the unit of its measure
HALF_WIDTH = 44.0


@dataclass(frozen=True)
class Drawn:
    """Places along an axis from −HALF_WIDTH to HALF_WIDTH, 0 in its middle."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Side:
    """One measure of both versions; `interval` is that of the difference, 95 %, None with one image."""

    measure: Measure
    num_masks: int
    num_images: int
    current: float
    candidate: float
    difference: float
    interval: tuple[float, float] | None

    @property
    def trend(self) -> str:
        """`better` or `worse` when the interval leaves out 0, else "" for what may be chance."""
        if self.interval is None:
            return ""
        gains = [self.measure.gain(end) for end in self.interval]
        return "better" if min(gains) > 0 else "worse" if max(gains) < 0 else ""

    @property
    def drawn(self) -> Drawn | None:
        """The interval as it is drawn, better to the right."""
        if self.interval is None:
            return None
        values = (self.interval[0], self.difference, self.interval[1])
        gains = sorted(self.measure.gain(value) for value in values)
        reach = max(*(abs(gain) for gain in gains), LEAST_REACH)
        low, middle, high = (round(HALF_WIDTH * gain / reach, 1) for gain in gains)
        return Drawn(low, middle, high)

    @property
    def current_words(self) -> str:
        return self.measure.told(self.current)

    @property
    def candidate_words(self) -> str:
        return self.measure.told(self.candidate)

    @property
    def difference_words(self) -> str:
        return self.measure.told_change(self.difference)

    @property
    def interval_words(self) -> str:
        """From the lower to the upper end; "" without."""
        if self.interval is None:
            return ""
        return " to ".join(self.measure.told_change(end) for end in self.interval)


@dataclass(frozen=True)
class Group:
    """The numbers of one project."""

    name: str
    sides: list[Side]

    @property
    def deciding(self) -> list[Side]:
        return [side for side in self.sides if side.measure.decides]


@dataclass(frozen=True)
class Case:
    """One replayed mask; pictures are named by their SHA-256."""

    kind: str  # best or worst
    group: str
    current_iou: float
    candidate_iou: float
    current_clicks: int
    candidate_clicks: int
    current_picture: str
    candidate_picture: str


@dataclass(frozen=True)
class Comparison:
    """What is known of a version beside `base`; without measures nothing was compared."""

    pair_id: UUID | None
    version: ModelVersion
    base: ModelVersion | None
    verdict: Verdict
    replayed_on: str  # held_out, trained or nothing
    seconds_per_click: float | None
    seconds_per_painted_px: float | None
    sides: list[Side]
    groups: list[Group]
    cases: list[Case]

    @property
    def best(self) -> list[Case]:
        return [case for case in self.cases if case.kind == "best"]

    @property
    def worst(self) -> list[Case]:
        return [case for case in self.cases if case.kind == "worst"]


def comparison_of(version: ModelVersion) -> Comparison:
    """The comparison by which the gate judges a version."""
    pair = deciding_comparison(version)
    if pair is None:
        return _read(version, version.parent, {}, verdict_of(version))
    return comparison_in(pair)


def comparison_in(pair: VersionComparison) -> Comparison:
    """What was measured of a pair."""
    return _read(pair.candidate, pair.base, pair.found, judge(pair), pair.id)


def _read(
    version: ModelVersion,
    base: ModelVersion | None,
    stored: dict[str, Any],
    verdict: Verdict,
    pair_id: UUID | None = None,
) -> Comparison:
    measures: dict[str, Any] = stored.get("measures", {})
    ids = {group for found in measures.values() for group in found["by_group"]}
    names = group_names(ids)
    pace = stored.get("pace", {})
    groups = [
        Group(names.get(group, "A removed project"), _sides(measures, group)) for group in ids
    ]
    return Comparison(
        pair_id=pair_id,
        version=version,
        base=base,
        verdict=verdict,
        replayed_on=stored.get("replayed_on", "nothing"),
        seconds_per_click=pace.get("seconds_per_click"),
        seconds_per_painted_px=pace.get("seconds_per_painted_px"),
        sides=_sides(measures),
        groups=sorted(groups, key=lambda group: group.name),
        cases=[_case(told, names) for told in stored.get("cases", [])],
    )


def all_comparisons() -> QuerySet[VersionComparison]:
    """Every pair, the one asked for last first."""
    pairs = VersionComparison.objects.select_related("base", "candidate", "job")
    return pairs.order_by("-job__created_at", "id")


def find_comparison(*, comparison_id: UUID) -> VersionComparison:
    """Raises `NotInScope` when there is none."""
    pair = all_comparisons().filter(id=comparison_id).first()
    if pair is None:
        raise NotInScope(NOTHING)
    return pair


def comparison_between(base: ModelVersion, candidate: ModelVersion) -> VersionComparison | None:
    """The pair in this order; None when nobody asked for it yet."""
    return all_comparisons().filter(base=base, candidate=candidate).first()


def newest_comparison_of(candidate: ModelVersion) -> VersionComparison | None:
    """The one of this candidate that was asked for last, measured or not."""
    return all_comparisons().filter(candidate=candidate).first()


def open_comparisons() -> QuerySet[VersionComparison]:
    """Those whose job waits or runs."""
    return all_comparisons().filter(job__state__in=OPEN_STATES, job__kind=JobKind.COMPARE)


@dataclass(frozen=True)
class JudgedPair:
    """A pair with what the gate says of it, None before it was measured."""

    pair: VersionComparison
    verdict: Verdict | None


def judged_pairs(*, limit: int) -> list[JudgedPair]:
    """The pairs that were asked for last."""
    return [JudgedPair(pair, judge_if_measured(pair)) for pair in all_comparisons()[:limit]]


def check_picture(*, pair: VersionComparison, sha256: str) -> None:
    """Raises `NotInScope` unless a case of the pair has this picture."""
    cases = pair.found.get("cases", [])
    pictures = {told[f"{who}_picture"] for told in cases for who in ("current", "candidate")}
    if sha256 not in pictures:
        raise NotInScope(NOTHING)


def _sides(measures: dict[str, Any], group: str | None = None) -> list[Side]:
    found = {
        name: whole if group is None else whole["by_group"].get(group)
        for name, whole in measures.items()
    }
    return [_side(one, told) for one in MEASURES if (told := found.get(one.name)) is not None]


def _side(measure: Measure, told: dict[str, Any]) -> Side:
    interval = told["interval"]
    return Side(
        measure=measure,
        num_masks=told["num_masks"],
        num_images=told["num_images"],
        current=told["current"],
        candidate=told["candidate"],
        difference=told["difference"],
        interval=None if interval is None else (interval[0], interval[1]),
    )


def _case(told: dict[str, Any], names: dict[str, str]) -> Case:
    return Case(
        kind=told["kind"],
        group=names.get(told["group"], "A removed project"),
        current_iou=told["current_iou"],
        candidate_iou=told["candidate_iou"],
        current_clicks=told["current_clicks"],
        candidate_clicks=told["candidate_clicks"],
        current_picture=told["current_picture"],
        candidate_picture=told["candidate_picture"],
    )
