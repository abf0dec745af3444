"""A zip file that is the same byte for byte when what is in it is the same, with a manifest of counts and hashes."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from annotator.models import Picture
from annotator.services.export_formats.source import (
    Advance,
    Selection,
    compact_json,
    picture_name,
)
from annotator.services.stores import file_storage
from common.manifest import BundleFile, describe_file

MANIFEST = "manifest.json"
PICTURES = "images"  # their folder, where imports look for them
MASKS_SHARE = 0.5  # of the work, when pictures follow
THE_SAME_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can tell
READABLE_BY_ALL = 0o644 << 16
UNIX = 3


class Archive:
    """Files are written as they come, then the pictures if they are wanted; the manifest is the last of all."""

    def __init__(self, out: BinaryIO, selection: Selection, advance: Advance) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self._selection = selection
        self._advance = advance
        self._files: dict[str, BundleFile] = {}
        self._pictures: dict[str, str] = {}  # storage keys by name

    def advance(self, share: float) -> None:
        """Tells how much of the masks is written, 0 to 1."""
        self._advance(share * MASKS_SHARE if self._selection.with_pictures else share)

    def add(self, name: str, content: bytes | str) -> None:
        """One file."""
        content = content.encode() if isinstance(content, str) else content
        self._zip.writestr(_entry(name), content)
        self._files[name] = describe_file(content)

    @contextmanager
    def writer(self, name: str, *, compression: int = zipfile.ZIP_DEFLATED) -> Iterator[Measured]:
        """One file that nobody holds as a whole."""
        entry = _entry(name, compression)
        with self._zip.open(entry, "w", force_zip64=True) as file:
            measured = Measured(file)
            yield measured
        self._files[name] = measured.found()

    def add_picture(self, picture: Picture) -> None:
        """Names a picture that masks were drawn on; its file follows the masks, if pictures are wanted."""
        if self._selection.with_pictures:
            self._pictures[f"{PICTURES}/{picture_name(picture)}"] = picture.file_key

    def close(self, *, format: str, **told: object) -> None:
        """Writes pictures and manifest: format, project, part, what is told besides, hash and length of each file."""
        self._write_pictures()
        files = {name: {"sha256": f.sha256, "bytes": f.bytes} for name, f in self._files.items()}
        project = self._selection.project
        told |= {"format": format, "project": {"id": str(project.id), "name": project.name}}
        told |= {"part": self._selection.part.to_json()}
        if self._selection.with_pictures:
            told |= {"num_pictures": len(self._pictures)}
        content = f"{compact_json({**told, 'files': files})}\n".encode()
        self._zip.writestr(_entry(MANIFEST), content)
        self._zip.close()

    def _write_pictures(self) -> None:
        """As they are stored: they are compressed already."""
        for number, (name, key) in enumerate(self._pictures.items(), 1):
            stored = self.writer(name, compression=zipfile.ZIP_STORED)
            with file_storage().open(key) as source, stored as file:
                shutil.copyfileobj(source, file)
            share = number / len(self._pictures)
            self._advance(MASKS_SHARE + (1 - MASKS_SHARE) * share)


class Measured:
    """Passes bytes on, and knows their number and hash at the end."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._digest = hashlib.sha256()
        self._num_bytes = 0

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        self._num_bytes += len(content)
        return self._out.write(content)

    def found(self) -> BundleFile:
        return BundleFile(sha256=self._digest.hexdigest(), bytes=self._num_bytes)


def _entry(name: str, compression: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, THE_SAME_TIME)
    info.compress_type, info.create_system = compression, UNIX
    info.external_attr = READABLE_BY_ALL
    return info
