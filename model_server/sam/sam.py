"""The whole network and the rule that chooses among its masks."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_server.sam.mask_decoder import MaskDecoder
from model_server.sam.prompt_encoder import PromptEncoder

PIXEL_MEAN = (123.675, 116.28, 103.53)  # RGB, 0 to 255
PIXEL_STD = (58.395, 57.12, 57.375)


class Sam(nn.Module):
    """Image encoder, prompt encoder and mask decoder under their published names."""

    mask_threshold = 0.0
    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self, image_encoder: nn.Module, prompt_encoder: PromptEncoder, mask_decoder: MaskDecoder
    ) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.prompt_encoder = prompt_encoder
        self.mask_decoder = mask_decoder
        for name, values in (("pixel_mean", PIXEL_MEAN), ("pixel_std", PIXEL_STD)):
            self.register_buffer(name, torch.tensor(values).reshape(3, 1, 1), persistent=False)

    @property
    def embedding_channels(self) -> int:
        """Channels of an embedding: for the decoder, sub-pixels of detail, guide, crossing costs."""
        decoder = self.mask_decoder
        has_costs = self.prompt_encoder.geodesic is not None
        return decoder.embed_dim + 4 * decoder.detail_channels + decoder.guide_channels + has_costs

    def normalise(self, pixels: Tensor) -> Tensor:
        """Bring RGB pixels 0 to 255, [..., 3, H, W], to the scale the encoder expects."""
        return (pixels - self.pixel_mean) / self.pixel_std

    def resize_frame(self, input_size: int) -> None:
        """Use another model frame; only for encoders that take any multiple of their stride."""
        prompt_encoder = self.prompt_encoder
        stride = prompt_encoder.input_size // prompt_encoder.grid
        if input_size % stride:
            raise ValueError(f"input size {input_size} is not a multiple of the stride {stride}")
        prompt_encoder.input_size = input_size
        prompt_encoder.grid = input_size // stride

    def decode(
        self,
        image_embeddings: Tensor,
        points: Tensor | None,
        labels: Tensor | None,
        boxes: Tensor | None,
        mask_logits: Tensor | None,
        has_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Low-res logits [P, 4, 4g, 4g] and predicted IoU [P, 4] for P prompts, ordered by image.

        Arguments as in `PromptEncoder.forward`, after the embeddings [B, C, g, g].
        """
        coords, marks = self.prompt_encoder.gather_points(points, labels, boxes, mask_logits)
        return self.decode_points(image_embeddings, coords, marks, mask_logits, has_mask)

    def decode_points(
        self,
        image_embeddings: Tensor,
        coords: Tensor,
        labels: Tensor,
        mask_logits: Tensor | None,
        has_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """`decode` for finished points [P, T, 2] and labels [P, T]: padding and corners included."""
        prompt_encoder = self.prompt_encoder
        sparse = prompt_encoder.embed_points(coords, labels)
        dense = prompt_encoder.embed_dense(coords, labels, mask_logits, has_mask)
        dense, maps = prompt_encoder.add_geodesic(dense, image_embeddings, coords, labels)
        image_pe = prompt_encoder.get_dense_pe()
        return self.mask_decoder(image_embeddings, image_pe, sparse, dense, maps)

    def postprocess_masks(
        self, masks: Tensor, resized: tuple[int, int], original: tuple[int, int]
    ) -> Tensor:
        """Upscale logits [P, K, 4g, 4g] to [P, K, H, W] in the two steps of the published code.

        Upscale to the model frame, crop to the `resized` (height, width), upscale to the
        `original` (height, width). The product itself upscales directly: `common.model_frame`.
        """
        size = self.prompt_encoder.input_size
        masks = F.interpolate(masks, (size, size), mode="bilinear", align_corners=False)
        cropped = masks[..., : resized[0], : resized[1]]
        return F.interpolate(cropped, original, mode="bilinear", align_corners=False)


def select_masks(masks: Tensor, iou: Tensor, *, several: bool) -> tuple[Tensor, Tensor]:
    """Keep the candidates that fit the prompt: [P, K, ...] and [P, K] out of all four.

    A lone prompt is ambiguous and gets tokens 1 to 3; `several` prompts get token 0 only.
    """
    kept = slice(0, 1) if several else slice(1, None)
    return masks[:, kept], iou[:, kept]


def best_candidate(masks: Tensor, iou: Tensor) -> tuple[Tensor, Tensor]:
    """The candidate with the highest predicted IoU, [P, 1, ...] and [P, 1]."""
    rows = torch.arange(masks.shape[0], device=masks.device)
    best = iou.argmax(dim=1)
    return masks[rows, best].unsqueeze(1), iou[rows, best].unsqueeze(1)
