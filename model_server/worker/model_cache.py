"""Local copies of bundles, each file checked against the manifest before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.manifest import MANIFEST_NAME, BadManifest, Manifest
from common.messages import bundle_key
from storage import Storage, open_storage, sha256_of_file


class BadBundle(ValueError):
    """A bundle that is incomplete, damaged, or not the one that was asked for."""


@dataclass(frozen=True)
class ModelCache:
    """A folder with one folder per bundle fingerprint; it may be deleted at any time."""

    storage: Storage
    folder: Path

    def manifest(self, fingerprint: str) -> Manifest:
        """The manifest of a bundle; raises `BadBundle` when it is missing or of another bundle."""
        try:
            manifest = Manifest.from_json(
                self.storage.read_bytes(bundle_key(fingerprint, MANIFEST_NAME))
            )
        except FileNotFoundError as error:
            raise BadBundle(f"storage has no bundle {fingerprint}") from error
        except BadManifest as error:
            raise BadBundle(f"the manifest of bundle {fingerprint} is damaged: {error}") from error
        if manifest.bundle_fingerprint != fingerprint:
            raise BadBundle(f"the manifest of bundle {fingerprint} is of another bundle")
        return manifest

    def file(self, fingerprint: str, name: str) -> Path:
        """A local copy of one file of a bundle, fetched when missing, verified each time."""
        manifest = self.manifest(fingerprint)
        path = self.folder / fingerprint / name
        is_there = name in manifest.files and path.is_file()
        if is_there and sha256_of_file(path) == manifest.files[name].sha256:
            return path
        self._local.put_bytes(f"{fingerprint}/{name}", self._fetch(manifest, name))
        return path

    @property
    def _local(self) -> Storage:
        return open_storage(self.folder.resolve().as_uri())

    def _fetch(self, manifest: Manifest, name: str) -> bytes:
        key = bundle_key(manifest.bundle_fingerprint, name)
        try:
            content = self.storage.read_bytes(key)
            manifest.check_file(name, content)
        except FileNotFoundError as error:
            raise BadBundle(f"{key} is missing") from error
        except BadManifest as error:
            raise BadBundle(f"bundle {manifest.bundle_fingerprint}: {error}") from error
        return content
