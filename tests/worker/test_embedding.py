"""One picture through the encoder, by onnxruntime and by torch, and everything that is refused."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from common.embedding_format import Embedding, EmbeddingName
from common.manifest import Manifest
from common.messages import bundle_key
from model_server.worker.embedding import BadPicture, embed, read_picture
from model_server.worker.encoders import (
    Encoder,
    TorchEncoder,
    load_encoder,
    load_torch_encoder,
    onnx_session,
)
from model_server.worker.model_cache import BadBundle, ModelCache
from model_server.worker.settings import WorkerSettings, read_settings
from storage import open_storage
from tests.worker.conftest import EMBEDDING_SHAPE
from tests.worker.engine import picture_bytes

CONTENT = picture_bytes(width=60, height=40)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SETTINGS = WorkerSettings(
    redis_url="", storage_url="", model_cache=Path("unused"), device="cpu", threads=1
)


@pytest.fixture
def stored(tiny_bundle: Path, tmp_path: Path) -> tuple[ModelCache, str]:
    """The tiny bundle in storage, an empty cache, and its fingerprint."""
    return store(tiny_bundle, tmp_path)


@pytest.fixture
def stored_graphless(graphless_bundle: Path, tmp_path: Path) -> tuple[ModelCache, str]:
    """The same without an encoder graph."""
    return store(graphless_bundle, tmp_path / "graphless")


def store(bundle: Path, folder: Path) -> tuple[ModelCache, str]:
    storage = open_storage((folder / "storage").as_uri())
    manifest = Manifest.from_json((bundle / "manifest.json").read_bytes())
    for path in bundle.iterdir():
        storage.put_file(bundle_key(manifest.bundle_fingerprint, path.name), path)
    return ModelCache(storage=storage, folder=folder / "cache"), manifest.bundle_fingerprint


def embedding_of(
    encoder: Encoder, *, crop: tuple[int, int, int, int] = (0, 0, 60, 40)
) -> Embedding:
    name = EmbeddingName(image_sha256=SHA256, crop=crop, encoder_fingerprint="e" * 64)
    picture = read_picture(CONTENT, sha256=SHA256)
    return embed(picture, name=name, encoder=encoder, input_size=64, low_res_size=32)


def test_mixed_precision_comes_close_to_onnxruntime(stored: tuple[ModelCache, str]) -> None:
    mixed = load_torch_encoder(*stored, device="cpu", mixed_precision=True)
    by_onnx = embedding_of(load_encoder(*stored, SETTINGS)).values.astype(np.float32)
    by_torch = embedding_of(mixed).values.astype(np.float32)
    assert by_onnx.shape == by_torch.shape == EMBEDDING_SHAPE
    # bfloat16 moves an output of unit variance by a few hundredths
    assert np.abs(by_onnx - by_torch).mean() < 0.05 * by_onnx.std() + 0.01


def test_without_an_encoder_graph_torch_gives_the_same_embedding(
    stored: tuple[ModelCache, str], stored_graphless: tuple[ModelCache, str]
) -> None:
    cache, fingerprint = stored_graphless
    same = stored[0].manifest(stored[1]).encoder_fingerprint
    assert cache.manifest(fingerprint).encoder_fingerprint == same
    encoder = load_encoder(cache, fingerprint, SETTINGS)
    assert isinstance(encoder, TorchEncoder)
    by_onnx = embedding_of(load_encoder(*stored, SETTINGS)).values.astype(np.float32)
    by_torch = embedding_of(encoder).values.astype(np.float32)
    # Both were rounded to half precision: two steps of it, and what bfloat16 would fail.
    np.testing.assert_allclose(by_torch, by_onnx, rtol=2e-3, atol=2e-3)


def test_a_crop_is_embedded_as_if_it_were_the_picture(stored: tuple[ModelCache, str]) -> None:
    encoder = load_encoder(*stored, SETTINGS)
    whole, part = embedding_of(encoder), embedding_of(encoder, crop=(10, 5, 40, 38))
    assert (part.frame.size, part.frame.resized) == ((33, 30), (64, 58))
    assert not np.array_equal(whole.values, part.values)
    with pytest.raises(BadPicture, match="leaves a picture"):
        embedding_of(encoder, crop=(10, 5, 61, 38))


@pytest.mark.parametrize("content", [b"", CONTENT[:-20], CONTENT + b"\0"])
def test_a_picture_with_other_bytes_is_refused(content: bytes) -> None:
    with pytest.raises(BadPicture, match="hash"):
        read_picture(content, sha256=SHA256)


def test_bytes_that_are_no_picture_are_refused() -> None:
    text = b"<svg onload=alert(1)>"
    with pytest.raises(BadPicture, match="cannot be read"):
        read_picture(text, sha256=hashlib.sha256(text).hexdigest())


def test_a_damaged_local_copy_is_fetched_again(stored: tuple[ModelCache, str]) -> None:
    cache, fingerprint = stored
    copy = cache.file(fingerprint, "decode.onnx")
    sound = copy.read_bytes()
    copy.write_bytes(sound[:-1])
    assert cache.file(fingerprint, "decode.onnx").read_bytes() == sound


@pytest.mark.parametrize("name", ["../secret", "other.onnx", "manifest.json"])
def test_a_file_outside_the_manifest_is_refused(stored: tuple[ModelCache, str], name: str) -> None:
    with pytest.raises((BadBundle, ValueError)):
        stored[0].file(stored[1], name)


def test_a_bundle_under_a_foreign_name_is_refused(stored: tuple[ModelCache, str]) -> None:
    cache, fingerprint = stored
    manifest = cache.storage.read_bytes(bundle_key(fingerprint, "manifest.json"))
    cache.storage.put_bytes(bundle_key("f" * 64, "manifest.json"), manifest)
    with pytest.raises(BadBundle, match="another bundle"):
        cache.manifest("f" * 64)
    with pytest.raises(BadBundle, match="no bundle"):
        cache.manifest("0" * 64)


def test_a_graph_with_weights_in_other_files_is_refused() -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    node = helper.make_node("Identity", ["w"], ["image_embeddings"])
    output = helper.make_tensor_value_info("image_embeddings", TensorProto.FLOAT, [1])
    graph = helper.make_graph([node], "bad", [], [output], [tensor])
    content = helper.make_model(graph).SerializeToString()
    assert onnx.load_model_from_string(content)
    with pytest.raises(BadBundle, match="other files"):
        onnx_session(content, threads=1)
    with pytest.raises(BadBundle, match="cannot be read"):
        onnx_session(b"\xff" * 99, threads=1)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"STORAGE_URL": ""}, "STORAGE_URL"),
        ({"MASKWRIGHT_DEVICE": "tpu"}, "tpu"),
        ({"MASKWRIGHT_THREADS": "many"}, "many"),
    ],
)
def test_a_missing_or_wrong_setting_stops_the_worker(change: dict[str, str], named: str) -> None:
    sound = {"REDIS_URL": "unix:///s", "STORAGE_URL": "file:///f"}
    assert read_settings(sound).device == "auto"
    with pytest.raises(SystemExit, match=named):
        read_settings(sound | change)


def test_as_many_threads_as_cores_it_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    free = replace(SETTINGS, threads=0)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3, 5, 7})
    assert (free.num_threads, SETTINGS.num_threads) == (3, 1)
    monkeypatch.delattr(os, "sched_getaffinity")  # as on a Mac
    assert free.num_threads == 8
