"""What a run tells while it goes: means of losses, throughput, and where the time went."""

import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model_server.training.processes import Processes


class Stopwatch:
    """Splits time among the parts of a step.

    A GPU works on while the program runs ahead, so parts are only known when `synchronised`.
    """

    def __init__(self, device: torch.device, *, synchronised: bool) -> None:
        self.device = device
        self.synchronised = synchronised and device.type == "cuda"
        self.knows_parts = device.type == "cpu" or self.synchronised
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self.seconds: dict[str, float] = {}
        self.started = self.last = time.monotonic()

    def lap(self, part: str) -> None:
        """What passed since the last lap was spent on `part`."""
        if self.synchronised:
            torch.cuda.synchronize(self.device)
        now = time.monotonic()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self.last
        self.last = now

    def total(self) -> float:
        """Seconds since the start or restart."""
        return time.monotonic() - self.started

    def shares(self) -> dict[str, float]:
        """Share of the time for each part; empty where it is not known."""
        total = max(self.total(), 1e-9)
        known = self.seconds if self.knows_parts else {}
        return {part: round(spent / total, 3) for part, spent in known.items()}


class TrainingLog:
    """`log.jsonl`: a line for every `log_steps` steps, with means over them and over processes."""

    def __init__(self, path: Path, processes: Processes, watch: Stopwatch) -> None:
        self.path = path
        self.processes = processes
        self.watch = watch
        self.sums: dict[str, Tensor] = {}
        self.num_steps = self.num_images = self.num_masks = 0

    def forget_after(self, step: int) -> None:
        """Drop lines of steps that a killed run took after its last checkpoint: they come again."""
        if self.processes.writes and self.path.exists():
            lines = [line for line in self.path.read_text().splitlines() if is_until(line, step)]
            self.path.write_text("".join(f"{line}\n" for line in lines))

    def note(self, seen: dict[str, Tensor], *, images: int, masks: int) -> None:
        """Add what one step saw; scalars on any device."""
        for key, value in seen.items():
            self.sums[key] = self.sums.get(key, torch.zeros_like(value)) + value
        self.num_steps += 1
        self.num_images += images * self.processes.count
        self.num_masks += masks * self.processes.count

    def write(self, facts: dict[str, Any]) -> None:
        """Write a line with the means since the last one, and start new ones."""
        sums = self.processes.mean(torch.stack(list(self.sums.values())))
        means = (sums / self.num_steps).tolist()
        line = {key: round(mean, 4) for key, mean in zip(self.sums, means, strict=True)} | facts
        seconds = self.watch.total()
        line |= {
            "images_per_s": round(self.num_images / seconds, 2),
            "masks_per_s": round(self.num_masks / seconds, 2),
            "time": self.watch.shares(),
        }
        if self.processes.writes:
            with self.path.open("a") as stream:
                stream.write(json.dumps(line) + "\n")
        self.sums = {}
        self.num_steps = self.num_images = self.num_masks = 0
        self.watch.restart()


def is_until(line: str, step: int) -> bool:
    """Whether a line of the log is whole and of a step up to `step`."""
    try:
        return int(json.loads(line)["step"]) <= step
    except ValueError:
        return False
