"""The published networks whose checkpoints can be registered."""

from __future__ import annotations

ARCHITECTURES = {
    "vit_b": "SAM ViT-B",
    "vit_l": "SAM ViT-L",
    "vit_h": "SAM ViT-H",
    "vit_t": "MobileSAM",
}
_MARKS = {"vit_b": "vit_b", "vit_l": "vit_l", "vit_h": "vit_h", "mobile_sam": "vit_t"}


def guess_architecture(file_name: str) -> str | None:
    """What a checkpoint is by the name it is published under; None when that tells nothing."""
    name = file_name.lower()
    return next((known for mark, known in _MARKS.items() if mark in name), None)
