"""Recorded interactions on a scripted network: every number is worked out by hand."""

import numpy as np
import pytest

from common.metrics import Click, Mask
from model_server.evaluation.replaying import Prompt, prompts_of, replay


def rectangle(y0: int, y1: int, x0: int, x1: int) -> Mask:
    mask = np.zeros((20, 33), bool)
    mask[y0:y1, x0:x1] = True
    return mask


ACCEPTED = rectangle(3, 13, 4, 24)  # 200 pixels
HALF = rectangle(3, 13, 4, 14)
MOST = rectangle(3, 13, 4, 23)  # 190 of 200
POINT = {"kind": "point", "x": 6, "y": 5, "label": 1}
SECOND = {"kind": "point", "x": 20, "y": 9, "label": 1}


class Script:
    """Answers with the given masks, the last one for ever."""

    def __init__(self, *masks: Mask) -> None:
        self.masks = masks
        self.seen: list[Prompt] = []

    def __call__(self, prompt: Prompt) -> Mask:
        self.seen.append(prompt)
        return self.masks[min(len(self.seen), len(self.masks)) - 1]


def test_recorded_clicks_come_first_and_end_at_the_last_one() -> None:
    script = Script(HALF, MOST)
    found = replay(script, prompts_of([POINT, SECOND]), ACCEPTED)
    assert found.ious == (0.5, 0.95)
    assert (found.first_iou, found.num_clicks, found.num_recorded) == (0.5, 2, 2)
    assert found.wrong_px == 10
    assert [len(prompt.clicks) for prompt in script.seen] == [1, 2]


def test_the_simulation_goes_on_where_the_recorded_clicks_did_not_suffice() -> None:
    script = Script(HALF, HALF, MOST)
    found = replay(script, prompts_of([POINT]), ACCEPTED)
    assert (found.ious, found.num_recorded, found.num_clicks) == ((0.5, 0.5, 0.95), 1, 3)
    assert found.wrong_px == 100, "what the brush would have to change after the recorded clicks"
    assert script.seen[1].clicks == (Click(6, 5, 1), Click(18, 7, 1))  # the missing half is 10 x 10
    assert script.seen[1].feeds_back


def test_a_network_that_needs_fewer_clicks_than_were_recorded_is_given_credit() -> None:
    found = replay(Script(MOST, HALF), prompts_of([POINT, SECOND]), ACCEPTED)
    assert (found.num_clicks, found.first_iou, len(found.ious)) == (1, 0.95, 2)


def test_what_never_gets_good_counts_as_twenty_clicks() -> None:
    found = replay(Script(HALF), prompts_of([POINT]), ACCEPTED)
    assert (found.num_clicks, len(found.ious)) == (20, 20)


def test_a_moved_or_removed_point_starts_without_earlier_logits() -> None:
    moved = {"kind": "point_moved", "index": 0, "x": 7, "y": 8}
    prompts = prompts_of([POINT, SECOND, moved, {"kind": "point_removed", "index": 1}])
    assert [prompt.feeds_back for prompt in prompts] == [False, True, False, False]
    assert prompts[2].clicks == (Click(7, 8, 1), Click(20, 9, 1))
    assert prompts[3].clicks == (Click(7, 8, 1),)


def test_a_first_box_joins_and_a_second_one_replaces() -> None:
    first, second = {"kind": "box", "box": [1, 2, 9, 8]}, {"kind": "box", "box": [0, 2, 9, 8]}
    prompts = prompts_of([POINT, first, second])
    assert [prompt.box for prompt in prompts] == [None, (1, 2, 9, 8), (0, 2, 9, 8)]
    assert [prompt.feeds_back for prompt in prompts] == [False, True, False]


def test_a_candidate_belongs_to_the_prompt_it_was_chosen_for() -> None:
    prompts = prompts_of(
        [
            {"kind": "candidate", "token": 1},
            POINT,
            {"kind": "candidate", "token": 3},
            {"kind": "candidate", "token": 2},
            SECOND,
        ]
    )
    assert [prompt.token for prompt in prompts] == [2, None]


def test_without_a_point_or_box_nothing_is_asked() -> None:
    prompts = prompts_of([POINT, {"kind": "point_removed", "index": 0}, SECOND])
    assert [prompt.clicks for prompt in prompts] == [(Click(6, 5, 1),), (Click(20, 9, 1),)]


def test_a_replay_sees_the_best_of_what_was_reached_on_the_way() -> None:
    found = replay(Script(HALF, MOST, HALF), prompts_of([POINT, SECOND, POINT]), ACCEPTED)
    assert found.num_clicks == 2
    assert found.ious[-1] == pytest.approx(0.5) and found.wrong_px == 100
