"""What a prompt brings to the decoder: its tokens, and the channels of its dense part."""

import torch
from torch import Tensor, nn

from model_server.sam.geodesic import point_rows
from model_server.sam.labels import BACKGROUND_LABEL, FOREGROUND_LABEL
from model_server.sam.prompt_encoder import DISC_RADIUS_PX, PromptEncoder
from model_server.sam.sam import Sam
from onnx_export.prepare import Prepared

FAR = 1e9  # squared low-res pixels; a point at this distance draws nothing


class Tokens(nn.Module):
    """The token sequence: predicted IoU, four masks, then the points."""

    own: Tensor  # [5, C]

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        decoder = sam.mask_decoder
        own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        self.register_buffer("own", own.detach().clone())
        self.prompt_encoder = sam.prompt_encoder

    def forward(self, point_coords: Tensor, point_labels: Tensor) -> Tensor:
        """Tokens [T, C] of coords [1, P, 2] and labels [1, P] in the model frame."""
        points = self.prompt_encoder.embed_points(point_coords, point_labels)
        return torch.cat([self.own, points[0]])


class PromptMaps(nn.Module):
    """Discs and boxes as `PromptEncoder.draw_prompt_maps`, with one square root per pixel."""

    centres: Tensor  # [1, 1, 4g]

    def __init__(self, encoder: PromptEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.pixel = encoder.low_res_size / encoder.input_size
        centres = torch.arange(encoder.low_res_size, dtype=torch.float32) + 0.5
        self.register_buffer("centres", centres.reshape(1, 1, -1))

    def forward(self, coords: Tensor, labels: Tensor) -> Tensor:
        """Draw coords [1, P, 2] with labels [1, P] into [1, 3, 4g, 4g]."""
        places = (coords + 0.5) * self.pixel
        dx = self.centres - places[..., 0:1]  # 1 P 4g
        dy = self.centres - places[..., 1:2]
        maps = [
            self._discs(dx, dy, labels == label) for label in (FOREGROUND_LABEL, BACKGROUND_LABEL)
        ]
        return torch.stack([*maps, self.encoder.draw_boxes(dx, dy, labels)], dim=1)

    def _discs(self, dx: Tensor, dy: Tensor, chosen: Tensor) -> Tensor:
        away = torch.where(chosen, 0.0, FAR).unsqueeze(-1)  # 1 P 1
        squared = (dx * dx + away).unsqueeze(-2) + (dy * dy).unsqueeze(-1)  # 1 P 4g 4g
        return (DISC_RADIUS_PX + 0.5 - squared.amin(1).sqrt()).clamp(0, 1)  # 1 4g 4g


class DenseRows(nn.Module):
    """Per-pixel weights [rows, N] of the dense prompt's channels; the last row counts a change.

    Without prompt maps only a mask prompt has rows; with them the points always have. Geodesic
    maps are rows too, M counts them.
    """

    no_logits: Tensor  # [1, 1, 4g, 4g]
    one: Tensor  # [1, N]

    def __init__(self, sam: Sam, *, mask_prompt: bool) -> None:
        super().__init__()
        encoder = sam.prompt_encoder
        self.mask_prompt = mask_prompt
        self.maps = PromptMaps(encoder) if encoder.prompt_maps else None
        self.downscaling = encoder.mask_downscaling[:-1]
        size = encoder.low_res_size
        self.register_buffer("no_logits", torch.zeros(1, 1, size, size))
        self.register_buffer("one", torch.ones(1, encoder.grid**2))

    def forward(
        self,
        coords: Tensor,
        labels: Tensor,
        mask_input: Tensor | None,
        geodesic: Tensor | None,
    ) -> Tensor:
        """Rows [M, N], or [M + 1, N] with a mask prompt; `geodesic` [1, rows, g, g] go in as rows."""
        channels = self.no_logits if mask_input is None else mask_input
        if self.maps is not None:
            channels = torch.cat([channels, self.maps(coords, labels)], dim=1)  # 1 4 4g 4g
        rows = [self.downscaling(channels).flatten(2)[0]]  # M N
        if geodesic is not None:
            rows.append(geodesic.flatten(2)[0])
        if self.mask_prompt:
            rows.append(self.one)
        return torch.cat(rows)


class GeodesicRows(nn.Module):
    """The prompt's geodesic maps on a prepared image, if the network has them."""

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.cell = sam.prompt_encoder.cell

    def forward(self, image: Prepared, coords: Tensor, labels: Tensor) -> Tensor | None:
        """Maps [1, POINT_ROWS, g, g] for coords [1, P, 2] and labels [1, P]."""
        if image.row_costs is None or image.column_costs is None or image.border is None:
            return None
        costs = (image.row_costs, image.column_costs)
        return point_rows(costs, image.border, coords, labels, self.cell)


def has_dense_rows(sam: Sam, *, mask_prompt: bool) -> bool:
    """Whether a decoder graph needs `DenseRows` at all."""
    return mask_prompt or sam.prompt_encoder.prompt_maps
