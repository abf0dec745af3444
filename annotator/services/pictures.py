"""Untrusted bytes become one normalised picture in storage, named by its content."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from annotator.errors import Invalid, TooLarge
from annotator.models import Picture
from annotator.services.picture_processes import PictureReader
from annotator.services.picture_reader import Report
from annotator.services.room import check_room
from annotator.services.stores import file_storage
from storage import sha256_of_file


@dataclass(frozen=True)
class ReadPicture:
    """A local file as it was read, normalised; sizes in pixels. Nothing is stored until `keep`."""

    sha256: str
    width: int
    height: int
    orientation: int  # EXIF's 1 to 8: how the file's own pixels were turned
    keep: Callable[[], Picture]


def store_picture(*, source: Path, reader: PictureReader) -> Picture:
    """The picture of a local file; the same content again is the same picture.

    Raises `WrongType`, `TooLarge` or `Invalid` with the reason; a refused file leaves nothing behind.
    """
    with reading_picture(source=source, reader=reader) as found:
        return found.keep()


@contextmanager
def reading_picture(*, source: Path, reader: PictureReader) -> Iterator[ReadPicture]:
    """Reads a local file as `store_picture` does, for callers that look at it before they keep it.

    A file of our own (its bytes are a stored picture's) is that picture: it is not compressed again.
    """
    check_room()
    num_bytes = source.stat().st_size
    if num_bytes == 0:
        raise Invalid("The file is empty.", code="empty_file")
    if num_bytes > settings.MAX_IMAGE_BYTES:
        raise TooLarge(f"The file is larger than {settings.MAX_IMAGE_BYTES:,} bytes.")
    source_sha256 = sha256_of_file(source)
    known = Picture.objects.filter(Q(source_sha256=source_sha256) | Q(sha256=source_sha256)).first()
    orientation = known and _known_orientation(known, source_sha256)
    if known is not None and orientation is not None:
        yield ReadPicture(known.sha256, known.width, known.height, orientation, lambda: known)
        return
    with tempfile.TemporaryDirectory(prefix="maskwright-picture-") as folder:
        report = reader.read(source=source, folder=Path(folder))
        yield ReadPicture(
            sha256=sha256_of_file(Path(folder) / report.file_name),
            width=report.width,
            height=report.height,
            orientation=report.orientation,
            keep=lambda: _keep(report, Path(folder), source_sha256),
        )


def picture_keys(*, sha256: str, file_type: str) -> tuple[str, str]:
    """Storage keys of a picture's file and thumbnail."""
    suffix = {"image/jpeg": "jpg", "image/png": "png"}[file_type]
    return f"images/{sha256[:2]}/{sha256}.{suffix}", f"thumbnails/{sha256}.jpg"


def tile_key(*, sha256: str, level: int, column: int, row: int) -> str:
    return f"tiles/{sha256}/{level}/{column}_{row}.jpg"


def _known_orientation(known: Picture, source_sha256: str) -> int | None:
    """None when it was not noted down: another file may have given the same picture, or an old release."""
    return 1 if known.sha256 == source_sha256 else known.source_orientation


def _keep(report: Report, folder: Path, source_sha256: str) -> Picture:
    """Files first, then the row; when the row cannot be written the files go again."""
    sha256 = sha256_of_file(folder / report.file_name)
    known = Picture.objects.filter(sha256=sha256).first()
    if known is not None:
        return _with_orientation(known, source_sha256, report)
    file_key, thumbnail_key = picture_keys(sha256=sha256, file_type=report.file_type)
    files = {file_key: folder / report.file_name, thumbnail_key: folder / "thumbnail.jpg"}
    for path in sorted((folder / "tiles").rglob("*.jpg")):
        files[f"tiles/{sha256}/{path.relative_to(folder / 'tiles').as_posix()}"] = path
    picture = Picture(
        sha256=sha256,
        source_sha256=source_sha256,
        source_orientation=report.orientation,
        width=report.width,
        height=report.height,
        file_key=file_key,
        file_type=report.file_type,
        num_bytes=(folder / report.file_name).stat().st_size,
        num_tile_levels=report.num_tile_levels,
    )
    storage = file_storage()
    try:
        for key, path in files.items():
            storage.put_file(key, path)
        with transaction.atomic():
            picture.save(force_insert=True)
    except IntegrityError:
        return Picture.objects.get(sha256=sha256)  # the same picture arrived at the same time
    except BaseException:
        for key in files:
            storage.delete(key)
        raise
    return picture


def _with_orientation(known: Picture, source_sha256: str, report: Report) -> Picture:
    if known.source_orientation is None and known.source_sha256 == source_sha256:
        known.source_orientation = report.orientation
        known.save(update_fields=["source_orientation"])
    return known
