"""Whether a model version may be promoted, from how it compares with the one in use or the one it came from.

docs/decisions/gate.md says why these measures decide and what the margins mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings

from annotator.models import ModelVersion, Project, VersionComparison
from annotator.queries.model_versions import current_model_version

GREATER, SMALLER = 1, -1
MINUS = "\N{MINUS SIGN}"  # as wide as a plus


class Standing(StrEnum):
    """What the gate says of a model version."""

    BETTER = "better"
    SIMILAR = "similar"
    WORSE = "worse"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class Measure:
    """One measure of a comparison; `better` tells the good direction, `is_replay` that annotators made it."""

    name: str
    label: str
    better: int
    places: int
    is_replay: bool
    decides: bool = False

    def gain(self, difference: float) -> float:
        """A difference so that more is better."""
        return self.better * difference

    def told(self, value: float) -> str:
        """A value in words of the page."""
        return f"{self._digits(value)} %" if self.is_share else self._digits(value)

    def told_change(self, difference: float) -> str:
        """A difference, always with its sign; that of shares in points of a hundred."""
        words = self._digits(difference)
        signed = words if difference < 0 else f"+{words}"
        return f"{signed} points" if self.is_share else signed

    @property
    def is_share(self) -> bool:
        return self.name == "unpainted_share"

    def _digits(self, value: float) -> str:
        scaled = 100 * value if self.is_share else value
        return f"{scaled:.{self.places}f}".replace("-", MINUS)


MEASURES = (
    Measure(
        "held_out_capped",
        "Held-out masks: IoU up to 0.90, over 1 to 9 clicks",
        GREATER,
        3,
        False,
        True,
    ),
    Measure("held_out_iou_1", "Held-out masks: IoU after 1 click", GREATER, 3, False),
    Measure("held_out_iou_3", "Held-out masks: IoU after 3 clicks", GREATER, 3, False),
    Measure("first_capped", "Replay: IoU up to 0.90 after the first click", GREATER, 3, True, True),
    Measure("first_iou", "Replay: IoU after the first click", GREATER, 3, True),
    Measure("clicks", "Replay: clicks to IoU 0.90", SMALLER, 2, True),
    Measure("unpainted_share", "Replay: painted pixels no longer needed", GREATER, 0, True),
    Measure("seconds", "Replay: predicted seconds of correcting a mask", SMALLER, 1, True),
)


@dataclass(frozen=True)
class Verdict:
    """The standing of a version beside `base` (None: never compared), with a sentence for each reason."""

    standing: Standing
    reasons: list[str]
    base: ModelVersion | None = None

    @property
    def base_name(self) -> str:
        return self.base.name if self.base else "the version before"

    @property
    def is_worse(self) -> bool:
        return self.standing == Standing.WORSE


def verdict_of(version: ModelVersion) -> Verdict:
    """Judges a version by the comparison that counts for it."""
    return verdicts_of([version])[version.pk]


def verdicts_of(versions: Sequence[ModelVersion]) -> dict[UUID, Verdict]:
    """Judges many versions, by the id of each."""
    pairs = deciding_comparisons(versions)
    nothing = Verdict(Standing.UNPROVEN, ["It was compared with no other version"])
    return {one.pk: judge(pairs[one.pk]) if one.pk in pairs else nothing for one in versions}


def deciding_comparison(version: ModelVersion) -> VersionComparison | None:
    """The measured comparison with the version in use, else with the one it came from, else the newest."""
    return deciding_comparisons([version]).get(version.pk)


def deciding_comparisons(versions: Sequence[ModelVersion]) -> dict[UUID, VersionComparison]:
    """Of each version that was compared the comparison that decides, by the version's id."""
    measured = VersionComparison.objects.filter(candidate__in=versions, compared_at__isnull=False)
    in_use = current_model_version()
    found: dict[UUID, VersionComparison] = {}
    for pair in measured.select_related("base", "candidate").order_by("compared_at"):
        before = found.get(pair.candidate_id)
        if before is None or _weight(pair, in_use) >= _weight(before, in_use):
            found[pair.candidate_id] = pair
    return found


def _weight(pair: VersionComparison, in_use: ModelVersion | None) -> int:
    if in_use is not None and pair.base_id == in_use.pk:
        return 2
    return int(pair.base_id == pair.candidate.parent_id)


def judge_if_measured(pair: VersionComparison) -> Verdict | None:
    """What the comparison says; None while nothing was measured."""
    return judge(pair) if pair.compared_at else None


def judge(pair: VersionComparison) -> Verdict:
    """What a measured comparison says of its candidate."""
    found: dict[str, Any] = pair.found.get("measures", {})
    is_flattered = pair.found.get("replayed_on") == "trained"
    measures = [one for one in MEASURES if one.decides and one.name in found]
    worse = [reason for one in measures for reason in _worse(one, found[one.name])]
    if worse:
        return Verdict(Standing.WORSE, worse, pair.base)
    fair = [one for one in measures if not (one.is_replay and is_flattered)]
    proving = [one for one in fair if _has_enough(found[one.name])]
    if not proving:
        most = max((found[one.name]["num_images"] for one in fair), default=0)
        return Verdict(Standing.UNPROVEN, [_too_few(most)], pair.base)
    better = [_change(one, found[one.name]) for one in proving if _is_surely_better(one, found)]
    if better:
        return Verdict(Standing.BETTER, better, pair.base)
    nothing = ["No loss beyond the margin, and no gain beyond chance"]
    return Verdict(Standing.SIMILAR, nothing, pair.base)


def group_names(groups: Iterable[str]) -> dict[str, str]:
    """Names of projects by the ids that stand in comparisons; a removed one has none."""
    found = Project.objects.filter(id__in=list(groups)).values_list("id", "name")
    return {str(project_id): name for project_id, name in found}


def _worse(measure: Measure, found: dict[str, Any]) -> Iterator[str]:
    """Reasons to hold the candidate back: over all masks, and in single projects where there are several."""
    if _is_lost(measure, found):
        yield _change(measure, found)
    lost = {group: own for group, own in found["by_group"].items() if _surely_loses(measure, own)}
    if len(found["by_group"]) > 1 and lost:
        names = group_names(lost)
        for group, own in lost.items():
            yield f"{_change(measure, own)} in {names.get(group, 'a removed project')}"


def _is_lost(measure: Measure, found: dict[str, Any]) -> bool:
    """Whether a loss beyond the margin is beyond chance, too.

    Where images are few, or annotators made the masks, the whole interval has to lie beyond the margin.
    """
    if measure.is_replay or not _has_enough(found):
        return _surely_loses(measure, found)
    is_beyond_margin = measure.gain(found["difference"]) < -settings.GATE_IOU_MARGIN
    return is_beyond_margin and not _may_be_chance(measure, found)


def _has_enough(found: dict[str, Any]) -> bool:
    """Whether a measure rests on more than a few pictures."""
    return bool(found["num_images"] >= settings.GATE_MIN_IMAGES)


def _too_few(num_images: int) -> str:
    if not num_images:
        return "Nothing was measured on images kept for scoring"
    images = "one image" if num_images == 1 else f"{num_images} images"
    return f"Only {images} kept for scoring had masks: fewer than the {settings.GATE_MIN_IMAGES} it takes to tell"


def _surely_loses(measure: Measure, found: dict[str, Any]) -> bool:
    """Whether the whole interval lies beyond the margin; of a replay of few images nothing is sure."""
    interval = found["interval"]
    if interval is None or (measure.is_replay and not _has_enough(found)):
        return False
    return _best_of(measure, interval) < -settings.GATE_IOU_MARGIN


def _may_be_chance(measure: Measure, found: dict[str, Any]) -> bool:
    """Whether its interval holds that nothing was lost."""
    interval = found["interval"]
    return interval is not None and _best_of(measure, interval) >= 0


def _is_surely_better(measure: Measure, found: dict[str, Any]) -> bool:
    interval = found[measure.name]["interval"]
    return bool(interval) and min(measure.gain(end) for end in interval) > 0


def _best_of(measure: Measure, interval: list[float]) -> float:
    return max(measure.gain(end) for end in interval)


def _change(measure: Measure, found: dict[str, Any]) -> str:
    verb = "rises" if found["difference"] > 0 else "falls"
    current, candidate = measure.told(found["current"]), measure.told(found["candidate"])
    return f"{measure.label} {verb} from {current} to {candidate}"
