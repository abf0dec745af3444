"""Reading a folder of pictures without masks, and the folders in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from annotator.errors import Invalid
from annotator.services.coco_file import CocoImage, CocoIndex, Stray
from annotator.services.picture_files import is_called_picture, shown_size


class PictureFolderIndex(CocoIndex):
    """The pictures; `path` is their folder."""

    def annotations_of(self, image: CocoImage) -> Iterator[dict[str, object]]:
        """None."""
        return iter(())


def index_picture_folder(folder: Path) -> PictureFolderIndex:
    """The pictures of a folder; any other file is a stray. Raises `Invalid` when there is no picture at all."""
    index = PictureFolderIndex(folder)
    for path in _files_in(folder):
        place = path.relative_to(folder).as_posix()
        size = shown_size(path) if is_called_picture(path) else None
        if size is None:
            index.strays.append(Stray(place, "no_picture", "It is no JPEG, PNG or WebP picture."))
        else:
            index.images.append(CocoImage(place, place, path.name, *size))
    if not index.images:
        raise Invalid(f"{folder} holds no picture.", code="no_pictures")
    return index


def has_pictures(folder: Path) -> bool:
    return any(is_called_picture(path) for path in _files_in(folder))


def _files_in(folder: Path) -> Iterator[Path]:
    """In one order; those that systems hide are none of the data set."""
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not is_hidden:
            yield path
