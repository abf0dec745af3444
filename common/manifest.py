"""The manifest of a model bundle: which files belong together, and their fingerprints.

A bundle is one checkpoint with its graphs. The encoder fingerprint names the embeddings that fit
it; the bundle fingerprint names the whole. A new decoder on the same encoder changes only the
second.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1
MANIFEST_NAME = "manifest.json"
WEIGHTS_NAME = "weights.safetensors"
CONFIG_NAME = "config.json"
ENCODER_GRAPH = "encoder.onnx"  # the one file a bundle may lack: a large encoder fits no ONNX file
DECODER_GRAPHS = ("prepare.onnx", "decode.onnx", "refine.onnx", "official.onnx")
REQUIRED_FILES = (WEIGHTS_NAME, CONFIG_NAME, *DECODER_GRAPHS)
HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadManifest(ValueError):
    """A manifest, or a file beside it, is not what it says."""


@dataclass(frozen=True)
class BundleFile:
    """One file of a bundle."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """What a bundle holds; `scores` and `provenance` are told, not fingerprinted."""

    name: str
    config: Mapping[str, Any]  # the network's configuration as JSON values
    input_size: int  # side of the model frame in pixels
    embed_dim: int  # channels of the embedding
    grid: int  # side of the embedding in cells
    low_res: int  # side of the low-res logits, 4 * grid
    prompt_maps: bool
    encoder_fingerprint: str
    bundle_fingerprint: str
    files: Mapping[str, BundleFile]
    prepared: tuple[str, ...]  # tensors that lead from prepare.onnx to decode.onnx and refine.onnx
    scores: Mapping[str, Any]
    provenance: Mapping[str, Any]
    format: int = FORMAT

    def __post_init__(self) -> None:
        check_manifest(self)

    def to_json(self) -> str:
        """The text of manifest.json, keys sorted."""
        values = asdict(self) | {"prepared": list(self.prepared)}
        return json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Manifest":
        """Read manifest.json.

        Raises:
            BadManifest: not JSON, keys missing or unknown, or a fingerprint that does not match.
        """
        try:
            values = json.loads(text)
            files = {name: BundleFile(**entry) for name, entry in values["files"].items()}
            return cls(**(values | {"files": files, "prepared": tuple(values["prepared"])}))
        except (AttributeError, KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as e:
            raise BadManifest(f"not a bundle's manifest: {e!r}") from e

    def check_file(self, name: str, content: bytes) -> None:
        """Compare a file's content with its entry.

        Raises:
            BadManifest: the file is unknown, or its length or hash differs.
        """
        if name not in self.files:
            raise BadManifest(f"the bundle has no file {name!r}")
        found = describe_file(content)
        if found != self.files[name]:
            raise BadManifest(f"{name} is {found}, the manifest says {self.files[name]}")


def describe_file(content: bytes) -> BundleFile:
    """The entry for a file's content."""
    return BundleFile(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def fingerprint_files(files: Mapping[str, BundleFile]) -> str:
    """The bundle fingerprint: SHA-256 over the names and hashes of all files."""
    lines = (f"{name} {files[name].sha256}\n" for name in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check_manifest(manifest: Manifest) -> None:
    """Refuse a manifest that contradicts itself.

    Raises:
        BadManifest: with the value in the text.
    """
    if manifest.format != FORMAT:
        raise BadManifest(f"format {manifest.format!r}, this version reads {FORMAT}")
    missing = sorted(set(REQUIRED_FILES) - set(manifest.files))
    if missing:
        raise BadManifest(f"files missing: {', '.join(missing)}")
    if manifest.low_res != 4 * manifest.grid:
        raise BadManifest(f"low_res {manifest.low_res} is not four times the grid {manifest.grid}")
    if not HEX_SHA256.fullmatch(manifest.encoder_fingerprint):
        raise BadManifest(f"encoder fingerprint {manifest.encoder_fingerprint!r}")
    expected = fingerprint_files(manifest.files)
    if manifest.bundle_fingerprint != expected:
        raise BadManifest(f"bundle fingerprint {manifest.bundle_fingerprint}, files say {expected}")
