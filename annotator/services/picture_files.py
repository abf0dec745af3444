"""Pictures of a data set whose masks name them only by the stem of their file."""

from __future__ import annotations

from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".JPG", ".JPEG", ".PNG", ".WEBP")


def is_called_picture(path: Path) -> bool:
    """By the ending of its name; its content decides."""
    return path.suffix.lower() in SUFFIXES


def find_picture(images: Path, stem: str) -> str | None:
    """The file name of the picture, below the folder or below its `images`, with one of SUFFIXES."""
    for name in (f"{stem}{suffix}" for suffix in SUFFIXES):
        if (images / name).is_file() or (images / "images" / name).is_file():
            return name
    return None


def shown_size(path: Path) -> tuple[int, int] | None:
    """Width and height in pixels as EXIF shows the picture, by its header; None when it is no picture."""
    try:
        with Image.open(path, formats=("JPEG", "PNG", "WEBP")) as picture:
            is_on_side = picture.getexif().get(ExifTags.Base.Orientation, 1) in range(5, 9)
            return picture.size[::-1] if is_on_side else picture.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, ValueError):
        return None
