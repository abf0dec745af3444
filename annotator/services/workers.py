"""How much waits for workers, and how much room they have."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.services.doorbell import num_waiting
from annotator.services.stores import file_storage
from common.messages import EMBED_QUEUE, TRAIN_QUEUE, WEB_QUEUE


@dataclass(frozen=True)
class Queue:
    """One queue of the broker; `num_waiting` is None when the broker does not answer."""

    name: str
    num_waiting: int | None


def queues() -> list[Queue]:
    return [Queue(name, num_waiting(name)) for name in (EMBED_QUEUE, TRAIN_QUEUE, WEB_QUEUE)]


def free_storage_bytes() -> int | None:
    """Room left where files lie; None for object stores, which do not say."""
    try:
        return file_storage().free_bytes()
    except OSError:
        return None
