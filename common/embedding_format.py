"""The embedding file: what the image encoder made of one crop of a picture, in half precision.

    MWEMBED1 | header length, uint32 LE | header, JSON padded with spaces | payload, float16 LE

The payload is in C order [C, g, g].

The payload starts at a multiple of 16 bytes, so that a browser can view it in place.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAGIC = b"MWEMBED1"
_ALIGNMENT = 16
_PREFIX = struct.Struct("<8sI")
_MAX_HEADER_BYTES = 4096
MAX_HEAD_BYTES = _PREFIX.size + _MAX_HEADER_BYTES
_FIELDS = {
    "image_sha256",
    "crop",
    "encoder_fingerprint",
    "shape",
    "dtype",
    "input_size",
    "resized",
    "size",
    "payload_sha256",
}


class DamagedEmbedding(ValueError):
    """Bytes that are no embedding, or not the one that was asked for."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingName:
    """What an embedding is an embedding of. `crop` is x0, y0, x1, y1 in image pixels, half-open."""

    image_sha256: str
    crop: tuple[int, int, int, int]
    encoder_fingerprint: str

    @property
    def key(self) -> str:
        """Storage key of the embedding file."""
        corners = "_".join(map(str, self.crop))
        return f"embeddings/{self.encoder_fingerprint}/{self.image_sha256}-{corners}.emb"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """How the crop was put into the encoder: sizes are height, width in pixels."""

    input_size: int
    resized: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """An embedding [C, g, g] in float16 with its name and frame."""

    name: EmbeddingName
    frame: Frame
    values: NDArray[np.float16]


@dataclass(frozen=True, kw_only=True)
class EmbeddingHead:
    """The header of an embedding file, and the size in bytes the whole file must have."""

    name: EmbeddingName
    frame: Frame
    shape: tuple[int, int, int]
    payload_sha256: str
    payload_offset: int

    @property
    def num_bytes(self) -> int:
        channels, rows, columns = self.shape
        return self.payload_offset + 2 * channels * rows * columns


def encode_embedding(embedding: Embedding) -> bytes:
    """The bytes of the embedding file; the same embedding always gives the same bytes."""
    payload = np.ascontiguousarray(embedding.values, dtype="<f2").tobytes()
    header = {
        "image_sha256": embedding.name.image_sha256,
        "crop": list(embedding.name.crop),
        "encoder_fingerprint": embedding.name.encoder_fingerprint,
        "shape": list(embedding.values.shape),
        "dtype": "float16",
        "input_size": embedding.frame.input_size,
        "resized": list(embedding.frame.resized),
        "size": list(embedding.frame.size),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    padding = -(_PREFIX.size + len(text)) % _ALIGNMENT
    return _PREFIX.pack(MAGIC, len(text) + padding) + text + b" " * padding + payload


def decode_embedding(content: bytes, *, expected: EmbeddingName | None = None) -> Embedding:
    """The embedding in `content`, every byte verified; raises `DamagedEmbedding`."""
    head = decode_head(content, expected=expected)
    if len(content) != head.num_bytes:
        raise DamagedEmbedding(f"embedding has {len(content)} bytes instead of {head.num_bytes}")
    payload = content[head.payload_offset :]
    if hashlib.sha256(payload).hexdigest() != head.payload_sha256:
        raise DamagedEmbedding("embedding payload does not match its hash")
    values = np.frombuffer(payload, dtype="<f2").reshape(head.shape)
    return Embedding(name=head.name, frame=head.frame, values=values)


def decode_head(content: bytes, *, expected: EmbeddingName | None = None) -> EmbeddingHead:
    """The header at the start of `content`, of which `MAX_HEAD_BYTES` suffice.

    Raises `DamagedEmbedding`.
    """
    if len(content) < _PREFIX.size:
        raise DamagedEmbedding(f"embedding has only {len(content)} bytes")
    magic, length = _PREFIX.unpack_from(content)
    if magic != MAGIC:
        raise DamagedEmbedding("embedding does not start with MWEMBED1")
    offset = _PREFIX.size + length
    if length > _MAX_HEADER_BYTES or len(content) < offset or offset % _ALIGNMENT:
        raise DamagedEmbedding(
            f"embedding header of {length} bytes is cut off, too long or misaligned"
        )
    head = _read_header(content[_PREFIX.size : offset], payload_offset=offset)
    if expected is not None and head.name != expected:
        raise DamagedEmbedding(f"embedding is of {head.name}, not of {expected}")
    return head


def _read_header(text: bytes, *, payload_offset: int) -> EmbeddingHead:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedEmbedding(f"embedding header is not JSON: {error}") from error
    if not isinstance(header, dict) or set(header) != _FIELDS or header["dtype"] != "float16":
        raise DamagedEmbedding("embedding header has missing or unknown fields")
    x0, y0, x1, y1 = _integers(header, "crop", 4)
    channels, rows, columns = _integers(header, "shape", 3)
    resized_height, resized_width = _integers(header, "resized", 2)
    height, width = _integers(header, "size", 2)
    return EmbeddingHead(
        name=EmbeddingName(
            image_sha256=str(header["image_sha256"]),
            crop=(x0, y0, x1, y1),
            encoder_fingerprint=str(header["encoder_fingerprint"]),
        ),
        frame=Frame(
            input_size=_integers({"input_size": [header["input_size"]]}, "input_size", 1)[0],
            resized=(resized_height, resized_width),
            size=(height, width),
        ),
        shape=(channels, rows, columns),
        payload_sha256=str(header["payload_sha256"]),
        payload_offset=payload_offset,
    )


def _integers(header: dict[str, object], name: str, count: int) -> list[int]:
    values = header[name]
    if not isinstance(values, list) or len(values) != count:
        raise DamagedEmbedding(f"embedding header has {name} {values!r:.80}")
    if not all(type(value) is int and 0 <= value < 2**31 for value in values):
        raise DamagedEmbedding(f"embedding header has {name} {values!r:.80}")
    return list(values)
