"""A COCO folder on this machine: `annotations.json`, the pictures beside it, their reference masks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.rle import counts_of
from common.segmentation import BadSegmentation, read_segmentation


@dataclass(frozen=True)
class CocoPicture:
    """One picture of a COCO folder with its reference masks; sizes in pixels."""

    path: Path
    width: int
    height: int
    source: str  # the part of the data set it comes from, "" when not told
    counts: tuple[str, ...]  # canonical compressed RLE of each mask, in the file's order


def read_coco_folder(folder: Path, split: str | None) -> list[CocoPicture]:
    """Pictures of `folder/annotations.json` that have masks, of one `split` or (None) all.

    The folder may also be a COCO file of another name. Pictures are looked for beside the file and
    in `images` below. Crowds and annotations without a shape are left out.

    Raises:
        FileNotFoundError: the file or a picture is missing.
        BadSegmentation: a mask that is none.
    """
    file = folder if folder.suffix == ".json" else folder / "annotations.json"
    coco = json.loads(file.read_text(encoding="utf-8"))
    annotations: dict[int, list[dict[str, Any]]] = {}
    for annotation in coco["annotations"]:
        if annotation["segmentation"] and not annotation.get("iscrowd"):
            annotations.setdefault(annotation["image_id"], []).append(annotation)
    return [
        CocoPicture(
            path=picture_path(file.parent, image["file_name"]),
            width=image["width"],
            height=image["height"],
            source=image.get("source", ""),
            counts=tuple(_counts(annotation, image) for annotation in annotations[image["id"]]),
        )
        for image in coco["images"]
        if image["id"] in annotations and (split is None or image.get("split", "train") == split)
    ]


def picture_path(folder: Path, file_name: str) -> Path:
    """Where the picture of a COCO file in `folder` lies.

    Raises:
        FileNotFoundError: neither beside the file nor in `images`.
    """
    for path in (folder / file_name, folder / "images" / file_name):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{file_name} is neither in {folder} nor in images below it")


def _counts(annotation: dict[str, Any], image: dict[str, Any]) -> str:
    """The compressed RLE of an annotation given as RLE, uncompressed RLE or polygons."""
    height, width = image["height"], image["width"]
    try:
        runs = read_segmentation(annotation["segmentation"], height=height, width=width)
    except BadSegmentation as problem:
        place = f"{image['file_name']}, annotation {annotation.get('id')}"
        raise BadSegmentation(problem.code, f"{place}: {problem.message}") from problem
    return counts_of(runs)
