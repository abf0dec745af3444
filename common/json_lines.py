"""Files of one JSON object a line, named by their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any


def write_lines(entries: Iterable[dict[str, Any]]) -> bytes:
    """A line for each entry, in their order; equal entries give equal bytes."""
    lines = (json.dumps(entry, sort_keys=True, separators=(",", ":")) for entry in entries)
    return "".join(f"{line}\n" for line in lines).encode()


def read_whole_lines(content: bytes) -> list[dict[str, Any]]:
    """The entries of a file that another process may be writing: what follows the last newline is left out."""
    return [json.loads(line) for line in content.split(b"\n")[:-1]]


def content_key(folder: str, content: bytes) -> str:
    """Storage key of such a file: its content's hash."""
    return f"{folder}/{hashlib.sha256(content).hexdigest()}.jsonl"
