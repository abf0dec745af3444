"""Simulated prompts lie where an annotator would put them."""

import pytest
import torch
from torch import Tensor

from model_server.training.interaction import Prompts, correction_points, first_prompts

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
    generator = torch.Generator().manual_seed(0)
    prompts = first_prompts(targets, FRAME, box_share=0.0, interior_share=0.5, generator=generator)
    rows, columns = low_res_pixels(prompts.points[:, 0])
    assert (targets[0][rows, columns] == 1).all()
    assert prompts.labels.tolist() == [[1, -1]] * 200
    assert len({(int(r), int(c)) for r, c in zip(rows, columns, strict=True)}) > 50


def test_a_first_box_is_the_object_with_bounded_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    prompts = first_prompts(
        lopsided_targets(200), FRAME, box_share=1.0, interior_share=0.0, generator=generator
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
        generator=torch.Generator().manual_seed(1),
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
        generator=torch.Generator().manual_seed(2),
    )
    rows, columns = low_res_pixels(points[:, 0])
    assert (labels == 0).all() and (targets[0][rows, columns] == 0).all()


def test_prompts_accumulate() -> None:
    prompts = Prompts(torch.zeros(4, 2, 2), torch.ones(4, 2))
    longer = prompts.with_points(torch.ones(4, 1, 2), torch.zeros(4, 1))
    assert longer.points.shape == (4, 3, 2) and longer.labels[:, -1].tolist() == [0] * 4
