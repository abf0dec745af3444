"""What a page recorded becomes a replay only when every part of it makes sense."""

from __future__ import annotations

import pytest

from common.replay_cases import ReplayCase, cases_key, read_acts, read_cases, write_cases

POINT = {"kind": "point", "x": 59, "y": 39, "label": 1}
STROKE = {"kind": "stroke", "mode": "brush", "points": [[1, 2]]}


def acts(*prompts: object) -> list[dict[str, object]] | None:
    return read_acts(prompts, height=40, width=60)


def test_strokes_and_facts_that_nobody_needs_are_left_out() -> None:
    chosen = {"kind": "candidate", "token": 2, "predicted_iou": 0.8}
    assert acts({**POINT, "at": "noon"}, chosen, STROKE) == [
        POINT,
        {"kind": "candidate", "token": 2},
    ]


def test_indices_name_points_that_are_there() -> None:
    moved = {"kind": "point_moved", "index": 0, "x": 3, "y": 4}
    removed = {"kind": "point_removed", "index": 0}
    assert acts(POINT, moved, removed) == [POINT, moved, removed]
    assert acts(POINT, removed, moved) is None
    assert acts(moved, POINT) is None


@pytest.mark.parametrize(
    "prompt",
    [
        {"kind": "point", "x": 60, "y": 0, "label": 1},
        {"kind": "point", "x": 0, "y": 40, "label": 1},
        {"kind": "point", "x": 0.5, "y": 0, "label": 1},
        {"kind": "point", "x": 0, "y": 0, "label": 2},
        {"kind": "point", "x": 0, "y": 0, "label": True},
        {"kind": "box", "box": [0, 0, 61, 40]},
        {"kind": "box", "box": [5, 0, 5, 40]},
        {"kind": "box", "box": [float("nan"), 0, 5, 40]},
        {"kind": "box", "box": [0, 0, 5]},
        {"kind": "candidate", "token": 4},
        {"kind": "imported", "file": "a.json"},
        "point",
    ],
)
def test_one_part_that_makes_no_sense_spoils_the_replay(prompt: object) -> None:
    assert acts(POINT, prompt) is None


@pytest.mark.parametrize("prompts", [(), (STROKE,), ({"kind": "candidate", "token": 1},)])
def test_without_a_point_or_box_there_is_nothing_to_replay(prompts: tuple[object, ...]) -> None:
    assert acts(*prompts) is None


def test_what_was_answered_in_a_crop_is_left_out() -> None:
    assert acts(POINT, {**POINT, "crop": [0, 0, 30, 30]}) is None


def test_a_mask_that_took_only_pieces_of_an_answer_is_left_out() -> None:
    assert acts(POINT, {**POINT, "at_click_only": True}) is None
    assert acts({**POINT, "at_click_only": True}, POINT) is None, (
        "also when a whole answer followed"
    )


def test_a_prompt_that_went_with_the_box_of_an_opened_mask_is_left_out() -> None:
    assert acts(POINT, {**POINT, "with_mask_box": True}) is None


def test_cases_survive_their_file_in_an_order_of_their_own() -> None:
    some = [
        ReplayCase(
            mask_id=mask,
            version=2,
            image_sha256=image,
            image_key=f"images/{image}.png",
            height=40,
            width=60,
            group="g",
            is_held_out=True,
            counts="0",
            acts=[POINT],
            painted_px=7,
        )
        for mask, image in (("m1", "b"), ("m3", "a"), ("m2", "a"))
    ]
    content = write_cases(some)
    assert [case.mask_id for case in read_cases(content)] == ["m2", "m3", "m1"]
    assert list(read_cases(content))[2] == some[0]
    assert cases_key(write_cases(some[::-1])) == cases_key(content)
