"""Geodesic maps: how far each cell lies from the clicks, walking along flat ground.

The encoder says how hard each cell of the grid is to cross (an object's border is a wall). The
distance of a path is the sum of the costs it crosses, as in geodesic segmentation (Criminisi et al.,
"GeoS", 2008), with learned costs instead of colour gradients. One click then already outlines a
connected, evenly covered region, which a network trained on few images does not learn by itself.
Distances are found by sweeps: each takes the best straight walk along rows, then along columns.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_server.sam.labels import (
    BACKGROUND_LABEL,
    BOX_END_LABEL,
    BOX_START_LABEL,
    FOREGROUND_LABEL,
)

FAR = 30.0  # a distance nothing comes back from
SWEEPS = 4  # along rows and columns each: paths of up to eight straight walks
POOL = 8  # cells one pooling step looks back
NEVER = -1e5  # below any nearness
STEPS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # a map for each: about 1 nearer than that, 0 farther
BORDER_ROWS = len(STEPS)
POINT_ROWS = 2 * len(STEPS) + 2
GEODESIC_ROWS = BORDER_ROWS + POINT_ROWS

Costs = tuple[Tensor, Tensor]  # from `walking_costs`


class GeodesicMaps(nn.Module):
    """Tells each cell its distance from border, clicks and box, as rows of the dense prompt."""

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(GEODESIC_ROWS, embed_dim, 1, bias=False)  # border rows first
        nn.init.zeros_(self.project.weight)

    def forward(self, crossing: Tensor, coords: Tensor, labels: Tensor, cell: float) -> Tensor:
        """Maps [P, GEODESIC_ROWS, g, g] in [0, 1] from logits of the crossing cost [B, 1, g, g].

        Args:
            crossing: P / B prompts belong to each of its images, in order.
            coords: [P, T, 2] xy in the model frame.
            labels: [P, T].
            cell: side of a cell in pixels of the model frame.
        """
        costs = walking_costs(crossing)
        share = coords.shape[0] // crossing.shape[0]
        border = border_distance(costs).repeat_interleave(share, 0)
        rows, columns = (cost.repeat_interleave(share, 0) for cost in costs)
        reached = point_rows((rows, columns), border, coords, labels, cell)
        return torch.cat([steps_of(border), reached], 1)


def border_distance(costs: Costs) -> Tensor:
    """Distance from the frame's border, [B, 1, g, g]; no prompt needed."""
    return distance_from(border_seeds(costs[0]), costs)


def point_rows(costs: Costs, border: Tensor, coords: Tensor, labels: Tensor, cell: float) -> Tensor:
    """Maps of the prompt, [P, POINT_ROWS, g, g]: steps from foreground and from background, and
    how much nearer the foreground is than the frame's border, and than the background.

    Arguments as in `GeodesicMaps.forward`, but one of the `costs` and `border` for each prompt.
    """
    seeds = point_seeds(coords, labels, costs[0].shape[-1], cell)
    distance = distance_from(seeds, costs)  # P 2 g g
    others = torch.cat([border, distance[:, 1:]], 1)
    nearer = (others + 0.1) / (others + distance[:, :1] + 0.2)
    return torch.cat([steps_of(distance), nearer], 1)


def steps_of(distance: Tensor) -> Tensor:
    """Soft steps of distances [P, K, g, g], [P, STEPS * K, g, g]: 1 near, 1/2 at the step, 0 far."""
    return torch.cat([1 / (1 + (distance * (1 / step)) ** 4) for step in STEPS], 1)


def walking_costs(crossing: Tensor) -> Costs:
    """Running costs along rows and along columns, each [B, 1, g, g], from logits [B, 1, g, g].

    Walking a straight line between two cells costs the difference of their running costs. The
    second is transposed, so that its last axis runs along a column.
    """
    cost = F.softplus(crossing.float())
    upright = cost.transpose(-1, -2)
    return cost.cumsum(-1) - 0.5 * cost, upright.cumsum(-1) - 0.5 * upright


def distance_from(seeds: Tensor, costs: Costs) -> Tensor:
    """Distances, at most FAR, after all sweeps: [P, K, g, g] from seeds [P, K, g, g] -FAR to 0."""
    near = seeds
    for _ in range(SWEEPS):
        near = walk_lines(near, costs[0])
        near = walk_lines(near.transpose(-1, -2), costs[1]).transpose(-1, -2)
    return -near.clamp(min=-FAR, max=0.0)


def walk_lines(near: Tensor, costs: Tensor) -> Tensor:
    """Best nearness (minus the distance) after a straight walk along the last axis, both ways."""
    forwards = running_max(near + costs) - costs
    backwards = running_max((near - costs).flip(-1)).flip(-1) + costs
    return torch.maximum(forwards, backwards)


def running_max(x: Tensor) -> Tensor:
    """Largest value so far along the last axis of [P, K, H, L]; pooling, which ONNX has too."""
    reach = 1
    while reach < x.shape[-1]:
        padded = F.pad(x, ((POOL - 1) * reach, 0), value=NEVER)
        x = F.max_pool2d(padded, (1, POOL), 1, dilation=(1, reach))
        reach *= POOL
    return x


def border_seeds(like: Tensor) -> Tensor:
    """Zero on the outermost cells and -FAR inside, [1, 1, g, g]."""
    grid = like.shape[-1]
    inside = like.new_full((1, 1, grid - 2, grid - 2), -FAR)
    return F.pad(inside, (1, 1, 1, 1), value=0.0)


def point_seeds(coords: Tensor, labels: Tensor, grid: int, cell: float) -> Tensor:
    """Seeds of foreground and background, [P, 2, g, g]: 0 in a clicked cell, -FAR away from it.

    With a box, everything outside it is background. Both fade over a cell, so that no rounding
    decides which cell a point is in.
    """
    centres = torch.arange(grid, device=coords.device, dtype=coords.dtype) + 0.5
    places = (coords + 0.5) / cell
    dx = centres.reshape(1, 1, -1) - places[..., 0:1]  # P T g
    dy = centres.reshape(1, 1, -1) - places[..., 1:2]
    away = torch.maximum(dx.abs().unsqueeze(-2), dy.abs().unsqueeze(-1))  # P T g g
    missed = (away - 0.5).clamp(0, 1)
    foreground = _nearest(missed, labels == FOREGROUND_LABEL)
    background = _nearest(missed, labels == BACKGROUND_LABEL)
    kept = torch.minimum(background, inside_box(dx, dy, labels))
    return -FAR * torch.stack([foreground, kept], 1)


def _nearest(missed: Tensor, chosen: Tensor) -> Tensor:
    """Smallest of [P, T, g, g] over the chosen [P, T], 1 where none is."""
    other = (~chosen).to(missed.dtype).reshape(*chosen.shape, 1, 1)
    return torch.maximum(missed, other).amin(1)


def inside_box(dx: Tensor, dy: Tensor, labels: Tensor) -> Tensor:
    """1 inside the box and where there is none, 0 outside, [P, g, g]; dx, dy [P, T, g] in cells."""
    filled, has_box = fill_boxes(dx, dy, labels, reach=1.0)
    return 1 - has_box * (1 - filled)


def fill_boxes(dx: Tensor, dy: Tensor, labels: Tensor, *, reach: float) -> tuple[Tensor, Tensor]:
    """Fill between the corners of a box, with soft edges.

    Args:
        dx: [P, T, W] centres of pixels or cells minus point positions, in their own unit.
        dy: [P, T, H].
        labels: [P, T].
        reach: how far outside an edge the filling ends; it begins one unit further inside.

    Returns:
        The filling [P, H, W], which means nothing without a box, and 1 with a box, else 0 [P, 1, 1].
    """
    start = (labels == BOX_START_LABEL).to(dx.dtype).unsqueeze(-1)  # P T 1
    end = (labels == BOX_END_LABEL).to(dx.dtype).unsqueeze(-1)
    has_box = (start.sum(1) * end.sum(1)).clamp(0, 1).unsqueeze(-1)
    columns, rows = (
        ((d * start).sum(1) + reach).clamp(0, 1) * (reach - (d * end).sum(1)).clamp(0, 1)
        for d in (dx, dy)
    )
    return rows.unsqueeze(-1) * columns.unsqueeze(-2), has_box
