"""Lays a snapshot out as a COCO folder, which training and evaluation read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from common.replay_cases import ReplayCase
from common.snapshots import SnapshotMask
from model_server.worker.embedding import BadPicture
from storage import Storage, sha256_of_file


def write_coco_folder(
    sets: Mapping[str, Iterable[SnapshotMask]], *, storage: Storage, folder: Path
) -> None:
    """`annotations.json` and `images/`; every picture is checked, those already there are kept.

    `sets` has masks by their source, "" for none; a picture of two sources is there twice. Masks of a
    picture stand in an order of their content: ids are drawn at random, and the same masks shall train
    the same model.
    Raises `BadPicture` when storage no longer has the picture that was annotated.
    """
    images: dict[tuple[str, str], dict[str, Any]] = {}
    annotations: list[dict[str, Any]] = []
    folder.mkdir(parents=True, exist_ok=True)
    ordered = [
        (source, mask)
        for source, masks in sets.items()
        for mask in sorted(masks, key=lambda mask: (mask.image_sha256, mask.counts))
    ]
    for source, mask in ordered:
        if (source, mask.image_sha256) not in images:
            name = f"images/{PurePosixPath(mask.image_key).name}"
            fetch_picture(mask, storage=storage, folder=folder / "images")
            images[source, mask.image_sha256] = {
                "id": len(images) + 1,
                "file_name": name,
                "height": mask.height,
                "width": mask.width,
                "split": mask.split,
                "source": source,
            }
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": images[source, mask.image_sha256]["id"],
                "segmentation": {"size": [mask.height, mask.width], "counts": mask.counts},
            }
        )
    content = {"images": list(images.values()), "annotations": annotations}
    (folder / "annotations.json").write_text(json.dumps(content))


def fetch_picture(mask: SnapshotMask | ReplayCase, *, storage: Storage, folder: Path) -> None:
    """Puts the picture of a mask into a folder, unless it is there.

    Raises `BadPicture` when storage no longer has the picture that was annotated.
    """
    path = folder / PurePosixPath(mask.image_key).name
    if path.exists() and sha256_of_file(path) == mask.image_sha256:
        return
    content = storage.read_bytes(mask.image_key)
    if hashlib.sha256(content).hexdigest() != mask.image_sha256:
        raise BadPicture(f"the stored picture {mask.image_sha256} does not match its hash")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
