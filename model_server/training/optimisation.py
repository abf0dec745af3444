"""AdamW with layer-wise learning rates, its schedules, averaged weights, and what is left out at random."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model_server.sam.common import DropPath
from model_server.sam.compact_encoder import CompactEncoder
from model_server.sam.image_encoder import ImageEncoderViT
from model_server.sam.sam import Sam
from model_server.sam.tiny_encoder import TinyViT
from model_server.training.settings import TrainSettings

STEP_FACTOR = 0.1  # of the learning rate at each milestone
FINAL_RATE = 0.01  # of the learning rate, where the cosine ends


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    seconds: float = 0.0  # spent training, over all resumed parts

    def share(self, settings: TrainSettings) -> float:
        """Share of the run that is done, 0 to 1."""
        return min(1.0, max(self.step / settings.steps, self.seconds / (60 * settings.minutes)))


def learning_rate_at(progress: Progress, settings: TrainSettings) -> float:
    """Linear warm-up, then half a cosine down to 1 %, or a tenth from each milestone on."""
    warm = min(1.0, (progress.step + 1) / max(1, settings.warm_up_steps))
    share = progress.share(settings)
    if settings.schedule == "step":
        passed = sum(share >= milestone for milestone in settings.milestones)
        return settings.learning_rate * warm * STEP_FACTOR**passed
    cosine = 0.5 * (1 + math.cos(math.pi * share))
    return settings.learning_rate * warm * (FINAL_RATE + (1 - FINAL_RATE) * cosine)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group its part of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("rate_scale", 1.0)  # older checkpoints have none


def make_optimizer(sam: Sam, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW without weight decay on biases, norms, tokens and other vectors."""
    scales = rate_scales(sam.image_encoder, settings.layer_decay)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {(1.0, True): [], (1.0, False): []}
    for parameter in sam.parameters():
        if parameter.requires_grad:
            decays = parameter.ndim >= 2 and parameter.shape[0] > 4
            key = (scales.get(parameter, 1.0), decays)
            groups.setdefault(key, []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": settings.weight_decay if decays else 0.0,
                "rate_scale": scale,
            }
            for (scale, decays), parameters in groups.items()
        ],
        lr=settings.learning_rate,
        betas=(0.9, 0.999),
    )


def encoder_layers(encoder: nn.Module) -> list[nn.ModuleList]:
    """The parts of an encoder that a picture passes one after the other, up to the neck.

    The first is the patch embedding or stem. A layer that shrinks the map goes with the next block
    (TinyViT: with the block before it). What no part holds is the neck.

    Raises:
        TypeError: an unknown encoder.
    """
    if isinstance(encoder, ImageEncoderViT):
        parts: list[list[nn.Module]] = [[encoder.patch_embed], *([b] for b in encoder.blocks)]
    elif isinstance(encoder, TinyViT):
        parts = [[encoder.patch_embed]]
        for stage in encoder.layers:
            parts += [[block] for block in stage.get_submodule("blocks").children()]
            parts[-1] += [module for name, module in stage.named_children() if name != "blocks"]
    elif isinstance(encoder, CompactEncoder):
        parts = [[encoder.stem], *([block] for block in encoder.stage4)]
        downs = (encoder.down8, encoder.down16, encoder.down32)
        stages = (encoder.stage8, encoder.stage16, encoder.stage32)
        for down, stage in zip(downs, stages, strict=True):
            blocks = list(stage.children())
            parts += [[down, *blocks[:1]], *([block] for block in blocks[1:])]
    else:
        raise TypeError(f"no layers are known of {type(encoder).__name__}")
    return [nn.ModuleList(part) for part in parts]


def rate_scales(encoder: nn.Module, decay: float) -> dict[nn.Parameter, float]:
    """Part of the learning rate for each parameter before the neck (BEiT): decay^(L + 1 - layer).

    The patch embedding, with the position table, is layer 0, the L blocks are 1 to L; the neck and
    everything behind it learns at the full rate.
    """
    if decay == 1:
        return {}
    layers = encoder_layers(encoder)
    scales = {
        parameter: decay ** (len(layers) - number)
        for number, layer in enumerate(layers)
        for parameter in layer.parameters()
    }
    if isinstance(encoder, ImageEncoderViT):
        scales[encoder.pos_embed] = decay ** len(layers)
    return scales


def set_drop_shares(sam: Sam, *, drop_path: float, dropout: float) -> None:
    """Stochastic depth of the encoder, rising from 0 to `drop_path` over its blocks, and dropout."""
    paths = [
        [module for module in layer.modules() if isinstance(module, DropPath)]
        for layer in encoder_layers(sam.image_encoder)[1:]
    ]
    for number, path in enumerate(paths):
        for module in path:
            module.share = drop_path * (number / max(1, len(paths) - 1))
    for part in sam.mask_decoder.transformer.modules():
        if isinstance(part, nn.Dropout):
            part.p = dropout


@torch.no_grad()
def blended(
    average: dict[str, Tensor], start: dict[str, Tensor], start_share: float
) -> dict[str, Tensor]:
    """What lies between two sets of weights: fine-tuning that keeps what the earlier ones knew.

    Wortsman et al., "Robust fine-tuning of zero-shot models", 2022.
    """
    return {
        key: torch.lerp(value, start[key], start_share) if value.is_floating_point() else value
        for key, value in average.items()
    }


@torch.no_grad()
def update_average(average: dict[str, Tensor], sam: Sam, decay: float, step: int) -> None:
    """Move the averaged weights towards the current ones; the decay itself warms up."""
    rate = 1 - min(decay, (1 + step) / (10 + step))
    current = sam.state_dict()
    floating = [key for key in average if average[key].is_floating_point()]
    torch._foreach_lerp_([average[k] for k in floating], [current[k] for k in floating], rate)
    for key in average.keys() - set(floating):
        average[key].copy_(current[key])
