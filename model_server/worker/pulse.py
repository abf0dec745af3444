"""The pulse of a model worker."""

from __future__ import annotations

import logging
from typing import Any

import redis
from celery import bootsteps

from common.pulse import KEPT_S, Pulse, pulse_key
from model_server.worker.settings import read_settings

log = logging.getLogger(__name__)


class PulseStep(bootsteps.StartStopStep):
    """Tells the broker that this worker lives, and which queues it serves."""

    def start(self, worker: Any) -> None:
        queues = list(worker.app.amqp.queues.consume_from)
        self._pulse = Pulse(lambda: _beat(queues, worker.hostname))
        self._pulse.start()

    def stop(self, worker: Any) -> None:
        self._pulse.stop()


def _beat(queues: list[str], worker: str) -> None:
    url = read_settings().redis_url
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as broker:
            for queue in queues:
                broker.set(pulse_key(queue), worker, ex=KEPT_S)
    except (redis.RedisError, OSError) as error:
        log.warning("no pulse: %s", error)
