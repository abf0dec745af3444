"""Reading a folder of label maps: PNG files of one channel whose pixels tell which mask they belong to, 0 none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from annotator.errors import Invalid
from annotator.services.coco_file import CocoImage, FolderIndex, Stray
from annotator.services.picture_files import find_picture
from annotator.services.picture_reader import RefusedPicture, check_size
from annotator.services.sa1b_folder import MAX_FILE_BYTES
from common import rle

ONE_CHANNEL = {"1", "L", "P", "I", "I;16", "I;16B"}
Labels = NDArray[np.int64]


class LabelMapIndex(FolderIndex):
    """What the maps hold; `path` is their folder."""

    def annotations_of(self, image: CocoImage) -> Iterator[dict[str, object]]:
        """The masks of a map by number; of those that our own export names, also the ones that nothing shows of."""
        path = self.file_of(image)
        named = _named(_told(path))
        found = runs_by_label(read_label_map(path))
        nothing = np.array([image.height * image.width])
        for label in sorted(found | named):
            counts = rle.counts_of(found.get(label, nothing))
            segmentation = {"size": [image.height, image.width], "counts": counts}
            yield {"id": named.get(label, label), "segmentation": segmentation}


def has_label_maps(folder: Path, images: Path) -> bool:
    """Whether a PNG file is not itself the picture of its name."""
    for path in folder.glob("*.png"):
        name = find_picture(images, path.stem)
        if name is not None and (images / name) != path:
            return True
    return (folder / "images").is_dir() and any(folder.glob("*.png"))


def index_label_maps(folder: Path, images: Path) -> LabelMapIndex:
    """What a folder holds; a file that is no label map is a stray. Raises `Invalid` when there is none at all."""
    index = LabelMapIndex(folder)
    for path in sorted(folder.glob("*.png")):
        try:
            labels, told = read_label_map(path), _told(path)
        except (ValueError, RecursionError) as error:
            index.strays.append(Stray(path.name, "bad_map", f"It is no label map: {error}"[:300]))
            continue
        file_name = told.get("file_name") or find_picture(images, path.stem)
        if isinstance(file_name, str) and images / file_name == path:  # the map itself
            file_name = None
        num_masks = len(runs_by_label(labels) | _named(told))
        if not isinstance(file_name, str):
            text = f"There is no picture called {path.stem} in {images}."
            index.strays.append(Stray(path.name, "no_file", text, num_masks))
            continue
        height, width = labels.shape
        image = CocoImage(path.stem, file_name, file_name, width, height)
        index.images.append(image)
        index.note_file(image.id, path, num_masks)
    if not index.images:
        raise Invalid(f"{folder} holds no label map with a picture.", code="no_label_maps")
    return index


def read_label_map(path: Path) -> Labels:
    """[H, W]. Raises `ValueError` for anything but a whole PNG of one channel."""
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if picture.mode not in ONE_CHANNEL:
                raise ValueError("it has colours, not one number for each pixel")
            check_size(*picture.size)
            return np.asarray(picture).astype(np.int64)
    except (OSError, SyntaxError, Image.DecompressionBombError, RefusedPicture) as error:
        raise ValueError(str(error)) from error


def runs_by_label(labels: Labels) -> dict[int, rle.Runs]:
    """Run lengths [R] of the mask of each number but 0, of all of them in one pass over the map."""
    pixels = labels.ravel(order="F")
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    starts = np.concatenate(([0], changes))
    ends = np.concatenate((changes, [pixels.size]))
    values = pixels[starts]
    order = np.argsort(values, kind="stable")
    kinds, firsts = np.unique(values[order], return_index=True)
    groups = np.split(order, firsts[1:])
    return {
        int(kind): _runs(starts[group], ends[group], pixels.size)
        for kind, group in zip(kinds, groups, strict=True)
        if kind != 0
    }


def _runs(starts: NDArray[np.int64], ends: NDArray[np.int64], size: int) -> rle.Runs:
    edges = np.stack([starts, ends], axis=1).ravel()
    runs: rle.Runs = np.diff(np.concatenate(([0], edges, [size])))
    return runs if runs[-1] else runs[:-1]


def _told(path: Path) -> dict[str, Any]:
    """What our own export says beside a map; {} for the maps of others."""
    beside = path.with_suffix(".json")
    if not beside.exists():
        return {}
    if beside.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{beside.name} is larger than {MAX_FILE_BYTES:,} bytes")
    content = json.loads(beside.read_bytes())
    return content if isinstance(content, dict) else {}


def _named(told: dict[str, Any]) -> dict[int, str]:
    """Ids of masks by their number."""
    masks = told.get("masks")
    entries = [one for one in masks if isinstance(one, dict)] if isinstance(masks, list) else []
    return {
        one["label"]: str(one.get("mask_id")) for one in entries if type(one.get("label")) is int
    }
