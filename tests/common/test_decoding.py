"""The simulated browser's decoder against the network itself, and the pairs it refuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from common.embedding_format import Embedding, EmbeddingName, Frame, encode_embedding
from common.manifest import Manifest
from common.metrics import Click
from model_server.sam.build import build_sam, load_weights
from model_server.sam.predictor import Embedding as NetworkEmbedding
from model_server.sam.predictor import Predictor
from common.decoding import Graphs, MismatchedPair, Model, OpenImage, open_image
from tests.tiny_bundle import TINY, make_tiny_bundle

WIDTH, HEIGHT = 75, 50
CLICKS = (Click(20, 31, 1), Click(60, 8, 0), Click(41, 25, 1))


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


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = make_tiny_bundle(tmp_path_factory.mktemp("scene"), seed=5)
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


def test_the_candidates_are_those_of_the_network(scene: Scene) -> None:
    opened, previous = scene.opened(), None
    for count in range(1, len(CLICKS) + 1):
        clicks = CLICKS[:count]
        found = opened.decode(clicks, previous)
        wanted = scene.predictor.predict(
            scene.embedding,
            points=np.array([[click.x, click.y] for click in clicks], np.float64),
            labels=np.array([click.label for click in clicks], np.float64),
            previous_logits=previous,
        )
        assert [one.token for one in found] == [one.token for one in wanted]
        for mine, theirs in zip(found, wanted, strict=True):
            assert np.abs(mine.low_res - theirs.low_res_logits).max() < 1e-3
            assert mine.predicted_iou == pytest.approx(theirs.predicted_iou, abs=1e-4)
            assert (mine.mask ^ theirs.mask).mean() < 0.001
        previous = found[0].low_res


def test_graphs_of_one_bundle_are_built_once(scene: Scene) -> None:
    graphs, fingerprint = Graphs(), scene.manifest.bundle_fingerprint
    first, second = (
        graphs.model(scene.fetch("manifest.json"), scene.fetch, fingerprint=fingerprint)
        for _ in range(2)
    )
    assert first is second


def test_a_bundle_other_than_the_assignments_is_refused(scene: Scene) -> None:
    with pytest.raises(MismatchedPair, match="is of bundle"):
        Graphs().model(scene.fetch("manifest.json"), scene.fetch, fingerprint="0" * 64)


def test_a_damaged_graph_is_refused(scene: Scene) -> None:
    def damaged(name: str) -> bytes:
        return scene.fetch(name) + (b"!" if name == "decode.onnx" else b"")

    fingerprint = scene.manifest.bundle_fingerprint
    with pytest.raises(MismatchedPair, match=r"decode\.onnx"):
        Graphs().model(scene.fetch("manifest.json"), damaged, fingerprint=fingerprint)


def test_an_embedding_of_another_picture_encoder_or_frame_is_refused(scene: Scene) -> None:
    model, right = scene.model(), scene.file
    others = [
        replace(right, name=replace(right.name, image_sha256="cd" * 32)),
        replace(right, name=replace(right.name, encoder_fingerprint="cd" * 32)),
        replace(right, frame=replace(right.frame, resized=(1, 2))),
        replace(right, values=right.values[:, :-1]),
    ]
    for other in others:
        with pytest.raises(MismatchedPair):
            open_image(model, encode_embedding(other), name=right.name)
    of_other_encoder = others[1]
    with pytest.raises(MismatchedPair, match="the model needs"):
        open_image(model, encode_embedding(of_other_encoder), name=of_other_encoder.name)
    with pytest.raises(MismatchedPair):
        open_image(model, encode_embedding(right)[:-2], name=right.name)
