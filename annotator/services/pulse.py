"""The pulses of workers, as pages and /readyz read them."""

from __future__ import annotations

import redis
from django.conf import settings

from common.messages import EMBED_QUEUE, TRAIN_QUEUE, WEB_QUEUE
from common.pulse import pulse_key

QUEUES = (EMBED_QUEUE, TRAIN_QUEUE, WEB_QUEUE)


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


def _broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
