"""Storage keys: relative paths of plain names, so that no key can leave the storage folder."""

from __future__ import annotations

import re

TEMPORARY_PREFIX = ".partial-"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}")


class BadKey(ValueError):
    """A key that is not a relative path of plain names."""


def check_key(key: str) -> str:
    """The key itself; raises `BadKey` for anything that is not letters, digits, `_ - .` and `/`."""
    if not all(_NAME.fullmatch(name) for name in key.split("/")):
        raise BadKey(f"{key!r:.200} is not a storage key")
    return key
