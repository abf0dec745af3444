"""The formats in which pictures and masks come in: which one a file or folder has, and its index."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from annotator.errors import Invalid
from annotator.services.coco_file import CocoIndex, index_coco_file
from annotator.services.export_formats.coco import COCO_NAME
from annotator.services.label_map_folder import has_label_maps, index_label_maps
from annotator.services.picture_folder import has_pictures, index_picture_folder
from annotator.services.sa1b_folder import MANIFEST, index_sa1b_folder
from annotator.services.yolo_folder import DATA_SET, LABELS, index_yolo_folder


def _index_coco(source: Path, images: Path) -> CocoIndex:
    path = source / COCO_NAME if source.is_dir() else source
    return index_coco_file(path, max_bytes=settings.MAX_COCO_BYTES)


# By the names that exports have, but for pictures alone; each takes the file or folder, and the folder of pictures.
INDEXES: dict[str, Callable[[Path, Path], CocoIndex]] = {
    "coco": _index_coco,
    "sa1b": lambda source, images: index_sa1b_folder(source),
    "labels": index_label_maps,
    "yolo": index_yolo_folder,
    "pictures": lambda source, images: index_picture_folder(source),
}


def format_of(source: Path) -> str:
    """One of INDEXES: what our own manifest says, else by the files. Raises `Invalid` when nothing fits."""
    if not source.exists():
        raise Invalid(f"There is no file {source}.", code="no_file")
    if not source.is_dir() or (source / COCO_NAME).exists():
        return "coco"
    if (told := _told_format(source / MANIFEST)) is not None:
        return told
    if (source / DATA_SET).exists() or (source / LABELS).is_dir():
        return "yolo"
    if any(source.glob("*.json")):
        return "sa1b"
    if has_label_maps(source, pictures_of(source, "labels")):
        return "labels"
    if has_pictures(source):
        return "pictures"
    text = f"{source} holds no {COCO_NAME}, nothing of SA-1B, YOLO or label maps, and no picture."
    raise Invalid(text, code="unknown_format")


def pictures_of(source: Path, format: str) -> Path:
    """Where pictures are looked for when nobody says: beside the masks, but for maps that may have their names."""
    folder = source if source.is_dir() else source.parent
    below = folder / "images"
    return below if format == "labels" and below.is_dir() else folder


def _told_format(manifest: Path) -> str | None:
    try:
        told = json.loads(manifest.read_bytes()).get("format")
    except (OSError, ValueError, AttributeError):
        return None
    return told if told in INDEXES else None
