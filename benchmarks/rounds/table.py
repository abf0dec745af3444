"""From the lines of arms to tables: by round and arm, and what new masks are worth beside the control."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.tables import format_table

ARMS = ("new", "control")
# 97.5 % quantiles of Student's t by degrees of freedom; beyond the last one the normal one's.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
NORMAL = 1.96


@dataclass(frozen=True)
class Measure:
    """A number of each round; `better` is the sign of an improvement."""

    name: str
    title: str
    decimals: int
    better: int


MEASURES = (
    Measure("miou_1", "mIoU, 1 click", 3, +1),
    Measure("miou_3", "mIoU, 3 clicks", 3, +1),
    Measure("noc", "clicks to 0.85", 2, -1),
    Measure("clicks", "clicks per mask", 2, -1),
    Measure("seconds", "seconds per mask", 1, -1),
    Measure("masks", "masks per image", 2, +1),
)


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and half its 95 % interval, None for a single seed."""

    mean: float
    half: float | None

    def text(self, decimals: int, *, signed: bool = False) -> str:
        """`0.612 ± 0.013`."""
        sign = "+" if signed else ""
        told = f"{self.mean:{sign}.{decimals}f}"
        return told if self.half is None else f"{told} ± {self.half:.{decimals}f}"


Series = Mapping[int, Mapping[str, float]]  # measures by round
Arms = Mapping[tuple[str, int], Series]  # by arm and seed


def read_arms(
    folder: Path,
) -> tuple[dict[str, Any], dict[tuple[str, int], dict[int, dict[str, float]]]]:
    """What all arms of a folder have in common, and the measures of each.

    Raises ValueError when there are none, or when they were run with different settings.
    """
    common: dict[str, Any] = {}
    arms: dict[tuple[str, int], dict[int, dict[str, float]]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for text in file.read_text().splitlines():
            line = json.loads(text)
            settings = dict(line["settings"])
            key = (settings.pop("arm"), settings.pop("seed"))
            if settings != (common or settings):
                raise ValueError(
                    f"{file.name} was run with other settings than the files before it"
                )
            common = settings
            arms.setdefault(key, {})[line["round"]] = measures(line)
    if not arms:
        raise ValueError(f"{folder.name} holds no lines of an arm")
    return common, arms


def measures(line: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of one shift and of the model that was in use.

    Clicks and seconds are those of all objects, also of those given up, for each mask that was
    accepted: what a mask cost. Without any they are no numbers.
    """
    shift, scores = line["shift"], line["in_use"]
    objects, masks = shift["masks"] + shift["given_up"], shift["masks"]
    share = objects / masks if masks else nan
    trained = shift["round"]
    return {
        **{name: scores[name] for name in ("miou_1", "miou_3", "noc")},
        "clicks": shift["all_objects"]["clicks"] * share if masks else nan,
        "seconds": shift["all_objects"]["seconds"] * share if masks else nan,
        "masks": shift["masks_per_image"],
        "promoted": float(trained is not None and not trained["refusal"]),
    }


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and half the 95 % interval of its Student distribution."""
    if len(values) < 2:
        return Estimate(mean(values), None)
    quantile = STUDENT[len(values) - 2] if len(values) - 2 < len(STUDENT) else NORMAL
    return Estimate(mean(values), quantile * stdev(values) / sqrt(len(values)))


def by_round(arms: Arms, arm: str, name: str) -> dict[int, Estimate]:
    """A measure of an arm over its seeds, for the rounds that all of them have reached."""
    runs = [series for (one, _), series in sorted(arms.items()) if one == arm]
    return {n: estimate([run[n][name] for run in runs]) for n in _rounds_of_all(runs)}


def differences(arms: Arms, name: str) -> dict[int, Estimate]:
    """New masks minus control, paired by seed, for the rounds that all pairs have reached."""
    seeds = sorted({seed for _, seed in arms})
    pairs = [
        (arms["new", seed], arms["control", seed])
        for seed in seeds
        if all((arm, seed) in arms for arm in ARMS)
    ]
    rounds = _rounds_of_all([series for pair in pairs for series in pair])
    return {n: estimate([new[n][name] - old[n][name] for new, old in pairs]) for n in rounds}


def tables(arms: Arms) -> str:
    """Both tables in Markdown; the second one needs a seed with both arms."""
    titles = [measure.title for measure in MEASURES]
    rows = []
    for number in sorted({n for series in arms.values() for n in series}):
        for arm in ARMS:
            told = [by_round(arms, arm, measure.name).get(number) for measure in MEASURES]
            if all(told):
                cells = [one.text(m.decimals) for one, m in zip(told, MEASURES, strict=True) if one]
                rows.append([str(number), arm, *cells, _promoted(arms, arm, number)])
    text = format_table(["round", "arm", *titles, "promoted"], rows)
    found = {measure.name: differences(arms, measure.name) for measure in MEASURES}
    paired = [
        [str(number), *(found[m.name][number].text(m.decimals, signed=True) for m in MEASURES)]
        for number in found["miou_1"]
    ]
    if not paired:
        return text
    return f"{text}\n\nNew minus control, paired by seed:\n\n{format_table(['round', *titles], paired)}"


def _promoted(arms: Arms, arm: str, number: int) -> str:
    """How many seeds' candidates of that round were promoted; nothing before the first."""
    if number == 0:
        return "–"
    runs = [series[number] for (one, _), series in arms.items() if one == arm and number in series]
    return f"{sum(int(run['promoted']) for run in runs)} of {len(runs)}"


def _rounds_of_all(runs: Iterable[Series]) -> list[int]:
    reached = [set(run) for run in runs]
    return sorted(set.intersection(*reached)) if reached else []
