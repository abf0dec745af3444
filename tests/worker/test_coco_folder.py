"""A snapshot as a COCO folder: the same masks give the same file, whatever their ids."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from common.snapshots import SnapshotMask
from model_server.worker.coco_folder import write_coco_folder
from storage import open_storage

PICTURE = b"pixels"
COUNTS = ("PPYo0", "2ZXo0", "0l1")


def annotations(folder: Path, ids: tuple[str, ...]) -> bytes:
    """The file written for three masks of one picture that got these ids."""
    storage = open_storage((folder / "storage").as_uri())
    storage.put_bytes("images/a.png", PICTURE)
    masks = [
        SnapshotMask(
            image_sha256=hashlib.sha256(PICTURE).hexdigest(),
            image_key="images/a.png",
            height=4,
            width=9,
            split="train",
            mask_id=mask_id,
            version=1,
            counts=counts,
        )
        for mask_id, counts in zip(ids, COUNTS, strict=True)
    ]
    by_id = sorted(masks, key=lambda mask: mask.mask_id)
    write_coco_folder({"": by_id}, storage=storage, folder=folder / "coco")
    return (folder / "coco" / "annotations.json").read_bytes()


def test_the_ids_of_masks_do_not_change_what_is_trained_on(tmp_path: Path) -> None:
    one = annotations(tmp_path / "one", ("a", "b", "c"))
    other = annotations(tmp_path / "other", ("c", "a", "b"))
    assert one == other
    written = [each["segmentation"]["counts"] for each in json.loads(one)["annotations"]]
    assert sorted(written) == sorted(COUNTS)
