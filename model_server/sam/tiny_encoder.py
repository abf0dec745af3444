"""TinyViT, the image encoder of MobileSAM, under the names of its checkpoint.

The published code fixes the input size and keeps a copy of the attention biases that goes stale
when weights are loaded; here maps carry their own size and the bias table is indexed each time.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_server.sam.common import DropPath
from model_server.sam.image_encoder import attend_in_windows, make_neck


class ConvNorm(nn.Module):
    """Convolution `c` without bias and its batch normalisation `bn`."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.c = nn.Conv2d(
            in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to [B, C', H / stride, W / stride]."""
        return self.bn(self.c(x))


class PatchEmbed(nn.Module):
    """Two strided convolutions: stride 4."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(
            ConvNorm(3, width // 2, 3, 2), nn.GELU(), ConvNorm(width // 2, width, 3, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, 3, S, S] to [B, C, S/4, S/4]."""
        return self.seq(x)


class MBConv(nn.Module):
    """Inverted bottleneck with a shortcut."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * width
        self.conv1 = ConvNorm(width, hidden)
        self.conv2 = ConvNorm(hidden, hidden, 3, 1, hidden)
        self.conv3 = ConvNorm(hidden, width)
        self.drop_path = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape."""
        hidden = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(x + self.drop_path(self.conv3(hidden)))


class PatchMerging(nn.Module):
    """Changes the width, and halves the map when `stride` is 2."""

    def __init__(self, width: int, out_width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(width, out_width)
        self.conv2 = ConvNorm(out_width, out_width, 3, stride, out_width)
        self.conv3 = ConvNorm(out_width, out_width)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to [B, C', H / stride, W / stride]."""
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class BiasedAttention(nn.Module):
    """Pre-norm attention in a window, with one learned bias per head and absolute offset."""

    attention_bias_idxs: Tensor

    def __init__(self, width: int, num_heads: int, window: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(num_heads, window * window))
        self.register_buffer("attention_bias_idxs", offset_numbers(window), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Attend within each window: [B, w, w, C] to the same shape."""
        batch, height, width, channels = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, height * width, self.num_heads, 3, -1)
        query, key, value = qkv.permute(3, 0, 2, 1, 4).unbind(0)  # B heads ww c
        bias = self.attention_biases[:, self.attention_bias_idxs].to(query.dtype)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.proj(attended.transpose(1, 2).reshape(batch, height, width, channels))


def offset_numbers(window: int) -> Tensor:
    """Number of the absolute offset between two cells of a window, [ww, ww].

    Offsets are numbered in the order in which they first appear, as in the checkpoint.
    """
    cells = list(itertools.product(range(window), range(window)))
    numbers: dict[tuple[int, int], int] = {}
    pairs = [
        numbers.setdefault((abs(a[0] - b[0]), abs(a[1] - b[1])), len(numbers))
        for a in cells
        for b in cells
    ]
    return torch.tensor(pairs).reshape(len(cells), len(cells))


class Mlp(nn.Module):
    """Pre-norm MLP; keys `norm`, `fc1`, `fc2`."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., C] to [..., C]."""
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class TinyViTBlock(nn.Module):
    """Windowed attention, a depthwise convolution, an MLP."""

    def __init__(self, width: int, num_heads: int, window: int, mlp_ratio: int) -> None:
        super().__init__()
        self.window = window
        self.attn = BiasedAttention(width, num_heads, window)
        self.mlp = Mlp(width, mlp_ratio * width)
        self.local_conv = ConvNorm(width, width, 3, 1, width)
        self.drop_path = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape."""
        cells = x.permute(0, 2, 3, 1)
        cells = cells + self.drop_path(attend_in_windows(self.attn, cells, self.window))
        cells = self.local_conv(cells.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return (cells + self.drop_path(self.mlp(cells))).permute(0, 3, 1, 2)


class Stage(nn.Module):
    """Blocks of one width, then (except in the last stage) a `downsample` to the next."""

    def __init__(self, blocks: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to the next stage's width and size."""
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class TinyViT(nn.Module):
    """TinyViT-5M with a stride of 16 instead of 32: the third stage no longer halves the map."""

    def __init__(
        self,
        *,
        widths: tuple[int, ...],
        depths: tuple[int, ...],
        num_heads: tuple[int, ...],
        windows: tuple[int, ...],
        mlp_ratio: int,
        out_channels: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(widths[0])
        strides = (2, 2, 1)
        self.layers = nn.ModuleList()
        for index, width in enumerate(widths):
            blocks: list[nn.Module] = [
                MBConv(width, 4)
                if index == 0
                else TinyViTBlock(width, num_heads[index], windows[index], mlp_ratio)
                for _ in range(depths[index])
            ]
            last = index == len(widths) - 1
            merging = None if last else PatchMerging(width, widths[index + 1], strides[index])
            self.layers.append(Stage(blocks, merging))
        # Never run; the checkpoint holds them, and it is loaded strictly.
        self.norm_head = nn.LayerNorm(widths[-1])
        self.head = nn.Linear(widths[-1], num_classes)
        self.neck = make_neck(widths[-1], out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Encode normalised RGB [B, 3, S, S] to [B, C, S/16, S/16]."""
        x = self.patch_embed(x)
        for layer in self.layers:
            x = layer(x)
        return self.neck(x)
