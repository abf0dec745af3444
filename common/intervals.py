"""How sure a mean over masks is, when masks of one image resemble each other."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000  # of the bootstrap over images
INTERVAL = (2.5, 97.5)  # percentiles
SEED = 0


def bootstrap(
    sums: NDArray[np.float64], weights: NDArray[np.float64], *, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95 % interval of Σ sums / Σ weights, both [I] by image: images are drawn again, with their masks.

    The same input gives the same interval.
    """
    count = len(sums)
    rng = np.random.default_rng(SEED)
    draws = rng.multinomial(count, np.full(count, 1 / count), resamples)
    totals = draws @ weights
    low, high = np.percentile((draws @ sums)[totals > 0] / totals[totals > 0], INTERVAL)
    return float(low), float(high)


def share_interval(rows: Iterable[tuple[object, bool]]) -> tuple[float, float] | None:
    """95 % interval of the share of masks that hold, from (image, whether it holds) for each; None without any.

    Images are drawn again with their masks. Where all masks agree there is nothing to draw: then the exact
    binomial bound is taken as if each image were one observation.
    """
    by_image: dict[object, list[bool]] = {}
    for image, holds in rows:
        by_image.setdefault(image, []).append(holds)
    if not by_image:
        return None
    sums = np.array([float(sum(held)) for held in by_image.values()])
    weights = np.array([float(len(held)) for held in by_image.values()])
    bound = (1 - INTERVAL[1] / 100) ** (1 / len(by_image))
    if sums.sum() == weights.sum():
        return bound, 1.0
    if sums.sum() == 0:
        return 0.0, 1.0 - bound
    return bootstrap(sums, weights)
