"""Reading a folder with a JSON file for each image, as SA-1B comes: only one of them is held at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annotator.errors import Invalid
from annotator.services.coco_file import CocoImage, FolderIndex, Id, Stray, add_image

MANIFEST = "manifest.json"  # of our own export
MAX_FILE_BYTES = 64 << 20


class Sa1bIndex(FolderIndex):
    """What the files hold; `path` is their folder."""

    def annotations_of(self, image: CocoImage) -> Iterator[dict[str, object]]:
        """The annotations of an image, in the order of its file."""
        for entry in read_file(self.file_of(image))["annotations"]:
            yield entry if isinstance(entry, dict) else {}


def index_sa1b_folder(folder: Path) -> Sa1bIndex:
    """What a folder holds; a file that is none of SA-1B is a stray. Raises `Invalid` when there is none at all."""
    index = Sa1bIndex(folder)
    known: set[Id] = set()
    for path in sorted(folder.glob("*.json")):
        if path.name != MANIFEST:
            _add_file(index, path, known)
    if not index.images:
        text = f"{folder} holds no annotations.json and no file of SA-1B."
        raise Invalid(text, code="not_sa1b")
    return index


def read_file(path: Path) -> dict[str, Any]:
    """One file. Raises `ValueError` when it is none of SA-1B."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"larger than {MAX_FILE_BYTES:,} bytes")
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict) or not isinstance(content.get("image"), dict):
        raise ValueError("it has no image")
    if not isinstance(content.get("annotations"), list):
        raise ValueError("it has no annotations")
    return content


def _add_file(index: Sa1bIndex, path: Path, known: set[Id]) -> None:
    try:
        content = read_file(path)
    except (ValueError, RecursionError) as error:
        text = f"It is no file of SA-1B: {error}"[:300]
        index.strays.append(Stray(path.name, "bad_image", text))
        return
    image, annotations = content["image"], content["annotations"]
    before = len(index.images)
    add_image(index, {**image, "id": image.get("image_id")}, path.name, known)
    if len(index.images) > before:
        index.note_file(index.images[-1].id, path, len(annotations))
