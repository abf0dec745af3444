"""Registering bundles, promoting them one at a time, and going back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from annotator.errors import Conflict, Invalid
from annotator.models import AuditEntry, Embedding, Job, ModelVersion, Promotion
from annotator.queries.model_versions import current_model_version
from annotator.services.bundles import (
    promote,
    promote_bundled,
    promote_over_current,
    register_folder,
    roll_back,
)
from annotator.services.stores import file_storage
from common.manifest import MANIFEST_NAME
from tests.cast import Cast, make_image, make_model
from tests.worker.test_rounds import at_once

pytestmark = pytest.mark.xdist_group("engine")


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path, settings: Settings, transactional_db: None) -> None:
    settings.STORAGE_URL = (tmp_path / "storage").as_uri()


def test_a_registered_bundle_is_whole_in_storage(tiny_bundle: Path) -> None:
    version = register_folder(folder=tiny_bundle)
    names = [key.split("/")[-1] for key in file_storage().list("bundles")]
    assert sorted(names) == sorted([*version.manifest["files"], MANIFEST_NAME])
    for name, entry in version.manifest["files"].items():
        key = f"bundles/{version.bundle_fingerprint}/{name}"
        assert file_storage().sha256(key) == entry["sha256"]
    assert register_folder(folder=tiny_bundle) == version
    assert AuditEntry.objects.filter(act="model.registered").count() == 1


@pytest.mark.parametrize("damage", ["file", "missing file", "manifest", "no manifest", "foreign"])
def test_a_damaged_bundle_is_refused(tiny_bundle: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, folder)
    manifest = folder / MANIFEST_NAME
    if damage == "file":
        (folder / "decode.onnx").write_bytes((folder / "decode.onnx").read_bytes() + b"\0")
    elif damage == "missing file":
        (folder / "prepare.onnx").unlink()
    elif damage == "manifest":
        manifest.write_bytes(manifest.read_bytes()[:-40])
    elif damage == "no manifest":
        manifest.unlink()
    else:
        changed = json.loads(manifest.read_text()) | {"bundle_fingerprint": "0" * 64}
        manifest.write_text(json.dumps(changed))
    with pytest.raises(Invalid):
        register_folder(folder=folder)
    assert not ModelVersion.objects.exists()


def test_the_command_registers_and_promotes(tiny_bundle: Path) -> None:
    call_command("register_bundle", str(tiny_bundle), "--promote")
    call_command("register_bundle", str(tiny_bundle), "--promote")
    assert Promotion.objects.count() == 1, "what is in use already is not promoted again"
    current = current_model_version()
    assert current is not None and current.name == "tiny"


def test_promotion_needs_to_know_what_it_replaces(cast: Cast) -> None:
    first, second = make_model(), make_model(promote=False)
    with pytest.raises(Conflict) as refusal:
        promote(model_version=second, expected_current=None, by=cast.dan)
    assert refusal.value.code == "not_current"
    assert refusal.value.extra["current"] == str(first.id)
    promote(model_version=second, expected_current=first.id, by=cast.dan)
    assert current_model_version() == second


def test_of_two_promotions_at_once_one_is_refused(cast: Cast) -> None:
    current = make_model()
    rivals = [make_model(promote=False), make_model(promote=False)]
    outcomes = at_once(
        lambda: promote(model_version=rivals[0], expected_current=current.id, by=cast.dan),
        lambda: promote(model_version=rivals[1], expected_current=current.id, by=cast.dan),
    )
    assert sorted(outcomes) == ["not_current", "ok"]
    assert Promotion.objects.count() == 2


def test_rolling_back_returns_to_the_version_before(cast: Cast) -> None:
    first = make_model()
    with pytest.raises(Conflict, match="no earlier"):
        roll_back(by=cast.dan)
    second = make_model(promote=False)
    promote(model_version=second, expected_current=first.id, by=cast.dan)
    roll_back(by=cast.dan)
    assert current_model_version() == first
    acts = AuditEntry.objects.filter(act="model.promoted")
    assert [act.person for act in acts] == [cast.dan, cast.dan]


def test_the_bundled_model_follows_the_checkout_until_somebody_chooses_another(cast: Cast) -> None:
    first, second, third = (make_model(promote=False) for _ in range(3))
    assert promote_bundled(model_version=first)
    assert promote_bundled(model_version=second)
    assert current_model_version() == second
    promote(model_version=first, expected_current=second.id, by=cast.dan, reason="I know it")
    assert not promote_bundled(model_version=third)
    assert current_model_version() == first


def test_an_installation_of_before_takes_new_bundled_weights(cast: Cast) -> None:
    earlier, later = make_model(promote=False), make_model(promote=False)
    promote_over_current(model_version=earlier)
    assert promote_bundled(model_version=later)
    assert current_model_version() == later


def test_a_new_encoder_asks_for_embeddings_and_a_new_decoder_does_not(cast: Cast) -> None:
    first = make_model(encoder="a" * 64)
    image = make_image(cast.project)
    Embedding.objects.create(
        picture=image.picture,
        crop=[0, 0, image.picture.width, image.picture.height],
        encoder_fingerprint="a" * 64,
        file_key="embeddings/a.emb",
        file_sha256="b" * 64,
        num_bytes=1,
    )
    decoder, encoder = make_model(encoder="a" * 64, promote=False), make_model(promote=False)
    promote(model_version=decoder, expected_current=first.id, by=cast.dan)
    assert not Job.objects.exists()
    promote(model_version=encoder, expected_current=decoder.id, by=cast.dan)
    assert Job.objects.get().request["encoder_fingerprint"] == encoder.encoder_fingerprint
