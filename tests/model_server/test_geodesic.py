"""Geodesic distances on grids small enough to check by shortest paths."""

import heapq
import math

import pytest
import torch
from torch import Tensor

from model_server.sam.geodesic import (
    BORDER_ROWS,
    FAR,
    GEODESIC_ROWS,
    STEPS,
    GeodesicMaps,
    border_seeds,
    distance_from,
    point_seeds,
    running_max,
    walking_costs,
)

CELL = 8.0  # pixels
GRID = 12


def logits_of(cost: Tensor) -> Tensor:
    """What the encoder says for these crossing costs: the inverse of softplus."""
    return torch.log(torch.expm1(cost))


def shortest_paths(cost: Tensor, start: tuple[int, int]) -> Tensor:
    """Dijkstra; a step costs the mean of the two cells."""
    best = torch.full(cost.shape, float("inf"))
    heap = [(0.0, start)]
    while heap:
        distance, (row, column) = heapq.heappop(heap)
        if distance >= best[row, column]:
            continue
        best[row, column] = distance
        for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= near[0] < cost.shape[0] and 0 <= near[1] < cost.shape[1]:
                step = 0.5 * (cost[row, column] + cost[near]).item()
                heapq.heappush(heap, (distance + step, near))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_sweeps_find_the_shortest_paths_between_walls(seed: int) -> None:
    cost = torch.full((GRID, GRID), 0.1)
    generator = torch.Generator().manual_seed(seed)
    for column in (3, 8):  # walls with a gap
        cost[:, column] = 5.0
        cost[torch.randint(GRID, (1,), generator=generator), column] = 0.1
    start = (5, 1)
    seeds = torch.full((1, 1, GRID, GRID), -FAR)
    seeds[0, 0, start[0], start[1]] = 0
    found = distance_from(seeds, walking_costs(logits_of(cost)[None, None]))
    torch.testing.assert_close(found[0, 0], shortest_paths(cost, start), rtol=1e-4, atol=1e-4)


def test_the_running_maximum_is_the_running_maximum() -> None:
    for length in (1, 7, 8, 9, 64, 70):
        x = torch.randn(2, 3, 4, length)
        assert torch.equal(running_max(x), x.cummax(-1).values)


def test_a_click_seeds_its_cell_and_a_box_everything_outside() -> None:
    click = torch.tensor([[[43.5, 19.5], [0.0, 0.0]]])  # centre of cell 5, 2
    seeds = point_seeds(click, torch.tensor([[1.0, -1.0]]), GRID, CELL)
    assert seeds[0, 0, 2, 5] == 0
    assert (seeds[0, 0, 1:4, 4:7] == -FAR / 2).sum() == 8  # fading over a cell
    assert (seeds[0, 0] == -FAR).sum() == GRID * GRID - 9
    assert (seeds[0, 1] == -FAR).all()
    box = torch.tensor([[[15.5, 23.5], [63.5, 71.5]]])  # cells 2..7 across, 3..8 down
    outside = point_seeds(box, torch.tensor([[2.0, 3.0]]), GRID, CELL)[0, 1]
    assert (outside[3:9, 2:8] == -FAR).all()
    assert (outside[2:10, 1:9] == -FAR / 2).sum() == 24
    assert (outside == 0).sum() == GRID * GRID - 64


def test_the_frame_border_seeds_the_outermost_cells() -> None:
    seeds = border_seeds(torch.zeros(1, 1, GRID, GRID))
    assert (seeds == 0).sum() == 4 * (GRID - 1)


def test_steps_and_the_nearer_of_two() -> None:
    """Between a foreground and a background click on flat ground the middle is undecided."""
    flat = torch.full((1, 1, 12, 12), 0.0)
    clicks = torch.tensor([[[2.5, 5.5], [8.5, 5.5]]]) * CELL - 0.5
    maps = GeodesicMaps(16)(flat, clicks, torch.tensor([[1.0, 0.0]]), CELL)
    assert maps.shape == (1, GEODESIC_ROWS, 12, 12)
    assert maps.min() >= 0 and maps.max() <= 1
    nearer = maps[0, -1, 5]
    assert nearer[2] > 0.9 and nearer[8] < 0.1
    assert abs(nearer[5].item() - 0.5) < 0.01
    cell_cost = math.log(2)  # softplus of 0
    step = maps[0, BORDER_ROWS, 5]  # the first one: foreground, nearer than STEPS[0]
    assert math.isclose(step[3].item(), 1 / (1 + (cell_cost / STEPS[0]) ** 4), rel_tol=1e-4)


def test_images_of_a_batch_do_not_mix_and_gradients_reach_the_costs() -> None:
    maps = GeodesicMaps(16)
    crossing = torch.randn(2, 1, GRID, GRID, requires_grad=True)
    coords, labels = torch.rand(4, 2, 2) * GRID * CELL, torch.tensor([[1.0, 0.0]]).repeat(4, 1)
    together = maps(crossing, coords, labels, CELL)
    for prompt in range(4):
        one, image = slice(prompt, prompt + 1), slice(prompt // 2, prompt // 2 + 1)
        alone = maps(crossing[image], coords[one], labels[one], CELL)
        torch.testing.assert_close(together[one], alone)
    together.square().sum().backward()
    assert crossing.grad is not None and crossing.grad.abs().sum() > 0
