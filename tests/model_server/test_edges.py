"""The guided filter against its definition, and what it is for: borders move to the picture's."""

import numpy as np
import torch

from model_server.sam.edges import (
    EPSILON,
    RADIUS,
    REACH,
    follow_edges,
    guide_channels,
    make_guide,
    pack_guide,
    unpack_guide,
)

SIDE = 16


def windows(side: int) -> list[tuple[slice, slice]]:
    """The window of each pixel, row by row."""
    spans = [slice(max(0, i - RADIUS), i + RADIUS + 1) for i in range(side)]
    return [(rows, columns) for rows in spans for columns in spans]


def fit(values: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Each window's best linear function of its colours, its slopes held small: [s s, 4]."""
    found = []
    for rows, columns in windows(SIDE):
        colours = picture[:, rows, columns].reshape(3, -1)
        target = values[rows, columns].ravel()
        apart = colours - colours.mean(1, keepdims=True)
        covariance = apart @ apart.T / target.size + EPSILON * np.eye(3)
        slopes = np.linalg.solve(covariance, apart @ target / target.size)
        found.append([*slopes, target.mean() - slopes @ colours.mean(1)])
    return np.array(found)


def test_it_is_the_mean_of_all_fits_that_see_a_pixel() -> None:
    rng = np.random.default_rng(3)
    picture = rng.normal(size=(3, SIDE, SIDE))
    values = rng.uniform(-1, 1, (SIDE, SIDE))
    fits = fit(values, picture).T.reshape(4, SIDE, SIDE)
    expected = np.empty((SIDE, SIDE))
    for i, (rows, columns) in enumerate(windows(SIDE)):
        y, x = divmod(i, SIDE)
        slopes, offset = fits[:3, rows, columns].mean((1, 2)), fits[3, rows, columns].mean()
        expected[y, x] = slopes @ picture[:, y, x] + offset
    guide = make_guide(torch.from_numpy(picture)[None])
    # Two prompts, three masks each; the last is the one above.
    logits = REACH * torch.from_numpy(np.stack([0 * values, -values, values]))[None]
    found = follow_edges(logits.repeat(2, 1, 1, 1), guide, 3)
    assert found.shape == (2, 3, SIDE, SIDE)
    np.testing.assert_allclose(found[1, 2].numpy(), REACH * expected, atol=1e-8)
    np.testing.assert_allclose(found[0, 1].numpy(), -REACH * expected, atol=1e-8)


def test_a_smooth_border_moves_to_the_edge_beside_it() -> None:
    picture = torch.full((1, 3, 32, 32), -1.0)
    picture[..., 16:] = 1.0
    smooth = (torch.arange(32) - 14.5).expand(1, 1, 32, 32)  # turns a pixel too early
    found = follow_edges(smooth, make_guide(picture), 1) > 0
    assert (smooth > 0)[0, 0, 5].sum() == 17
    assert found[0, 0, 5].sum() == 16


def test_flat_ground_only_smooths() -> None:
    logits = torch.full((1, 2, SIDE, SIDE), 3.0)
    found = follow_edges(logits, make_guide(torch.zeros(1, 3, SIDE, SIDE)), 2)
    torch.testing.assert_close(found, logits)


def test_the_guide_comes_out_of_the_embedding_as_it_went_in() -> None:
    pixels = torch.randn(2, 3, 64, 64)
    packed = pack_guide(pixels, cell=8)
    assert packed.shape == (2, guide_channels(8), 8, 8)
    expected = torch.nn.functional.avg_pool2d(pixels, 2)
    torch.testing.assert_close(unpack_guide(packed), expected)


def test_half_precision_around_it_does_not_reach_it() -> None:
    picture, logits = torch.randn(1, 3, SIDE, SIDE), torch.randn(1, 4, SIDE, SIDE)
    expected = follow_edges(logits, make_guide(picture), 4)
    with torch.autocast("cpu", torch.bfloat16):
        found = follow_edges(logits, make_guide(picture), 4)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
