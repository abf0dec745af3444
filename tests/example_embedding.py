"""An embedding file of a picture that nobody took: noise from a seed, for any model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.embedding_format import Embedding, EmbeddingName, Frame, encode_embedding
from common.model_frame import ModelFrame, frame_of

WIDTH, HEIGHT = 150, 97
IMAGE_SHA256 = "ab" * 32


def example_frame(manifest: Mapping[str, Any]) -> ModelFrame:
    """The picture in the frame of a model."""
    return frame_of(
        width=WIDTH,
        height=HEIGHT,
        input_size=manifest["input_size"],
        low_res_size=manifest["low_res"],
    )


def example_values(manifest: Mapping[str, Any]) -> NDArray[np.float16]:
    """Noise [C, g, g] of unit variance."""
    shape = (manifest["embed_dim"], manifest["grid"], manifest["grid"])
    return np.random.default_rng(4).normal(0, 1, shape).astype(np.float16)


def write_example_embedding(path: Path, manifest: Mapping[str, Any]) -> bytes:
    """The file, also returned."""
    frame = example_frame(manifest)
    name = EmbeddingName(
        image_sha256=IMAGE_SHA256,
        crop=(0, 0, WIDTH, HEIGHT),
        encoder_fingerprint=manifest["encoder_fingerprint"],
    )
    about = Frame(
        input_size=frame.input_size,
        resized=(frame.new_height, frame.new_width),
        size=(HEIGHT, WIDTH),
    )
    content = encode_embedding(Embedding(name=name, frame=about, values=example_values(manifest)))
    path.write_bytes(content)
    return content
