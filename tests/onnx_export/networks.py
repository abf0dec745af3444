"""Small networks with lively random weights, and their graphs, for the tests of the export."""

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from model_server.sam.build import TINY, TINY_MAPS, SamConfig, build_sam
from model_server.sam.sam import Sam

# The published decoder on an encoder that takes no time.
PUBLISHED_DECODER = replace(
    TINY,
    name="published decoder",
    input_size=1024,
    embed_dim=256,
    decoder_mlp_dim=2048,
    iou_head_hidden_dim=256,
)
# The compact network's decoder: half as wide, points drawn as maps, ReLU.
COMPACT_DECODER = replace(
    TINY_MAPS,
    name="compact decoder",
    input_size=512,
    embed_dim=128,
    decoder_mlp_dim=512,
    iou_head_hidden_dim=128,
)
LIVELINESS = 3.0


def lively_network(config: SamConfig, seed: int = 5) -> Sam:
    """A network whose attention is not flat and whose logits are as large as trained ones."""
    torch.manual_seed(seed)
    sam = build_sam(config)
    with torch.no_grad():
        decoder = (*sam.prompt_encoder.parameters(), *sam.mask_decoder.parameters())
        for parameter in decoder:
            if parameter.ndim == 1 or not parameter.any():
                parameter += 0.3 * torch.randn_like(parameter)
            else:
                parameter *= LIVELINESS
    return sam.eval()


def save_network(sam: Sam, path: Path) -> Path:
    """The network's weights as a file."""
    save_file({name: t.contiguous() for name, t in sam.state_dict().items()}, path)
    return path
