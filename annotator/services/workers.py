"""How much waits for workers, and how much room they have."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

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


@dataclass(frozen=True)
class Room:
    """Where files lie, without credentials; `free_bytes` is None for object stores, which do not say."""

    place: str
    free_bytes: int | None

    @property
    def is_low(self) -> bool:
        """Uploads are refused; saves still go on."""
        return self.free_bytes is not None and self.free_bytes < settings.STORAGE_RESERVE_BYTES


def storage_room() -> Room:
    """The place and its room, as far as they can be told."""
    try:
        free_bytes = file_storage().free_bytes()
    except OSError:
        free_bytes = None
    return Room(place=storage_place(), free_bytes=free_bytes)


def storage_place() -> str:
    """The folder, or the store's address without what signs in to it."""
    parts = urlsplit(settings.STORAGE_URL)
    if parts.scheme in {"", "file"}:
        return parts.path
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
