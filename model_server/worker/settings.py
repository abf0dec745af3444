"""The worker's settings, from the environment alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WorkerSettings:
    """Where the broker, the files and the local copies of models are, and what computes."""

    redis_url: str
    storage_url: str
    model_cache: Path
    checkpoints: Path | None = (
        None  # the folder of published checkpoints; only registering needs it
    )
    device: str = "auto"  # "cpu", "cuda", or "auto": the GPU where there is one
    threads: int = 0  # on a CPU; 0 leaves it to the number of cores, see `num_threads`
    checkpoint_s: int = 30  # a training that is killed loses at most so much
    niceness: int = 10  # saves and pages come first where the cores are shared

    @property
    def num_threads(self) -> int:
        """How many threads compute on a CPU."""
        return self.threads or min(_usable_cores(), 8)


def read_settings(environment: Mapping[str, str] = os.environ) -> WorkerSettings:
    """Raises `SystemExit` with the name of a setting that is missing or wrong."""
    device = environment.get("MASKWRIGHT_DEVICE", "auto")
    if device not in {"auto", "cpu", "cuda"}:
        raise SystemExit(f"MASKWRIGHT_DEVICE={device!r}: write auto, cpu or cuda")
    return WorkerSettings(
        redis_url=_required(environment, "REDIS_URL"),
        storage_url=_required(environment, "STORAGE_URL"),
        model_cache=Path(environment.get("MASKWRIGHT_MODEL_CACHE") or _default_cache()),
        checkpoints=Path(folder) if (folder := environment.get("MASKWRIGHT_CHECKPOINTS")) else None,
        device=device,
        threads=_whole(environment, "MASKWRIGHT_THREADS", 0),
        checkpoint_s=_whole(environment, "MASKWRIGHT_CHECKPOINT_SECONDS", 30),
        niceness=_whole(environment, "MASKWRIGHT_NICENESS", 10),
    )


def _usable_cores() -> int:
    """Of those there are: threads that share a core wait for each other all the time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _required(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise SystemExit(f"{name} is not set: the model worker needs it")
    return environment[name]


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    word = environment.get(name) or str(default)
    if not word.isdecimal():
        raise SystemExit(f"{name}={word!r} is no whole number")
    return int(word)


def _default_cache() -> Path:
    return Path(tempfile.gettempdir()) / f"maskwright-models-{os.getuid()}"
