"""The pulse of a worker: a key in the broker that outlives the time between two beats, and no more.

It beats in a thread of its own, so that a worker in the middle of a long job still counts as alive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

BEAT_S = 10.0
KEPT_S = 35


def pulse_key(queue: str) -> str:
    """The broker's key that is there while a worker of this queue lives."""
    return f"maskwright.pulse.{queue}"


class Pulse:
    """Beats from `start` to `stop`; `beat` must live with a broker that is away."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="pulse")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns at once; a beat under way ends by itself."""
        self._stopped.set()

    def _run(self) -> None:
        self._beat()
        while not self._stopped.wait(BEAT_S):
            self._beat()
