"""The simulated clicks: where they go, when they end, and that objects do not disturb each other."""

from collections.abc import Sequence

import numpy as np
import pytest

from common.metrics import Click, Mask
from model_server.evaluation import scores
from model_server.evaluation.clicking import Guess, click_through


def rectangle(y0: int, y1: int, x0: int, x1: int) -> Mask:
    mask = np.zeros((20, 33), bool)
    mask[y0:y1, x0:x1] = True
    return mask


REFERENCE = rectangle(3, 15, 4, 25)


class Script:
    """Answers with the masks of a list, one list for each object, the last one for ever."""

    def __init__(self, *masks: list[Mask]) -> None:
        self.masks = masks
        self.seen: list[tuple[list[int], list[list[Click]]]] = []

    def __call__(
        self, numbers: Sequence[int], clicks: Sequence[Sequence[Click]]
    ) -> list[list[Guess]]:
        self.seen.append((list(numbers), [list(made) for made in clicks]))
        turns = [
            min(len(made), len(self.masks[n])) for n, made in zip(numbers, clicks, strict=True)
        ]
        return [[Guess(self.masks[n][t - 1])] for n, t in zip(numbers, turns, strict=True)]


def test_clicks_follow_the_errors_of_the_last_mask() -> None:
    script = Script([rectangle(3, 15, 12, 25), REFERENCE])
    (trace,) = click_through(script, [REFERENCE])
    assert trace.clicks[0] == Click(9, 8, 1)  # six pixels deep, the first of the middle rows
    assert trace.clicks[1].label == 1 and trace.clicks[1].x < 12
    assert trace.ious == [pytest.approx(13 / 21), 1.0]  # nothing left to click
    assert trace.iou_at(1) == pytest.approx(13 / 21)
    assert trace.iou_at(9) == 1


def test_surplus_gets_a_background_click() -> None:
    (trace,) = click_through(Script([rectangle(0, 20, 0, 33), REFERENCE]), [REFERENCE])
    assert [click.label for click in trace.clicks] == [1, 0]


def test_all_objects_advance_together_until_each_is_done() -> None:
    other = rectangle(16, 19, 20, 31)
    script = Script([rectangle(3, 15, 12, 25), REFERENCE], [other])
    first, second = click_through(script, [REFERENCE, other])
    assert [numbers for numbers, _ in script.seen] == [[0, 1], [0]]
    alone = click_through(Script([rectangle(3, 15, 12, 25), REFERENCE]), [REFERENCE])
    assert first.clicks == alone[0].clicks and first.ious == alone[0].ious
    assert second.ious == [1.0]


def test_a_given_first_click_is_made_and_later_ones_follow_the_errors() -> None:
    script = Script([rectangle(3, 15, 12, 25), REFERENCE])
    (trace,) = click_through(script, [REFERENCE], [Click(24, 14, 1)])
    assert trace.clicks[0] == Click(24, 14, 1)
    assert trace.clicks[1].x < 12


def test_what_never_gets_good_is_clicked_twenty_times_and_fails() -> None:
    (trace,) = click_through(Script([rectangle(3, 9, 4, 25)]), [REFERENCE])
    assert len(trace.clicks) == 20 and len(set(trace.clicks)) == 20
    assert scores.noc(trace, 0.85) == 20
    assert scores.reached_at(trace, 0.85) == 21
    assert scores.reached_at(trace, 0.5) == 1


def test_after_nine_clicks_a_mask_that_reached_every_target_is_left_alone() -> None:
    nearly = rectangle(3, 15, 4, 24)  # 20 of 21 columns
    (trace,) = click_through(Script([nearly]), [REFERENCE])
    assert len(trace.clicks) == 9
    assert scores.noc(trace, 0.9) == 1


def test_a_target_reached_once_counts_although_a_later_click_spoils_it() -> None:
    half, nearly = rectangle(3, 9, 4, 25), rectangle(3, 15, 4, 24)
    (trace,) = click_through(Script([half, half, nearly, half]), [REFERENCE])
    assert scores.noc(trace, 0.9) == 3
    assert trace.iou_at(9) == pytest.approx(0.5)


def test_masks_are_kept_after_the_counts_that_reports_show() -> None:
    script = Script([rectangle(3, 15, 12, 25), rectangle(3, 15, 10, 25), REFERENCE])
    (trace,) = click_through(script, [REFERENCE])
    assert set(trace.counts_at) == {1, 2, 3, 5, 9}
    assert trace.counts_at[1] != trace.counts_at[2] != trace.counts_at[3]
    assert trace.counts_at[9] == trace.counts_at[3]  # perfect since


def test_the_limit_can_be_lower() -> None:
    (trace,) = click_through(Script([rectangle(3, 9, 4, 25)]), [REFERENCE], limit=9)
    assert len(trace.clicks) == 9
