"""Model versions over HTTP: who may see them, fetch their files, promote them."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable

import pytest

from annotator.models import ModelVersion
from annotator.queries.model_versions import current_model_version
from annotator.services.stores import file_storage
from tests.cast import Browser, Cast, make_model

CONTENT = b"a graph"


@pytest.fixture
def model(cast: Cast) -> ModelVersion:
    """A promoted version whose bundle has one file."""
    model = make_model()
    entry = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "bytes": len(CONTENT)}
    model.manifest = {"input_size": 64, "files": {"decode.onnx": entry}}
    model.save()
    prefix = f"bundles/{model.bundle_fingerprint}"
    file_storage().put_bytes(f"{prefix}/decode.onnx", CONTENT)
    file_storage().put_bytes(f"{prefix}/manifest.json", json.dumps(model.manifest).encode())
    return model


def rival_of(model: ModelVersion) -> ModelVersion:
    rival = make_model(promote=False)
    rival.manifest = model.manifest
    rival.save()
    return rival


def test_an_admin_sees_all_versions_and_promotions(
    browser: Callable[[str], Browser], model: ModelVersion
) -> None:
    reply = browser("dan").get("models").json()
    assert reply["current"] == str(model.id) and reply["total"] == 1
    assert reply["models"][0]["is_current"] and reply["models"][0]["input_size"] == 64
    assert reply["promotions"][0]["model"] == str(model.id)


def test_an_annotator_knows_a_version_and_fetches_its_files(
    browser: Callable[[str], Browser], model: ModelVersion
) -> None:
    alice = browser("alice")
    assert alice.get(f"models/{model.id}").json()["bundle_fingerprint"] == model.bundle_fingerprint
    reply = alice.get(f"models/{model.id}/files/decode.onnx")
    assert b"".join(reply) == CONTENT
    assert "immutable" in reply.headers["Cache-Control"]
    manifest = alice.get(f"models/{model.id}/files/manifest.json")
    assert json.loads(b"".join(manifest)) == model.manifest


@pytest.mark.parametrize("name", ["weights.pickle", "..%2F..%2Fsecret", "manifest.json.bak"])
def test_a_file_that_the_manifest_does_not_name_is_not_there(
    browser: Callable[[str], Browser], model: ModelVersion, name: str
) -> None:
    assert browser("dan").get(f"models/{model.id}/files/{name}").status_code == 404


@pytest.mark.parametrize(("name", "status"), [("nobody", 401), ("alice", 403), ("carol", 403)])
def test_only_admins_list_and_promote(
    browser: Callable[[str], Browser], model: ModelVersion, name: str, status: int
) -> None:
    body = {"expected_current": str(model.id)}
    assert browser(name).get("models").status_code == status
    assert browser(name).get("jobs").status_code == status
    assert browser(name).post(f"models/{model.id}/promote", body).status_code == status


def test_promoting_over_another_persons_promotion_is_refused(
    browser: Callable[[str], Browser], model: ModelVersion
) -> None:
    rival, late = rival_of(model), rival_of(model)
    body = {"expected_current": str(model.id)}
    dan = browser("dan")
    assert dan.post(f"models/{rival.id}/promote", body).json()["is_current"]
    refusal = dan.post(f"models/{late.id}/promote", body)
    assert refusal.status_code == 409 and refusal.json()["error"]["code"] == "not_current"
    assert refusal.json()["current"] == str(rival.id)
    assert current_model_version() == rival


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"expected_current": "x"}, 422), ({"expected_current": None, "more": 1}, 400)],
)
def test_a_promotion_without_what_it_replaces_is_refused(
    browser: Callable[[str], Browser], model: ModelVersion, body: object, status: int
) -> None:
    assert browser("dan").post(f"models/{model.id}/promote", body).status_code == status


def test_an_unknown_version_is_not_there(
    browser: Callable[[str], Browser], model: ModelVersion
) -> None:
    assert browser("dan").get(f"models/{uuid.uuid4()}").status_code == 404
    body = {"expected_current": str(model.id)}
    assert browser("dan").post(f"models/{uuid.uuid4()}/promote", body).status_code == 404
