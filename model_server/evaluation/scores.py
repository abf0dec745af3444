"""From single masks to the numbers that are reported; docs/evaluation.md defines each."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from common.intervals import bootstrap
from common.metrics import CLICK_LIMIT, number_of_clicks
from model_server.evaluation.clicking import (
    CLICK_COUNTS,
    CURVE_CLICKS,
    TARGETS,
    ScoredGuess,
    Trace,
)
from model_server.evaluation.results import ImageResult, MaskResult

CALIBRATION_BINS = 10

Group = tuple[str, MaskResult]  # a mask with its source


@dataclass(frozen=True)
class Means:
    """One measure, averaged in the two ways that are usual."""

    by_mask: float  # every mask counts the same
    by_source: float  # the mean over sources of their means


@dataclass(frozen=True)
class Ranking:
    """What choosing by predicted IoU among the candidates of an ambiguous prompt is worth."""

    chosen: Means  # mIoU of the candidate with the highest predicted IoU
    random: Means  # what a random choice is expected to reach: the mean of all candidates
    oracle: Means  # the best candidate by true IoU
    best_chosen_share: float  # of prompts; ties with the best count


@dataclass(frozen=True)
class ClicksToTarget:
    """Number of clicks to a target IoU (NoC), and the masks that never got there."""

    noc: Means  # a mask that never reaches the target counts as the limit
    limit: int
    at_limit_share: float  # reached at the last click or never: what the field lists as ">= 20"
    never_share: float
    reached_share_after: list[float]  # of masks, after 1, 2, ... `limit` clicks


@dataclass(frozen=True)
class CalibrationBin:
    """Predictions that fall into one tenth of the scale."""

    low: float
    high: float
    count: int
    mean_predicted: float
    mean_iou: float


@dataclass(frozen=True)
class Calibration:
    """How well predicted IoU tells the true one."""

    count: int
    correlation: float | None  # Pearson; None when either side never varies
    mean_absolute_error: float
    mean_difference: float  # predicted minus true
    expected_error: float  # mean over predictions of |mean predicted - mean IoU| of their bin
    bins: list[CalibrationBin]  # those that hold predictions


@dataclass(frozen=True)
class SourceScores:
    """The row of one source; means over its masks."""

    source: str
    num_images: int
    num_masks: int
    miou_at: dict[int, float]
    noc: dict[str, float]
    never_share: dict[str, float]
    oracle_miou_at_1: float | None
    box_miou: float | None


@dataclass(frozen=True)
class Speed:
    """Seconds by the clock, the machine being what it is."""

    per_click: float  # of the method alone, the simulation excluded
    per_image: float | None  # of the encoder; None for methods without


@dataclass(frozen=True)
class Scores:
    """All numbers of one method; IoU from 0 to 1, keys of dictionaries are clicks or targets."""

    num_images: int
    num_masks: int
    miou_at: dict[int, float]  # centre protocol, by mask
    miou_by_source_at: dict[int, float]
    miou_interval_at: dict[int, tuple[float, float]]  # 95 % of `miou_at`, bootstrap over images
    miou_curve: list[Means]  # after each of the first clicks
    boundary_iou_at: dict[int, Means]
    clicks_to: dict[str, ClicksToTarget]  # by target, "0.85" and "0.90"
    random_miou_at: dict[int, Means] | None  # random first point
    oracle_miou_at_1: float | None
    ranking: Ranking | None  # of the candidates of the first centre click
    box: Ranking | None  # of the candidates of the box
    calibration: dict[str, Calibration]  # by kind of prompt; empty for methods that do not predict
    by_source: list[SourceScores]
    speed: Speed


def summarise(results: Sequence[ImageResult]) -> Scores:
    """The scores of one method.

    Raises:
        ValueError: there is no reference mask.
    """
    groups = [(result.image.source, mask) for result in results for mask in result.masks]
    if not groups:
        raise ValueError("there is no reference mask to evaluate on")
    masks = [mask for _, mask in groups]
    at = {count: means(groups, iou_after(count)) for count in CLICK_COUNTS}
    ranked = all(len(mask.centre.first_guesses) > 1 for mask in masks)
    ranking = rank(groups, lambda mask: mask.centre.first_guesses) if ranked else None
    return Scores(
        num_images=len(results),
        num_masks=len(masks),
        miou_at={count: mean.by_mask for count, mean in at.items()},
        miou_by_source_at={count: mean.by_source for count, mean in at.items()},
        miou_interval_at={count: interval(results, iou_after(count)) for count in CLICK_COUNTS},
        miou_curve=[means(groups, iou_after(n)) for n in range(1, CURVE_CLICKS + 1)],
        boundary_iou_at={count: means(groups, boundary_after(count)) for count in CLICK_COUNTS},
        clicks_to={f"{target:.2f}": clicks_to(groups, target) for target in TARGETS},
        random_miou_at=random_means(groups),
        oracle_miou_at_1=ranking.oracle.by_mask if ranking else None,
        ranking=ranking,
        box=rank(groups, lambda mask: mask.box) if all(mask.box for mask in masks) else None,
        calibration=calibrations(masks),
        by_source=[source_scores(results, source) for source in sorted({s for s, _ in groups})],
        speed=speed_of(results),
    )


def iou_after(count: int) -> Callable[[MaskResult], float]:
    """The measure "IoU after `count` clicks from the centre"."""
    return lambda mask: mask.centre.iou_at(count)


def boundary_after(count: int) -> Callable[[MaskResult], float]:
    """The measure "boundary IoU after `count` clicks from the centre"."""
    return lambda mask: mask.boundary_iou_at[count]


def means(groups: Sequence[Group], measure: Callable[[MaskResult], float]) -> Means:
    """A measure by mask and by source."""
    values: dict[str, list[float]] = {}
    for source, mask in groups:
        values.setdefault(source, []).append(measure(mask))
    every = [value for some in values.values() for value in some]
    return Means(mean(every), mean(mean(some) for some in values.values()))


def mean(values: Iterable[float]) -> float:
    """The plain mean."""
    return float(np.mean(list(values)))


def interval(
    results: Sequence[ImageResult], measure: Callable[[MaskResult], float]
) -> tuple[float, float]:
    """95 % interval of the mean by mask: images are drawn again, with their masks."""
    sums = np.array([sum(measure(mask) for mask in result.masks) for result in results])
    return bootstrap(sums, np.array([float(len(result.masks)) for result in results]))


def clicks_to(groups: Sequence[Group], target: float) -> ClicksToTarget:
    """NoC of the centre protocol."""
    first = np.array([reached_at(mask.centre, target) for _, mask in groups])
    return ClicksToTarget(
        noc=means(groups, lambda mask: noc(mask.centre, target)),
        limit=CLICK_LIMIT,
        at_limit_share=float((first >= CLICK_LIMIT).mean()),
        never_share=float((first > CLICK_LIMIT).mean()),
        reached_share_after=[float((first <= n).mean()) for n in range(1, CLICK_LIMIT + 1)],
    )


def noc(trace: Trace, target: float) -> float:
    """Clicks until the target was first reached, the limit if never."""
    return float(number_of_clicks(trace.ious, target))


def reached_at(trace: Trace, target: float) -> int:
    """Clicks until the target was first reached, more than the limit if never."""
    return number_of_clicks(trace.ious, target, CLICK_LIMIT + 1)


def random_means(groups: Sequence[Group]) -> dict[int, Means] | None:
    """mIoU with a random first point; None when it was not run."""

    def after(count: int) -> Callable[[MaskResult], float]:
        return lambda mask: mask.random.iou_at(count) if mask.random else float("nan")

    if any(mask.random is None for _, mask in groups):
        return None
    return {count: means(groups, after(count)) for count in CLICK_COUNTS}


def rank(
    groups: Sequence[Group], offered: Callable[[MaskResult], Sequence[ScoredGuess]]
) -> Ranking:
    """Chosen, random and best candidate of those that `offered` names, the chosen one first."""

    def ious(mask: MaskResult) -> list[float]:
        return [guess.iou for guess in offered(mask)]

    return Ranking(
        chosen=means(groups, lambda mask: ious(mask)[0]),
        random=means(groups, lambda mask: mean(ious(mask))),
        oracle=means(groups, lambda mask: max(ious(mask))),
        best_chosen_share=mean(float(ious(mask)[0] == max(ious(mask))) for _, mask in groups),
    )


def calibrations(masks: Sequence[MaskResult]) -> dict[str, Calibration]:
    """Calibration of the candidates of first clicks, of later answers and of boxes."""
    kinds = {
        "first_click": [guess for mask in masks for guess in mask.centre.first_guesses],
        "later_clicks": [guess for m in masks for guess in m.centre.chosen[1:CURVE_CLICKS]],
        "box": [guess for mask in masks for guess in mask.box],
    }
    pairs = {
        kind: [(g.predicted_iou, g.iou) for g in guesses if g.predicted_iou is not None]
        for kind, guesses in kinds.items()
    }
    return {kind: calibrate(found) for kind, found in pairs.items() if found}


def calibrate(pairs: Sequence[tuple[float, float]]) -> Calibration:
    """Compare (predicted, true) IoU pairs; predictions beyond 0 and 1 count into the end bins."""
    predicted, true = np.array(pairs).T
    difference = predicted - true
    varies = predicted.std() > 0 and true.std() > 0
    place = np.clip((predicted * CALIBRATION_BINS).astype(int), 0, CALIBRATION_BINS - 1)
    bins = [
        CalibrationBin(
            low=number / CALIBRATION_BINS,
            high=(number + 1) / CALIBRATION_BINS,
            count=int((place == number).sum()),
            mean_predicted=float(predicted[place == number].mean()),
            mean_iou=float(true[place == number].mean()),
        )
        for number in sorted(set(place.tolist()))
    ]
    return Calibration(
        count=len(pairs),
        correlation=float(np.corrcoef(predicted, true)[0, 1]) if varies else None,
        mean_absolute_error=float(np.abs(difference).mean()),
        mean_difference=float(difference.mean()),
        expected_error=sum(b.count * abs(b.mean_predicted - b.mean_iou) for b in bins) / len(pairs),
        bins=bins,
    )


def source_scores(results: Sequence[ImageResult], source: str) -> SourceScores:
    """The row of one source."""
    own = [result for result in results if result.image.source == source and result.masks]
    groups = [(source, mask) for result in own for mask in result.masks]
    masks = [mask for _, mask in groups]
    targets = {f"{target:.2f}": clicks_to(groups, target) for target in TARGETS}
    ranked = all(len(mask.centre.first_guesses) > 1 for mask in masks)
    return SourceScores(
        source=source,
        num_images=len(own),
        num_masks=len(masks),
        miou_at={count: means(groups, iou_after(count)).by_mask for count in CLICK_COUNTS},
        noc={target: found.noc.by_mask for target, found in targets.items()},
        never_share={target: found.never_share for target, found in targets.items()},
        oracle_miou_at_1=(
            mean(max(g.iou for g in mask.centre.first_guesses) for mask in masks)
            if ranked
            else None
        ),
        box_miou=mean(m.box[0].iou for m in masks) if all(m.box for m in masks) else None,
    )


def speed_of(results: Sequence[ImageResult]) -> Speed:
    """Seconds a click and an image, over both click protocols."""
    traces = [
        trace
        for result in results
        for mask in result.masks
        for trace in (mask.centre, mask.random)
        if trace is not None
    ]
    encoders = [r.embedding_seconds for r in results if r.embedding_seconds is not None]
    return Speed(
        per_click=sum(t.seconds for t in traces) / sum(len(t.clicks) for t in traces),
        per_image=mean(encoders) if encoders else None,
    )
