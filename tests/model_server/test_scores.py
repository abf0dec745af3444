"""Every reported number, from traces whose means can be worked out by hand."""

from pathlib import Path

import pytest

from common.metrics import Click
from model_server.evaluation.clicking import CLICK_COUNTS, ScoredGuess, Trace
from model_server.evaluation.images import EvaluationImage
from model_server.evaluation.results import ImageResult, MaskResult
from model_server.evaluation.scores import calibrate, summarise


def trace(ious: list[float], guesses: tuple[ScoredGuess, ...] = ()) -> Trace:
    chosen = tuple(ScoredGuess(0.5 if guesses else None, iou) for iou in ious)
    clicks = tuple(Click(n, 2 * n, 1) for n in range(len(ious)))
    return Trace(
        clicks=clicks,
        chosen=chosen,
        first_guesses=guesses or chosen[:1],
        counts_at=dict.fromkeys(CLICK_COUNTS, ""),
        seconds=0.5 * len(ious),
    )


def mask(ious: list[float], guesses: tuple[ScoredGuess, ...] = (), **others: object) -> MaskResult:
    boundary = dict.fromkeys(CLICK_COUNTS, 0.25)
    return MaskResult(0, 0.1, trace(ious, guesses), boundary, **others)  # type: ignore[arg-type]


def image(name: str, source: str, *masks: MaskResult) -> ImageResult:
    counts = ("",) * len(masks)
    about = EvaluationImage(Path(name), source, 33, 20, tuple(range(len(masks))), counts)
    return ImageResult(about, masks, 2.0)


def test_means_over_masks_and_over_sources() -> None:
    results = [
        image("1.png", "many", mask([0.2] * 20), mask([0.2] * 20), mask([0.2] * 20)),
        image("2.png", "few", mask([0.2, 0.4, 1.0])),
    ]
    scores = summarise(results)
    assert (scores.num_images, scores.num_masks) == (2, 4)
    assert scores.miou_at == pytest.approx({1: 0.2, 2: 0.25, 3: 0.4, 5: 0.4, 9: 0.4})
    assert scores.miou_by_source_at == pytest.approx({1: 0.2, 2: 0.3, 3: 0.6, 5: 0.6, 9: 0.6})
    assert [round(means.by_mask, 6) for means in scores.miou_curve] == [0.2, 0.25] + [0.4] * 7
    assert scores.boundary_iou_at[3].by_mask == 0.25
    assert scores.speed.per_click == pytest.approx(0.5)
    assert scores.speed.per_image == pytest.approx(2.0)


def test_clicks_to_a_target_count_failures_as_the_limit() -> None:
    late = [0.5] * 19 + [0.95]
    results = [
        image("1.png", "many", mask([0.5] * 20), mask(late)),
        image("2.png", "few", mask([0.5, 0.87, 0.93, 0.8])),
    ]
    found = summarise(results).clicks_to
    assert found["0.90"].noc.by_mask == pytest.approx((20 + 20 + 3) / 3)
    assert found["0.90"].noc.by_source == pytest.approx((20 + 3) / 2)
    assert found["0.85"].noc.by_mask == pytest.approx((20 + 20 + 2) / 3)
    assert found["0.90"].at_limit_share == pytest.approx(2 / 3)
    assert found["0.90"].never_share == pytest.approx(1 / 3)
    reached = found["0.90"].reached_share_after
    assert len(reached) == 20
    assert reached[1] == 0 and reached[2] == pytest.approx(1 / 3)
    assert reached[18] == pytest.approx(1 / 3) and reached[19] == pytest.approx(2 / 3)


def test_ranking_lies_between_a_random_and_a_perfect_choice() -> None:
    wrong = (ScoredGuess(0.9, 0.3), ScoredGuess(0.5, 0.6), ScoredGuess(0.1, 0.0))
    right = (ScoredGuess(0.8, 0.9), ScoredGuess(0.7, 0.3), ScoredGuess(0.2, 0.0))
    scores = summarise(
        [
            image("1.png", "a", mask([0.3], wrong, box=right)),
            image("2.png", "b", mask([0.9], right, box=right)),
        ]
    )
    assert scores.ranking is not None and scores.box is not None
    assert scores.ranking.chosen.by_mask == pytest.approx(0.6)
    assert scores.ranking.random.by_mask == pytest.approx((0.3 + 0.4) / 2)
    assert scores.ranking.oracle.by_mask == pytest.approx(0.75)
    assert scores.oracle_miou_at_1 == pytest.approx(0.75)
    assert scores.ranking.best_chosen_share == 0.5
    assert scores.box.chosen.by_source == pytest.approx(0.9)
    assert scores.calibration["first_click"].count == 6
    assert scores.by_source[0].box_miou == pytest.approx(0.9)


def test_a_method_without_candidates_has_no_ranking_and_no_calibration() -> None:
    scores = summarise([image("1.png", "a", mask([0.3, 0.4]))])
    assert scores.ranking is None and scores.box is None and scores.oracle_miou_at_1 is None
    assert scores.random_miou_at is None and scores.calibration == {}


def test_random_first_points_are_averaged_like_centre_ones() -> None:
    scores = summarise(
        [
            image("1.png", "a", mask([0.3], random=trace([0.1, 0.5]))),
            image("2.png", "b", mask([0.3], random=trace([0.3, 0.7]))),
        ]
    )
    assert scores.random_miou_at is not None
    assert scores.random_miou_at[1].by_mask == pytest.approx(0.2)
    assert scores.random_miou_at[9].by_source == pytest.approx(0.6)


def test_calibration_by_hand() -> None:
    pairs = [(0.15, 0.35), (0.11, 0.15), (0.72, 0.62), (-0.1, 0.0), (1.2, 1.0)]
    found = calibrate(pairs)
    assert found.count == 5
    assert found.mean_absolute_error == pytest.approx((0.2 + 0.04 + 0.1 + 0.1 + 0.2) / 5)
    assert found.mean_difference == pytest.approx((-0.2 - 0.04 + 0.1 - 0.1 + 0.2) / 5)
    assert [(b.low, b.count) for b in found.bins] == [(0.0, 1), (0.1, 2), (0.7, 1), (0.9, 1)]
    assert found.bins[1].mean_predicted == pytest.approx(0.13)
    assert found.bins[1].mean_iou == pytest.approx(0.25)
    assert found.expected_error == pytest.approx((0.1 + 2 * 0.12 + 0.1 + 0.2) / 5)
    assert found.correlation is not None and 0.9 < found.correlation < 1


def test_correlation_is_one_for_a_line_and_missing_for_a_constant() -> None:
    assert calibrate([(0.1, 0.2), (0.4, 0.8), (0.3, 0.6)]).correlation == pytest.approx(1)
    assert calibrate([(0.5, 0.2), (0.5, 0.8)]).correlation is None


def test_sources_have_rows_of_their_own() -> None:
    results = [
        image("1.png", "b", mask([0.2] * 20), mask([0.4] * 20)),
        image("2.png", "a", mask([0.95])),
        image("3.png", "b", mask([0.9])),
    ]
    first, second = summarise(results).by_source
    assert (first.source, first.num_images, first.num_masks) == ("a", 1, 1)
    assert (second.source, second.num_images, second.num_masks) == ("b", 2, 3)
    assert second.miou_at[1] == pytest.approx(0.5)
    assert second.noc["0.90"] == pytest.approx(41 / 3)
    assert second.never_share["0.90"] == pytest.approx(2 / 3)


def test_the_interval_holds_the_mean_and_is_the_same_every_time() -> None:
    results = [image(f"{n}.png", "a", mask([n / 10])) for n in range(10)]
    low, high = summarise(results).miou_interval_at[1]
    assert 0.2 < low < 0.45 < high < 0.7
    assert summarise(results).miou_interval_at[1] == (low, high)
    alike = summarise([image("1.png", "a", mask([0.3])), image("2.png", "a", mask([0.3]))])
    assert alike.miou_interval_at[1] == pytest.approx((0.3, 0.3))


def test_nothing_to_evaluate_is_said() -> None:
    with pytest.raises(ValueError, match="no reference mask"):
        summarise([])
