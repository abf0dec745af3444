"""How much may be written before the storage is nearly full: uploads, exports and imports stop first, saves last."""

from __future__ import annotations

import shutil
import tempfile

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from annotator.errors import StorageLow
from annotator.services.stores import file_storage


def check_room() -> None:
    """Raises `StorageLow` when little room is left."""
    free = file_storage().free_bytes()
    if free is not None and free < settings.STORAGE_RESERVE_BYTES:
        raise StorageLow("The storage is nearly full; new images are not accepted for now.")


def require_room(num_bytes: int, *, purpose: str, advice: str) -> None:
    """Raises `StorageLow` when the storage cannot take so many bytes and keep its reserve.

    An object store does not tell; there it is the room for temporary files, in which a file is written before it is
    sent.
    """
    free = file_storage().free_bytes()
    if free is None:
        free = free_for_temporary_files()
    refuse_beyond(free, num_bytes, purpose=purpose, advice=advice)


def refuse_beyond(free: int, num_bytes: int, *, purpose: str, advice: str) -> None:
    """Raises `StorageLow` with both numbers when `num_bytes` do not fit into `free` bytes without the reserve."""
    usable = max(0, free - settings.STORAGE_RESERVE_BYTES)
    if num_bytes > usable:
        text = f"{purpose} needs {_size(num_bytes)}, and {_size(usable)} can be used. {advice}"
        raise StorageLow(text)


def free_for_temporary_files() -> int:
    """Bytes on the disk of this process's temporary files."""
    return shutil.disk_usage(tempfile.gettempdir()).free


def _size(num_bytes: int) -> str:
    """As people read it, with an ordinary space."""
    return str(filesizeformat(num_bytes)).replace("\xa0", " ")
