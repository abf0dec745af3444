"""Reading YOLO segmentation: `labels/….txt` with a polygon a line, as shares of the picture's width and height."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from annotator.errors import Invalid
from annotator.services.coco_file import CocoImage, FolderIndex, Id, Stray
from annotator.services.picture_files import find_picture, shown_size
from annotator.services.sa1b_folder import MAX_FILE_BYTES

LABELS = "labels"
DATA_SET = "data.yaml"
LEAST_NUMBERS = 6  # of three points; four are a box
# `names:` as a mapping from number to name, or as a list; one on each line.
NAME = re.compile(r"^\s+(?:(\d+):|-)\s*['\"]?([^'\"#\n]+?)['\"]?\s*(?:#.*)?$")


class YoloIndex(FolderIndex):
    """What the files hold; `path` is the folder of `labels`."""

    def annotations_of(self, image: CocoImage) -> Iterator[dict[str, object]]:
        """The polygons of an image in pixels; of a line that holds none (a box) there is no mask."""
        for number, line in enumerate(_lines(self.file_of(image)), 1):
            label, *words = line.split()
            category: Id = int(label) if label.isdecimal() and len(label) < 10 else label
            outline = _pixels(words, image)
            segmentation = None if outline is None else [outline]
            yield {"id": number, "category_id": category, "segmentation": segmentation}


def index_yolo_folder(folder: Path, images: Path) -> YoloIndex:
    """What a folder holds; a file without its picture is a stray. Raises `Invalid` when there is none at all."""
    index = YoloIndex(folder, categories=_categories(folder / DATA_SET))
    for path in sorted((folder / LABELS).rglob("*.txt")):
        place = path.relative_to(folder / LABELS)
        try:
            image = _image(images, place.with_suffix("").as_posix())
            index.note_file(image.id, path, len(_lines(path)))
        except ValueError as error:
            index.strays.append(Stray(str(place), "bad_image", str(error)[:300]))
            continue
        index.images.append(image)
    if not index.images:
        raise Invalid(f"{folder / LABELS} holds no file with a picture.", code="not_yolo")
    return index


def _image(images: Path, stem: str) -> CocoImage:
    """Raises `ValueError` when there is no picture of that name."""
    name = find_picture(images, stem)
    if name is None:
        raise ValueError(f"There is no picture called {stem} in {images}.")
    path = images / name
    size = shown_size(path if path.is_file() else images / "images" / name)
    if size is None:
        raise ValueError(f"{name} is no picture that can be read.")
    return CocoImage(stem, name, name, *size)


def _lines(path: Path) -> list[str]:
    """Those that are not blank. Raises `ValueError` when it is no text."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"It is larger than {MAX_FILE_BYTES:,} bytes.")
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _pixels(words: list[str], image: CocoImage) -> list[float] | None:
    """x0, y0, x1, … in pixels; None for a box or something other than numbers."""
    if len(words) < LEAST_NUMBERS:
        return None
    try:
        shares = [float(word) for word in words]
    except ValueError:
        return None
    sides = (image.width, image.height)
    return [share * sides[place % 2] for place, share in enumerate(shares)]


def _categories(path: Path) -> dict[Id, str]:
    """Names by number as a simple `data.yaml` tells them."""
    if not path.exists() or path.stat().st_size > MAX_FILE_BYTES:
        return {}
    _, _, rest = path.read_text(encoding="utf-8", errors="replace").partition("\nnames:")
    found: dict[Id, str] = {}
    for line in rest.splitlines()[1:]:
        match = NAME.match(line)
        if match is None:
            break
        found[len(found) if match[1] is None else int(match[1])] = match[2]
    return found
