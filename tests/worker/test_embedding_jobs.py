"""Embeddings from upload to browser, through a real broker and real workers that are killed on the way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from annotator.errors import Conflict
from annotator.models import Embedding, Image, Job, JobState, ModelVersion
from annotator.services.bundles import promote_over_current, register_folder
from annotator.services.crops import read_crop, request_crop
from annotator.services.embeddings import read_embedding, request_embedding
from annotator.services.jobs import take_report
from annotator.services.pulse import living_workers
from annotator.services.reports import record_report
from annotator.services.stores import file_storage
from annotator.services.tick import tick
from common.embedding_format import decode_embedding
from common.manifest import MANIFEST_NAME, REQUIRED_FILES
from common.messages import JobReport
from common.pulse import KEPT_S, pulse_key
from tests.cast import Cast
from tests.worker.conftest import EMBEDDING_SHAPE
from tests.worker.engine import EMBED, WEB, Engine, ringing_at, stored_image

pytestmark = pytest.mark.xdist_group("engine")


def asked_for(image: Image) -> Job:
    job = request_embedding(picture=image.picture)
    assert job is not None
    return job


def let_lease_end(job: Job) -> None:
    Job.objects.filter(id=job.id).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_an_uploaded_image_gets_its_embedding(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    image = stored_image(cast.project)
    job = engine.wait_for_job(asked_for(image), JobState.DONE)
    file = read_embedding(image=image, encoder_fingerprint=model.encoder_fingerprint)
    embedding = decode_embedding(file.content)
    assert embedding.values.shape == EMBEDDING_SHAPE
    assert embedding.frame.resized == (43, 64) and embedding.frame.size == (40, 60)
    assert embedding.values.any()
    assert (job.attempt, job.progress) == (1, 1.0)
    assert Embedding.objects.get().num_bytes == len(file.content)


def test_a_model_without_an_encoder_graph_embeds_too(
    engine: Engine, graphless_bundle: Path, cast: Cast
) -> None:
    version = register_folder(folder=graphless_bundle)
    promote_over_current(model_version=version)
    image = stored_image(cast.project, shade=222)
    engine.wait_for_job(asked_for(image), JobState.DONE)
    file = read_embedding(image=image, encoder_fingerprint=version.encoder_fingerprint)
    assert decode_embedding(file.content).values.shape == EMBEDDING_SHAPE
    stored = {
        key.split("/")[-1] for key in file_storage().list(f"bundles/{version.bundle_fingerprint}")
    }
    assert stored == {*REQUIRED_FILES, MANIFEST_NAME}


def test_asking_twice_makes_one_job_and_asking_afterwards_none(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    image = stored_image(cast.project, shade=7)
    first, second = asked_for(image), request_embedding(picture=image.picture, priority=40)
    assert second is None or second.id == first.id
    engine.wait_for_job(first, JobState.DONE)
    assert request_embedding(picture=image.picture) is None
    assert Job.objects.count() == 1


def test_a_job_whose_worker_was_killed_is_done_after_the_tick(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    engine.freeze(EMBED)
    job = asked_for(stored_image(cast.project, shade=20))
    # The worker takes the message and dies before its first word.
    record_report(JobReport(job_id=str(job.id), token=job.token, state="running"))
    engine.kill(EMBED)
    engine.flush_broker()
    let_lease_end(job)
    tick()
    job.refresh_from_db()
    assert (job.state, job.token, job.attempt) == (JobState.QUEUED, 2, 1)
    engine.start(EMBED)
    engine.wait_for_job(job, JobState.DONE)
    assert job.attempt == 2


def test_a_late_report_of_a_worker_given_up_changes_nothing(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    engine.freeze(EMBED)
    job = asked_for(stored_image(cast.project, shade=30))
    zombie = JobReport(job_id=str(job.id), token=job.token, state="running")
    assert record_report(zombie)
    let_lease_end(job)
    tick()
    for state in ("running", "done", "failed", "cancelled"):
        assert not record_report(JobReport(job_id=str(job.id), token=1, state=state))  # type: ignore[arg-type]
    job.refresh_from_db()
    assert (job.state, job.token) == (JobState.QUEUED, 2)
    engine.thaw(EMBED)
    engine.wait_for_job(job, JobState.DONE)


def test_a_part_of_a_large_picture_gets_an_embedding_of_its_own(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    image = stored_image(cast.project, width=300, height=200)
    wanted = request_crop(
        image=image, model_version=model, looked_at=(200, 100, 240, 140), by=cast.alice
    )
    assert wanted.box == (187, 75, 262, 150)
    engine.wait_for_job(Job.objects.get(), JobState.DONE)
    fingerprint = model.encoder_fingerprint
    file = read_crop(image=image, encoder_fingerprint=fingerprint, box=wanted.box)
    embedding = decode_embedding(file.content)
    assert (embedding.name.crop, embedding.frame.size) == (wanted.box, (75, 75))
    assert embedding.values.shape == EMBEDDING_SHAPE
    assert Embedding.objects.get().expires_at is not None


def test_a_part_that_nobody_waits_for_any_more_is_not_computed(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    engine.freeze(EMBED)
    image = stored_image(cast.project, width=300, height=200)
    for left in (0, 100):
        looked_at = (left, 0, left + 40, 40)
        request_crop(image=image, model_version=model, looked_at=looked_at, by=cast.alice)
    first, second = Job.objects.order_by("created_at")
    assert first.state == JobState.CANCELLED
    engine.thaw(EMBED)
    engine.wait_for_job(second, JobState.DONE)
    assert not file_storage().exists(first.subject)


def test_a_lost_doorbell_is_rung_again_by_the_tick(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    engine.kill(EMBED)
    job = asked_for(stored_image(cast.project, shade=40))
    engine.flush_broker()
    tick()
    assert engine.broker.llen("embed") == 0, "within its patience a ring is not repeated"
    let_lease_end(job)
    tick()
    assert engine.broker.llen("embed") == 1
    let_lease_end(job)
    tick()
    assert engine.broker.llen("embed") == 1, "what still waits in the queue is not lost"
    engine.start(EMBED)
    engine.wait_for_job(job, JobState.DONE)
    assert job.attempt == 1


def test_a_job_that_loses_every_worker_fails_in_the_end(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    engine.kill(EMBED)
    job = asked_for(stored_image(cast.project, shade=50))
    for _ in range(job.max_attempts):
        job.refresh_from_db()
        record_report(JobReport(job_id=str(job.id), token=job.token, state="running"))
        let_lease_end(job)
        tick()
    job.refresh_from_db()
    assert job.state == JobState.FAILED and "silent" in job.error


def test_a_broker_that_is_away_loses_no_job(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    with ringing_at(engine.folder / "nobody-listens-here.sock"):
        job = asked_for(stored_image(cast.project, shade=60))
        let_lease_end(job)
        tick()
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)
    tick()
    engine.wait_for_job(job, JobState.DONE)


def test_a_damaged_picture_fails_its_job_and_the_worker_lives(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    bad, good = stored_image(cast.project, shade=70), stored_image(cast.project, shade=80)
    content = bytearray(file_storage().read_bytes(bad.picture.file_key))
    content[len(content) // 2] ^= 1
    file_storage().put_bytes(bad.picture.file_key, bytes(content))
    failed = engine.wait_for_job(asked_for(bad), JobState.FAILED)
    assert "does not match its hash" in failed.error
    engine.wait_for_job(asked_for(good), JobState.DONE)
    with pytest.raises(Conflict) as refusal:
        read_embedding(image=bad, encoder_fingerprint=model.encoder_fingerprint)
    assert refusal.value.code == "embedding_not_ready"
    assert refusal.value.extra["job"]["state"] == "failed"  # type: ignore[index]


@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_a_damaged_embedding_is_never_served_and_made_again(
    engine: Engine, model: ModelVersion, cast: Cast, damage: str
) -> None:
    image = stored_image(cast.project, shade=90)
    engine.wait_for_job(asked_for(image), JobState.DONE)
    key = Embedding.objects.get().file_key
    sound = file_storage().read_bytes(key)
    if damage == "missing":
        file_storage().delete(key)
    else:
        file_storage().put_bytes(key, sound[:-1] + bytes([sound[-1] ^ 1]))
    with pytest.raises(Conflict):
        read_embedding(image=image, encoder_fingerprint=model.encoder_fingerprint)
    engine.wait_for(
        lambda: Embedding.objects.filter(picture=image.picture).exists(), "the embedding"
    )
    served = read_embedding(image=image, encoder_fingerprint=model.encoder_fingerprint)
    assert served.content == sound


def test_a_worker_is_heard_of_while_it_lives(engine: Engine) -> None:
    engine.wait_for(
        lambda: living_workers()["embed"] == "embed@test", "the pulse of a model worker"
    )
    engine.wait_for(lambda: living_workers()["web"] == "web@test", "the pulse of the web worker")
    assert engine.broker.ttl(pulse_key("embed")) <= KEPT_S


def test_the_wrong_encoder_is_refused_by_the_worker(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    ModelVersion.objects.update(encoder_fingerprint="0" * 64)
    job = engine.wait_for_job(asked_for(stored_image(cast.project)), JobState.FAILED)
    assert "has encoder" in job.error and not Embedding.objects.exists()


def test_a_damaged_model_file_fails_the_job(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    key = f"bundles/{model.bundle_fingerprint}/encoder.onnx"
    sound = file_storage().read_bytes(key)
    engine.kill(EMBED)
    for copy in (engine.folder / "cache").rglob("encoder.onnx"):
        copy.unlink()
    file_storage().put_bytes(key, sound[:-9])
    try:
        engine.start(EMBED)
        job = engine.wait_for_job(asked_for(stored_image(cast.project, shade=99)), JobState.FAILED)
        assert "BadBundle" in job.error
    finally:
        file_storage().put_bytes(key, sound)


def test_what_people_wait_for_is_embedded_first(
    engine: Engine, model: ModelVersion, cast: Cast
) -> None:
    engine.freeze(EMBED)
    backlog = [stored_image(cast.project, shade=100 + number) for number in range(12)]
    for image in backlog:
        asked_for(image)
    urgent = stored_image(cast.project, shade=200)
    request_embedding(picture=urgent.picture, priority=30)
    rung = Job.objects.filter(lease_until__isnull=False).count()
    assert rung == 8, "only a few are rung at once, so that order is decided here"
    engine.thaw(EMBED)
    engine.wait_for(lambda: Embedding.objects.count() == 13, "all embeddings")
    order = [row.picture_id for row in Embedding.objects.order_by("created_at")]
    assert order.index(urgent.picture_id) <= 8


def test_an_unreadable_report_is_refused(engine: Engine) -> None:
    assert take_report(JobReport(job_id="not a uuid", token=1, state="done")) is None
    engine.start(WEB)
