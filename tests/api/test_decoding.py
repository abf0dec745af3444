"""Decoding on the server: the same masks as the browser's, and every prompt that does not fit refused by name."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from annotator.models import Embedding, Image, ModelVersion
from annotator.services import decoding
from annotator.services.bundles import promote, register_folder
from annotator.services.embeddings import embedding_name
from annotator.services.stores import file_storage
from common.embedding_format import encode_embedding
from common.messages import bundle_key
from common.metrics import Click, iou
from common.model_frame import upscale_logits
from tests.cast import Browser, Cast, make_image
from tests.decoding_scene import HEIGHT, WIDTH, Scene, make_scene

Browsers = Callable[[str], Browser]
CLICKS = (Click(20, 31, 1), Click(60, 8, 0))
AGREEMENT = 0.999  # IoU; logits travel in half precision


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def model(cast: Cast, scene: Scene) -> ModelVersion:
    version = register_folder(folder=scene.folder)
    promote(model_version=version, expected_current=None)
    return version


@pytest.fixture
def image(cast: Cast, model: ModelVersion, scene: Scene) -> Image:
    """An image with the scene's embedding."""
    made = make_image(cast.project, width=WIDTH, height=HEIGHT)
    name = embedding_name(picture=made.picture, encoder_fingerprint=model.encoder_fingerprint)
    content = encode_embedding(replace(scene.file, name=name))
    file_storage().put_bytes(name.key, content)
    Embedding.objects.create(
        picture=made.picture,
        crop=list(name.crop),
        encoder_fingerprint=name.encoder_fingerprint,
        file_key=name.key,
        file_sha256="f" * 64,
        num_bytes=len(content),
    )
    return made


def body(model: ModelVersion, **changes: Any) -> dict[str, Any]:
    points = [{"x": click.x, "y": click.y, "label": click.label} for click in CLICKS[:1]]
    return {"bundle_fingerprint": model.bundle_fingerprint, "points": points, **changes}


def ask(browser: Browser, image: Image, sent: dict[str, Any]) -> Any:
    return browser.post(f"images/{image.id}/decode", sent)


def logits_of(candidate: dict[str, Any]) -> Any:
    values = np.frombuffer(base64.b64decode(candidate["low_res"]), "<f2")
    side = round(values.size**0.5)
    return values.reshape(side, side).astype(np.float32)


def written(logits: Any) -> str:
    return base64.b64encode(np.asarray(logits, "<f2").tobytes()).decode()


def test_the_server_answers_with_the_masks_of_the_browser(
    browser: Browsers, image: Image, model: ModelVersion, scene: Scene
) -> None:
    opened = scene.opened()
    wanted = opened.decode(CLICKS[:1], None)
    first = ask(browser("alice"), image, body(model)).json()["candidates"]
    assert_same(first, wanted, opened.frame)
    points = [{"x": click.x, "y": click.y, "label": click.label} for click in CLICKS]
    sent = body(model, points=points, mask_input=first[0]["low_res"])
    second = ask(browser("alice"), image, sent).json()["candidates"]
    assert_same(second, opened.decode(CLICKS, logits_of(first[0])), opened.frame)
    boxed = ask(browser("alice"), image, body(model, points=[], box=[5, 6, 40.5, 44])).json()
    assert [one["token"] for one in boxed["candidates"]] != []


def assert_same(found: list[dict[str, Any]], wanted: Any, frame: Any) -> None:
    assert [one["token"] for one in found] == [one.token for one in wanted]
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine["predicted_iou"] == pytest.approx(theirs.predicted_iou, abs=1e-5)
        assert iou(upscale_logits(logits_of(mine), frame) > 0, theirs.mask) >= AGREEMENT


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"points": []}, "empty_prompt"),
        ({"points": [{"x": WIDTH + 1, "y": 3, "label": 1}]}, "outside"),
        ({"box": [10, 10, 5, 20]}, "outside"),
        ({"mask_input": "no base64"}, "bad_mask_input"),
        ({"mask_input": written(np.zeros((3, 3)))}, "bad_mask_input"),
        ({"mask_input": written(np.full((16, 16), np.nan))}, "bad_mask_input"),
        ({"mask_input": written(np.zeros(7))}, "bad_mask_input"),
    ],
)
def test_a_prompt_that_does_not_fit_is_refused_by_name(
    browser: Browsers, image: Image, model: ModelVersion, changes: dict[str, Any], code: str
) -> None:
    reply = ask(browser("alice"), image, body(model, **changes))
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, code)


def test_an_image_without_embedding_is_409_and_an_unknown_model_404(
    browser: Browsers, cast: Cast, image: Image, model: ModelVersion
) -> None:
    waiting = make_image(cast.project, width=WIDTH, height=HEIGHT)
    reply = ask(browser("alice"), waiting, body(model))
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "embedding_not_ready")
    reply = ask(browser("alice"), image, body(model, bundle_fingerprint="0" * 64))
    assert reply.status_code == 404
    assert ask(browser("mallory"), image, body(model)).status_code == 404


def test_a_damaged_graph_is_503(browser: Browsers, image: Image, model: ModelVersion) -> None:
    key = bundle_key(model.bundle_fingerprint, "decode.onnx")
    assert file_storage().size(key)
    file_storage().put_bytes(key, b"not a graph")
    decoding._model.cache_clear()
    decoding._opened.cache_clear()
    assert ask(browser("alice"), image, body(model)).status_code == 503


def test_when_all_slots_are_taken_the_browser_is_told_to_come_back(
    browser: Browsers, image: Image, model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "PATIENCE_S", 0.01)
    monkeypatch.setattr(decoding, "_free", threading.BoundedSemaphore(1))
    with decoding._free:
        reply = ask(browser("alice"), image, body(model))
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "2")
    assert ask(browser("alice"), image, body(model)).status_code == 200
