"""From finished image tokens to the logits of the four masks."""

import torch
from torch import Tensor, nn

from model_server.sam.common import LayerNorm2d
from model_server.sam.mask_decoder import NUM_MASK_TOKENS
from model_server.sam.sam import Sam
from onnx_export.attention import FinalTokens
from onnx_export.constants import Folded, convolution, double
from onnx_export.prepare import Prepared


class Upscaling(nn.Module):
    """The two transposed convolutions as matrix products, pixels put in place at the end.

    Channels come first and image tokens last: products with many rows and few columns, and
    transposed left sides, are what onnxruntime-web is slow at.
    """

    after_1: Tensor  # [C, C] rows are sub-pixel row, sub-pixel column, channel
    after_2: Tensor  # [C, C]
    constant: Tensor  # [C, 1]
    gain: Tensor  # [C/4, 1]
    bias: Tensor  # [C/4, 1]
    second: Tensor  # [C/2, C/4] rows again sub-pixels, then C/8 channels
    second_bias: Tensor  # [C/2, 1]

    def __init__(self, sam: Sam, folded: Folded) -> None:
        super().__init__()
        _, norm, activation, conv, _ = sam.mask_decoder.output_upscaling
        if not isinstance(norm, LayerNorm2d) or not isinstance(activation, nn.Module):
            raise TypeError("the upscaling is not the published sequence of layers")
        second, last = convolution(conv), folded.last
        self.activation = activation
        self.grid, self.epsilon = folded.grid, norm.eps
        self.widths = second.in_channels, second.out_channels
        rows = double(second.weight).permute(2, 3, 1, 0).flatten(0, 2)  # 4*C/8 C/4
        self.register_buffer("after_1", last.upscale_after_1.T.float().contiguous())
        self.register_buffer("after_2", last.upscale_after_2.T.float().contiguous())
        self.register_buffer("constant", last.upscale_constant.float()[:, None])
        self.register_buffer("gain", double(norm.weight).float()[:, None])
        self.register_buffer("bias", double(norm.bias).float()[:, None])
        self.register_buffer("second", rows.float().contiguous())
        self.register_buffer("second_bias", double(second.bias).float().repeat(4)[:, None])

    def forward(self, image: Prepared, final: FinalTokens, mask_weights: Tensor) -> Tensor:
        """Logits [1, 4, 4g, 4g] for mask weights [4, C/8]."""
        num_cells = self.grid**2
        columns = torch.cat([self.after_1 @ final.rows_1.T, self.after_2 @ final.rows_2.T], dim=1)
        x = columns @ final.weights + (image.upscaled * final.scale + self.constant)  # C N
        x = x.reshape(4, self.widths[0], num_cells)
        scale = torch.rsqrt((x * x).mean(dim=1, keepdim=True) + self.epsilon)  # 4 1 N
        x = self.activation(x * scale * self.gain + self.bias)
        added = self.second_bias if image.detail is None else image.detail
        x = self.activation(self.second @ x + added)  # 4 4*C/8 N
        return self.placed(mask_weights @ x.reshape(16, self.widths[1], num_cells))

    def placed(self, logits: Tensor) -> Tensor:
        """Sub-pixels [16, 4, N] to their places, [1, 4, 4g, 4g].

        In two steps, rows of a cell and then columns: runtimes know how to move one axis quickly.
        """
        grid, count = self.grid, NUM_MASK_TOKENS
        rows = logits.reshape(2, 2, 2, 2, count, grid, grid).permute(4, 5, 0, 2, 1, 3, 6)
        columns = rows.reshape(count * grid * 4, 4, grid).transpose(1, 2)
        return columns.reshape(1, count, 4 * grid, 4 * grid)
