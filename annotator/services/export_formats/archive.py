"""A zip file that is the same byte for byte when what is in it is the same, with a manifest of counts and hashes."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from annotator.services.export_formats.source import Selection, compact_json
from common.manifest import BundleFile, describe_file

MANIFEST = "manifest.json"
THE_SAME_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can tell
READABLE_BY_ALL = 0o644 << 16
UNIX = 3


class Archive:
    """Files are written as they come; the manifest is the last of them."""

    def __init__(self, out: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self._files: dict[str, BundleFile] = {}

    def add(self, name: str, content: bytes | str) -> None:
        """One file."""
        content = content.encode() if isinstance(content, str) else content
        self._write(name, content)
        self._files[name] = describe_file(content)

    def close(self, *, format: str, selection: Selection, **told: object) -> None:
        """Writes the manifest: the format, project and part, what is told besides, hash and length of each file."""
        files = {name: {"sha256": f.sha256, "bytes": f.bytes} for name, f in self._files.items()}
        project = {"id": str(selection.project.id), "name": selection.project.name}
        told |= {"format": format, "project": project, "part": selection.part.to_json()}
        self._write(MANIFEST, f"{compact_json({**told, 'files': files})}\n".encode())
        self._zip.close()

    def _write(self, name: str, content: bytes) -> None:
        info = zipfile.ZipInfo(name, THE_SAME_TIME)
        info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, UNIX
        info.external_attr = READABLE_BY_ALL
        self._zip.writestr(info, content)
