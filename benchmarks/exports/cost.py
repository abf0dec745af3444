"""What a run costs the process it runs in. Needs nothing but Python: both sides measure themselves with it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

MARK = "cost: "
KIB_PER_MB = 1000 * 1000 / 1024


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of processors (children and servers included); memory in megabytes."""

    seconds: float
    busy_seconds: float
    start_mb: float  # that the process held before
    peak_mb: float


def measured(run: Callable[[], object], server_seconds: Callable[[], float] = lambda: 0.0) -> Cost:
    """The cost of a run; `server_seconds` tells what a server has spent on this process so far."""
    start_mb = _memory("VmRSS")
    busy, began = _busy_seconds() + server_seconds(), time.perf_counter()
    run()
    return Cost(
        seconds=time.perf_counter() - began,
        busy_seconds=_busy_seconds() + server_seconds() - busy,
        start_mb=start_mb,
        peak_mb=_memory("VmHWM"),
    )


def tell(cost: Cost) -> None:
    """Prints it for the process that waits for it."""
    print(f"{MARK}{json.dumps(asdict(cost))}", flush=True)


def told(printed: str) -> Cost:
    """The cost in what a process printed."""
    [line] = [line for line in printed.splitlines() if line.startswith(MARK)]
    return Cost(**json.loads(line.removeprefix(MARK)))


def _busy_seconds() -> float:
    """User and system time of this process and of the children it has waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _memory(name: str) -> float:
    """`VmRSS` is what this process holds now, `VmHWM` the most that it ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) / KIB_PER_MB
