"""Train or fine-tune the network on a COCO folder: `python -m model_server.training.train`.

The loop is the last function and reads from top to bottom.
"""

import argparse
import json
import math
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from model_server.sam.build import CONFIGS, build_sam, config_to_json, load_weights, read_config
from model_server.sam.sam import Sam, best_candidate, select_masks
from model_server.training.dataset import Augmentation, Batch, BatchDataset, read_coco_folder
from model_server.training.interaction import correction_points, first_prompts
from model_server.training.losses import MaskLoss, crossing_loss, round_loss


@dataclass(frozen=True)
class Phase:
    """A part of a run at one size of the model frame."""

    until: float  # share of the run at which the phase ends
    input_size: int  # side of the model frame
    images_per_batch: int
    masks_per_image: int
    rounds: int  # interaction rounds per mask; the paper has 11
    min_scale: float = 0.6  # large-scale jitter: longest image side relative to the frame
    max_scale: float = 2.2


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides a run. `steps` or `minutes` ends it, whichever is reached first."""

    data: str  # COCO folder: annotations.json and images/
    out: str  # folder of checkpoints, log and the final weights
    config: str = "compact"  # configuration to start from random weights
    init: str = ""  # weights.safetensors to fine-tune, with its configuration beside it
    split: str = "train"  # empty: every image of the folder
    steps: int = 1_000_000  # optimiser steps
    minutes: float = 1e9  # minutes of training, summed over resumed parts
    phases: tuple[Phase, ...] = (Phase(1.0, 256, 8, 3, 3),)
    learning_rate: float = 1e-3  # after warm-up
    warm_up_steps: int = 200
    weight_decay: float = 0.05  # of matrices only
    clip_norm: float = 1.0  # of the gradient
    ema_decay: float = 0.999  # of the averaged weights, which are the ones written
    iou_weight: float = 1.0  # of the predicted-IoU loss; 1 is the paper's
    others_share: float = 0.0  # of the mask loss that all three candidates bear, not only the best
    crossing_weight: float = 0.3  # of the loss that teaches where borders are (compact encoder)
    mask_loss: MaskLoss = "bce_dice"  # "focal_dice" is the paper's
    box_share: float = 0.3  # first prompts that are boxes; the paper has 0.5
    interior_share: float = 0.5  # points drawn deep inside a region; the paper has 0
    silent_share: float = 0.1  # later rounds without a new point; the paper has 2 of 10
    freeze_encoder: bool = False  # train prompt encoder and decoder only
    seed: int = 1
    threads: int = 2
    loaders: int = 1  # processes that prepare batches; 0 prepares them in the loop
    checkpoint_seconds: float = 120.0
    log_steps: int = 20
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    seconds: float = 0.0  # spent training, over all resumed parts

    def share(self, settings: TrainSettings) -> float:
        """Share of the run that is done, 0 to 1."""
        return min(1.0, max(self.step / settings.steps, self.seconds / (60 * settings.minutes)))


class StopSignal:
    """Becomes true when the process is asked to end."""

    def __init__(self) -> None:
        self.raised = False
        signal.signal(signal.SIGTERM, self._raise)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.raised = True


def learning_rate_at(progress: Progress, settings: TrainSettings) -> float:
    """Linear warm-up, then half a cosine down to 1 % of the rate."""
    warm = min(1.0, (progress.step + 1) / max(1, settings.warm_up_steps))
    cosine = 0.5 * (1 + math.cos(math.pi * progress.share(settings)))
    return settings.learning_rate * warm * (0.01 + 0.99 * cosine)


def make_optimizer(sam: Sam, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW without weight decay on biases, norms, tokens and other vectors."""
    trained = [p for p in sam.parameters() if p.requires_grad]
    groups = [
        {
            "params": [p for p in trained if p.ndim >= 2 and p.shape[0] > 4],
            "weight_decay": settings.weight_decay,
        },
        {"params": [p for p in trained if p.ndim < 2 or p.shape[0] <= 4], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.999))


@torch.no_grad()
def update_average(average: dict[str, Tensor], sam: Sam, decay: float, step: int) -> None:
    """Move the averaged weights towards the current ones; the decay itself warms up."""
    rate = 1 - min(decay, (1 + step) / (10 + step))
    current = sam.state_dict()
    floating = [key for key in average if average[key].is_floating_point()]
    torch._foreach_lerp_([average[k] for k in floating], [current[k] for k in floating], rate)
    for key in average.keys() - set(floating):
        average[key].copy_(current[key])


def write_atomically(path: Path, write: Any) -> None:
    """Write beside `path`, flush to disk, then rename."""
    partial = path.with_suffix(path.suffix + ".partial")
    write(partial)
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(path)


def half_precision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are stored: 16 bits, but for statistics of batch norms, which may overflow."""
    return {
        key: (t.half() if t.is_floating_point() and not is_statistic(key) else t).contiguous()
        for key, t in state.items()
    }


def is_statistic(key: str) -> bool:
    """Whether an entry is the running mean or variance of a batch norm."""
    return key.rpartition(".")[2].startswith("running_")


def train_step(
    sam: Sam,
    batch: Batch,
    phase: Phase,
    settings: TrainSettings,
    generator: torch.Generator,
) -> dict[str, float]:
    """Forward and backward passes of all rounds of one batch; returns means for the log.

    The logits passed on are detached, so each round is differentiated by itself and only the
    embedding gathers gradients over rounds.
    """
    pixels = sam.normalise(batch.pixels.float()).contiguous(memory_format=torch.channels_last)
    targets = batch.targets.flatten(0, 1)  # P 4g 4g
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = sam.image_encoder(pixels)  # B C g g
    gathered = embeddings.detach().requires_grad_()
    prompts = first_prompts(
        targets,
        phase.input_size,
        box_share=settings.box_share,
        interior_share=settings.interior_share,
        generator=generator,
    )
    previous: Tensor | None = None
    seen: dict[str, float] = {}
    for number in range(phase.rounds):
        with torch.autocast("cpu", torch.bfloat16):
            narrow = gathered.bfloat16()
            masks, iou = sam.decode(narrow, prompts.points, prompts.labels, None, previous)
        masks, iou = select_masks(masks.float(), iou.float(), several=number > 0)
        loss, reached = round_loss(
            masks,
            iou,
            targets,
            settings.mask_loss,
            iou_weight=settings.iou_weight,
            others_share=settings.others_share,
        )
        (loss / phase.rounds).backward()
        seen[f"loss_{number + 1}"] = loss.item()
        seen[f"iou_{number + 1}"] = reached[torch.arange(len(iou)), iou.argmax(1)].mean().item()
        if number == 0:
            seen["oracle_1"] = reached.amax(1).mean().item()
        previous, _ = best_candidate(masks.detach(), iou)
        silent = torch.rand((), generator=generator) < settings.silent_share
        if number + 1 < phase.rounds and not (number > 0 and silent):
            prompts = prompts.with_points(
                *correction_points(
                    previous.squeeze(1),
                    targets,
                    phase.input_size,
                    interior_share=settings.interior_share,
                    generator=generator,
                )
            )
    if embeddings.requires_grad:
        if sam.prompt_encoder.geodesic is not None and settings.crossing_weight:
            loss = crossing_loss(gathered[:, -1:], batch.targets)
            (settings.crossing_weight * loss).backward()
            seen["loss_crossing"] = loss.item()
        embeddings.backward(gathered.grad)
    return seen


def batches(
    settings: TrainSettings, phase: Phase, sam: Sam, records: list[Any], start: int
) -> Iterator[Batch]:
    """Batches number `start` and on, prepared in the background."""
    dataset = BatchDataset(
        records,
        seed=settings.seed,
        input_size=phase.input_size,
        low_res_size=sam.prompt_encoder.low_res_size,
        images_per_batch=phase.images_per_batch,
        masks_per_image=phase.masks_per_image,
        augmentation=replace(
            settings.augmentation, min_scale=phase.min_scale, max_scale=phase.max_scale
        ),
        last_batch=settings.steps,
    )
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(start, settings.steps),
        num_workers=settings.loaders,
        prefetch_factor=4 if settings.loaders else None,
    )
    return iter(loader)


def train(settings: TrainSettings, *, resume: bool = False) -> Path:
    """Run or continue a training run; returns the path of the averaged weights it wrote."""
    out = Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    stop = StopSignal()
    generator = torch.Generator().manual_seed(settings.seed)
    progress = Progress()

    init = Path(settings.init) if settings.init else None
    config = read_config(init.with_suffix(".json")) if init else CONFIGS[settings.config]
    sam = build_sam(config)
    if init:
        load_weights(sam, init)
    for parameter in sam.image_encoder.parameters():
        if parameter.ndim == 4:  # convolutions run faster so
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    sam.image_encoder.requires_grad_(not settings.freeze_encoder)
    optimizer = make_optimizer(sam, settings)
    average = {key: value.clone() for key, value in sam.state_dict().items()}

    checkpoint = out / "checkpoint.pt"
    if resume and checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        sam.load_state_dict(saved["weights"])
        average = saved["average"]
        optimizer.load_state_dict(saved["optimizer"])
        generator.set_state(saved["generator"])
        progress = Progress(**saved["progress"])

    def save() -> None:
        """Write the checkpoint, the averaged weights and their configuration."""
        content = {
            "weights": sam.state_dict(),
            "average": average,
            "optimizer": optimizer.state_dict(),
            "generator": generator.get_state(),
            "progress": asdict(progress),
        }
        write_atomically(checkpoint, lambda path: torch.save(content, path))
        stored = half_precision(average)
        write_atomically(out / "weights.safetensors", lambda path: save_file(stored, str(path)))
        described = {**config_to_json(config), "training": {**asdict(settings), **asdict(progress)}}
        text = json.dumps(described, indent=1)
        write_atomically(out / "weights.json", lambda path: path.write_text(text))

    records = read_coco_folder(Path(settings.data), settings.split or None)
    sam.train()
    if settings.freeze_encoder:
        sam.image_encoder.eval()
    log = (out / "log.jsonl").open("a", buffering=1)
    saved_at = time.monotonic()
    sums: dict[str, float] = {}

    while progress.share(settings) < 1 and not stop.raised:
        phase = next(p for p in settings.phases if progress.share(settings) < p.until)
        sam.resize_frame(phase.input_size)
        for batch in batches(settings, phase, sam, records, progress.step):
            started = time.monotonic()
            rate = learning_rate_at(progress, settings)
            for group in optimizer.param_groups:
                group["lr"] = rate
            seen = train_step(sam, batch, phase, settings, generator)
            norm = nn.utils.clip_grad_norm_(sam.parameters(), settings.clip_norm)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            update_average(average, sam, settings.ema_decay, progress.step)
            progress.step += 1
            progress.seconds += time.monotonic() - started

            for key, value in {**seen, "norm": float(norm)}.items():
                sums[key] = sums.get(key, 0.0) + value / settings.log_steps
            if progress.step % settings.log_steps == 0:
                line = {key: round(value, 4) for key, value in sums.items()}
                line |= {"step": progress.step, "minutes": round(progress.seconds / 60, 2)}
                line |= {"share": round(progress.share(settings), 4), "lr": rate}
                line |= {"input_size": phase.input_size}
                log.write(json.dumps(line) + "\n")
                sums = {}
            if time.monotonic() - saved_at > settings.checkpoint_seconds:
                save()
                saved_at = time.monotonic()
            if stop.raised or progress.share(settings) >= phase.until:
                break
    save()
    log.close()
    return out / "weights.safetensors"


def read_settings(arguments: list[str] | None) -> tuple[TrainSettings, bool]:
    """Settings from the command line; every field of `TrainSettings` that is plain has an option.

    `--phase UNTIL,SIZE,IMAGES,MASKS,ROUNDS,MIN_SCALE,MAX_SCALE` may be repeated.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    plain = [f for f in fields(TrainSettings) if f.name not in ("phases", "augmentation")]
    for setting in plain:
        option = "--" + setting.name.replace("_", "-")
        if setting.type is bool:
            parser.add_argument(option, action="store_true")
        elif setting.name in ("data", "out"):
            parser.add_argument(option, required=True)
        else:
            kind = type(setting.default)
            parser.add_argument(option, type=kind, default=setting.default)
    parser.add_argument("--phase", action="append", default=[], dest="phases")
    parser.add_argument("--resume", action="store_true")
    values = vars(parser.parse_args(arguments))
    resume, phases = values.pop("resume"), values.pop("phases")
    settings = TrainSettings(**values)
    if phases:
        settings = replace(settings, phases=tuple(parse_phase(text) for text in phases))
    return settings, resume


def parse_phase(text: str) -> Phase:
    """A phase written as UNTIL,SIZE,IMAGES,MASKS,ROUNDS,MIN_SCALE,MAX_SCALE."""
    until, size, images, masks, rounds, low, high = text.split(",")
    return Phase(
        float(until), int(size), int(images), int(masks), int(rounds), float(low), float(high)
    )


if __name__ == "__main__":
    train_settings, train_resume = read_settings(None)
    print(train(train_settings, resume=train_resume))
