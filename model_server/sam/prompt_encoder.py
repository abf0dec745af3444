"""Prompt encoder: points, boxes and previous logits to sparse and dense embeddings."""

import math

import torch
from torch import Tensor, nn

from model_server.sam.common import LayerNorm2d
from model_server.sam.geodesic import GeodesicMaps, fill_boxes
from model_server.sam.labels import (
    BACKGROUND_LABEL,
    BOX_END_LABEL,
    BOX_START_LABEL,
    FOREGROUND_LABEL,
    PADDING_LABEL,
)

DISC_RADIUS_PX = 3.0  # low-res pixels


class PositionEmbeddingRandom(nn.Module):
    """Random Fourier features of positions; the matrix is drawn once and belongs to the weights."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, num_pos_feats: int, scale: float = 1.0) -> None:
        super().__init__()
        matrix = scale * torch.randn(2, num_pos_feats)
        self.register_buffer("positional_encoding_gaussian_matrix", matrix)

    def encode(self, coords: Tensor) -> Tensor:
        """Encode xy in [0, 1], [..., 2] to [..., C]."""
        matrix = self.positional_encoding_gaussian_matrix
        projected = 2 * math.pi * ((2 * coords - 1) @ matrix)
        return torch.cat([torch.sin(projected), torch.cos(projected)], dim=-1)

    def forward(self, grid: int) -> Tensor:
        """Encode the cell centres of a square grid, [C, grid, grid]."""
        matrix = self.positional_encoding_gaussian_matrix
        centres = (torch.arange(grid, device=matrix.device, dtype=matrix.dtype) + 0.5) / grid
        rows, columns = torch.meshgrid(centres, centres, indexing="ij")
        return self.encode(torch.stack([columns, rows], dim=-1)).permute(2, 0, 1)


class PromptEncoder(nn.Module):
    """Embeds `P` prompts: sparse tokens for points and box corners, a dense map for the rest.

    With `prompt_maps` the dense branch sees four channels instead of one: previous logits,
    discs around foreground points, discs around background points, and the inside of the box.
    """

    def __init__(
        self,
        *,
        embed_dim: int,
        grid: int,
        input_size: int,
        mask_in_chans: int,
        prompt_maps: bool = False,
        geodesic_maps: bool = False,
        activation: type[nn.Module] = nn.GELU,
    ) -> None:
        super().__init__()
        self.embed_dim = embed_dim
        self.grid = grid
        self.input_size = input_size
        self.prompt_maps = prompt_maps
        self.pe_layer = PositionEmbeddingRandom(embed_dim // 2)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, embed_dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, embed_dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(4 if prompt_maps else 1, mask_in_chans // 4, 2, 2),
            LayerNorm2d(mask_in_chans // 4),
            activation(),
            nn.Conv2d(mask_in_chans // 4, mask_in_chans, 2, 2),
            LayerNorm2d(mask_in_chans),
            activation(),
            nn.Conv2d(mask_in_chans, embed_dim, 1),
        )
        self.no_mask_embed = nn.Embedding(1, embed_dim)
        self.geodesic = GeodesicMaps(embed_dim) if geodesic_maps else None

    @property
    def low_res_size(self) -> int:
        """Side of the low-res logits, four times the embedding grid."""
        return 4 * self.grid

    @property
    def cell(self) -> float:
        """Side of a cell of the embedding grid in model-frame pixels."""
        return self.input_size / self.grid

    def get_dense_pe(self) -> Tensor:
        """Position encoding of the embedding grid, [1, C, g, g]."""
        return self.pe_layer(self.grid).unsqueeze(0)

    def forward(
        self,
        points: Tensor | None,
        labels: Tensor | None,
        boxes: Tensor | None,
        mask_logits: Tensor | None,
        has_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Embed prompts given in model-frame pixels, as far as no image is needed.

        Geodesic maps need one: `add_geodesic`.

        Args:
            points: [P, T, 2] xy, or None.
            labels: [P, T], -1 padding, 0 background, 1 foreground, 2 and 3 box corners, or None.
            boxes: [P, 4] xyxy, or None. Points without a box get one padding point appended.
            mask_logits: [P, 1, 4g, 4g] previous low-res logits, or None.
            has_mask: [P] 1 where `mask_logits` counts; all ones when None.

        Returns:
            Sparse embeddings [P, T', C] and dense embeddings [P, C, g, g].
        """
        coords, marks = self.gather_points(points, labels, boxes, mask_logits)
        return self.embed_points(coords, marks), self.embed_dense(
            coords, marks, mask_logits, has_mask
        )

    def gather_points(
        self,
        points: Tensor | None,
        labels: Tensor | None,
        boxes: Tensor | None,
        mask_logits: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Join points, padding and box corners to coords [P, T', 2] and labels [P, T']."""
        parts: list[tuple[Tensor, Tensor]] = []
        if points is not None and labels is not None:
            parts.append((points, labels.to(points.dtype)))
            if boxes is None:
                pad = points.new_zeros(points.shape[0], 1, 2)
                parts.append((pad, pad[..., 0] + PADDING_LABEL))
        if boxes is not None:
            corners = boxes.reshape(-1, 2, 2)
            marks = corners.new_tensor([BOX_START_LABEL, BOX_END_LABEL])
            parts.append((corners, marks.expand(corners.shape[0], 2)))
        if not parts:
            matrix = self.pe_layer.positional_encoding_gaussian_matrix
            num_prompts = 1 if mask_logits is None else mask_logits.shape[0]
            return matrix.new_zeros(num_prompts, 0, 2), matrix.new_zeros(num_prompts, 0)
        return torch.cat([p[0] for p in parts], 1), torch.cat([p[1] for p in parts], 1)

    def embed_points(self, coords: Tensor, labels: Tensor) -> Tensor:
        """Embed coords [P, T, 2] with labels -1..3 [P, T], padding included, to [P, T, C]."""
        encoded = self.pe_layer.encode((coords + 0.5) / self.input_size)
        marks = labels.unsqueeze(-1)
        encoded = encoded * (marks != PADDING_LABEL).to(encoded.dtype)
        encoded = encoded + self.not_a_point_embed.weight * (marks == PADDING_LABEL)
        for label in range(len(self.point_embeddings)):
            weight = self.point_embeddings.get_parameter(f"{label}.weight")
            encoded = encoded + weight * (marks == label)
        return encoded

    def embed_dense(
        self, coords: Tensor, labels: Tensor, mask_logits: Tensor | None, has_mask: Tensor | None
    ) -> Tensor:
        """Dense embedding [P, C, g, g] of previous logits and, with prompt maps, of the points."""
        num_prompts = coords.shape[0]
        no_mask = self.no_mask_embed.weight.reshape(1, -1, 1, 1)
        if mask_logits is None and not self.prompt_maps:
            return no_mask.expand(num_prompts, -1, self.grid, self.grid)
        if mask_logits is None:
            mask_logits = coords.new_zeros(num_prompts, 1, self.low_res_size, self.low_res_size)
            has_mask = coords.new_zeros(num_prompts)
        if has_mask is None:
            has_mask = mask_logits.new_ones(num_prompts)
        share = has_mask.reshape(-1, 1, 1, 1)
        if not self.prompt_maps:
            seen: Tensor = self.mask_downscaling(mask_logits)
            return share * seen + (1 - share) * no_mask
        maps = self.draw_prompt_maps(coords, labels)
        channels = torch.cat([mask_logits * share, maps], dim=1)  # P 4 4g 4g
        dense: Tensor = self.mask_downscaling(channels)
        return dense + ((1 - share) * no_mask).to(dense.dtype)

    def add_geodesic(
        self, dense: Tensor, image_embeddings: Tensor, coords: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """The dense embedding [P, C, g, g] with geodesic maps, and the maps [P, rows, g, g].

        A network without them returns what it was given, and None. `image_embeddings` [B, ..., g, g]
        have the crossing cost as their last channel.
        """
        if self.geodesic is None:
            return dense, None
        maps = self.geodesic(image_embeddings[:, -1:], coords, labels, self.cell)
        return dense + self.geodesic.project(maps), maps

    def draw_prompt_maps(self, coords: Tensor, labels: Tensor) -> Tensor:
        """Draw foreground discs, background discs and box insides, [P, 3, 4g, 4g] in [0, 1]."""
        size = self.low_res_size
        centres = torch.arange(size, device=coords.device, dtype=coords.dtype) + 0.5
        places = (coords + 0.5) * (size / self.input_size)
        dx = centres.reshape(1, 1, -1) - places[..., 0:1]  # P T 4g
        dy = centres.reshape(1, 1, -1) - places[..., 1:2]
        squared = dx.square().unsqueeze(-2) + dy.square().unsqueeze(-1)  # P T 4g 4g
        discs = (DISC_RADIUS_PX + 0.5 - squared.sqrt()).clamp(0, 1)
        marks = labels.reshape(*labels.shape, 1, 1)
        zero = discs.new_zeros(discs.shape[0], 1, size, size)
        foreground = torch.cat([discs * (marks == FOREGROUND_LABEL), zero], 1).amax(1)
        background = torch.cat([discs * (marks == BACKGROUND_LABEL), zero], 1).amax(1)
        return torch.stack([foreground, background, self.draw_boxes(dx, dy, labels)], dim=1)

    def draw_boxes(self, dx: Tensor, dy: Tensor, labels: Tensor) -> Tensor:
        """Fill between the box corners with one-pixel soft edges, [P, 4g, 4g]; 0 without a box.

        `dx`, `dy` [P, T, 4g] are pixel centres minus point positions, in low-res pixels.
        """
        filled, has_box = fill_boxes(dx, dy, labels, reach=0.5)
        return filled * has_box
