"""Mask decoder: four masks and their predicted IoU from an embedding and prompt embeddings."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_server.sam.common import LayerNorm2d
from model_server.sam.edges import Guide, follow_edges, make_guide, unpack_guide
from model_server.sam.mask_statistics import MaskStatistics
from model_server.sam.transformer import TwoWayTransformer

NUM_MASK_TOKENS = 4  # token 0 for several prompts, tokens 1 to 3 for an ambiguous one


class MLP(nn.Module):
    """Linear layers with ReLU between; keys `layers.0`, `layers.1`, and so on."""

    def __init__(self, input_dim: int, hidden_dim: int, output_dim: int, num_layers: int) -> None:
        super().__init__()
        widths = [input_dim] + [hidden_dim] * (num_layers - 1) + [output_dim]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., input_dim] to [..., output_dim]."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class MaskDecoder(nn.Module):
    """Predicts all four masks; `select_masks` in `sam.py` says which of them to use."""

    def __init__(
        self,
        *,
        embed_dim: int,
        transformer: TwoWayTransformer,
        iou_head_hidden_dim: int,
        detail_channels: int = 0,
        num_maps: int = 0,
        judges_masks: bool = False,
        guide_channels: int = 0,
        activation: type[nn.Module] = nn.GELU,
    ) -> None:
        super().__init__()
        self.embed_dim = embed_dim
        self.detail_channels = detail_channels
        self.num_maps = num_maps
        self.guide_channels = guide_channels
        self.transformer = transformer
        self.iou_token = nn.Embedding(1, embed_dim)
        self.mask_tokens = nn.Embedding(NUM_MASK_TOKENS, embed_dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(embed_dim, embed_dim // 4, 2, 2),
            LayerNorm2d(embed_dim // 4),
            activation(),
            nn.ConvTranspose2d(embed_dim // 4, embed_dim // 8, 2, 2),
            activation(),
        )
        self.detail_upscaling: nn.ConvTranspose2d | None = None
        if detail_channels:
            self.detail_upscaling = nn.ConvTranspose2d(detail_channels, embed_dim // 8, 2, 2)
            nn.init.zeros_(self.detail_upscaling.weight)
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(embed_dim, embed_dim, embed_dim // 8 + num_maps, 3) for _ in range(NUM_MASK_TOKENS)
        )
        self.iou_prediction_head = MLP(embed_dim, iou_head_hidden_dim, NUM_MASK_TOKENS, 3)
        self.mask_statistics = MaskStatistics(NUM_MASK_TOKENS) if judges_masks else None

    def forward(
        self,
        image_embeddings: Tensor,
        image_pe: Tensor,
        sparse: Tensor,
        dense: Tensor,
        maps: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Decode P prompts over B images; prompts are ordered by image, P / B for each.

        Args:
            image_embeddings: [B, C, g, g], or with detail [B, C + 4D (+ more), g, g].
            image_pe: [1, C, g, g].
            sparse: [P, T, C].
            dense: [P, C, g, g].
            maps: [P, num_maps, g, g] that each mask also weighs directly, or None.

        Returns:
            Low-res logits [P, 4, 4g, 4g] and predicted IoU [P, 4].
        """
        num_images, num_prompts = image_embeddings.shape[0], sparse.shape[0]
        if num_prompts % num_images:
            raise ValueError(f"{num_prompts} prompts cannot be shared by {num_images} images")
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])  # 5 C
        tokens = torch.cat([own.expand(num_prompts, -1, -1), sparse], dim=1)
        features = image_embeddings[:, : self.embed_dim]
        image = features.unsqueeze(1) + dense.unflatten(0, (num_images, -1))
        queries, keys = self.transformer(image.flatten(0, 1), image_pe, tokens)
        weights = torch.stack(
            [mlp(queries[:, 1 + i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1
        )  # P 4 C/8 + maps
        drawn, direct = weights.split([self.embed_dim // 8, self.num_maps], dim=2)
        detail = self.draw_detail(image_embeddings)
        masks = self.draw_masks(keys, drawn, detail, features.shape[-1])
        if maps is not None:
            masks = masks + weigh_maps(direct, maps)
        guide = self.read_guide(image_embeddings)
        if guide is not None:
            share = num_prompts // num_images
            own_guide = Guide(*(x.repeat_interleave(share, 0) for x in guide))
            masks = follow_edges(masks.float(), own_guide, NUM_MASK_TOKENS)
        return masks, self.predict_iou(queries[:, 0], masks)

    def predict_iou(self, iou_token: Tensor, masks: Tensor) -> Tensor:
        """Predicted IoU [P, 4] from the finished IoU token [P, C] and the logits [P, 4, H, W]."""
        iou: Tensor = self.iou_prediction_head(iou_token)
        return iou if self.mask_statistics is None else iou + self.mask_statistics(masks)

    def read_guide(self, image_embeddings: Tensor) -> Guide | None:
        """The pictures that come with embeddings, ready to guide the masks; None without them."""
        if not self.guide_channels:
            return None
        first = self.embed_dim + 4 * self.detail_channels
        channels = image_embeddings[:, first : first + self.guide_channels]
        return make_guide(unpack_guide(channels.float()))

    def draw_detail(self, image_embeddings: Tensor) -> Tensor | None:
        """What stride 4 adds before the last activation, [B, gg, 4, 4, C/8] by sub-pixel."""
        if self.detail_upscaling is None:
            return None
        first = self.embed_dim
        detail = image_embeddings[:, first : first + 4 * self.detail_channels]
        cells = detail.flatten(2).unflatten(1, (-1, 4)).permute(0, 3, 2, 1)  # B gg 4 D
        return subpixel_product(cells, self.detail_upscaling)

    def draw_masks(self, keys: Tensor, weights: Tensor, detail: Tensor | None, grid: int) -> Tensor:
        """Upscale image tokens [P, gg, C] fourfold and weigh them: logits [P, 4, 4g, 4g].

        The transposed convolutions do not overlap, so each is a matrix product whose columns are
        the four sub-pixels of a cell; pixels are put in place once, at the end.
        """
        first, norm, activation, second, last = self.output_upscaling
        assert isinstance(first, nn.ConvTranspose2d) and isinstance(second, nn.ConvTranspose2d)
        assert isinstance(norm, LayerNorm2d)
        x = subpixel_product(keys, first)  # P gg 4 C/4
        x = activation(F.layer_norm(x, norm.weight.shape, norm.weight, norm.bias, norm.eps))
        x = subpixel_product(x, second)  # P gg 4 4 C/8
        if detail is not None:
            x = (x.unflatten(0, (len(detail), -1)) + detail.unsqueeze(1)).flatten(0, 1)
        x = last(x)
        logits = weights @ x.flatten(1, 3).transpose(1, 2)  # P 4 gg*16
        logits = logits.reshape(-1, NUM_MASK_TOKENS, grid, grid, 2, 2, 2, 2)
        logits = logits.permute(0, 1, 2, 4, 6, 3, 5, 7)  # P 4 (g 2 2) (g 2 2)
        return logits.reshape(-1, NUM_MASK_TOKENS, 4 * grid, 4 * grid)


def weigh_maps(weights: Tensor, maps: Tensor) -> Tensor:
    """Logits [P, 4, 4g, 4g] of maps [P, M, g, g] under weights [P, 4, M], interpolated."""
    coarse = (weights @ maps.flatten(2)).unflatten(2, maps.shape[2:])
    return F.interpolate(coarse, scale_factor=4.0, mode="bilinear", align_corners=False)


def subpixel_product(x: Tensor, conv: nn.ConvTranspose2d) -> Tensor:
    """Apply a 2x2 transposed convolution of stride 2 to [..., C]: sub-pixels [..., 4, C']."""
    weight = conv.weight.permute(2, 3, 1, 0).flatten(0, 2)  # 4C' C
    bias = None if conv.bias is None else conv.bias.repeat(4)
    return F.linear(x, weight, bias).unflatten(-1, (4, -1))
