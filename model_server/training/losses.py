"""Mask and predicted-IoU losses (paper, appendix A), and the start-up loss for small budgets."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

MaskLoss = Literal["focal_dice", "bce_dice"]
IouOf = Literal["all", "best"]

FOCAL_ALPHA = 0.25
FOCAL_GAMMA = 2.0
BORDER_SHARE = 0.05  # of a cell that must lie on either side of a border


def focal_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Sigmoid focal loss averaged over pixels: [..., H, W] to [...]."""
    bce = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    chance = torch.sigmoid(logits)
    agreement = chance * targets + (1 - chance) * (1 - targets)
    alpha = FOCAL_ALPHA * targets + (1 - FOCAL_ALPHA) * (1 - targets)
    return (alpha * (1 - agreement) ** FOCAL_GAMMA * bce).mean((-2, -1))


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """One minus the smoothed dice coefficient: [..., H, W] to [...]."""
    chance = torch.sigmoid(logits)
    overlap = (chance * targets).sum((-2, -1))
    total = chance.sum((-2, -1)) + targets.sum((-2, -1))
    return 1 - (2 * overlap + 1) / (total + 1)


def mask_losses(logits: Tensor, targets: Tensor, kind: MaskLoss) -> Tensor:
    """Loss of each mask: logits [P, K, H, W] against soft targets [P, H, W], to [P, K].

    `focal_dice` is the paper's 20 : 1. `bce_dice` starts at once where the former collapses to
    all background (few images, random weights).
    """
    wanted = targets.unsqueeze(1).expand_as(logits)
    if kind == "focal_dice":
        return 20 * focal_loss(logits, wanted) + dice_loss(logits, wanted)
    bce = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean((-2, -1))
    return 2 * bce + dice_loss(logits, wanted)


def true_iou(logits: Tensor, targets: Tensor) -> Tensor:
    """IoU of thresholded logits [P, K, H, W] with targets above one half, [P, K]; no gradient."""
    with torch.no_grad():
        drawn = logits > 0
        wanted = (targets > 0.5).unsqueeze(1)
        overlap = (drawn & wanted).sum((-2, -1))
        return overlap / (drawn | wanted).sum((-2, -1)).clamp(min=1)


def round_loss(
    logits: Tensor,
    iou: Tensor,
    targets: Tensor,
    kind: MaskLoss,
    *,
    iou_weight: float = 1.0,
    others_share: float = 0.0,
    iou_of: IouOf = "all",
) -> tuple[Tensor, Tensor]:
    """Loss of one round: the best of the K masks counts, and its or every predicted IoU.

    Args:
        logits: [P, K, H, W], K = 3 in the first round and 1 afterwards.
        iou: [P, K] predicted.
        targets: [P, H, W].
        kind: which mask loss.
        iou_weight: of the predicted-IoU term.
        others_share: how much of the mask loss is the mean over all K instead of the best;
            a little keeps the candidates from drifting to extremes nobody can rank.
        iou_of: which predicted IoU are supervised: of all K masks or of the best.

    Returns:
        The scalar loss and the true IoU [P, K].
    """
    reached = true_iou(logits, targets)
    losses = mask_losses(logits, targets, kind)
    mask_loss = (1 - others_share) * losses.amin(1).mean() + others_share * losses.mean()
    squared = (iou.float() - reached).square()
    if iou_of == "best":
        squared = squared.gather(1, losses.argmin(1, keepdim=True))
    return mask_loss + iou_weight * squared.mean(), reached


def crossing_loss(crossing: Tensor, targets: Tensor) -> Tensor:
    """How badly borders are told from insides, a scalar; it gives the crossing costs their start.

    A cell that a border runs through should be hard to cross, the other cells of an object easy;
    cells that belong to no target may hide unlabelled objects and do not count.

    Args:
        crossing: logits [B, 1, g, g].
        targets: [B, N, 4g, 4g] in [0, 1].
    """
    covered = F.avg_pool2d(targets, 4)  # B N g g
    border = ((covered > BORDER_SHARE) & (covered < 1 - BORDER_SHARE)).any(1).float()
    known = (covered > 0).any(1).float()
    losses = F.binary_cross_entropy_with_logits(crossing[:, 0], border, reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)
