"""The published image encoder: a plain vision transformer with mostly windowed attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_server.sam.common import DropPath, LayerNorm2d, MLPBlock

LAYER_NORM_EPS = 1e-6


class PatchEmbed(nn.Module):
    """Non-overlapping patches to tokens, channels last."""

    def __init__(self, patch_size: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch_size, patch_size)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, 3, S, S] to [B, g, g, width]."""
        return self.proj(x).permute(0, 2, 3, 1)


class RelativeAttention(nn.Module):
    """Multi-head attention with decomposed relative positions over a square of `side` cells."""

    def __init__(self, width: int, num_heads: int, side: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width // num_heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width // num_heads))

    def forward(self, x: Tensor) -> Tensor:
        """Attend within each [side, side] square: [B, H, W, width] to the same shape.

        The position terms come from the unscaled queries. They ride along as extra channels,
        q = [q | rows | columns] and k = [k | one-hot row | one-hot column], so that fused
        attention needs no [HW, HW] bias.
        """
        batch, height, width, channels = x.shape
        qkv = self.qkv(x).reshape(batch, height * width, 3, self.num_heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # B heads HW c
        head_dim = channels // self.num_heads
        square = query.unflatten(2, (height, width))
        rows = torch.einsum("bnhwc,hkc->bnhwk", square, relative_rows(self.rel_pos_h, height))
        columns = torch.einsum("bnhwc,wkc->bnhwk", square, relative_rows(self.rel_pos_w, width))
        query = torch.cat([query * head_dim**-0.5, rows.flatten(2, 3), columns.flatten(2, 3)], -1)
        cells = torch.arange(height * width, device=x.device)
        one_hot = torch.cat(
            [F.one_hot(cells // width, height), F.one_hot(cells % width, width)], dim=-1
        )
        key = torch.cat([key, one_hot.to(key.dtype).expand(batch, self.num_heads, -1, -1)], -1)
        attended = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return self.proj(attended.transpose(1, 2).reshape(batch, height, width, channels))


def relative_rows(table: Tensor, side: int) -> Tensor:
    """Entries of a relative position table for each (query, key) pair, [side, side, c].

    A table made for another side is interpolated along its length.
    """
    if table.shape[0] != 2 * side - 1:
        stretched = F.interpolate(table.T.unsqueeze(0), size=2 * side - 1, mode="linear")
        table = stretched.squeeze(0).T
    cells = torch.arange(side, device=table.device)
    return table[cells[:, None] - cells[None, :] + side - 1]


class Block(nn.Module):
    """Pre-norm transformer block; `window` 0 means attention over the whole grid."""

    def __init__(
        self, *, width: int, num_heads: int, mlp_ratio: int, window: int, grid: int
    ) -> None:
        super().__init__()
        self.window = window
        self.norm1 = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.attn = RelativeAttention(width, num_heads, window or grid)
        self.norm2 = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.mlp = MLPBlock(width, mlp_ratio * width)
        self.drop_path = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, g, g, width] to the same shape."""
        normed = self.norm1(x)
        if self.window:
            attended = attend_in_windows(self.attn, normed, self.window)
        else:
            attended = self.attn(normed)
        x = x + self.drop_path(attended)
        return x + self.drop_path(self.mlp(self.norm2(x)))


def attend_in_windows(attention: nn.Module, x: Tensor, window: int) -> Tensor:
    """Apply `attention` to windows of [B, H, W, C]; padding cells on the right and below take part."""
    batch, height, width, channels = x.shape
    below, right = -height % window, -width % window
    x = F.pad(x, (0, 0, 0, right, 0, below))
    down, across = x.shape[1] // window, x.shape[2] // window
    x = x.reshape(batch, down, window, across, window, channels).transpose(2, 3)
    x = attention(x.reshape(-1, window, window, channels))
    x = x.reshape(batch, down, across, window, window, channels).transpose(2, 3)
    return x.reshape(batch, down * window, across * window, channels)[:, :height, :width]


def make_neck(width: int, out_channels: int) -> nn.Sequential:
    """The last layers of every published encoder: to `out_channels`, normalised twice."""
    return nn.Sequential(
        nn.Conv2d(width, out_channels, 1, bias=False),
        LayerNorm2d(out_channels),
        nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
        LayerNorm2d(out_channels),
    )


class ImageEncoderViT(nn.Module):
    """ViT-B, -L and -H of the published checkpoints."""

    def __init__(
        self,
        *,
        grid: int,
        patch_size: int,
        width: int,
        depth: int,
        num_heads: int,
        mlp_ratio: int,
        window: int,
        global_blocks: tuple[int, ...],
        out_channels: int,
    ) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(patch_size, width)
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, width))
        self.blocks = nn.ModuleList(
            Block(
                width=width,
                num_heads=num_heads,
                mlp_ratio=mlp_ratio,
                window=0 if index in global_blocks else window,
                grid=grid,
            )
            for index in range(depth)
        )
        self.neck = make_neck(width, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Encode normalised RGB [B, 3, S, S] to [B, C, g, g]."""
        x = self.patch_embed(x) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))
