"""Parts of large images: asked for once, few at a time, kept for some days, refused where the whole image serves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from annotator.models import Embedding, Image, Job, JobState, ModelVersion
from annotator.queries.embeddings import missing_embeddings
from annotator.services import crops
from annotator.services.crops import drop_old_crops, keep_for_a_while
from annotator.services.embeddings import embedding_name, register_embedding
from annotator.services.jobs import ASKED_RUNG_AT_ONCE, ring_waiting
from annotator.services.stores import file_storage
from common.embedding_format import Embedding as EmbeddingContent
from common.embedding_format import Frame, encode_embedding
from common.messages import cancel_key
from tests.cast import Browser, Cast, make_embedding, make_image, make_model

Browsers = Callable[[str], Browser]
WIDTH, HEIGHT = 4000, 3000
LOOKED_AT = [0, 0, 400, 300]
CROP = (0, 0, 1000, 1000)


@pytest.fixture
def model(cast: Cast) -> ModelVersion:
    return make_model()


@pytest.fixture
def image(cast: Cast, model: ModelVersion) -> Image:
    """A large image whose whole embedding is there."""
    made = make_image(cast.project, width=WIDTH, height=HEIGHT)
    make_embedding(made, model)
    return made


def address(image: Image, model: ModelVersion) -> str:
    return f"images/{image.id}/embedding/{model.encoder_fingerprint}/crops"


def ask(browser: Browser, image: Image, model: ModelVersion, box: list[Any]) -> Any:
    return browser.post(address(image, model), {"box": box})


def made_by_a_worker(job: Job, *, side: int = 8) -> Embedding:
    """What a worker writes for a job, registered as its report is."""
    crop = tuple(job.request["crop"])
    image = Image.objects.get(picture_id=job.request["image_sha256"])
    name = embedding_name(
        picture=image.picture, encoder_fingerprint=job.request["encoder_fingerprint"], crop=crop
    )
    values = np.arange(3 * side * side).reshape(3, side, side).astype(np.float16)
    size = (crop[3] - crop[1], crop[2] - crop[0])
    content = EmbeddingContent(
        name=name, frame=Frame(input_size=512, resized=(512, 512), size=size), values=values
    )
    file_storage().put_bytes(name.key, encode_embedding(content))
    embedding = register_embedding(job=job)
    keep_for_a_while(embedding)
    Job.objects.filter(id=job.id).update(state=JobState.DONE, finished_at=timezone.now())
    return embedding


def test_a_part_is_asked_for_once_and_fetched_when_it_is_made(
    browser: Browsers, image: Image, model: ModelVersion
) -> None:
    alice = browser("alice")
    first = ask(alice, image, model, LOOKED_AT)
    assert (first.status_code, first.json()["state"]) == (202, "pending")
    assert first.json()["crop"] == list(CROP)
    again = ask(alice, image, model, [20, 10, 410, 300])  # a little further right
    assert again.json() == first.json()
    [job] = Job.objects.all()
    assert job.request["crop"] == list(CROP)
    waiting = alice.get(first.json()["url"].removeprefix("/api/v1/"))
    assert (waiting.status_code, waiting.json()["error"]["code"]) == (409, "embedding_not_ready")

    made_by_a_worker(job)
    ready = ask(alice, image, model, LOOKED_AT)
    assert (ready.status_code, ready.json()["state"]) == (200, "ready")
    file = alice.get(ready.json()["url"].removeprefix("/api/v1/"))
    assert file.status_code == 200 and file.content.startswith(b"MWEMBED1")
    path = ready.json()["url"].removeprefix("/api/v1/")
    unchanged = alice.send("GET", path, If_None_Match=file.headers["ETag"])
    assert unchanged.status_code == 304
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("box", "code"),
    [
        ([0, 0, 4001, 300], "outside"),
        ([400, 0, 400, 300], "outside"),
        ([0, 0, 2200, 300], "no_crop"),
        ([0, 0, 400], "min_length"),
        ([0, 0, 400, "300"], "not_whole"),
        ([-1, 0, 400, 300], "min_value"),
    ],
)
def test_a_box_that_has_no_part_is_refused_and_leaves_nothing(
    browser: Browsers, image: Image, model: ModelVersion, box: list[Any], code: str
) -> None:
    reply = ask(browser("alice"), image, model, box)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, code)
    assert Job.objects.count() == 0


def test_small_images_and_strangers_get_none(
    browser: Browsers, cast: Cast, image: Image, model: ModelVersion
) -> None:
    small = make_image(cast.project, width=500, height=400)
    refused = ask(browser("alice"), small, model, [0, 0, 40, 30])
    assert refused.json()["error"]["code"] == "no_crop"
    assert ask(browser("mallory"), image, model, LOOKED_AT).status_code == 404
    unknown = replace_encoder(model, "0" * 64)
    assert ask(browser("alice"), image, unknown, LOOKED_AT).status_code == 404
    for corners in ("0_0_4001_10", "5_5_5_9", "0_0_99999999999_10"):
        path = f"{address(image, model)}/{corners}"
        assert browser("alice").get(path).status_code == 404


def test_the_version_that_people_use_makes_it(
    browser: Browsers, image: Image, model: ModelVersion
) -> None:
    make_model(encoder=model.encoder_fingerprint, promote=False)  # its bundle may be gone
    ask(browser("alice"), image, model, LOOKED_AT)
    assert Job.objects.get().request["bundle_fingerprint"] == model.bundle_fingerprint


def replace_encoder(model: ModelVersion, encoder: str) -> ModelVersion:
    return ModelVersion(encoder_fingerprint=encoder, manifest=model.manifest)


def test_a_part_of_one_model_is_none_of_another(
    browser: Browsers, image: Image, model: ModelVersion
) -> None:
    ask(browser("alice"), image, model, LOOKED_AT)
    made_by_a_worker(Job.objects.get())
    newer = make_model(encoder="d" * 64)
    assert ask(browser("alice"), image, newer, LOOKED_AT).json()["state"] == "pending"
    path = f"{address(image, newer)}/{'_'.join(map(str, CROP))}"
    assert browser("alice").get(path).status_code == 409


def test_a_newer_wish_takes_the_place_of_one_that_waits(
    browser: Browsers, image: Image, model: ModelVersion
) -> None:
    alice, bob = browser("alice"), browser("bob")
    ask(alice, image, model, [0, 0, 400, 300])
    ask(bob, image, model, [3000, 2000, 3400, 2300])
    ask(alice, image, model, [2000, 1500, 2400, 1800])
    states = list(Job.objects.order_by("created_at").values_list("state", flat=True))
    assert states == [JobState.CANCELLED, JobState.QUEUED, JobState.QUEUED]
    overruled = Job.objects.get(state=JobState.CANCELLED)
    # A worker that has the message already finds this and leaves the work.
    assert file_storage().exists(cancel_key(str(overruled.id)))
    # What another person waits for too is theirs from then on.
    ask(bob, image, model, [2000, 1500, 2400, 1800])
    ask(alice, image, model, [0, 0, 400, 300])
    shared = Job.objects.get(request__crop=[1750, 1250, 2750, 2250], state=JobState.QUEUED)
    assert shared.asked_by is not None and shared.asked_by.name == "bob"


def test_who_asks_too_much_is_told_to_wait(
    browser: Browsers, image: Image, model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = browser("alice")
    monkeypatch.setattr(crops, "PER_MINUTE", 2)
    assert ask(alice, image, model, [0, 0, 400, 300]).status_code == 202
    assert ask(alice, image, model, [3000, 2000, 3400, 2300]).status_code == 202
    refused = ask(alice, image, model, [2000, 1500, 2400, 1800])
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    assert Job.objects.filter(state=JobState.QUEUED).count() == 1, "what waits goes on waiting"
    assert ask(browser("bob"), image, model, [2000, 1500, 2400, 1800]).status_code == 202
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert ask(alice, image, model, [2000, 0, 2400, 300]).status_code == 202


def test_few_run_for_one_person(browser: Browsers, image: Image, model: ModelVersion) -> None:
    alice = browser("alice")
    for left in (0, 1000, 2000):
        assert ask(alice, image, model, [left, 0, left + 400, 300]).status_code == 202
        Job.objects.filter(state=JobState.QUEUED).update(state=JobState.RUNNING)
    assert ask(alice, image, model, [3000, 2000, 3400, 2300]).status_code == 429


def test_parts_never_hold_up_the_embeddings_of_others(
    browser: Browsers, cast: Cast, image: Image, model: ModelVersion
) -> None:
    for name in ("alice", "bob", "carol", "dan"):
        left = 1000 * ("alice", "bob", "carol", "dan").index(name)
        assert ask(browser(name), image, model, [left, 0, left + 300, 300]).status_code == 202
    Job.objects.create(kind="embed", subject="some whole picture", token=1, request={})
    assert ring_waiting(kind=Job.objects.first().kind) == ASKED_RUNG_AT_ONCE + 1  # type: ignore[union-attr, arg-type]
    rung = Job.objects.filter(lease_until__isnull=False)
    assert rung.filter(asked_by=None).count() == 1
    assert rung.filter(asked_by__isnull=False).count() == ASKED_RUNG_AT_ONCE


def test_a_part_that_failed_is_not_tried_at_every_look(
    browser: Browsers, image: Image, model: ModelVersion
) -> None:
    ask(browser("alice"), image, model, LOOKED_AT)
    Job.objects.update(state=JobState.FAILED, finished_at=timezone.now())
    reply = ask(browser("alice"), image, model, LOOKED_AT)
    assert (reply.status_code, reply.json()["state"]) == (200, "failed")
    assert Job.objects.count() == 1


def test_a_part_does_not_stand_for_the_whole_picture(
    browser: Browsers, cast: Cast, image: Image, model: ModelVersion
) -> None:
    ask(browser("alice"), image, model, LOOKED_AT)
    embedding = made_by_a_worker(Job.objects.get())
    Embedding.objects.exclude(id=embedding.id).delete()
    assert list(missing_embeddings(model_version=model)) == [image.picture]
    assert browser("alice").get(f"images/{image.id}").json()["embedding"] != "ready"


def test_parts_expire_unless_they_are_read_and_make_room_for_newer_ones(
    browser: Browsers,
    image: Image,
    model: ModelVersion,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    alice = browser("alice")
    monkeypatch.setattr(crops, "MOST_PER_PICTURE", 2)
    keys = []
    with django_capture_on_commit_callbacks(execute=True):
        for left in (0, 1000, 2000):
            ask(alice, image, model, [left, 0, left + 400, 300])
            job = Job.objects.get(state=JobState.QUEUED)
            keys.append(made_by_a_worker(job).file_key)
    assert [file_storage().exists(key) for key in keys] == [False, True, True]
    whole = Embedding.objects.get(expires_at=None)

    long_ago = timezone.now() - timedelta(days=8)
    Embedding.objects.filter(file_key=keys[1]).update(expires_at=timezone.now() + timedelta(1))
    corners = keys[1].rsplit("-")[-1].removesuffix(".emb")
    assert alice.get(f"{address(image, model)}/{corners}").status_code == 200
    read = Embedding.objects.get(file_key=keys[1])
    assert read.expires_at is not None and read.expires_at > timezone.now() + timedelta(days=6)
    Embedding.objects.filter(file_key=keys[2]).update(expires_at=long_ago)
    Job.objects.update(finished_at=long_ago)
    with django_capture_on_commit_callbacks(execute=True):
        drop_old_crops()
    assert set(Embedding.objects.values_list("file_key", flat=True)) == {whole.file_key, keys[1]}
    assert [file_storage().exists(key) for key in keys] == [False, True, False]
    assert Job.objects.count() == 0


def test_a_damaged_part_is_made_again(browser: Browsers, image: Image, model: ModelVersion) -> None:
    alice = browser("alice")
    ask(alice, image, model, LOOKED_AT)
    embedding = made_by_a_worker(Job.objects.get())
    content = file_storage().read_bytes(embedding.file_key)
    file_storage().put_bytes(embedding.file_key, content[:-2])
    path = f"{address(image, model)}/{'_'.join(map(str, CROP))}"
    assert alice.get(path).status_code == 409
    again = Job.objects.get(state=JobState.QUEUED)
    made_by_a_worker(again)
    assert alice.get(path).status_code == 200
    assert Embedding.objects.filter(expires_at__isnull=False).count() == 1
