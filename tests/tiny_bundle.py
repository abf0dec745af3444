"""A bundle of a network that nobody trained, small enough to train in a test."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from model_server.sam.build import TINY_MAPS, SamConfig, build_sam
from onnx_export.bundle import make_bundle
from onnx_export.encoder import ENCODER_LIMIT_BYTES

TINY = SamConfig(
    name="tiny",
    encoder=TINY_MAPS.encoder,
    input_size=64,
    embed_dim=32,
    decoder_mlp_dim=32,
    decoder_heads=2,
    iou_head_hidden_dim=16,
    prompt_maps=True,
    activation="relu",
)


def make_tiny_bundle(
    folder: Path,
    *,
    seed: int,
    config: SamConfig = TINY,
    encoder_limit_bytes: int = ENCODER_LIMIT_BYTES,
) -> Path:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    weights = folder / "weights.safetensors"
    save_file(build_sam(config).state_dict(), weights)
    made = folder / "bundle"
    make_bundle(
        weights=weights,
        config=config,
        out=made,
        scores={},
        provenance={"seed": seed},
        encoder_limit_bytes=encoder_limit_bytes,
    )
    return made
