"""Learning rates by step and by layer, and stochastic depth."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from model_server.sam.build import TINY, TINY_MAPS, VIT_B, VIT_T, SamConfig, build_sam
from model_server.sam.common import DropPath
from model_server.sam.compact_encoder import CompactEncoder
from model_server.training.optimisation import (
    Progress,
    encoder_layers,
    learning_rate_at,
    make_optimizer,
    rate_scales,
    set_drop_shares,
    set_learning_rate,
)
from model_server.training.settings import TrainSettings
from tests.model_server.random_weights import random_sam

PAPER = TrainSettings(
    ("set",), "out", steps=90_000, learning_rate=8e-4, warm_up_steps=250, schedule="step"
)


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 8e-4 / 250),
        (124, 4e-4),
        (249, 8e-4),
        (59_999, 8e-4),
        (60_000, 8e-5),
        (86_665, 8e-5),
        (86_666, 8e-6),
    ],
)
def test_the_step_schedule_is_the_paper_s(step: int, rate: float) -> None:
    assert math.isclose(learning_rate_at(Progress(step), PAPER), rate, rel_tol=1e-9)


def test_the_cosine_ends_at_a_hundredth() -> None:
    cosine = replace(PAPER, schedule="cosine")
    assert math.isclose(learning_rate_at(Progress(45_000), cosine), 8e-4 * 0.505)
    assert math.isclose(learning_rate_at(Progress(90_000), cosine), 8e-6)


def scales_by_name(config: SamConfig, decay: float) -> dict[str, float]:
    with torch.device("meta"):
        encoder = build_sam(config).image_encoder
    scales = rate_scales(encoder, decay)
    return {name: scales.get(p, 1.0) for name, p in encoder.named_parameters()}


def test_layers_of_vit_b_decay_as_in_beit() -> None:
    scales = scales_by_name(VIT_B, 0.6)
    for name in ("pos_embed", "patch_embed.proj.weight"):
        assert math.isclose(scales[name], 0.6**13)
    for block in range(12):
        assert math.isclose(scales[f"blocks.{block}.attn.rel_pos_h"], 0.6 ** (12 - block))
    assert scales["neck.0.weight"] == 1.0


def test_layers_of_the_compact_encoder_decay_towards_the_picture() -> None:
    scales = scales_by_name(TINY_MAPS, 0.5)
    ordered = ("stem.0.0.weight", "stage4.0.conv1.0.weight", "down8.0.0.weight")
    ordered += ("down16.0.0.weight", "down32.0.weight", "lateral32.0.weight")
    assert [scales[name] for name in ordered] == [0.5**5, 0.5**4, 0.5**3, 0.5**2, 0.5, 1.0]
    assert scales["down8.0.0.weight"] == scales["stage8.0.conv2.1.bias"]
    top_down = ("smooth8", "smooth16", "smooth4", "project", "crossing8")
    assert {v for name, v in scales.items() if name.startswith(top_down)} == {1.0}


def test_every_layer_of_mobile_sam_is_found() -> None:
    scales = scales_by_name(VIT_T, 0.9)
    assert math.isclose(scales["patch_embed.seq.0.c.weight"], 0.9**13)
    assert math.isclose(scales["layers.3.blocks.1.mlp.fc1.weight"], 0.9)
    assert (
        scales["layers.0.downsample.conv1.c.weight"] == scales["layers.0.blocks.1.conv1.c.weight"]
    )


def test_the_optimizer_s_rates_follow_the_layers() -> None:
    sam = build_sam(TINY)
    optimizer = make_optimizer(sam, replace(PAPER, layer_decay=0.5, weight_decay=0.1))
    set_learning_rate(optimizer, 1e-2)
    found = {p: (g["lr"], g["weight_decay"]) for g in optimizer.param_groups for p in g["params"]}
    assert len(found) == len(list(sam.parameters()))
    named = dict(sam.named_parameters())
    assert found[named["image_encoder.blocks.0.mlp.lin1.weight"]] == (1e-2 / 4, 0.1)
    assert found[named["image_encoder.blocks.1.norm1.bias"]] == (1e-2 / 2, 0.0)
    assert found[named["mask_decoder.iou_token.weight"]] == (1e-2, 0.0)
    assert found[named["mask_decoder.iou_prediction_head.layers.0.weight"]] == (1e-2, 0.1)


def test_drop_path_keeps_the_mean_and_drops_whole_samples() -> None:
    torch.manual_seed(0)
    path = DropPath()
    path.share = 0.5
    branch = torch.ones(4000, 3, 2)
    dropped = path(branch)
    assert {tuple(sample.flatten().tolist()) for sample in dropped} == {(0.0,) * 6, (2.0,) * 6}
    assert abs(float(dropped.mean()) - 1) < 0.1
    assert torch.equal(path.eval()(branch), branch)


@pytest.mark.parametrize("config", [TINY, TINY_MAPS, VIT_T], ids=lambda config: config.name)
def test_stochastic_depth_grows_with_the_blocks(config: SamConfig) -> None:
    with torch.device("meta"):
        sam = build_sam(config)
    keys = set(sam.state_dict())
    set_drop_shares(sam, drop_path=0.4, dropout=0.1)
    layers = encoder_layers(sam.image_encoder)
    shares = [m.share for layer in layers for m in layer.modules() if isinstance(m, DropPath)]
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] == 0.4
    assert len(shares) == len(layers) - 1
    assert {m.p for m in sam.mask_decoder.modules() if isinstance(m, nn.Dropout)} == {0.1}
    assert set(sam.state_dict()) == keys


def test_without_attention_the_last_layer_is_the_one_that_shrinks_the_map() -> None:
    config = replace(TINY_MAPS, encoder=replace(TINY_MAPS.encoder, attention_blocks=0))
    encoder = build_sam(config).image_encoder
    assert isinstance(encoder, CompactEncoder)
    assert list(encoder_layers(encoder)[-1]) == [encoder.down32]


@pytest.mark.parametrize("config", [TINY, TINY_MAPS], ids=lambda config: config.name)
def test_what_training_leaves_out_is_all_there_in_evaluation(config: SamConfig) -> None:
    sam = random_sam(config)
    pixels = torch.randn(3, 3, config.input_size, config.input_size)
    with torch.no_grad():
        before = sam.image_encoder(pixels)
        set_drop_shares(sam, drop_path=0.9, dropout=0.5)
        assert torch.equal(sam.image_encoder(pixels), before)
        for module in sam.image_encoder.modules():
            if isinstance(module, DropPath):
                module.train()
        torch.manual_seed(1)
        assert not torch.equal(sam.image_encoder(pixels), before)
