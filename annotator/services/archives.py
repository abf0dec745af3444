"""Unpacking a zip file of a stranger into a folder, and nowhere else."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from annotator.errors import Invalid, TooLarge
from annotator.services.room import refuse_beyond

MAX_FILES = 200_000
MAX_UNPACKED_BYTES = 20 * 2**30
BLOCK = 1 << 20
NOT_DATA = "__MACOSX"


def unpack(source: BinaryIO, folder: Path) -> Path:
    """Writes the plain files of a zip file below `folder`; returns the folder that holds them all.

    That is `folder` itself, or the only folder in it. Raises `Invalid` (no zip file, damaged, names that lead
    outside), `TooLarge` and `StorageLow`.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if _is_file(entry)]
            _check_size(entries, folder)
            for entry in entries:
                _write(archive, entry, folder)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        text = f"It is no zip file that can be read: {error}"
        raise Invalid(text[:300], code="bad_zip") from error
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _is_file(entry: zipfile.ZipInfo) -> bool:
    """Neither a folder nor a link or a device, nor what some systems add of their own."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return not entry.is_dir() and kind in {0, stat.S_IFREG} and _parts(entry)[0] != NOT_DATA


def _check_size(entries: list[zipfile.ZipInfo], folder: Path) -> None:
    num_bytes = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_FILES or num_bytes > MAX_UNPACKED_BYTES:
        text = (
            f"Unpacked it has {len(entries):,} files and {num_bytes:,} bytes: more than is taken."
        )
        raise TooLarge(text)
    refuse_beyond(
        shutil.disk_usage(folder).free,
        2 * num_bytes,  # its pictures are stored while it lies there
        purpose="The data set, unpacked,",
        advice="Free some, or send it in parts.",
    )


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    """One file; `zipfile` stops at the size that the directory of the archive tells."""
    path = folder.joinpath(*_parts(entry))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, path.open("wb") as file:
            shutil.copyfileobj(source, file, BLOCK)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Invalid(
            f"Two entries are in each other's way: {entry.filename!r:.80}.", code="bad_zip"
        ) from error


def _parts(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or not name.parts or "\x00" in entry.filename:
        raise Invalid(f"An entry leads outside: {entry.filename!r:.80}.", code="bad_zip")
    return name.parts
