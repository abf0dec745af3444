"""Which workers answer, and how much waits for them."""

from __future__ import annotations

from dataclasses import dataclass

from celery import current_app
from kombu.exceptions import OperationalError

from annotator.services.doorbell import num_waiting
from annotator.services.stores import file_storage
from common.messages import EMBED_QUEUE, TRAIN_QUEUE, WEB_QUEUE

PATIENCE_S = 0.6


@dataclass(frozen=True)
class Queue:
    """One queue of the broker; `num_waiting` is None when the broker does not answer."""

    name: str
    num_waiting: int | None


def queues() -> list[Queue]:
    return [Queue(name, num_waiting(name)) for name in (EMBED_QUEUE, TRAIN_QUEUE, WEB_QUEUE)]


def answering_workers() -> list[str]:
    """Names of the workers that answered within `PATIENCE_S`; a busy one may be missing."""
    try:
        replies = current_app.control.ping(timeout=PATIENCE_S)
    except (OperationalError, OSError):
        return []
    return sorted(name for reply in replies for name in reply)


def free_storage_bytes() -> int | None:
    """Room left where files lie; None for object stores, which do not say."""
    try:
        return file_storage().free_bytes()
    except OSError:
        return None
