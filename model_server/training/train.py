"""Train or fine-tune the network on COCO folders: `python -m model_server.training.train`.

The page reads from top to bottom; docs/training.md says how to use it.
"""

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import torch
from torch import nn
from torch.utils.data import DataLoader

from model_server.sam.build import CONFIGS, SamConfig, build_sam, load_weights, read_config
from model_server.sam.sam import Sam
from model_server.training.checkpoints import Checkpoints
from model_server.training.dataset import Batch, BatchDataset, ImageRecord, read_coco_folders
from model_server.training.draws import Draws, mixed_seed
from model_server.training.log import Stopwatch, TrainingLog
from model_server.training.optimisation import (
    Progress,
    learning_rate_at,
    make_optimizer,
    set_drop_shares,
    set_learning_rate,
    update_average,
)
from model_server.training.processes import Processes, choose_device, joined_processes
from model_server.training.rounds import train_step
from model_server.training.settings import Phase, TrainSettings, read_settings


def train(
    settings: TrainSettings, *, resume: bool = False, processes: Processes | None = None
) -> Path:
    """Run or continue a training run; returns the path of the averaged weights it wrote.

    Steps are exact: killed at any time and resumed on the same machine, a run that ends by steps
    comes to the same weights to the bit.
    """
    processes = processes or Processes(choose_device(settings.device))
    out = Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(settings.threads)
    stop = StopSignal()

    config = starting_config(settings)
    sam = make_network(settings, config, processes.device)
    optimizer = make_optimizer(sam, settings)
    average = copy_of(sam)
    files = Checkpoints(out, copy_of(sam))
    progress = files.restore(sam, average, optimizer) if resume else Progress()
    records = read_coco_folders(settings.data, settings.split or None)
    watch = Stopwatch(processes.device, synchronised=settings.profile)
    log = TrainingLog(out / "log.jsonl", processes, watch)
    log.forget_after(progress.step)
    saved_at = time.monotonic()

    stopped = False
    while progress.share(settings) < 1 and not stopped:
        phase = next(p for p in settings.phases if progress.share(settings) < p.until)
        sam.resize_frame(phase.input_size)
        for batch in batches(settings, phase, sam, records, progress.step, processes):
            watch.lap("data")
            started = time.monotonic()
            draws = step_draws(settings.seed, progress.step, processes)
            seen = train_step(sam, batch.to(processes.device), phase, settings, draws, watch)
            processes.average_gradients(sam)
            processes.average_statistics(sam.image_encoder)
            watch.lap("processes")
            rate = learning_rate_at(progress, settings)
            set_learning_rate(optimizer, rate)
            seen["norm"] = nn.utils.clip_grad_norm_(sam.parameters(), settings.clip_norm)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            update_average(average, sam, settings.ema_decay, progress.step)
            watch.lap("optimiser")

            progress.step += 1
            seconds = progress.seconds + time.monotonic() - started
            progress.seconds, raised = processes.agree(seconds, stop.raised)
            stopped = bool(raised)
            log.note(seen, images=len(batch.pixels), masks=batch.targets[..., 0, 0].numel())
            if progress.step % settings.log_steps == 0:
                facts = {"step": progress.step, "minutes": round(progress.seconds / 60, 2)}
                facts |= {"share": round(progress.share(settings), 4), "lr": rate}
                log.write(facts | {"input_size": phase.input_size})
            due = time.monotonic() - saved_at > settings.checkpoint_seconds
            if processes.writes and due:
                files.save(sam, average, optimizer, progress, config, settings)
                saved_at = time.monotonic()
                watch.lap("files")
            if stopped or progress.share(settings) >= phase.until:
                break
    if processes.writes:
        files.save(sam, average, optimizer, progress, config, settings)
    return files.weights


def copy_of(sam: Sam) -> dict[str, torch.Tensor]:
    """The weights as they are now."""
    return {key: value.clone() for key, value in sam.state_dict().items()}


class StopSignal:
    """Becomes true when the process is asked to end."""

    def __init__(self) -> None:
        self.raised = False
        signal.signal(signal.SIGTERM, self._raise)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.raised = True


def starting_config(settings: TrainSettings) -> SamConfig:
    """That of the weights to fine-tune, or the named one."""
    if settings.init:
        return read_config(Path(settings.init).with_suffix(".json"))
    return CONFIGS[settings.config]


def make_network(settings: TrainSettings, config: SamConfig, device: torch.device) -> Sam:
    """The network a run starts from, ready to be trained on a device."""
    torch.manual_seed(settings.seed)
    sam = build_sam(config)
    if settings.init:
        load_weights(sam, Path(settings.init))
    sam = sam.to(device).train()
    for parameter in sam.image_encoder.parameters():
        if parameter.ndim == 4:  # convolutions run faster so
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    set_drop_shares(sam, drop_path=settings.drop_path, dropout=settings.dropout)
    if settings.freeze_encoder:
        sam.image_encoder.requires_grad_(False).eval()
    if settings.compile:
        sam.image_encoder.compile()
        sam.mask_decoder.compile(dynamic=True)  # rounds differ in the number of tokens
    return sam


def batches(
    settings: TrainSettings,
    phase: Phase,
    sam: Sam,
    records: list[ImageRecord],
    start: int,
    processes: Processes,
) -> Iterator[Batch]:
    """Batches number `start` and on, prepared in the background; each process has its own images."""
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
        first_image=processes.rank * phase.images_per_batch,
    )
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(start, settings.steps),
        num_workers=settings.loaders,
        prefetch_factor=4 if settings.loaders else None,
    )
    return iter(loader)


def step_draws(seed: int, step: int, processes: Processes) -> Draws:
    """Random numbers of a step: the clicks' own, and torch's for drop path and dropout."""
    torch.manual_seed(mixed_seed(seed, step, processes.rank))
    return Draws(seed, step, rank=processes.rank, num_processes=processes.count)


def main() -> None:
    """The command."""
    settings, resume = read_settings(None)
    with joined_processes(settings.device) as processes:
        print(train(settings, resume=resume, processes=processes))


if __name__ == "__main__":
    main()
