"""`python -m benchmarks.large_pictures PHOTOGRAPHS OUT`: large photographs and small copies as a COCO folder.

The outlines were drawn by us; the photographs are not part of the project. They are CC0, from the repository
BuddiesOfBudgie/budgie-backgrounds at commit 82067426, reduced to 1600 px; every file is known by its hash.
"""

import argparse
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

OUTLINES = Path(__file__).with_name("outlines.json")
SMALL_SIDE = 372  # the longest side of the pictures that the bundled model was trained on


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_pictures")
    parser.add_argument("photographs", type=Path, help="folder that holds them")
    parser.add_argument("out", type=Path, help="folder to write, with every photograph twice")
    parser.add_argument("--small-side", type=int, default=SMALL_SIDE, help="px of the small copies")
    asked = parser.parse_args(arguments)
    write_folder(json.loads(OUTLINES.read_text()), asked.photographs, asked.out, asked.small_side)


def write_folder(
    outlined: Sequence[dict[str, Any]], photographs: Path, out: Path, small_side: int
) -> None:
    """A COCO folder with each photograph as it is and reduced, and the same outlines on both.

    The two sizes are two sources, so an evaluation tells them apart.

    Raises:
        FileNotFoundError: a photograph is missing.
        ValueError: a photograph is not the one that the outlines were drawn on.
    """
    coco: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "object"}],
    }
    for photograph in outlined:
        path = photographs / photograph["file"]
        if hashlib.sha256(path.read_bytes()).hexdigest() != photograph["sha256"]:
            raise ValueError(f"the outlines were drawn on another {path.name}")
        with Image.open(path) as picture:
            longest_side = max(picture.size)
        for side in (longest_side, small_side):
            place = out / "images" / f"{side}-{path.name}"
            width, height = write_picture(path, place, side)
            image = {
                "id": len(coco["images"]) + 1,
                "file_name": place.name,
                "width": width,
                "height": height,
                "source": f"{side} px",
                "split": "dev",
            }
            coco["images"].append(image)
            for thing in photograph["objects"]:
                annotation = annotate(thing["outline"], side / longest_side)
                annotation |= {"id": len(coco["annotations"]) + 1, "image_id": image["id"]}
                coco["annotations"].append(annotation)
    (out / "annotations.json").write_text(json.dumps(coco))


def write_picture(path: Path, place: Path, side: int) -> tuple[int, int]:
    """A copy whose longest side is `side` px; its width and height."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(path) as picture:
        scale = side / max(picture.size)
        if scale == 1:
            shutil.copyfile(path, place)
            return picture.size
        width, height = round(scale * picture.width), round(scale * picture.height)
        picture.resize((width, height), Image.Resampling.LANCZOS).save(place, quality=95)
        return width, height


def annotate(outline: Sequence[Sequence[float]], scale: float) -> dict[str, Any]:
    """An outline [N, 2] of xy, scaled, as a COCO annotation."""
    return {
        "category_id": 1,
        "iscrowd": 0,
        "segmentation": [[scale * value for point in outline for value in point]],
    }


if __name__ == "__main__":
    main()
