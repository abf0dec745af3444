"""A published checkpoint in the server's folder becomes a version that is judged beside the one in use."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from annotator.models import JobState, ModelVersion, VersionComparison
from annotator.services.checkpoints import checkpoints, start_registration
from annotator.services.stores import file_storage
from common.architectures import ARCHITECTURES
from common.manifest import ENCODER_GRAPH
from common.messages import bundle_prefix
from model_server.sam.build import CONFIGS
from tests.cast import Cast, accepted_mask
from tests.model_server.random_weights import random_sam
from tests.worker.engine import TRAIN, Engine, stored_image

pytestmark = pytest.mark.xdist_group("engine")
REGISTERED_S = 600.0  # two processes that load torch, on a machine that may be busy


@pytest.fixture
def folder(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of checkpoints; a minute network counts as a published one."""
    folder = engine.folder / "checkpoints"
    folder.mkdir(exist_ok=True)
    settings.CHECKPOINT_FOLDER = folder
    monkeypatch.setitem(ARCHITECTURES, "tiny", "Tiny SAM")
    yield folder
    for path in folder.iterdir():
        path.unlink()


def write_checkpoint(path: Path) -> None:
    """Random weights under the published names."""
    torch.set_num_threads(1)
    torch.save(random_sam(CONFIGS["tiny"], seed=4).state_dict(), path)


def test_a_checkpoint_is_converted_verified_registered_and_compared(
    engine: Engine, model: ModelVersion, cast: Cast, folder: Path, tmp_path: Path
) -> None:
    image = stored_image(cast.project)
    image.held_out = True
    image.save()
    accepted_mask(image, cast.alice)
    write_checkpoint(tmp_path / "sam_tiny.pth")
    out = io.StringIO()
    engine.start(TRAIN)
    call_command(
        "register_checkpoint", str(tmp_path / "sam_tiny.pth"), "--architecture", "tiny", stdout=out
    )
    version = ModelVersion.objects.exclude(id=model.id).get()
    # The worker that names it is another process, which knows the published networks only.
    assert version.name == "tiny, sam_tiny.pth" and ENCODER_GRAPH in version.manifest["files"]
    provenance = version.manifest["provenance"]
    assert provenance["converted_from"] == "sam_tiny.pth" and provenance["verification"]
    pair = VersionComparison.objects.get()
    assert (pair.base, pair.candidate) == (model, version)
    assert f"follow_job {pair.job_id}" in out.getvalue()
    prefix = bundle_prefix(f"jobs/{provenance['job']}", 1)
    assert file_storage().list(prefix) == [f"{prefix}/manifest.json"], "gigabytes are kept once"
    engine.wait_for_job(pair.job, JobState.DONE, JobState.FAILED, seconds=REGISTERED_S)
    pair.refresh_from_db()
    assert pair.found["measures"]["held_out_capped"]["num_masks"] == 1, pair.job.error


def test_a_file_that_would_run_code_fails_with_a_sentence(
    engine: Engine, model: ModelVersion, cast: Cast, folder: Path
) -> None:
    torch.save({"weight": torch.ones(2), "hook": Path("/")}, folder / "trap.pth")
    engine.start(TRAIN)
    job = start_registration(file="trap.pth", architecture="tiny", by=cast.dan)
    engine.wait_for_job(job, JobState.FAILED, JobState.DONE, seconds=REGISTERED_S)
    assert job.state == JobState.FAILED and job.attempt == 1
    assert "could run code on this server" in job.error and "Traceback" not in job.error
    assert ModelVersion.objects.get() == model


def test_the_command_takes_files_into_the_folder_and_refuses_what_is_none(
    engine: Engine, folder: Path, tmp_path: Path
) -> None:
    def run(file: Path, *options: str) -> None:
        call_command("register_checkpoint", str(file), "--no-wait", *options, stdout=io.StringIO())

    (tmp_path / "sam_vit_b_01ec64.pth").write_bytes(b"weights")
    run(tmp_path / "sam_vit_b_01ec64.pth")
    (found,) = checkpoints()
    assert (found.name, found.num_bytes, found.architecture) == ("sam_vit_b_01ec64.pth", 7, "vit_b")
    with pytest.raises(CommandError, match="is being registered"):
        run(folder / "sam_vit_b_01ec64.pth")
    (tmp_path / "sam_vit_b_01ec64.pth").write_bytes(b"others!")
    with pytest.raises(CommandError, match="another file of that name"):
        run(tmp_path / "sam_vit_b_01ec64.pth")
    (tmp_path / "mine.pth").write_bytes(b"weights")
    with pytest.raises(CommandError, match="say --architecture"):
        run(tmp_path / "mine.pth")
    with pytest.raises(CommandError, match="no file that ends in"):
        run(tmp_path / "mine.zip", "--architecture", "vit_b")
