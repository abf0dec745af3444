"""The broker as a doorbell: ringing, and counting the rings that nobody answered yet.

A broker that is away costs time only: every caller lives with a ring that was lost.
"""

from __future__ import annotations

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError  # a broker that is full or read-only says so by these

log = structlog.get_logger("maskwright.doorbell")
RETRY_ONCE = {"max_retries": 1, "interval_start": 0.05, "interval_max": 0.05}


def ring(*, task: str, queue: str, payload: dict[str, object]) -> bool:
    """Sends a task by name; False when the broker could not take it."""
    try:
        current_app.send_task(
            task, args=[payload], queue=queue, retry=True, retry_policy=RETRY_ONCE
        )
    except (OperationalError, RedisError, OSError) as error:
        log.warning("doorbell lost", task=task, reason=str(error))
        return False
    return True


def num_waiting(queue: str) -> int | None:
    """Messages that no worker has taken; None when the broker does not answer."""
    with current_app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=3)
            return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            return 0  # nobody has used the queue yet
        except (OperationalError, OSError, *connection.connection_errors) as error:
            log.warning("broker away", queue=queue, reason=str(error))
            return None
