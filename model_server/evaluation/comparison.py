"""Two networks on the same masks: means, paired differences, and how sure they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.intervals import bootstrap


@dataclass(frozen=True)
class Pair:
    """One mask as both networks did on it.

    A measure is Σ value / Σ weight over masks: with weights of 1 a mean, otherwise a share.
    """

    group: str
    image: str
    current: float
    candidate: float
    weight: float = 1.0


@dataclass(frozen=True)
class Difference:
    """One measure of both networks and the candidate's minus the current one's."""

    num_masks: int
    num_images: int
    current: float
    candidate: float
    difference: float
    interval: tuple[float, float] | None  # 95 % of the difference; None with a single image


def compare(pairs: Sequence[Pair]) -> Difference | None:
    """Compare over all `pairs`; None without any."""
    if not pairs:
        return None
    weight = sum(pair.weight for pair in pairs)
    current = sum(pair.current for pair in pairs) / weight
    candidate = sum(pair.candidate for pair in pairs) / weight
    images = sorted({pair.image for pair in pairs})
    sums = by_image(images, ((p.image, p.candidate - p.current) for p in pairs))
    weights = by_image(images, ((p.image, p.weight) for p in pairs))
    return Difference(
        num_masks=len(pairs),
        num_images=len(images),
        current=current,
        candidate=candidate,
        difference=candidate - current,
        interval=bootstrap(sums, weights) if len(images) > 1 else None,
    )


def compare_groups(pairs: Sequence[Pair]) -> dict[str, Difference]:
    """The same for each group alone."""
    groups = sorted({pair.group for pair in pairs})
    found = {name: compare([pair for pair in pairs if pair.group == name]) for name in groups}
    return {name: difference for name, difference in found.items() if difference is not None}


def by_image(images: Sequence[str], values: Iterable[tuple[str, float]]) -> NDArray[np.float64]:
    """Sums of `values` (image, number) for each of `images`, [I]."""
    place = {name: number for number, name in enumerate(images)}
    sums = np.zeros(len(images))
    for name, value in values:
        sums[place[name]] += value
    return sums
