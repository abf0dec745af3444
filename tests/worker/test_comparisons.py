"""Two registered versions compared by a real model worker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annotator.models import JobState, ModelVersion, VersionComparison
from annotator.services.bundles import register_folder
from annotator.services.comparisons import start_comparison, stop_model_job
from annotator.services.stores import file_storage
from common.manifest import CONFIG_NAME, MANIFEST_NAME, Manifest, describe_file, fingerprint_files
from common.messages import picture_key
from tests.cast import Cast, accepted_mask
from tests.tiny_bundle import make_tiny_bundle
from tests.worker.engine import TRAIN, Engine, stored_image

pytestmark = pytest.mark.xdist_group("engine")
COMPARED_S = 600.0  # three processes that load torch, on a machine that may be busy


@pytest.fixture(scope="module")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another network of the same structure."""
    return make_tiny_bundle(tmp_path_factory.mktemp("other"), seed=8)


@pytest.fixture
def held_out(engine: Engine, cast: Cast) -> None:
    """A mask with a click in each of two projects, on the same picture, kept for scoring."""
    for project in (cast.project, cast.elsewhere):
        image = stored_image(project)
        image.held_out = True
        image.save()
        mask = accepted_mask(image, cast.alice)
        mask.prompts = [{"kind": "point", "x": 6, "y": 15, "label": 1}]
        mask.save()


def test_two_versions_are_scored_and_replayed_on_the_masks_of_all_projects(
    engine: Engine, model: ModelVersion, other_bundle: Path, cast: Cast, held_out: None
) -> None:
    other = register_folder(folder=other_bundle)
    engine.start(TRAIN)
    pair = start_comparison(base=model, candidate=other, by=cast.dan)
    engine.wait_for_job(pair.job, JobState.DONE, JobState.FAILED, seconds=COMPARED_S)
    pair.refresh_from_db()
    assert pair.compared_at is not None, pair.job.error
    measures = pair.found["measures"]
    assert pair.found["replayed_on"] == "held_out"
    for name in ("held_out_capped", "held_out_iou_1", "held_out_iou_3", "first_iou", "clicks"):
        assert measures[name]["num_masks"] == 2, name
        groups = measures[name]["by_group"]
        assert set(groups) == {str(cast.project.id), str(cast.elsewhere.id)}, name
    for told in pair.found["cases"]:
        for who in ("current", "candidate"):
            assert file_storage().exists(picture_key(told[f"{who}_picture"]))


def test_a_version_whose_weights_do_not_load_gives_a_clear_error(
    engine: Engine,
    model: ModelVersion,
    other_bundle: Path,
    cast: Cast,
    held_out: None,
    tmp_path: Path,
) -> None:
    older = register_folder(folder=of_another_structure(other_bundle, tmp_path / "older"))
    engine.start(TRAIN)
    pair = start_comparison(base=model, candidate=older, by=cast.dan)
    job = engine.wait_for_job(pair.job, JobState.FAILED, JobState.DONE, seconds=COMPARED_S)
    assert job.state == JobState.FAILED and job.attempt == 1, "another attempt would end the same"
    assert f"{older.name} cannot be scored by this worker." in job.error
    assert "The weights do not fit the network of this version" in job.error
    assert "Traceback" not in job.error
    assert VersionComparison.objects.get().compared_at is None


def test_a_comparison_is_stopped_while_it_runs(
    engine: Engine, model: ModelVersion, other_bundle: Path, cast: Cast, held_out: None
) -> None:
    other = register_folder(folder=other_bundle)
    engine.start(TRAIN)
    pair = start_comparison(base=model, candidate=other, by=cast.dan)
    engine.wait_for_job(pair.job, JobState.RUNNING)
    stop_model_job(job=pair.job, by=cast.dan)
    engine.wait_for_job(pair.job, JobState.CANCELLED, seconds=COMPARED_S)
    assert VersionComparison.objects.get().compared_at is None


def of_another_structure(bundle: Path, out: Path) -> Path:
    """A copy of a bundle whose configuration promises another width than its weights have."""
    out.mkdir()
    manifest = Manifest.from_json((bundle / MANIFEST_NAME).read_bytes())
    for name in manifest.files:
        (out / name).write_bytes((bundle / name).read_bytes())
    config = json.loads((bundle / CONFIG_NAME).read_text())
    config["iou_head_hidden_dim"] *= 2
    (out / CONFIG_NAME).write_text(json.dumps(config))
    files = {name: describe_file((out / name).read_bytes()) for name in manifest.files}
    values = json.loads(manifest.to_json())
    values["files"] = {name: vars(entry) for name, entry in files.items()}
    values["bundle_fingerprint"] = fingerprint_files(files)
    (out / MANIFEST_NAME).write_text(json.dumps(values))
    return out
