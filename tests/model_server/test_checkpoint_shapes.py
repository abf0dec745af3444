"""The network has the entries and parameters of the published checkpoints."""

import pytest
import torch
from torch import nn

from model_server.sam.build import CONFIGS, build_sam, config_from_json, config_to_json


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "entries", "encoder_entries", "encoder_parameters", "parameters"),
    [
        ("vit_b", 314, 177, 89_670_912, 93_735_472),
        ("vit_l", 482, 345, 308_278_272, 312_342_832),
        ("vit_h", 594, 457, 637_026_048, 641_090_608),
        ("vit_t", 439, 302, 6_065_532, 10_130_092),
    ],
)
def test_a_published_model_has_the_published_entries_and_parameters(
    name: str, entries: int, encoder_entries: int, encoder_parameters: int, parameters: int
) -> None:
    with torch.device("meta"):
        sam = build_sam(CONFIGS[name])
    assert len(sam.state_dict()) == entries
    assert len(sam.image_encoder.state_dict()) == encoder_entries
    assert num_parameters(sam.image_encoder) == encoder_parameters
    assert num_parameters(sam) == parameters


def test_prompt_encoder_and_decoder_have_the_published_entries() -> None:
    with torch.device("meta"):
        sam = build_sam(CONFIGS["vit_b"])
    assert len(sam.prompt_encoder.state_dict()) == 17
    assert num_parameters(sam.prompt_encoder) == 6_220
    assert len(sam.mask_decoder.state_dict()) == 120
    assert num_parameters(sam.mask_decoder) == 4_058_340


def test_some_published_shapes() -> None:
    with torch.device("meta"):
        base = build_sam(CONFIGS["vit_b"]).state_dict()
        mobile = build_sam(CONFIGS["vit_t"]).state_dict()
    assert base["image_encoder.pos_embed"].shape == (1, 64, 64, 768)
    assert base["image_encoder.blocks.0.attn.rel_pos_h"].shape == (27, 64)
    assert base["image_encoder.blocks.2.attn.rel_pos_w"].shape == (127, 64)
    assert base["prompt_encoder.mask_downscaling.3.weight"].shape == (16, 4, 2, 2)
    assert base["mask_decoder.output_upscaling.0.weight"].shape == (256, 64, 2, 2)
    assert base["mask_decoder.iou_prediction_head.layers.2.weight"].shape == (4, 256)
    assert mobile["image_encoder.layers.2.blocks.0.attn.attention_biases"].shape == (5, 196)
    assert mobile["image_encoder.layers.0.blocks.0.conv2.c.weight"].shape == (256, 1, 3, 3)
    assert mobile["image_encoder.layers.2.downsample.conv1.c.weight"].shape == (320, 160, 1, 1)
    assert mobile["image_encoder.neck.0.weight"].shape == (256, 320, 1, 1)


def test_the_compact_model_stays_below_ten_million_parameters() -> None:
    with torch.device("meta"):
        assert num_parameters(build_sam(CONFIGS["compact"])) < 10_000_000


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_a_configuration_survives_json(name: str) -> None:
    assert config_from_json(config_to_json(CONFIGS[name])) == CONFIGS[name]
