"""The graph that runs once per image: everything in the decoder that no prompt can change."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model_server.sam.edges import Guide
from model_server.sam.geodesic import border_distance, steps_of, walking_costs
from model_server.sam.sam import Sam
from onnx_export.constants import Detail, Folded


class Prepared(NamedTuple):
    """Tensors of one image; field names are the names in the graphs. K0 is the centred image.

    The last fields are there for encoders that give detail and crossing costs.
    """

    key_1: Tensor  # [H, d, N] layer 1
    value_1: Tensor  # [H, N, d]
    query_1: Tensor  # [H, d, N]
    key_2: Tensor  # [H, d, N] layer 2, of K0
    value_2: Tensor  # [H, N, d]
    query_2: Tensor  # [H, d, N]
    key_3: Tensor  # [H, d, N] final attention, of K0
    value_3: Tensor  # [H, N, d]
    out_1: Tensor  # [H, d, N] layer 1's output rows times K0
    out_1_gained: Tensor  # [H, d, N] the same after the gain of layer 1's norm
    out_2: Tensor  # [H, d, N] layer 2's output rows times gained K0
    squares: Tensor  # [2, N] squared length of K0 and of gained K0
    constants: Tensor  # [3, N] a head's share of output biases times K0, gained K0 (layer 1), gained K0 (layer 2)
    channels: Tensor  # [M + 1, N] dense prompt rows times K0
    channels_gained: Tensor  # [M + 1, N] and times gained K0
    upscaled: Tensor  # [C, N] first transposed convolution of K0
    detail: Tensor | None = None  # [4, C/2, N] added with the second one, its bias included
    row_costs: Tensor | None = None  # [1, 1, g, g]
    column_costs: Tensor | None = None  # [1, 1, g, g]
    border: Tensor | None = None  # [1, 1, g, g] distance from the frame's border
    guide_pixels: Tensor | None = None  # [1, 3, 4g, 4g] and the other fields of `Guide`
    guide_mean: Tensor | None = None
    guide_lower: Tensor | None = None
    guide_scale: Tensor | None = None

    @property
    def guide(self) -> Guide | None:
        """What masks follow, if the network has it."""
        parts = (self.guide_pixels, self.guide_mean, self.guide_lower, self.guide_scale)
        there = [part for part in parts if part is not None]
        return Guide(*there) if there else None

    def named(self) -> dict[str, Tensor]:
        """The tensors that are there, by name."""
        return {name: x for name, x in self._asdict().items() if x is not None}


class Prepare(nn.Module):
    """Maps `image_embeddings` [1, C, g, g] to `Prepared`, by one matrix product and two sums."""

    matrix: Tensor  # [columns, C]
    raw_offset: Tensor  # [raw columns, N]
    centred_offset: Tensor  # [other columns, 1]
    constant: Tensor  # [C, 1]
    gain: Tensor  # [C, C]

    def __init__(self, sam: Sam, folded: Folded) -> None:
        super().__init__()
        self.width = folded.width
        self.mask_decoder = sam.mask_decoder
        self.border = BorderPrompt(folded.dense.border) if folded.dense.border is not None else None
        self.detail = DetailUpscaling(folded.detail) if folded.detail is not None else None
        self.num_heads, self.head_dim = folded.num_heads, folded.head_dim
        raw, centred = raw_columns(folded), centred_columns(folded)
        self.raw_width = raw.shape[1]
        self.splits = [column.shape[1] for column in centred]
        matrix = torch.cat([raw, *centred], dim=1)  # C, all columns
        offset = (folded.dense.constant @ matrix)[:, None].repeat(1, folded.grid**2)
        offset[: self.raw_width] += raw_places(folded)
        # The places differ per token, the rest of the offset does not.
        self.register_buffer("matrix", matrix.T.float().contiguous())
        self.register_buffer("raw_offset", offset[: self.raw_width].float())
        self.register_buffer("centred_offset", offset[self.raw_width :, :1].float())
        self.register_buffer("constant", folded.dense.constant.float()[:, None])
        self.register_buffer("gain", folded.gain.T.float().contiguous())

    def forward(self, image_embeddings: Tensor) -> Prepared:
        """Project an embedding [1, C, g, g], or with detail and crossing costs behind."""
        image = image_embeddings[:, : self.width].flatten(2)[0]  # C N
        detail_end = self.width + 4 * self.mask_decoder.detail_channels
        detail = self.detail(image_embeddings[:, self.width : detail_end]) if self.detail else None
        guide = self.mask_decoder.read_guide(image_embeddings)
        pixels, mean, lower, scale = guide if guide is not None else [None] * 4
        row_costs = column_costs = border = None
        if self.border is not None:
            row_costs, column_costs = walking_costs(image_embeddings[:, -1:])
            border = border_distance((row_costs, column_costs))
            image = image + self.border(border)
        products = self.matrix @ image
        raw = products[: self.raw_width] + self.raw_offset
        centred = products[self.raw_width :] + self.centred_offset
        key_1, value_1, query_1 = raw.chunk(3)
        parts = torch.split(centred, self.splits)
        key_2, value_2, query_2, key_3, value_3, out_1, out_1_gained, out_2 = parts[:8]
        constants, channels, channels_gained, upscaled = parts[8:]
        return Prepared(
            key_1=self._heads(key_1),
            value_1=self._heads(value_1).transpose(1, 2),
            query_1=self._heads(query_1),
            key_2=self._heads(key_2),
            value_2=self._heads(value_2).transpose(1, 2),
            query_2=self._heads(query_2),
            key_3=self._heads(key_3),
            value_3=self._heads(value_3).transpose(1, 2),
            out_1=self._heads(out_1),
            out_1_gained=self._heads(out_1_gained),
            out_2=self._heads(out_2),
            squares=self._squares(image),
            constants=constants,
            channels=channels,
            channels_gained=channels_gained,
            upscaled=upscaled,
            detail=detail,
            row_costs=row_costs,
            column_costs=column_costs,
            border=border,
            guide_pixels=pixels,
            guide_mean=mean,
            guide_lower=lower,
            guide_scale=scale,
        )

    def _heads(self, rows: Tensor) -> Tensor:
        return rows.reshape(self.num_heads, self.head_dim, -1)  # H d N

    def _squares(self, image: Tensor) -> Tensor:
        dense = image + self.constant
        centred = dense - dense.mean(dim=0, keepdim=True)
        gained = self.gain @ centred
        squares = [(x * x).sum(dim=0, keepdim=True) for x in (centred, gained)]
        return torch.cat(squares)  # 2 N


class BorderPrompt(nn.Module):
    """What the distance from the frame's border adds to the dense prompt: known with the image."""

    weight: Tensor  # [C, BORDER_ROWS]

    def __init__(self, border: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", border.T.float().contiguous())

    def forward(self, distance: Tensor) -> Tensor:
        """[C, N] from distances [1, 1, g, g]."""
        return self.weight @ steps_of(distance).flatten(2)[0]


class DetailUpscaling(nn.Module):
    """The detail's transposed convolution as a matrix, with the bias of the layer it joins."""

    matrix: Tensor  # [C/2, D] rows are sub-pixel row, sub-pixel column, channel
    bias: Tensor  # [C/2, 1]

    def __init__(self, detail: Detail) -> None:
        super().__init__()
        self.register_buffer("matrix", detail.matrix.float().contiguous())
        self.register_buffer("bias", detail.bias.float()[:, None])

    def forward(self, detail: Tensor) -> Tensor:
        """Channels with their sub-pixels [1, 4D, g, g] to [4, C/2, N]."""
        cells = detail.flatten(2)[0].unflatten(0, (-1, 4)).transpose(0, 1)  # 4 D N
        return self.matrix @ cells + self.bias


def raw_columns(folded: Folded) -> Tensor:
    """Projections of layer 1, [C, 3 C/2], for image tokens as they are."""
    return torch.cat([folded.first.key, folded.first.value, folded.first.query], dim=1)


def raw_places(folded: Folded) -> Tensor:
    """What the position encoding adds to `raw_columns`' products, [3 C/2, N]; nothing to values."""
    first = folded.first
    places = [first.key_place, torch.zeros_like(first.key_place), first.query_place]
    return torch.cat(places, dim=1).T


def centred_columns(folded: Folded) -> list[Tensor]:
    """Projections of centred tokens, each [C, columns], in the order `Prepare` splits them."""
    first, second, last = folded.first, folded.second, folded.last
    gain = folded.gain
    gained = gain @ gain.T  # both sides of a product of gained tokens
    dense = torch.cat([folded.dense.channels, folded.dense.change[None]]) @ folded.centre
    constants = torch.stack(
        [first.out_constant, gained @ first.out_constant, gain @ second.out_constant], dim=1
    )
    constants = constants / folded.num_heads
    columns = [
        *(second.key, second.value, second.query, last.key_after_1, last.value_after_1),
        *(first.out.T, gained @ first.out.T, gain @ second.out.T),
        *(constants, dense.T, gained @ dense.T, last.upscale_after_1),
    ]
    return [folded.centre @ column for column in columns]
