"""Masks that follow the picture's edges: a guided filter of the logits.

Low-res logits are smooth, and their border runs beside the object's. In every window of the picture
the filter replaces them by the linear function of the colours that fits them best (He, Sun, Tang,
"Guided Image Filtering", 2013), so they turn where the colours turn. It has no weights.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

RADIUS = 3  # of a window, in low-res pixels
EPSILON = 0.02  # what counts as flat ground: variance of a colour, normalised pixels
REACH = 4.0  # logits beyond count as this much, so that sure ground does not drown its border
GUIDE_STRIDE = 2  # pixels of the model frame to one of the guide
COLOURS = 3


class Guide(NamedTuple):
    """A picture ready to guide, each [B, 3, s, s] for low-res logits of side s.

    The covariance of the colours in each window, plus EPSILON, is kept as its factors L D L'.
    """

    pixels: Tensor
    mean: Tensor
    lower: Tensor  # L below its diagonal: rows and columns 1 0, 2 0, 2 1
    scale: Tensor  # 1 / D


def guide_channels(cell: int) -> int:
    """Channels that carry the guide in an embedding of that stride."""
    return int(COLOURS * (cell // GUIDE_STRIDE) ** 2)


def pack_guide(pixels: Tensor, cell: int) -> Tensor:
    """Normalised RGB [B, 3, S, S] as channels of an embedding, [B, 3 (cell / 2)², S / cell, S / cell]."""
    return F.pixel_unshuffle(F.avg_pool2d(pixels, GUIDE_STRIDE), cell // GUIDE_STRIDE)


def unpack_guide(channels: Tensor) -> Tensor:
    """The guide's pixels [B, 3, s, s] out of `pack_guide`'s channels."""
    factor = int((channels.shape[1] // COLOURS) ** 0.5)
    return F.pixel_shuffle(channels, factor)


def make_guide(pixels: Tensor) -> Guide:
    """Window means and covariances of pixels [B, 3, s, s]."""
    red, green, blue = pixels.split(1, dim=1)
    squares = [red * red, red * green, red * blue, green * green, green * blue, blue * blue]
    sums = window_mean(torch.cat([pixels, *squares], 1), COLOURS + len(squares))
    mean, moments = sums[:, :COLOURS], sums[:, COLOURS:].split(1, dim=1)
    r, g, b = mean.split(1, dim=1)
    rr, rg, rb, gg, gb, bb = (
        moment - product
        for moment, product in zip(moments, (r * r, r * g, r * b, g * g, g * b, b * b), strict=True)
    )
    first = rr + EPSILON
    lower_10, lower_20 = rg / first, rb / first
    second = gg + EPSILON - lower_10 * rg
    rest = gb - lower_10 * rb
    lower_21 = rest / second
    third = bb + EPSILON - lower_20 * rb - lower_21 * rest
    lower = torch.cat([lower_10, lower_20, lower_21], 1)
    return Guide(pixels, mean, lower, 1 / torch.cat([first, second, third], 1))


def follow_edges(logits: Tensor, guide: Guide, masks: int) -> Tensor:
    """Filter logits [P, masks, s, s] under a guide with one picture for each prompt, or one for all."""
    parts = (1 + COLOURS) * masks
    p = (logits * (1 / REACH)).clamp(-1, 1)
    colours = guide.pixels.split(1, dim=1)
    products = torch.cat([p, *(p * colour for colour in colours)], 1)
    mean, *products_mean = window_mean(products, parts).split(masks, dim=1)
    averages = guide.mean.split(1, dim=1)
    covariances = [x - mean * average for x, average in zip(products_mean, averages, strict=True)]
    slopes = solve(covariances, guide)
    offset = mean
    for slope, average in zip(slopes, averages, strict=True):
        offset = offset - slope * average
    fitted, *slopes_mean = window_mean(torch.cat([offset, *slopes], 1), parts).split(masks, dim=1)
    for slope, colour in zip(slopes_mean, colours, strict=True):
        fitted = fitted + slope * colour
    return REACH * fitted


def solve(right: list[Tensor], guide: Guide) -> list[Tensor]:
    """Solutions [P, K, s, s] for the three colours of covariance times slopes = `right`."""
    lower_10, lower_20, lower_21 = guide.lower.split(1, dim=1)
    first, second, third = guide.scale.split(1, dim=1)
    y0 = right[0]
    y1 = right[1] - lower_10 * y0
    y2 = right[2] - lower_20 * y0 - lower_21 * y1
    blue = y2 * third
    green = y1 * second - lower_21 * blue
    red = y0 * first - lower_10 * green - lower_20 * blue
    return [red, green, blue]


def window_mean(x: Tensor, channels: int) -> Tensor:
    """Mean of [B, channels, s, s] over windows of side 2 RADIUS + 1, as far as they are inside.

    Convolutions channel by channel, which runtimes do several times faster than pooling; always in
    single precision at least, since differences of these means are what counts.
    """
    x = x if x.dtype == torch.float64 else x.float()
    with torch.autocast(x.device.type, enabled=False):
        return window_sum(x, channels) / window_sum(torch.ones_like(x[:1, :1]), 1)


def window_sum(x: Tensor, channels: int) -> Tensor:
    """Sum of [B, channels, s, s] over windows; nothing outside."""
    side = 2 * RADIUS + 1
    row = torch.ones(channels, 1, 1, side, dtype=x.dtype, device=x.device)
    along = F.conv2d(x, row, padding=(0, RADIUS), groups=channels)
    return F.conv2d(along, row.transpose(2, 3), padding=(RADIUS, 0), groups=channels)
