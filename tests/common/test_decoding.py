"""The decoder in Python against the network itself, and the pairs it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.decoding import Graphs, MismatchedPair, open_image
from common.embedding_format import encode_embedding
from common.metrics import Click
from tests.decoding_scene import Scene, make_scene

CLICKS = (Click(20, 31, 1), Click(60, 8, 0), Click(41, 25, 1))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene"))


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
