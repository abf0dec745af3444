"""The single graph of the published contract: prompt encoder, decoder and upscaling in one.

Built from the published structure (transposed convolutions, no folding), so that it is also the
independent judge of the rewritten graphs.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_server.sam.edges import follow_edges
from model_server.sam.mask_decoder import NUM_MASK_TOKENS, weigh_maps
from model_server.sam.prompt_encoder import PromptEncoder
from model_server.sam.sam import Sam

ALONE_POINTS = 2.5  # fewer points than this, padding included, make a lone prompt
PREFERENCE = 1000.0  # larger than any difference of predicted IoU


class Official(nn.Module):
    """`image_embeddings`, points, `mask_input`, `has_mask_input`, `orig_im_size` to full masks."""

    image_pe: Tensor  # [1, C, g, g]

    def __init__(self, sam: Sam, *, single_mask: bool = True) -> None:
        super().__init__()
        self.prompt_encoder: PromptEncoder = sam.prompt_encoder
        self.decoder = sam.mask_decoder
        self.input_size = sam.prompt_encoder.input_size
        self.single_mask = single_mask
        self.register_buffer("image_pe", sam.prompt_encoder.get_dense_pe().detach())

    def forward(
        self,
        image_embeddings: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
        orig_im_size: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decode one prompt of one image.

        Args:
            image_embeddings: [1, C, g, g].
            point_coords: [1, P, 2] in the model frame, box corners included.
            point_labels: [1, P]: -1 padding, 0, 1, and 2, 3 for box corners.
            mask_input: [1, 1, 4g, 4g] logits, zeros when unused.
            has_mask_input: [1] 1 where `mask_input` counts.
            orig_im_size: [2] height and width of the original image.

        Returns:
            Logits [1, K, H, W], predicted IoU [1, K] and low-res logits [1, K, 4g, 4g]; K is 1 with
            `single_mask`, else 4.
        """
        encoder = self.prompt_encoder
        sparse = encoder.embed_points(point_coords, point_labels)
        dense = encoder.embed_dense(point_coords, point_labels, mask_input, has_mask_input)
        dense, maps = encoder.add_geodesic(dense, image_embeddings, point_coords, point_labels)
        low_res, iou = self.decode(image_embeddings, dense, sparse, maps)
        if self.single_mask:
            low_res, iou = self.choose(low_res, iou, point_coords.shape[1])
        return self.upscale(low_res, orig_im_size), iou, low_res

    def decode(
        self, image_embeddings: Tensor, dense: Tensor, sparse: Tensor, maps: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """All four masks, [1, 4, 4g, 4g] and [1, 4]."""
        decoder = self.decoder
        own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight]).unsqueeze(0)
        tokens = torch.cat([own, sparse], dim=1)
        image = image_embeddings[:, : decoder.embed_dim] + dense
        queries, keys = decoder.transformer(image, self.image_pe, tokens)
        upscaled = decoder.output_upscaling[:-1](keys.transpose(1, 2).reshape(image.shape))
        if decoder.detail_upscaling is not None:
            end = decoder.embed_dim + 4 * decoder.detail_channels
            detail = F.pixel_shuffle(image_embeddings[:, decoder.embed_dim : end], 2)
            upscaled = upscaled + decoder.detail_upscaling(detail)
        upscaled = decoder.output_upscaling[-1](upscaled)
        networks = decoder.output_hypernetworks_mlps
        weights = torch.stack([net(queries[:, 1 + i]) for i, net in enumerate(networks)], dim=1)
        side = self.prompt_encoder.low_res_size
        drawn = weights[..., : upscaled.shape[1]]
        masks = (drawn @ upscaled.flatten(2)).reshape(1, -1, side, side)
        if maps is not None:
            masks = masks + weigh_maps(weights[..., upscaled.shape[1] :], maps)
        guide = decoder.read_guide(image_embeddings)
        if guide is not None:
            masks = follow_edges(masks, guide, NUM_MASK_TOKENS)
        return masks, decoder.predict_iou(queries[:, 0], masks)

    def choose(self, low_res: Tensor, iou: Tensor, num_points: int) -> tuple[Tensor, Tensor]:
        """Token 0 for several points, else the best of the others."""
        preference = iou.new_tensor([PREFERENCE, 0.0, 0.0, 0.0])
        best = (iou + (num_points - ALONE_POINTS) * preference).argmax(dim=1)  # 1
        return low_res.index_select(1, best), iou.index_select(1, best)

    def upscale(self, low_res: Tensor, orig_im_size: Tensor) -> Tensor:
        """Low-res logits to the model frame, without its padding, to the original size."""
        framed = interpolate(low_res, torch.full((2,), self.input_size))
        scale = self.input_size / orig_im_size.max()
        used = torch.floor(orig_im_size * scale + 0.5).to(torch.int64)
        return interpolate(framed[..., : used[0], : used[1]], orig_im_size.to(torch.int64))


def interpolate(logits: Tensor, size: Tensor) -> Tensor:
    """Bilinear interpolation to `size` [2]; kept as a tensor, which is what a traced graph reads."""
    sides: Any = (size[0], size[1])
    return F.interpolate(logits, sides, mode="bilinear", align_corners=False)
