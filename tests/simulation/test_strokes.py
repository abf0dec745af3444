"""Strokes of the simulated brush: inside the error, along it, as long as they fit."""

from __future__ import annotations

import numpy as np

from common.metrics import Mask, iou
from simulation.strokes import Stroke, next_stroke

SHAPE = (30, 50)


def blob(seed: int) -> Mask:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    centre_x, centre_y = rng.uniform(8, 42), rng.uniform(6, 24)
    angle = np.arctan2(y - centre_y, x - centre_x)
    radius = rng.uniform(5, 14) * (1 + 0.4 * np.sin(3 * angle + rng.uniform(0, 6)))
    return np.hypot(x - centre_x, 1.4 * (y - centre_y)) < radius


def test_a_stroke_runs_along_a_missing_bar() -> None:
    reference = np.zeros(SHAPE, dtype=bool)
    reference[10:15, 8:38] = True
    stroke = next_stroke(reference & False, reference)
    assert stroke == Stroke("brush", 5, ((10, 12), (35, 12)))
    assert (stroke.length, stroke.num_pieces) == (25, 1)
    area = stroke.area(SHAPE)
    assert not (area & ~reference).any()
    assert area.sum() == 25 * 5 + 21  # the way, and once the disc of five pixels across


def test_surplus_is_erased_and_nothing_wrong_needs_no_stroke() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[4:25, 20:23] = True
    stroke = next_stroke(mask, mask & False)
    assert stroke == Stroke("eraser", 3, ((21, 5), (21, 23)))
    assert next_stroke(mask, mask) is None


def test_a_stroke_follows_a_bend_in_one_drag() -> None:
    reference = np.zeros(SHAPE, dtype=bool)
    reference[5:8, 5:30] = reference[5:25, 27:30] = True
    stroke = next_stroke(reference & False, reference)
    assert stroke is not None
    assert (stroke.mode, stroke.size) == ("brush", 3)
    assert {stroke.points[0], stroke.points[-1]} == {(6, 6), (28, 23)}
    assert (stroke.area(SHAPE) == reference).mean() > 0.99
    assert stroke.num_pieces == 2


def test_a_hand_cuts_small_corners_and_no_large_ones() -> None:
    steps = Stroke("brush", 9, ((0, 0), (9, 0), (10, 1), (20, 1)))
    corner = Stroke("brush", 9, ((0, 0), (20, 0), (20, 20)))
    assert (steps.num_pieces, corner.num_pieces) == (1, 2)
    assert corner.length == 40
    assert Stroke("brush", 9, ((4, 4),)).num_pieces == 1


def test_strokes_never_spoil_a_pixel_and_end_in_the_reference() -> None:
    for seed in range(20):
        mask, reference = blob(seed), blob(seed + 100)
        for _ in range(500):
            stroke = next_stroke(mask, reference)
            if stroke is None:
                break
            area = stroke.area(SHAPE)
            wrong_before = mask ^ reference
            mask = mask | area if stroke.mode == "brush" else mask & ~area
            assert area.any()
            assert not (area & ~wrong_before).any(), (seed, stroke)
        assert iou(mask, reference) == 1.0, seed


def test_a_brush_at_the_edge_of_the_image_stays_in_it() -> None:
    area = Stroke("brush", 9, ((0, 0), (3, 3))).area(SHAPE)
    assert area.shape == SHAPE
    assert area[0, 0]
    assert not area[:, 10:].any()
