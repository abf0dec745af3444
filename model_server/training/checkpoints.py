"""The files of a run: a checkpoint to resume from, averaged weights to use, their configuration."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from model_server.sam.build import SamConfig, config_to_json
from model_server.sam.sam import Sam
from model_server.training.optimisation import Progress, blended
from model_server.training.settings import TrainSettings


class Checkpoints:
    """Writes and reads the files of one run in its folder; `start` are the weights it began with.

    A checkpoint needs no state of random numbers: all of a step are a function of seed and step.
    """

    def __init__(self, folder: Path, start: dict[str, Tensor]) -> None:
        self.start = start
        self.latest = folder / "checkpoint.pt"
        self.weights = folder / "weights.safetensors"

    def save(
        self,
        sam: Sam,
        average: dict[str, Tensor],
        optimizer: torch.optim.Optimizer,
        progress: Progress,
        config: SamConfig,
        settings: TrainSettings,
    ) -> None:
        """Write the checkpoint, the averaged weights with their share of `start`, and their configuration."""
        content = {
            "weights": sam.state_dict(),
            "average": average,
            "optimizer": optimizer.state_dict(),
            "progress": asdict(progress),
        }
        write_atomically(self.latest, lambda path: torch.save(content, path))
        stored = half_precision(blended(average, self.start, settings.start_share))
        write_atomically(self.weights, lambda path: save_file(stored, str(path)))
        described = {**config_to_json(config), "training": {**asdict(settings), **asdict(progress)}}
        text = json.dumps(described, indent=1)
        write_atomically(self.weights.with_suffix(".json"), lambda path: path.write_text(text))

    def restore(
        self, sam: Sam, average: dict[str, Tensor], optimizer: torch.optim.Optimizer
    ) -> Progress:
        """Fill `sam`, `average` and `optimizer` from the checkpoint; without one a run begins."""
        if not self.latest.exists():
            return Progress()
        saved = torch.load(self.latest, map_location="cpu", weights_only=True)
        sam.load_state_dict(saved["weights"])
        for key, value in saved["average"].items():
            average[key].copy_(value)
        optimizer.load_state_dict(saved["optimizer"])
        return Progress(**saved["progress"])


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
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
