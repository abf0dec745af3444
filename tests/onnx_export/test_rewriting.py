"""The rewritten decoder, as torch modules, against the network it was folded from."""

import pytest
import torch
from torch import Tensor

from model_server.sam.build import TINY, TINY_MAPS, SamConfig
from onnx_export.attention import norm_scale
from onnx_export.constants import fold
from onnx_export.decode import Decode
from onnx_export.prepare import Prepare
from onnx_export.prompt import PromptMaps
from tests.onnx_export.networks import COMPACT_DECODER, PUBLISHED_DECODER, lively_network

PROMPTS = {
    "one click": [1, -1],
    "a box": [2, 3],
    "a click and a box": [0, 2, 3],
    "five clicks": [1, 0, 1, 1, 0, -1],
}


def draw_prompt(config: SamConfig, labels: list[int]) -> tuple[Tensor, Tensor]:
    coords = torch.rand(1, len(labels), 2) * torch.tensor([1.0, 0.7]) * config.input_size
    if labels[-1] == 3:
        coords[:, -2:] = coords[:, -2:].sort(dim=1).values
    return coords, torch.tensor([labels], dtype=torch.float32)


@pytest.mark.parametrize(
    ("config", "prompts"),
    [
        (TINY, list(PROMPTS)),
        (TINY_MAPS, list(PROMPTS)),
        (PUBLISHED_DECODER, ["one click"]),
        (COMPACT_DECODER, ["a click and a box"]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_rewritten_decoder_gives_the_networks_logits(
    config: SamConfig, prompts: list[str]
) -> None:
    sam = lively_network(config)
    folded = fold(sam)
    embedding = torch.randn(1, config.embedding_channels, config.grid, config.grid)
    with torch.no_grad():
        prepared = Prepare(sam, folded)(embedding)
        decode = Decode(sam, folded, mask_prompt=False)
        refine = Decode(sam, folded, mask_prompt=True)
        for prompt in prompts:
            coords, marks = draw_prompt(config, PROMPTS[prompt])
            masks, iou = sam.decode_points(embedding, coords, marks, None)
            assert masks.std() > 1.0, "a test on flat logits would prove nothing"
            close(decode(prepared, coords, marks), (masks, iou))
            earlier = masks[:, 2:3]
            close(
                refine(prepared, coords, marks, earlier),
                sam.decode_points(embedding, coords, marks, earlier),
            )


def close(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-3)


def test_prompt_maps_are_drawn_as_the_prompt_encoder_draws_them() -> None:
    sam = lively_network(TINY_MAPS)
    for labels in PROMPTS.values():
        coords, marks = draw_prompt(TINY_MAPS, labels)
        found = PromptMaps(sam.prompt_encoder)(coords, marks)
        expected = sam.prompt_encoder.draw_prompt_maps(coords, marks)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_variance_rounded_below_zero_still_gives_a_scale() -> None:
    scale = norm_scale(torch.tensor([[-1e-4, 0.0, 32.0]]), width=32, epsilon=1e-5)
    assert torch.isfinite(scale).all()
    assert scale[0, 0] == scale[0, 1]


def test_a_decoder_of_another_depth_is_refused() -> None:
    sam = lively_network(TINY)
    del sam.mask_decoder.transformer.layers[1]
    with pytest.raises(ValueError, match="2 decoder layers, not 1"):
        fold(sam)
