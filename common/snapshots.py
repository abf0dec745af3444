"""The snapshot a round trains on: one JSON line per accepted mask, in a fixed order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from common.json_lines import content_key, write_lines

Split = Literal["train", "held_out"]


@dataclass(frozen=True, kw_only=True)
class SnapshotMask:
    """One accepted mask at one version. `counts` is COCO compressed RLE of `height` x `width`."""

    image_sha256: str
    image_key: str
    height: int
    width: int
    split: Split
    mask_id: str
    version: int
    counts: str


def write_snapshot(masks: Iterable[SnapshotMask]) -> bytes:
    """The lines of a snapshot; the same masks give the same bytes in whatever order they come."""
    ordered = sorted(masks, key=lambda mask: (mask.image_sha256, mask.mask_id))
    return write_lines(asdict(mask) for mask in ordered)


def read_snapshot(content: bytes) -> Iterator[SnapshotMask]:
    """The masks of a snapshot, in its order."""
    for line in content.splitlines():
        yield SnapshotMask(**json.loads(line))


def snapshot_key(content: bytes) -> str:
    """Storage key of a snapshot: its content's hash."""
    return content_key("snapshots", content)
