"""A round from accepted masks to a promoted candidate, with a real training process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import close_old_connections
from django.utils import timezone

from annotator.errors import Conflict, DomainError, Invalid
from annotator.models import (
    Image,
    Job,
    JobKind,
    JobState,
    Mask,
    ModelVersion,
    Person,
    Round,
    VersionComparison,
)
from annotator.queries.model_versions import current_model_version
from annotator.queries.training_sets import rounds_behind
from annotator.services.bundles import promote, register_folder
from annotator.services.embeddings import request_embedding
from annotator.services.rounds import RoundSettings, cancel_round, read_log, start_round
from annotator.services.stores import file_storage
from annotator.services.tick import tick
from common.messages import picture_key
from common.snapshots import read_snapshot
from model_server.sam.build import TINY as TINY_VIT
from tests.cast import Cast, accepted_mask, make_model
from tests.tiny_bundle import make_tiny_bundle
from tests.worker.engine import TRAIN, Engine, stored_image

pytestmark = pytest.mark.xdist_group("engine")
SMALL = RoundSettings(
    steps=3, minutes=2.0, images_per_batch=1, masks_per_image=1, rounds=2, held_out_images=1
)
TRAINING_S = 900.0  # five processes that load torch, on a machine that may be busy


@pytest.fixture
def masks(engine: Engine, cast: Cast) -> list[Mask]:
    """Two accepted masks to train on and one that is held out."""
    images = [stored_image(cast.project, shade=number) for number in range(3)]
    images[2].held_out = True
    images[2].save()
    masks = [accepted_mask(image, cast.alice) for image in images]
    for mask in masks:
        mask.prompts = [{"kind": "point", "x": 6, "y": 15, "label": 1}]
        mask.save()
    return masks


def test_a_round_trains_on_the_accepted_masks_and_its_candidate_can_be_promoted(
    engine: Engine, model: ModelVersion, cast: Cast, masks: list[Mask]
) -> None:
    engine.start(TRAIN)
    started = start_round(project=cast.project, by=cast.dan, settings=SMALL)
    with pytest.raises(Conflict, match="is running"):
        start_round(project=cast.project, by=cast.dan, settings=SMALL)
    snapshot = list(read_snapshot(file_storage().read_bytes(started.snapshot_key)))
    assert [each.mask_id for each in snapshot] == [
        str(mask.id) for mask in sorted(masks, key=lambda mask: (mask.image.picture_id, mask.id))
    ]
    assert [each.split for each in snapshot].count("held_out") == 1

    engine.wait_for_job(started.job, JobState.DONE, JobState.FAILED, seconds=TRAINING_S)
    started.refresh_from_db()
    candidate = started.candidate
    assert candidate is not None, started.job.error
    assert candidate.parent == model and candidate.bundle_fingerprint != model.bundle_fingerprint
    assert candidate.encoder_fingerprint == model.encoder_fingerprint, "the encoder was frozen"
    held_out = candidate.scores["held_out"]
    assert set(held_out["before"]["miou_at"]) == set(held_out["after"]["miou_at"])
    assert candidate.manifest["provenance"]["snapshot"] == started.snapshot_key
    assert isinstance(read_log(round_=started), list)
    assert candidate.manifest["provenance"]["start_share"] == 0.909, "20 to the 2 masks"
    check_comparison(candidate, held_out=masks[2])

    promote_untaught(candidate, over=model, by=cast.dan)
    assert current_model_version() == candidate
    embedded = request_embedding(picture=masks[0].image.picture, model_version=candidate)
    assert embedded is not None
    engine.wait_for_job(embedded, JobState.DONE)
    with pytest.raises(Invalid, match="Nothing was accepted"):
        start_round(project=cast.project, by=cast.dan, settings=SMALL)
    accepted_mask(masks[1].image, cast.bob)
    assert start_round(project=cast.project, by=cast.dan, settings=SMALL).number == 2


def test_a_round_may_begin_with_a_model_of_another_architecture(
    engine: Engine, model: ModelVersion, cast: Cast, masks: list[Mask], tmp_path: Path
) -> None:
    grown = register_folder(folder=make_tiny_bundle(tmp_path, seed=3, config=TINY_VIT))
    engine.start(TRAIN)
    started = start_round(project=cast.project, by=cast.dan, settings=SMALL, start=grown)
    engine.wait_for_job(started.job, JobState.DONE, JobState.FAILED, seconds=TRAINING_S)
    started.refresh_from_db()
    candidate = started.candidate
    assert candidate is not None, started.job.error
    assert (started.base, candidate.parent) == (model, grown)
    assert candidate.encoder_fingerprint == grown.encoder_fingerprint, "the encoder was frozen"
    assert candidate.manifest["provenance"]["start_bundle"] == grown.bundle_fingerprint
    pair = VersionComparison.objects.get(candidate=candidate)
    assert pair.base == model, "the gate asks whether it is better than what is in use"
    scores = candidate.scores["held_out"]
    assert scores["before"] != scores["after"]
    assert rounds_behind(candidate) == [started]
    promote_untaught(candidate, over=model, by=cast.dan)
    embedded = request_embedding(picture=masks[0].image.picture)
    assert embedded is not None
    engine.wait_for_job(embedded, JobState.DONE)


def test_a_cancelled_round_stops_its_training(
    engine: Engine, model: ModelVersion, cast: Cast, masks: list[Mask]
) -> None:
    engine.start(TRAIN)
    long = RoundSettings(steps=1_000_000, minutes=60.0, images_per_batch=1, masks_per_image=1)
    started = start_round(project=cast.project, by=cast.dan, settings=long)
    engine.wait_for_job(started.job, JobState.RUNNING)
    cancel_round(round_=started, by=cast.dan)
    job = engine.wait_for_job(started.job, JobState.CANCELLED)
    assert job.finished_at is not None
    # Its own folder: a round that the end of another test killed leaves one for the next attempt.
    assert not (engine.folder / "cache" / "jobs" / str(job.id)).exists()
    with pytest.raises(Conflict, match="cancelled"):
        cancel_round(round_=started, by=cast.dan)
    again = start_round(project=cast.project, by=cast.dan, settings=SMALL)
    assert again.number == 2, "a round that came to nothing may be repeated"


def test_a_killed_training_leaves_no_orphan_and_is_taken_up_again(
    engine: Engine, model: ModelVersion, cast: Cast, masks: list[Mask]
) -> None:
    engine.start(TRAIN)
    long = RoundSettings(steps=1_000_000, minutes=60.0, images_per_batch=1, masks_per_image=1)
    job = start_round(project=cast.project, by=cast.dan, settings=long).job
    engine.wait_for_job(job, JobState.RUNNING)
    engine.wait_for(lambda: processes_naming(str(job.id)) > 0, "a child that works on the job")
    engine.kill(TRAIN)
    engine.wait_for(lambda: processes_naming(str(job.id)) == 0, "the child to end with its worker")
    # Its last report may still be on the way, and would lengthen the lease once more.
    engine.wait_for(lambda: is_given_up(job), "the tick to give the worker up")
    engine.start(TRAIN)
    engine.wait_for_job(job, JobState.RUNNING)
    assert (job.attempt, job.token) == (2, 2)


def test_the_commands_start_rounds_promote_and_go_back(
    engine: Engine, model: ModelVersion, cast: Cast, masks: list[Mask]
) -> None:
    call_command("start_round", cast.project.name, "--steps", "5", "--no-wait")
    assert Round.objects.get().settings["steps"] == 5
    with pytest.raises(CommandError, match="is running"):
        call_command("start_round", str(cast.project.id), "--no-wait")
    other = make_model(promote=False)
    call_command("promote", str(other.id))
    assert current_model_version() == other
    call_command("promote", "--back")
    assert current_model_version() == model
    job = request_embedding(picture=masks[0].image.picture)
    if job is not None:
        call_command("follow_job", str(job.id))
    call_command("wait_for_embeddings")


def promote_untaught(candidate: ModelVersion, *, over: ModelVersion, by: Person) -> None:
    promote(
        model_version=candidate,
        expected_current=over.id,
        by=by,
        reason="three steps teach nothing",
        override=True,
    )


def check_comparison(candidate: ModelVersion, *, held_out: Mask) -> None:
    """The held-out mask alone was replayed on both models, and its pictures are in storage."""
    pair = VersionComparison.objects.get(candidate=candidate)
    assert pair.base == candidate.parent and pair.compared_at is not None
    found = pair.found
    assert found["replayed_on"] == "held_out"
    for name in ("held_out_capped", "first_iou", "clicks"):
        measure = found["measures"][name]
        assert measure["num_masks"] == 1 and measure["interval"] is None, name
        assert set(measure["by_group"]) == {str(held_out.image.project_id)}
    scores = candidate.scores["held_out"]
    for when, who in (("before", "current"), ("after", "candidate")):
        assert found["measures"]["held_out_iou_1"][who] == scores[when]["miou_at"]["1"]
    for case in found["cases"]:
        assert case["mask_id"] == str(held_out.id)
        assert (
            file_storage()
            .read_bytes(picture_key(case["candidate_picture"]))
            .startswith(b"\xff\xd8")
        )
    assert "comparison" not in candidate.manifest["scores"], "every browser fetches the manifest"


def is_given_up(job: Job) -> bool:
    """Whether the job has a new token after its lease ended and the tick looked."""
    running = Job.objects.filter(id=job.id, state=JobState.RUNNING)
    running.update(lease_until=timezone.now() - timedelta(seconds=1))
    tick()
    job.refresh_from_db()
    return job.token == 2


def processes_naming(text: str) -> int:
    """How many processes have a text in their command line."""
    num = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            num += text.encode() in path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return num


def test_two_rounds_at_once_give_one_job(
    engine: Engine, model: ModelVersion, cast: Cast, masks: list[Mask]
) -> None:
    outcomes = at_once(
        lambda: start_round(project=cast.project, by=cast.dan, settings=SMALL),
        lambda: start_round(project=cast.project, by=cast.dan, settings=SMALL),
    )
    assert sorted(outcomes) == ["ok", "round_running"]
    assert Round.objects.count() == Job.objects.filter(kind=JobKind.TRAIN).count() == 1


def test_a_round_without_anything_to_learn_from_is_refused(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    image = stored_image(cast.project)
    for refused in ("none", "given up", "held out only"):
        if refused == "given up":
            accepted_mask(image, cast.alice, given_up=True)
        if refused == "held out only":
            held_out = stored_image(cast.project, shade=9)
            Image.objects.filter(id=held_out.id).update(held_out=True)
            accepted_mask(held_out, cast.alice)
        with pytest.raises(Invalid) as refusal:
            start_round(project=cast.project, by=cast.dan, settings=SMALL)
        assert refusal.value.code == "nothing_new", refused
    assert not Job.objects.filter(kind=JobKind.TRAIN).exists(), "nothing is left behind"


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Runs acts in threads that start together; "ok" or the error's code of each."""
    barrier = threading.Barrier(len(acts))
    outcomes: list[str] = []

    def run(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            act()
            outcomes.append("ok")
        except DomainError as error:
            outcomes.append(error.code)
        finally:
            close_old_connections()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
