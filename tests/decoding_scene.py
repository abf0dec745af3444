"""An untrained model, a picture of noise and its embedding, to decode prompts of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from common.decoding import Graphs, Model, OpenImage, open_image
from common.embedding_format import Embedding, EmbeddingName, Frame, encode_embedding
from common.manifest import Manifest
from model_server.sam.build import build_sam, load_weights
from model_server.sam.predictor import Embedding as NetworkEmbedding
from model_server.sam.predictor import Predictor
from tests.tiny_bundle import TINY, make_tiny_bundle

WIDTH, HEIGHT = 75, 50


@dataclass(frozen=True)
class Scene:
    """A bundle on disk, and one embedding of it in torch and as a file."""

    folder: Path
    predictor: Predictor
    embedding: NetworkEmbedding
    file: Embedding

    def fetch(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    @property
    def manifest(self) -> Manifest:
        return Manifest.from_json(self.fetch("manifest.json"))

    def model(self) -> Model:
        fingerprint = self.manifest.bundle_fingerprint
        return Graphs().model(self.fetch("manifest.json"), self.fetch, fingerprint=fingerprint)

    def opened(self) -> OpenImage:
        return open_image(self.model(), encode_embedding(self.file), name=self.file.name)


def make_scene(root: Path) -> Scene:
    """In an empty folder."""
    folder = make_tiny_bundle(root, seed=5)
    manifest = Manifest.from_json((folder / "manifest.json").read_bytes())
    sam = build_sam(TINY)
    load_weights(sam, folder / "weights.safetensors")
    predictor = Predictor(sam)
    picture = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    frame = predictor.frame_of(WIDTH, HEIGHT)
    values = predictor.embed(picture).features.numpy().astype(np.float16)  # as files keep them
    name = EmbeddingName(
        image_sha256="ab" * 32,
        crop=(0, 0, WIDTH, HEIGHT),
        encoder_fingerprint=manifest.encoder_fingerprint,
    )
    made = Frame(
        input_size=manifest.input_size,
        resized=(frame.new_height, frame.new_width),
        size=(HEIGHT, WIDTH),
    )
    embedding = NetworkEmbedding(torch.from_numpy(values.astype(np.float32)), frame)
    return Scene(folder, predictor, embedding, Embedding(name=name, frame=made, values=values[0]))
