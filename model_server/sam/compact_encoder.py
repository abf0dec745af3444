"""Our own image encoder: dense 3x3 convolutions, some global attention, a stride-8 output.

Dense convolutions are what a CPU runs fastest, in bfloat16 while training and in onnxruntime
afterwards; batch normalisation folds into them at export.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_server.sam.common import DropPath, LayerNorm2d, MLPBlock
from model_server.sam.edges import pack_guide

STRIDE = 8
EASY_CROSSING = -3.0  # logit before training: nearly no border anywhere


def conv_norm(
    in_channels: int, out_channels: int, *, kernel: int = 3, stride: int = 1
) -> nn.Module:
    """Convolution without bias followed by batch normalisation."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv_norm(channels, channels)
        self.conv2 = conv_norm(channels, channels)
        self.drop_path = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape."""
        return F.relu(x + self.drop_path(self.conv2(F.relu(self.conv1(x)))))


class GlobalAttentionBlock(nn.Module):
    """Pre-norm transformer block over all cells of a map; a depthwise convolution tells where."""

    def __init__(self, channels: int, num_heads: int, mlp_ratio: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.position = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = MLPBlock(channels, mlp_ratio * channels)
        self.drop_path = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape."""
        batch, channels, height, width = x.shape
        x = x + self.position(x)
        tokens = x.flatten(2).transpose(1, 2)  # B HW C
        qkv = self.qkv(self.norm1(tokens))
        qkv = qkv.reshape(batch, height * width, 3, self.num_heads, channels // self.num_heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # B heads HW c
        attended = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.drop_path(self.proj(attended.transpose(1, 2).flatten(2)))
        tokens = tokens + self.drop_path(self.mlp(self.norm2(tokens)))
        return tokens.transpose(1, 2).reshape(batch, channels, height, width)


class CompactEncoder(nn.Module):
    """Residual stages at strides 4, 8, 16, attention at 32, summed top-down to strides 8 and 4."""

    def __init__(
        self,
        *,
        widths: tuple[int, int, int, int],
        depths: tuple[int, int, int],
        attention_blocks: int,
        num_heads: int,
        mlp_ratio: int,
        out_channels: int,
        detail_channels: int,
        gives_guide: bool,
    ) -> None:
        super().__init__()
        self.gives_guide = gives_guide
        self.stem = nn.Sequential(
            conv_norm(3, widths[0] // 2, stride=2),
            nn.ReLU(),
            conv_norm(widths[0] // 2, widths[0], stride=2),
            nn.ReLU(),
        )
        self.stage4 = nn.Sequential(*(ResidualBlock(widths[0]) for _ in range(depths[0])))
        self.down8 = nn.Sequential(conv_norm(widths[0], widths[1], stride=2), nn.ReLU())
        self.stage8 = nn.Sequential(*(ResidualBlock(widths[1]) for _ in range(depths[1])))
        self.down16 = nn.Sequential(conv_norm(widths[1], widths[2], stride=2), nn.ReLU())
        self.stage16 = nn.Sequential(*(ResidualBlock(widths[2]) for _ in range(depths[2])))
        self.down32 = conv_norm(widths[2], widths[3], stride=2)
        self.stage32 = nn.Sequential(
            *(
                GlobalAttentionBlock(widths[3], num_heads, mlp_ratio)
                for _ in range(attention_blocks)
            )
        )
        self.lateral8 = conv_norm(widths[1], out_channels, kernel=1)
        self.lateral16 = conv_norm(widths[2], out_channels, kernel=1)
        self.lateral32 = conv_norm(widths[3], out_channels, kernel=1)
        self.smooth16 = ResidualBlock(out_channels)
        self.smooth8 = ResidualBlock(out_channels)
        self.project = nn.Conv2d(out_channels, out_channels, 1, bias=False)
        self.norm = LayerNorm2d(out_channels)
        self.lateral4 = conv_norm(widths[0], detail_channels, kernel=1)
        self.reduce = conv_norm(out_channels, detail_channels, kernel=1)
        self.smooth4 = ResidualBlock(detail_channels)
        self.crossing8 = nn.Conv2d(out_channels, 1, 3, padding=1)
        self.crossing4 = nn.Conv2d(detail_channels, 1, 4, 2, 1, bias=False)
        assert self.crossing8.bias is not None
        nn.init.constant_(self.crossing8.bias, EASY_CROSSING)

    def forward(self, x: Tensor) -> Tensor:
        """Encode normalised RGB [B, 3, S, S], S a multiple of 32, to [B, C + 4D (+ 48) + 1, g, g].

        g = S/8. The channels are: C for the decoder; D of detail at stride 4, each as the four
        sub-pixels of a cell; the picture at stride 2, likewise, if it is to guide masks (`edges`);
        and the logit of what crossing a cell costs (`geodesic`).
        """
        x4 = self.stage4(self.stem(x))
        x8 = self.stage8(self.down8(x4))
        x16 = self.stage16(self.down16(x8))
        x32 = self.stage32(self.down32(x16))
        top = F.interpolate(self.lateral32(x32), scale_factor=2.0, mode="nearest")
        middle = self.smooth16(F.relu(self.lateral16(x16) + top))
        top = F.interpolate(middle, scale_factor=2.0, mode="nearest")
        fine = self.smooth8(F.relu(self.lateral8(x8) + top))
        top = F.interpolate(self.reduce(fine), scale_factor=2.0, mode="nearest")
        detail = self.smooth4(F.relu(self.lateral4(x4) + top))
        crossing = self.crossing8(fine) + self.crossing4(detail)
        embedding = self.norm(self.project(fine).float())
        parts = [embedding, F.pixel_unshuffle(detail, 2).float()]
        if self.gives_guide:
            parts.append(pack_guide(x.float(), STRIDE))
        return torch.cat([*parts, crossing.float()], dim=1)
