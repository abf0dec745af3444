"""Paired differences by hand, and their intervals."""

import numpy as np
import pytest

from common.intervals import bootstrap
from model_server.evaluation.comparison import Pair, compare, compare_groups

PAIRS = [
    Pair("quay", "a", 0.5, 0.7),
    Pair("quay", "a", 0.6, 0.6),
    Pair("quay", "b", 0.8, 0.7),
    Pair("moor", "c", 0.1, 0.5),
]


def test_means_are_over_masks_and_the_difference_is_the_candidates_gain() -> None:
    found = compare(PAIRS)
    assert found is not None
    assert (found.num_masks, found.num_images) == (4, 3)
    assert (found.current, found.candidate) == (pytest.approx(0.5), pytest.approx(0.625))
    assert found.difference == pytest.approx(0.125)


def test_shares_are_sums_over_weights() -> None:
    """Of 100 and 300 painted pixels, 20 and 60 are needed now, 50 and 330 with the candidate."""
    painted = [Pair("g", "a", 80, 50, weight=100), Pair("g", "b", 240, -30, weight=300)]
    found = compare(painted)
    assert found is not None
    assert (found.current, found.candidate) == (pytest.approx(0.8), pytest.approx(0.05))


def test_groups_are_compared_alone_and_one_image_gives_no_interval() -> None:
    found = compare_groups(PAIRS)
    assert list(found) == ["moor", "quay"]
    assert found["moor"].difference == pytest.approx(0.4)
    assert found["moor"].interval is None
    assert found["quay"].difference == pytest.approx(1 / 30)
    assert compare([]) is None


def test_images_are_drawn_again_whole() -> None:
    """Two images: every draw is one of three, so the interval's ends are the images' own values."""
    pairs = [Pair("g", "a", 0.0, 0.1), Pair("g", "a", 0.0, 0.3), Pair("g", "b", 0.0, 0.5)]
    found = compare(pairs)
    assert found is not None
    assert found.interval == (pytest.approx(0.2), pytest.approx(0.5))
    assert compare(pairs) == found, "the same masks give the same interval"


def test_the_interval_is_about_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(5).normal(0.02, 0.1, 400)
    low, high = bootstrap(values, np.ones(400))
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=half / 5)
    assert high == pytest.approx(values.mean() + half, abs=half / 5)
