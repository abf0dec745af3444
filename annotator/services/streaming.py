"""Files in blocks, read beside the event loop: under ASGI a synchronous iterator is read whole into memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO

BLOCK_BYTES = 1 << 18


async def file_blocks(file: BinaryIO) -> AsyncIterator[bytes]:
    """The rest of an open file in blocks; closes it at the end, also when the reader goes away."""
    try:
        while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
            yield block
    finally:
        file.close()
