"""The pulse of a worker: a key in the broker that outlives the time between two beats, and no more.

It beats in a thread of its own, so that a worker in the middle of a long job still counts as alive.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import redis
from celery import bootsteps

log = logging.getLogger(__name__)
TIMEOUT_S = 5.0
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


def pulse_step(redis_url: Callable[[], str]) -> type[bootsteps.StartStopStep]:
    """The step by which a Celery worker tells that it lives, and which queues it serves."""

    class PulseStep(bootsteps.StartStopStep):
        def start(self, worker: Any) -> None:
            queues = list(worker.app.amqp.queues.consume_from)
            self._pulse = Pulse(lambda: _beat(redis_url(), queues, worker.hostname))
            self._pulse.start()

        def stop(self, worker: Any) -> None:
            self._pulse.stop()

    return PulseStep


def _beat(redis_url: str, queues: list[str], worker: str) -> None:
    try:
        with redis.Redis.from_url(
            redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        ) as broker:
            for queue in queues:
                broker.set(pulse_key(queue), worker, ex=KEPT_S)
    except (redis.RedisError, OSError) as error:
        log.warning("no pulse: %s", error)
