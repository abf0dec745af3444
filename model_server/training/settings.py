"""What decides a training run, and its command line."""

import argparse
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from model_server.sam.build import CONFIGS
from model_server.training.augmentation import Augmentation
from model_server.training.interaction import SilentRounds
from model_server.training.losses import IouOf, MaskLoss

Schedule = Literal["cosine", "step"]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["bf16", "fp32"]


@dataclass(frozen=True)
class Phase:
    """A part of a run at one size of the model frame."""

    until: float  # share of the run at which the phase ends
    input_size: int  # side of the model frame
    images_per_batch: int  # of each process
    masks_per_image: int
    rounds: int  # interaction rounds per mask; the paper has 11
    min_scale: float = 0.6  # large-scale jitter: longest image side relative to the frame
    max_scale: float = 2.2


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides a run. `steps` or `minutes` ends it, whichever is reached first.

    The defaults suit a small network, few images and a processor; docs/training.md has the command
    with the paper's.
    """

    data: tuple[str, ...]  # COCO folders, FOLDER or FOLDER:FACTOR (see `read_coco_folders`)
    out: str  # folder of checkpoints, log and the final weights
    config: str = "compact"  # configuration to start from random weights
    init: str = ""  # weights.safetensors to fine-tune, with its configuration beside it
    split: str = "train"  # empty: every image of the folders
    steps: int = 1_000_000  # optimiser steps
    minutes: float = 1e9  # minutes of training, summed over resumed parts
    phases: tuple[Phase, ...] = (Phase(1.0, 256, 8, 3, 3),)
    learning_rate: float = 1e-3  # after warm-up
    warm_up_steps: int = 200
    schedule: Schedule = "cosine"  # "step" is the paper's
    milestones: tuple[float, ...] = (60_000 / 90_000, 86_666 / 90_000)  # "step": shares of the run
    layer_decay: float = 1.0  # of the learning rate from a layer of the encoder to the one below
    weight_decay: float = 0.05  # of matrices only; the paper has 0.1
    clip_norm: float = 1.0  # of the gradient
    ema_decay: float = 0.999  # of the averaged weights, which are the ones written; 0: no average
    start_share: float = 0.0  # of the weights to fine-tune in those that are written
    drop_path: float = 0.0  # share of samples without the encoder's last block; less before it
    dropout: float = 0.0  # in the decoder's transformer; the paper has 0.1
    iou_weight: float = 1.0  # of the predicted-IoU loss
    iou_of: IouOf = "all"  # whose predicted IoU is supervised; "best": of the least mask loss only
    others_share: float = 0.25  # of the mask loss that all three candidates bear; the paper has 0
    crossing_weight: float = 0.3  # of the loss that teaches where borders are (compact encoder)
    mask_loss: MaskLoss = "bce_dice"  # "focal_dice" is the paper's
    box_share: float = 0.3  # first prompts that are boxes; the paper has 0.5
    interior_share: float = 0.6  # points drawn deep inside a region; the paper has 0
    silent_rounds: SilentRounds = "random"  # which later rounds add no point (see `new_points`)
    silent_share: float = 0.1  # "random": of the later rounds
    link_rounds: bool = False  # gradients flow through handed on logits; memory of all rounds
    freeze_encoder: bool = False  # train prompt encoder and decoder only
    seed: int = 1
    device: Device = "auto"  # a GPU if there is one
    precision: Precision = "bf16"  # of the products; weights and losses are always fp32
    compile: bool = False  # let torch.compile make kernels for encoder and decoder
    threads: int = 2
    loaders: int = 1  # processes that prepare batches; 0 prepares them in the loop
    checkpoint_seconds: float = 120.0
    log_steps: int = 20
    profile: bool = False  # on a GPU: wait after each part of a step, so that its time is known
    augmentation: Augmentation = field(default_factory=Augmentation)


def read_settings(arguments: list[str] | None) -> tuple[TrainSettings, bool]:
    """Settings from the command line, and whether to resume.

    Every plain field of `TrainSettings` and of `Augmentation` has an option. `--data FOLDER[:FACTOR]` and
    `--phase UNTIL,SIZE,IMAGES,MASKS,ROUNDS,MIN_SCALE,MAX_SCALE` may be repeated.
    """
    parser = argparse.ArgumentParser(description="Train or fine-tune on COCO folders.")
    parser.add_argument("--data", action="append", required=True, metavar="FOLDER[:FACTOR]")
    parser.add_argument("--out", required=True)
    parser.add_argument("--phase", action="append", default=[], dest="phases")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    special = ("data", "out", "phases", "augmentation")
    plain = [entry for entry in fields(TrainSettings) if entry.name not in special]
    jitter = [entry for entry in fields(Augmentation) if not entry.name.endswith("_scale")]
    for entry in (*plain, *jitter):
        add_option(parser, entry)
    values = vars(parser.parse_args(arguments))
    resume, phases = values.pop("resume"), values.pop("phases")
    values["data"] = tuple(values["data"])
    values["augmentation"] = Augmentation(
        **{entry.name: values.pop(entry.name) for entry in jitter}
    )
    settings = TrainSettings(**values)
    if phases:
        settings = replace(settings, phases=tuple(parse_phase(text) for text in phases))
    return settings, resume


def add_option(parser: argparse.ArgumentParser, entry: "Field[Any]") -> None:
    """The option of a field: a switch, one of its choices, numbers with commas, or one value."""
    option = "--" + entry.name.replace("_", "-")
    if entry.type is bool:
        parser.add_argument(option, action="store_true")
    elif isinstance(entry.default, tuple):
        parser.add_argument(option, type=parse_numbers, default=entry.default)
    else:
        choices = sorted(CONFIGS) if entry.name == "config" else get_args(entry.type) or None
        kind = type(entry.default)
        parser.add_argument(option, type=kind, choices=choices, default=entry.default)


def parse_numbers(text: str) -> tuple[float, ...]:
    """Numbers written with commas between them."""
    return tuple(float(part) for part in text.split(","))


def parse_phase(text: str) -> Phase:
    """A phase written as UNTIL,SIZE,IMAGES,MASKS,ROUNDS,MIN_SCALE,MAX_SCALE."""
    until, size, images, masks, rounds, low, high = text.split(",")
    return Phase(
        float(until), int(size), int(images), int(masks), int(rounds), float(low), float(high)
    )
