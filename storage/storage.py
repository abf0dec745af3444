"""Reading and writing files by key, on any file system that fsspec knows.

A file appears under its key complete or not at all. In a local folder that takes a temporary name,
fsync of the file, a rename and fsync of the folder; object stores give it by themselves.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from storage.keys import TEMPORARY_PREFIX, check_key

_BLOCK_BYTES = 1 << 20


def open_storage(url: str) -> Storage:
    """The storage at an fsspec URL (`file:///folder`, `s3://bucket/prefix`, `memory://name`)."""
    filesystem, root = fsspec.core.url_to_fs(url)
    return Storage(filesystem=filesystem, root=root.rstrip("/"))


def sha256_of_file(path: Path) -> str:
    """SHA-256 in hex of a local file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Storage:
    """A folder of files by key. Missing keys raise `FileNotFoundError`, malformed ones `BadKey`."""

    filesystem: fsspec.AbstractFileSystem
    root: str

    @property
    def is_local(self) -> bool:
        return isinstance(self.filesystem, LocalFileSystem)

    def local_path(self, key: str) -> Path | None:
        """Where the file lies on this machine, or None in an object store."""
        return Path(self._path(key)) if self.is_local else None

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        """A file to write `key` to; it takes its place when the block ends without an error."""
        if self.is_local:
            with _local_writer(Path(self._path(key))) as file:
                yield file
            return
        with tempfile.TemporaryFile() as spooled:
            yield cast(BinaryIO, spooled)
            spooled.seek(0)
            self._upload(key, cast(BinaryIO, spooled))

    def put_bytes(self, key: str, content: bytes) -> None:
        """Writes `content`, durably and atomically, over whatever was there."""
        with self.writer(key) as file:
            file.write(content)

    def put_file(self, key: str, path: Path) -> None:
        """Copies a local file to `key`, durably and atomically."""
        with path.open("rb") as source, self.writer(key) as file:
            while block := source.read(_BLOCK_BYTES):
                file.write(block)

    def read_bytes(self, key: str) -> bytes:
        return cast(bytes, self.filesystem.cat_file(self._path(key)))

    def read_head(self, key: str, num_bytes: int) -> bytes:
        """The first `num_bytes` bytes, or fewer when the file is shorter."""
        with self.open(key) as file:
            return file.read(num_bytes)

    def open(self, key: str) -> BinaryIO:
        """The file at `key`, open for reading."""
        return cast(BinaryIO, self.filesystem.open(self._path(key), "rb"))

    def exists(self, key: str) -> bool:
        return bool(self.filesystem.isfile(self._path(key)))

    def size(self, key: str) -> int:
        """Bytes of the file at `key`."""
        return int(self.filesystem.size(self._path(key)))

    def sha256(self, key: str) -> str:
        """SHA-256 in hex of the file at `key`, read in blocks."""
        digest = hashlib.sha256()
        with self.open(key) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def delete(self, key: str) -> None:
        """Removes the file; one that is not there is no error."""
        try:
            self.filesystem.rm_file(self._path(key))
        except FileNotFoundError:
            return

    def list(self, prefix: str) -> list[str]:
        """Keys of all files below the folder `prefix`, sorted; files half written are left out."""
        try:
            paths = self.filesystem.find(self._path(prefix))
        except FileNotFoundError:
            return []
        keys = [str(path).removeprefix(self.root).lstrip("/") for path in paths]
        return sorted(key for key in keys if TEMPORARY_PREFIX not in key)

    def free_bytes(self) -> int | None:
        """Bytes left on the disk of a local folder; None in an object store."""
        if not self.is_local:
            return None
        Path(self.root).mkdir(parents=True, exist_ok=True)
        room = os.statvfs(self.root)
        return room.f_bavail * room.f_frsize

    def _path(self, key: str) -> str:
        return f"{self.root}/{check_key(key)}"

    def _upload(self, key: str, source: BinaryIO) -> None:
        with self.filesystem.open(self._path(key), "wb") as target:
            while block := source.read(_BLOCK_BYTES):
                target.write(block)


@contextmanager
def _local_writer(path: Path) -> Iterator[BinaryIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
