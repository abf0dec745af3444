"""Simulated prompts lie where an annotator would put them."""

import pytest
import torch
from torch import Tensor

from model_server.training.draws import Draws
from model_server.training.interaction import (
    Prompts,
    correction_points,
    draw_pixels,
    first_prompts,
    new_points,
)

SIDE = 32
FRAME = 128


def lopsided_targets(count: int) -> Tensor:
    """An L in the lower left, [count, SIDE, SIDE]."""
    target = torch.zeros(SIDE, SIDE)
    target[6:28, 3:9] = 1
    target[22:28, 3:25] = 1
    return target.expand(count, -1, -1).clone()


def low_res_pixels(points: Tensor) -> tuple[Tensor, Tensor]:
    places = ((points + 0.5) * SIDE / FRAME).floor().long().clamp(0, SIDE - 1)
    return places[..., 1], places[..., 0]


def test_a_first_point_lies_on_the_object() -> None:
    targets = lopsided_targets(200)
    draws = Draws(0)
    prompts = first_prompts(targets, FRAME, box_share=0.0, interior_share=0.5, draws=draws)
    rows, columns = low_res_pixels(prompts.points[:, 0])
    assert (targets[0][rows, columns] == 1).all()
    assert prompts.labels.tolist() == [[1, -1]] * 200
    assert len({(int(r), int(c)) for r, c in zip(rows, columns, strict=True)}) > 50


def test_a_first_box_is_the_object_with_bounded_noise() -> None:
    draws = Draws(0)
    prompts = first_prompts(
        lopsided_targets(200), FRAME, box_share=1.0, interior_share=0.0, draws=draws
    )
    assert prompts.labels.tolist() == [[2, 3]] * 200
    exact = torch.tensor([[3.0, 6.0], [25.0, 28.0]]) * FRAME / SIDE - 0.5
    error = (prompts.points - exact).abs()
    assert error.max() <= 20 / 1024 * FRAME + 1e-4
    assert error.mean() > 0.5


@pytest.mark.parametrize("interior_share", [0.0, 1.0])
def test_corrections_lie_in_the_error_with_the_right_label(interior_share: float) -> None:
    targets = lopsided_targets(300)
    logits = torch.full((300, SIDE, SIDE), -5.0)
    logits[:, 6:28, 3:9] = 5.0  # the foot is missing
    logits[:, 2:5, 20:30] = 5.0  # and there is a surplus
    points, labels = correction_points(
        logits,
        targets,
        FRAME,
        interior_share=interior_share,
        draws=Draws(1),
    )
    rows, columns = low_res_pixels(points[:, 0])
    wanted, drawn = targets[0][rows, columns], (logits[0] > 0).float()[rows, columns]
    assert (wanted != drawn).all()
    assert torch.equal(labels[:, 0], wanted)
    if interior_share == 0:
        assert 0 < labels.mean() < 1  # both kinds of error are met


def test_a_perfect_mask_gets_a_background_point_outside() -> None:
    targets = lopsided_targets(50)
    points, labels = correction_points(
        targets * 10 - 5,
        targets,
        FRAME,
        interior_share=0.5,
        draws=Draws(2),
    )
    rows, columns = low_res_pixels(points[:, 0])
    assert (labels == 0).all() and (targets[0][rows, columns] == 0).all()


def test_prompts_accumulate() -> None:
    prompts = Prompts(torch.zeros(4, 2, 2), torch.ones(4, 2))
    longer = prompts.with_points(torch.ones(4, 1, 2), torch.zeros(4, 1))
    assert longer.points.shape == (4, 3, 2) and longer.labels[:, -1].tolist() == [0] * 4


def test_eleven_rounds_of_the_paper_add_eight_points() -> None:
    plans = [new_points(11, "paper", 0.5, Draws(seed)) for seed in range(300)]
    assert {len(plan) for plan in plans} == {10}
    assert {sum(plan) for plan in plans} == {8}
    assert not any(plan[-1] for plan in plans), "the last round polishes"
    first_silent = [plan.index(False) for plan in plans]
    assert set(first_silent) == set(range(9)), "the other comes after any round"
    assert max(first_silent.count(place) for place in range(9)) < 3 * 300 / 9


def test_a_plan_without_room_for_points_is_refused() -> None:
    with pytest.raises(ValueError, match="3 rounds leave none"):
        new_points(3, "paper", 0.0, Draws(0))


def test_random_silence_spares_the_second_round() -> None:
    plans = [new_points(4, "random", 0.5, Draws(seed)) for seed in range(200)]
    assert all(plan[0] for plan in plans)
    assert 140 < sum(sum(plan[1:]) for plan in plans) < 260


def test_every_pixel_of_a_region_is_drawn_alike() -> None:
    region = torch.zeros(SIDE, SIDE)
    region[3, 4:8] = 1
    region[-1, -1] = 1
    drawn = draw_pixels(region.expand(2000, -1, -1), 0.0, Draws(5))
    places, counts = drawn.unique(return_counts=True)
    assert places.tolist() == region.flatten().nonzero().flatten().tolist()
    assert counts.min() > 330 and counts.max() < 470


def test_half_the_masks_get_the_numbers_of_their_half() -> None:
    like = torch.empty(0)
    joint, second = Draws(1, 2), Draws(1, 2, rank=1, num_processes=2)
    assert joint.shared() == second.shared()
    assert torch.equal(joint.uniform(like, 6, 2)[3:], second.uniform(like, 3, 2))
    assert torch.equal(joint.normal(like, 6)[3:], second.normal(like, 3))
    assert not torch.equal(joint.uniform(like, 6), Draws(1, 3).uniform(like, 6))
