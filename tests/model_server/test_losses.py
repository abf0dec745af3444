"""Losses have the values of their formulas and reward the right mask."""

import math

import torch

from model_server.training.losses import (
    crossing_loss,
    dice_loss,
    focal_loss,
    mask_losses,
    round_loss,
    true_iou,
)


def test_focal_loss_of_a_coin_toss() -> None:
    logits, targets = torch.zeros(1, 3, 5), torch.zeros(1, 3, 5)
    targets[0, 0] = 1
    expected = 0.25 * math.log(2) * (0.25 * 5 + 0.75 * 10) / 15
    assert math.isclose(focal_loss(logits, targets).item(), expected, rel_tol=1e-5)


def test_dice_loss_of_a_half_found_object() -> None:
    targets = torch.zeros(1, 4, 6)
    targets[0, :2] = 1  # 12 pixels, of which 6 are found
    logits = torch.full((1, 4, 6), -50.0)
    logits[0, 0] = 50.0
    assert math.isclose(dice_loss(logits, targets).item(), 1 - 13 / 19, rel_tol=1e-5)


def test_the_paper_weighs_focal_twenty_to_one() -> None:
    logits, targets = torch.randn(2, 3, 4, 6), (torch.rand(2, 4, 6) > 0.5).float()
    wide = targets.unsqueeze(1).expand_as(logits)
    expected = 20 * focal_loss(logits, wide) + dice_loss(logits, wide)
    torch.testing.assert_close(mask_losses(logits, targets, "focal_dice"), expected)


def test_only_the_best_mask_of_a_round_is_pulled() -> None:
    targets = torch.zeros(1, 4, 6)
    targets[0, 1:3, 1:3] = 1
    logits = torch.zeros(1, 3, 4, 6)
    logits[0, 1] = 6 * targets[0] - 3
    logits.requires_grad_()
    loss, reached = round_loss(logits, torch.zeros(1, 3), targets, "focal_dice")
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[0, 1].abs().sum() > 0
    assert logits.grad[0, [0, 2]].abs().sum() == 0
    assert reached.tolist() == [[0.0, 1.0, 0.0]]


def test_every_predicted_iou_is_supervised() -> None:
    predicted = torch.zeros(1, 3, requires_grad=True)
    targets = torch.ones(1, 4, 6)
    loss, _ = round_loss(torch.ones(1, 3, 4, 6), predicted, targets, "bce_dice")
    loss.backward()
    assert predicted.grad is not None and (predicted.grad != 0).all()


def test_only_the_best_mask_s_predicted_iou_may_be_supervised() -> None:
    predicted = torch.zeros(1, 3, requires_grad=True)
    targets = torch.ones(1, 4, 6)
    logits = torch.ones(1, 3, 4, 6)
    logits[0, 2] = 5.0
    loss, _ = round_loss(logits, predicted, targets, "bce_dice", iou_of="best")
    loss.backward()
    assert predicted.grad is not None
    assert predicted.grad.tolist() == [[0.0, 0.0, -2.0]]


def test_true_iou_of_an_empty_pair_is_zero_and_defined() -> None:
    assert true_iou(-torch.ones(1, 1, 3, 4), torch.zeros(1, 3, 4)).tolist() == [[0.0]]


def test_a_wall_on_the_border_costs_less_than_one_inside() -> None:
    """One object of 2 x 2 whole cells in a ring of half-covered ones; the rest is unknown."""
    targets = torch.zeros(1, 1, 32, 32)
    targets[0, 0, 6:18, 6:18] = 1  # cells 1 to 4 of 8, the outer ones halved
    ring = torch.zeros(1, 1, 8, 8)
    ring[0, 0, 1:5, 1:5] = 1
    ring[0, 0, 2:4, 2:4] = -1
    right = crossing_loss(ring * 4, targets).item()
    assert math.isclose(right, math.log1p(math.exp(-4)), rel_tol=1e-5)
    assert crossing_loss(-ring * 4, targets).item() > 4
    elsewhere = ring * 4
    elsewhere[0, 0, 6:] = 9.0
    assert math.isclose(crossing_loss(elsewhere, targets).item(), right, rel_tol=1e-6)
