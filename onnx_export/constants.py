"""Everything in the decoder that depends on the weights alone, folded once in double precision.

The algebra is explained in docs/decisions/decoder-graphs.md. Sizes used in shape comments:

    C  width of the decoder          H  heads          d  width of a cross-attention head, C / 2 / H
    N  image tokens, grid * grid     T  tokens         R  rows of a low-rank update

Image tokens are kept as `scale * (K0 + A U)`: K0 [N, C] depends on the image, the weights A [N, R]
and the few rows U [R, C] on the prompt. A projection P of them is `scale * (K0 P + A (U P))`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model_server.sam.geodesic import BORDER_ROWS
from model_server.sam.sam import Sam
from model_server.sam.transformer import TwoWayAttentionBlock

Convolution = nn.Conv2d | nn.ConvTranspose2d
DECODER_DEPTH = 2  # the folding is written out for two layers


@dataclass(frozen=True)
class FirstLayer:
    """Layer 1; its projections act on image tokens that are neither centred nor scaled."""

    key: Tensor  # [C, C/2]
    value: Tensor  # [C, C/2]
    query: Tensor  # [C, C/2]
    key_place: Tensor  # [N, C/2] what the position encoding adds to the keys
    query_place: Tensor  # [N, C/2]
    value_constant: Tensor  # [C/2]
    out: Tensor  # [C/2, C] centred
    out_constant: Tensor  # [C] centred


@dataclass(frozen=True)
class SecondLayer:
    """Layer 2; its projections take centred tokens, the gain of layer 1's norm is in them."""

    key: Tensor  # [C, C/2]
    value: Tensor  # [C, C/2]
    query: Tensor  # [C, C/2]
    key_place: Tensor  # [N, C/2]
    query_place: Tensor  # [N, C/2]
    value_constant: Tensor  # [C/2]
    out: Tensor  # [C/2, C] centred
    out_constant: Tensor  # [C] centred


@dataclass(frozen=True)
class LastLook:
    """What reads the finished image tokens: the final attention, and the first upscaling.

    `after_1` takes rows of the first update (or K0), `after_2` rows of the second.
    """

    key_after_1: Tensor  # [C, C/2]
    key_after_2: Tensor  # [C, C/2]
    key_place: Tensor  # [N, C/2]
    value_after_1: Tensor  # [C, C/2]
    value_after_2: Tensor  # [C, C/2]
    value_constant: Tensor  # [C/2]
    upscale_after_1: Tensor  # [C, C] columns ordered sub-pixel row, sub-pixel column, channel
    upscale_after_2: Tensor  # [C, C]
    upscale_constant: Tensor  # [C]


@dataclass(frozen=True)
class DensePrompt:
    """The dense prompt as a constant, which every image gets, plus a few rows of channels."""

    constant: Tensor  # [C] dense prompt when there is no mask prompt
    channels: Tensor  # [M, C] last convolution of the mask downscaling, then geodesic maps
    change: Tensor  # [C] what a mask prompt changes in the constant
    border: Tensor | None  # [BORDER_ROWS, C] of the distance from the frame's border


@dataclass(frozen=True)
class Detail:
    """What stride 4 adds to the second transposed convolution, biases of both together."""

    matrix: Tensor  # [4 C/8, D]
    bias: Tensor  # [4 C/8]


@dataclass(frozen=True)
class Folded:
    """All constants of one decoder, float64."""

    width: int  # C
    num_heads: int  # H
    head_dim: int  # d
    grid: int
    centre: Tensor  # [C, C] subtracts the mean over channels
    gain: Tensor  # [C, C] layer 1's norm gain, then centring
    epsilons: tuple[float, float]  # of the image token norms of layers 1 and 2
    dense: DensePrompt
    first: FirstLayer
    second: SecondLayer
    last: LastLook
    detail: Detail | None


def fold(sam: Sam) -> Folded:
    """Fold the decoder of `sam`.

    Raises:
        ValueError: the decoder has another depth than two.
    """
    layers = two_layers(sam)
    attention = layers[0].cross_attn_token_to_image
    width = sam.mask_decoder.iou_token.weight.shape[1]
    centre = torch.eye(width, dtype=torch.float64) - 1.0 / width
    place = double(sam.prompt_encoder.get_dense_pe())[0].flatten(1).T  # N C
    gain = double(layers[0].norm4.weight)[:, None] * centre
    return Folded(
        width=width,
        num_heads=attention.num_heads,
        head_dim=attention.internal_dim // attention.num_heads,
        grid=sam.prompt_encoder.grid,
        centre=centre,
        gain=gain,
        epsilons=(layers[0].norm4.eps, layers[1].norm4.eps),
        dense=fold_dense_prompt(sam),
        first=fold_first(layers[0], place, centre),
        second=fold_second(layers[0], layers[1], place, centre),
        last=fold_last(sam, place, gain),
        detail=fold_detail(sam),
    )


def two_layers(sam: Sam) -> tuple[TwoWayAttentionBlock, TwoWayAttentionBlock]:
    """The decoder's layers.

    Raises:
        ValueError: there are not exactly two.
    """
    layers = [x for x in sam.mask_decoder.transformer.layers if isinstance(x, TwoWayAttentionBlock)]
    if len(layers) != DECODER_DEPTH:
        raise ValueError(f"the rewriting needs {DECODER_DEPTH} decoder layers, not {len(layers)}")
    return layers[0], layers[1]


def fold_dense_prompt(sam: Sam) -> DensePrompt:
    """Split the dense prompt into constant and rows.

    With prompt maps the channels are always drawn, so that convolution's bias is always there;
    without them the mask prompt replaces the no-mask embedding.
    """
    encoder = sam.prompt_encoder
    last = convolution(encoder.mask_downscaling[-1])
    channels, bias = double(last.weight).flatten(1).T, double(last.bias)
    no_mask = double(encoder.no_mask_embed.weight)[0]
    if not encoder.prompt_maps:
        return DensePrompt(constant=no_mask, channels=channels, change=bias - no_mask, border=None)
    border = None
    if encoder.geodesic is not None:
        maps = double(encoder.geodesic.project.weight).flatten(1).T  # rows C
        border, channels = maps[:BORDER_ROWS], torch.cat([channels, maps[BORDER_ROWS:]])
    return DensePrompt(constant=bias + no_mask, channels=channels, change=-no_mask, border=border)


def fold_detail(sam: Sam) -> Detail | None:
    """The detail's transposed convolution, if the network has one."""
    conv = sam.mask_decoder.detail_upscaling
    if conv is None:
        return None
    second = convolution(sam.mask_decoder.output_upscaling[3])
    bias = double(conv.bias) + double(second.bias)
    matrix = double(conv.weight).permute(2, 3, 1, 0).flatten(0, 2)  # 4*C/8 D
    return Detail(matrix=matrix, bias=bias.repeat(4))


def fold_first(layer: TwoWayAttentionBlock, place: Tensor, centre: Tensor) -> FirstLayer:
    """Layer 1. Key biases shift all scores of a token alike and vanish in its softmax."""
    look = layer.cross_attn_token_to_image
    tell = layer.cross_attn_image_to_token
    key, value, query = weight(look.k_proj), weight(look.v_proj), weight(tell.q_proj)
    return FirstLayer(
        key=key,
        value=value,
        query=query,
        key_place=place @ key,
        query_place=place @ query + double(tell.q_proj.bias),
        value_constant=double(look.v_proj.bias),
        out=weight(tell.out_proj) @ centre,
        out_constant=double(tell.out_proj.bias) @ centre,
    )


def fold_second(
    before: TwoWayAttentionBlock, layer: TwoWayAttentionBlock, place: Tensor, centre: Tensor
) -> SecondLayer:
    """Layer 2, on tokens `scale * (K0 + A U) * gain + bias` left by the norm of layer 1."""
    look = layer.cross_attn_token_to_image
    tell = layer.cross_attn_image_to_token
    gain, bias = double(before.norm4.weight)[:, None], double(before.norm4.bias)
    key, value, query = weight(look.k_proj), weight(look.v_proj), weight(tell.q_proj)
    return SecondLayer(
        key=gain * key,
        value=gain * value,
        query=gain * query,
        key_place=place @ key,
        query_place=(place + bias) @ query + double(tell.q_proj.bias),
        value_constant=bias @ value + double(look.v_proj.bias),
        out=weight(tell.out_proj) @ centre,
        out_constant=(double(tell.out_proj.bias) + bias) @ centre,
    )


def fold_last(sam: Sam, place: Tensor, gain_1: Tensor) -> LastLook:
    """Final attention and first transposed convolution, after the norm of layer 2.

    Each sub-pixel's columns are centred, so that the mean of the LayerNorm2d behind vanishes.
    """
    look = sam.mask_decoder.transformer.final_attn_token_to_image
    norm = two_layers(sam)[1].norm4
    gain, bias = double(norm.weight)[:, None], double(norm.bias)
    key, value = weight(look.k_proj), weight(look.v_proj)
    upscale, upscale_bias = centred_subpixels(convolution(sam.mask_decoder.output_upscaling[0]))
    return LastLook(
        key_after_1=gain_1 @ (gain * key),
        key_after_2=gain * key,
        key_place=place @ key,
        value_after_1=gain_1 @ (gain * value),
        value_after_2=gain * value,
        value_constant=bias @ value + double(look.v_proj.bias),
        upscale_after_1=gain_1 @ (gain * upscale),
        upscale_after_2=gain * upscale,
        upscale_constant=bias @ upscale + upscale_bias,
    )


def centred_subpixels(conv: Convolution) -> tuple[Tensor, Tensor]:
    """A 2x2 transposed convolution of stride 2 as matrix [C, 4 C'] and bias [4 C'], centred."""
    channels = conv.out_channels
    centre = torch.eye(channels, dtype=torch.float64) - 1.0 / channels
    columns = double(conv.weight).permute(0, 2, 3, 1) @ centre  # C 2 2 C'
    return columns.flatten(1), (double(conv.bias) @ centre).repeat(4)


def convolution(module: Tensor | nn.Module) -> Convolution:
    """`module`, which is known to be a convolution."""
    if not isinstance(module, Convolution):
        raise TypeError(f"{module} is not a convolution")
    return module


def double(parameter: Tensor | None) -> Tensor:
    """A detached copy in double precision."""
    if parameter is None:
        raise TypeError("a layer without the bias the published checkpoints have")
    return parameter.detach().double()


def weight(linear: nn.Linear) -> Tensor:
    """A linear layer's matrix as [inputs, outputs]."""
    return double(linear.weight).T
