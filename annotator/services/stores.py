"""The file storage of this installation."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from storage import Storage, open_storage


@lru_cache(maxsize=4)
def _opened(url: str) -> Storage:
    return open_storage(url)


def file_storage() -> Storage:
    """Where images, embeddings, snapshots and bundles lie (`STORAGE_URL`)."""
    return _opened(settings.STORAGE_URL)
