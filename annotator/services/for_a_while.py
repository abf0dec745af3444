"""Background work in small pieces: a tick gives each kind a second or a few."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

SECONDS_PER_TICK = 1.0

T = TypeVar("T")


def for_a_while(act: Callable[[T], object], due: Iterable[T], *, seconds: float) -> int:
    """Does the first of what is due, and more of it until so many seconds are over; returns how many."""
    until = time.monotonic() + seconds
    num_done = 0
    for one in due:
        act(one)
        num_done += 1
        if time.monotonic() > until:
            break
    return num_done
