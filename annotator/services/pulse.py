"""The pulses of workers: the web side's own worker gives one, pages and /readyz read them all."""

from __future__ import annotations

from typing import Any

import redis
import structlog
from celery import bootsteps
from django.conf import settings

from common.messages import EMBED_QUEUE, TRAIN_QUEUE, WEB_QUEUE
from common.pulse import KEPT_S, Pulse, pulse_key

log = structlog.get_logger("maskwright.pulse")
QUEUES = (EMBED_QUEUE, TRAIN_QUEUE, WEB_QUEUE)


class PulseStep(bootsteps.StartStopStep):
    """Tells the broker that this worker lives, and which queues it serves."""

    def start(self, worker: Any) -> None:
        queues = list(worker.app.amqp.queues.consume_from)
        self._pulse = Pulse(lambda: _beat(queues, worker.hostname))
        self._pulse.start()

    def stop(self, worker: Any) -> None:
        self._pulse.stop()


def living_workers() -> dict[str, str | None]:
    """By queue the name of a worker that was heard of in the last `KEPT_S` seconds, or None."""
    try:
        with _broker() as broker:
            names = broker.mget([pulse_key(queue) for queue in QUEUES])
    except (redis.RedisError, OSError):
        return dict.fromkeys(QUEUES)
    return {
        queue: None if name is None else name.decode(errors="replace")
        for queue, name in zip(QUEUES, names, strict=True)
    }


def _beat(queues: list[str], worker: str) -> None:
    try:
        with _broker() as broker:
            for queue in queues:
                broker.set(pulse_key(queue), worker, ex=KEPT_S)
    except (redis.RedisError, OSError) as error:
        log.warning("no pulse", reason=str(error))


def _broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
