"""Simulated annotators for training: first prompts, and corrections of the last mask.

All prompts of a batch have the same length: a first prompt is either one point and one padding
point, or the two corners of a box; every later round adds one point to each.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from model_server.sam.labels import (
    BOX_END_LABEL,
    BOX_START_LABEL,
    FOREGROUND_LABEL,
    PADDING_LABEL,
)
from model_server.training.draws import Draws

SilentRounds = Literal["random", "paper"]
PAPER_SILENT_ROUNDS = 2  # one at a random place, one at the end

BOX_NOISE_SHARE = 0.1  # of the box side, standard deviation
BOX_NOISE_LIMIT = 20 / 1024  # of the model frame


@dataclass(frozen=True)
class Prompts:
    """Prompts of P masks in model-frame pixels."""

    points: Tensor  # [P, T, 2] xy
    labels: Tensor  # [P, T], -1 to 3

    def with_points(self, points: Tensor, labels: Tensor) -> "Prompts":
        """The same prompts with points [P, T', 2] and labels [P, T'] added."""
        return Prompts(torch.cat([self.points, points], 1), torch.cat([self.labels, labels], 1))


def new_points(
    num_rounds: int, plan: SilentRounds, silent_share: float, draws: Draws
) -> tuple[bool, ...]:
    """Whether each of the rounds 2 and on adds a point to the prompts, for all masks of a batch.

    `random`: each round but the second is silent with probability `silent_share`. `paper`: the last
    round is silent and one of the others, so that eleven rounds add eight points.

    Raises:
        ValueError: too few rounds for the paper's plan.
    """
    later = num_rounds - 1
    if plan == "random":
        return tuple(draws.shared() >= silent_share or number == 0 for number in range(later))
    if later <= PAPER_SILENT_ROUNDS:
        raise ValueError(f"{num_rounds} rounds leave none for a point beside the two silent ones")
    silent = {int(draws.shared() * (later - 1)), later - 1}
    return tuple(number not in silent for number in range(later))


def interior_weights(regions: Tensor) -> Tensor:
    """Weights [P, H, W] that prefer pixels far from the border of each region."""
    return regions * ((box_mean(regions, 17) + box_mean(regions, 7)) / 2) ** 8


def box_mean(maps: Tensor, side: int) -> Tensor:
    """Mean over a square around each pixel of [P, H, W]; outside the map are zeros."""
    down = F.avg_pool2d(maps.unsqueeze(1), (side, 1), 1, (side // 2, 0))
    return F.avg_pool2d(down, (1, side), 1, (0, side // 2)).squeeze(1)


def draw_pixels(regions: Tensor, interior_share: float, draws: Draws) -> Tensor:
    """Draw one pixel of each region [P, H, W] of 0 and 1.

    With probability `interior_share` the pixel is likely deep inside, as people click; otherwise
    uniform, as in the paper. A region without pixels is everything. Returns flat indices [P].
    """
    num_masks = regions.shape[0]
    weights = regions.flatten(1)
    if interior_share:
        inside = draws.uniform(regions, num_masks) < interior_share
        deep = interior_weights(regions).flatten(1)
        weights = torch.where(inside.unsqueeze(1), deep, weights)
    exists = regions.flatten(1).any(1)
    weights = torch.where(weights.sum(1, keepdim=True) > 0, weights, regions.flatten(1))
    weights = torch.where(exists.unsqueeze(1), weights, torch.ones_like(weights))
    below = weights.double().cumsum(1)  # in double, or the last of many pixels would be lost
    wanted = draws.uniform(regions, num_masks, 1) * below[:, -1:]
    return torch.searchsorted(below, wanted, right=True).squeeze(1)


def to_frame(index: Tensor, side: int, input_size: int, draws: Draws) -> Tensor:
    """Model-frame xy [P, 2] somewhere within low-res pixels of flat index [P]."""
    pixels = torch.stack([index % side, index // side], dim=1).float()
    within = draws.uniform(pixels, *pixels.shape)
    return (pixels + within) * (input_size / side) - 0.5


def first_prompts(
    targets: Tensor,
    input_size: int,
    *,
    box_share: float,
    interior_share: float,
    draws: Draws,
) -> Prompts:
    """One foreground point, or (with probability `box_share`) a noisy box, for each target.

    `targets` [P, 4g, 4g] in [0, 1]; a pixel belongs to the object above one half.
    """
    wanted = object_pixels(targets)
    index = draw_pixels(wanted, interior_share, draws)
    point = to_frame(index, targets.shape[-1], input_size, draws)
    points = torch.stack([point, torch.zeros_like(point)], dim=1)
    corners = noisy_boxes(wanted, input_size, draws).reshape(-1, 2, 2)
    boxed = draws.uniform(targets, len(targets)) < box_share
    box_labels = targets.new_tensor([BOX_START_LABEL, BOX_END_LABEL])
    point_labels = targets.new_tensor([FOREGROUND_LABEL, PADDING_LABEL])
    labels = torch.where(boxed.unsqueeze(1), box_labels, point_labels)
    return Prompts(torch.where(boxed.reshape(-1, 1, 1), corners, points), labels)


def object_pixels(targets: Tensor) -> Tensor:
    """Targets [P, H, W] as 0 and 1; a faint object keeps its strongest pixels."""
    strongest = targets.flatten(1).amax(1).reshape(-1, 1, 1)
    return (targets >= torch.clamp(strongest, max=0.5).clamp(min=1e-3)).float()


def noisy_boxes(wanted: Tensor, input_size: int, draws: Draws) -> Tensor:
    """Boxes xyxy [P, 4] in the model frame around [P, H, W] of 0 and 1, with the paper's noise."""
    side = wanted.shape[-1]
    columns, rows = wanted.amax(1), wanted.amax(2)  # P side
    edges = torch.stack([first_one(columns), first_one(rows), last_one(columns), last_one(rows)], 1)
    boxes = edges * (input_size / side)
    sizes = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    noise = draws.normal(boxes, *boxes.shape) * BOX_NOISE_SHARE * sizes
    limit = BOX_NOISE_LIMIT * input_size
    return (boxes + noise.clamp(-limit, limit)).clamp(0, input_size) - 0.5


def first_one(marks: Tensor) -> Tensor:
    """Position of the first 1 in each row of [P, L], as a pixel edge."""
    return marks.argmax(1).float()


def last_one(marks: Tensor) -> Tensor:
    """Position after the last 1 in each row of [P, L], as a pixel edge."""
    return marks.shape[1] - marks.flip(1).argmax(1).float()


def correction_points(
    logits: Tensor,
    targets: Tensor,
    input_size: int,
    *,
    interior_share: float,
    draws: Draws,
) -> tuple[Tensor, Tensor]:
    """One point in the error region of each last mask: xy [P, 1, 2] and labels [P, 1].

    A perfect mask gets a background point outside the object. `logits` and `targets` [P, 4g, 4g].
    """
    wanted = object_pixels(targets)
    drawn = (logits > 0).float()
    wrong = (wanted - drawn).abs()
    perfect = ~wrong.flatten(1).any(1)
    regions = torch.where(perfect.reshape(-1, 1, 1), 1 - wanted, wrong)
    index = draw_pixels(regions, interior_share, draws)
    labels = wanted.flatten(1).gather(1, index.unsqueeze(1))
    return to_frame(index, targets.shape[-1], input_size, draws).unsqueeze(1), labels
