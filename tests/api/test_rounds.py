"""Rounds and jobs over HTTP, without a worker: what is accepted, refused and shown."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest

from annotator.models import (
    AuditEntry,
    Export,
    Image,
    Job,
    JobState,
    Mask,
    MaskState,
    ModelVersion,
    Round,
)
from annotator.services.exports import FORMATS, JSON, ZIP, FileType
from annotator.services.stores import file_storage
from common.snapshots import read_snapshot
from tests.cast import (
    Browser,
    Cast,
    accepted_mask,
    body_of,
    lend,
    make_embedding,
    make_image,
    make_model,
    save_body,
)


@pytest.fixture
def accepted(cast: Cast, browser: Callable[[str], Browser]) -> Image:
    """An image of which Alice accepted one mask."""
    image = make_image(cast.project)
    make_embedding(image, make_model())
    body = save_body(lend(cast.alice, cast.project), state="accepted")
    assert browser("alice").save(uuid.uuid4(), body).status_code == 201
    return image


def rounds(cast: Cast) -> str:
    return f"projects/{cast.project.id}/rounds"


def test_starting_a_round_freezes_the_masks_and_queues_a_job(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    dan = browser("dan")
    assert dan.get(rounds(cast)).json()["new"]["num_new"] == 1
    reply = dan.post(rounds(cast), {"steps": 7})
    assert reply.status_code == 202
    assert (reply.json()["state"], reply.json()["num_masks"]) == ("queued", 1)
    assert reply.json()["settings"]["steps"] == 7
    job = Job.objects.get(id=reply.json()["job"])
    assert job.request["settings"]["steps"] == 7 and job.request["out_prefix"] == f"jobs/{job.id}"
    assert AuditEntry.objects.filter(act="round.started", person=cast.dan).count() == 1
    assert dan.get(f"rounds/{reply.json()['id']}").json()["log"] == []
    assert dan.get("jobs?kind=train&state=queued").json()["total"] == 1


@pytest.mark.parametrize(
    ("asked", "rate"),
    [
        ({}, 3e-4),
        ({"train_encoder": True}, 2e-4),
        ({"train_encoder": True, "learning_rate": None}, 2e-4),
        ({"train_encoder": True, "learning_rate": 1e-3}, 1e-3),
    ],
)
def test_a_round_learns_at_the_rate_that_suits_what_it_trains(
    browser: Callable[[str], Browser],
    cast: Cast,
    accepted: Image,
    asked: dict[str, object],
    rate: float,
) -> None:
    told = browser("dan").post(rounds(cast), asked).json()
    assert told["settings"]["learning_rate"] == rate
    assert Job.objects.get(id=told["job"]).request["settings"]["learning_rate"] == rate


def test_a_round_begins_with_the_version_it_is_told_to(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    in_use, other = ModelVersion.objects.get(), make_model(promote=False)
    dan = browser("dan")
    missing = dan.post(rounds(cast), {"start_from": str(uuid.uuid4())})
    assert missing.status_code == 404 and not Round.objects.exists()
    odd = dan.post(rounds(cast), {"start_from": "vit_h"})
    assert (odd.status_code, odd.json()["error"]["field"]) == (422, "start_from")
    told = dan.post(rounds(cast), {"start_from": str(other.id)}).json()
    assert (told["base"], told["start"]) == (str(in_use.id), str(other.id))
    assert told["start_name"] == other.name
    request = Job.objects.get(id=told["job"]).request
    assert request["base_bundle_fingerprint"] == in_use.bundle_fingerprint
    assert request["start_bundle_fingerprint"] == other.bundle_fingerprint
    assert dan.post(f"rounds/{told['id']}/cancel").status_code == 202
    usual = dan.post(rounds(cast)).json()
    assert (usual["base"], usual["start"]) == (str(in_use.id), str(in_use.id))


def test_a_second_round_is_refused_while_one_is_open(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    dan = browser("dan")
    assert dan.post(rounds(cast)).status_code == 202
    refusal = dan.post(rounds(cast))
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "round_running")


def test_a_round_without_new_masks_is_refused_and_leaves_nothing(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    Mask.objects.update(state=MaskState.DRAFT)
    refusal = browser("dan").post(rounds(cast))
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (422, "nothing_new")
    assert not Job.objects.filter(kind="train").exists()


def test_a_round_may_leave_out_what_an_earlier_one_has_learnt(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    dan = browser("dan")
    learnt = dan.post(rounds(cast)).json()
    _finish(learnt["id"])
    scoring = make_image(cast.project)
    Image.objects.filter(id=scoring.id).update(held_out=True)
    accepted_mask(scoring, cast.alice)
    only_new = {"training_masks": "new"}
    refusal = dan.post(rounds(cast), only_new)
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (422, "nothing_new")
    fresh = accepted_mask(make_image(cast.project), cast.alice)

    started = dan.post(rounds(cast), only_new).json()

    snapshot = read_snapshot(
        file_storage().read_bytes(Round.objects.get(id=started["id"]).snapshot_key)
    )
    trained_on = [mask.mask_id for mask in snapshot if mask.split == "train"]
    assert (trained_on, started["num_masks"]) == ([str(fresh.id)], 2)


def test_a_round_on_earlier_masks_repeats_the_round_before_for_ever(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    dan, earlier = browser("dan"), {"training_masks": "earlier"}
    refusal = dan.post(rounds(cast), earlier)
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (422, "no_earlier_round")
    assert not Job.objects.filter(kind="train").exists()
    first = dan.post(rounds(cast)).json()
    _finish(first["id"])
    key = Round.objects.get(id=first["id"]).snapshot_key
    assert dan.post(rounds(cast)).json()["error"]["code"] == "nothing_new"
    for number in (2, 3):
        accepted_mask(make_image(cast.project), cast.alice)
        again = dan.post(rounds(cast), earlier).json()
        repeated = Round.objects.get(id=again["id"])
        assert (again["number"], again["settings"]["training_masks"]) == (number, "earlier")
        assert (repeated.snapshot_key, repeated.num_masks, repeated.num_images) == (key, 1, 1)
        _finish(again["id"])

    assert dan.get(rounds(cast)).json()["new"]["num_new"] == 2, "nobody has learnt from them"
    taken = dan.post(rounds(cast), {"training_masks": "new"}).json()
    assert taken["num_masks"] == 2


def test_a_round_on_earlier_masks_takes_none_that_must_not_be_trained_on(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    dan = browser("dan")
    withdrawn, scored = make_image(cast.project), make_image(cast.project)
    wrong, _ = (accepted_mask(image, cast.alice) for image in (withdrawn, scored))
    first = dan.post(rounds(cast)).json()
    _finish(first["id"])
    Mask.objects.filter(id=wrong.id).update(is_withdrawn=True)
    Image.objects.filter(id=scored.id).update(held_out=True)
    later = make_image(cast.project)
    Image.objects.filter(id=later.id).update(held_out=True)
    accepted_mask(later, cast.alice)

    again = dan.post(rounds(cast), {"training_masks": "earlier"}).json()

    kept = read_snapshot(file_storage().read_bytes(Round.objects.get(id=again["id"]).snapshot_key))
    assert sorted(mask.split for mask in kept) == ["held_out", "held_out", "train"]
    Mask.objects.update(is_withdrawn=True)
    _finish(again["id"])
    refusal = dan.post(rounds(cast), {"training_masks": "earlier"})
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (422, "nothing_new")


def test_a_withdrawn_mask_is_left_out_and_a_model_tells_what_it_was_trained_on(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    dan, carol = browser("dan"), browser("carol")
    wrong = accepted_mask(make_image(cast.project), cast.alice)
    use = f"masks/{wrong.id}/training-use"
    [right] = Mask.objects.exclude(id=wrong.id)
    first = dan.post(rounds(cast)).json()
    _finish(first["id"])
    kept = carol.send("PUT", use, {"withdrawn": True, "reason": "of another dog"})
    assert (kept.status_code, kept.json()["withdrawn"]) == (200, True)
    entry = AuditEntry.objects.get(act="mask.withdrawn")
    assert (entry.person, entry.detail["reason"]) == (cast.carol, "of another dog")
    third = accepted_mask(make_image(cast.project), cast.alice)
    second = dan.post(rounds(cast)).json()
    _finish(second["id"], parent=Round.objects.get(id=first["id"]).candidate)

    candidate = Round.objects.get(id=second["id"]).candidate_id
    told = [json.loads(line) for line in body_of(dan.get(f"models/{candidate}/masks")).splitlines()]

    assert {(row["round"], row["mask"], row["version"]) for row in told} == {
        (1, str(right.id), 1),
        (1, str(wrong.id), 1),
        (2, str(right.id), 1),
        (2, str(third.id), 1),
    }
    _finish(second["id"])
    assert carol.send("PUT", use, {"withdrawn": False}).json()["withdrawn"] is False
    assert dan.get(rounds(cast)).json()["new"]["num_new"] == 1


def test_a_schedule_is_off_until_an_admin_sets_it(
    browser: Callable[[str], Browser], cast: Cast
) -> None:
    dan, path = browser("dan"), f"projects/{cast.project.id}/round-schedule"
    assert dan.get(path).json()["kind"] == "off"
    wanted = {"kind": "nightly", "hour": 3, "settings": {"steps": 7}}
    kept = dan.send("PUT", path, wanted).json()
    assert (kept["kind"], kept["hour"], kept["settings"]["steps"]) == ("nightly", 3, 7)
    assert kept["settings"]["seed"] == 1
    assert browser("carol").get(path).json() == kept
    repeating = {"kind": "nightly", "settings": {"training_masks": "earlier"}}
    for wrong in ({"kind": "weekly"}, {"kind": "nightly", "hour": 24}, {"hour": 3}, repeating):
        assert dan.send("PUT", path, wrong).status_code == 422
    assert dan.get(path).json() == kept


def _finish(round_id: str, *, parent: ModelVersion | None = None) -> None:
    """As if the worker had brought a candidate."""
    found = Round.objects.get(id=round_id)
    found.candidate = make_model(encoder="f" * 64, promote=False)
    found.candidate.parent = parent
    found.candidate.save()
    found.save()
    Job.objects.filter(id=found.job_id).update(state=JobState.DONE)


def test_a_cancelled_round_may_be_started_again(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    dan = browser("dan")
    first = dan.post(rounds(cast)).json()
    cancelled = dan.post(f"rounds/{first['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, JobState.CANCELLED)
    assert dan.post(f"rounds/{first['id']}/cancel").status_code == 409
    assert dan.post(rounds(cast)).json()["number"] == 2


@pytest.mark.parametrize(
    ("name", "seeing", "starting"),
    [("nobody", 401, 401), ("alice", 403, 403), ("carol", 200, 403), ("mallory", 404, 404)],
)
def test_managers_see_rounds_and_only_admins_start_and_stop_them(
    browser: Callable[[str], Browser],
    cast: Cast,
    accepted: Image,
    name: str,
    seeing: int,
    starting: int,
) -> None:
    started = browser("dan").post(rounds(cast)).json()["id"]
    person = browser(name)
    assert person.get(rounds(cast)).status_code == seeing
    assert person.get(f"rounds/{started}").status_code == seeing
    assert person.post(rounds(cast)).status_code == starting
    assert person.post(f"rounds/{started}/cancel").status_code == starting


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"steps": 0}, 422),
        ({"steps": "7"}, 422),
        ({"minutes": 1e9}, 422),
        ({"training_masks": "old"}, 422),
        ({"epochs": 3}, 400),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image, body: object, status: int
) -> None:
    assert browser("dan").post(rounds(cast), body).status_code == status


def test_unknown_filters_of_jobs_are_refused(browser: Callable[[str], Browser]) -> None:
    assert browser("dan").get("jobs?kind=cook").status_code == 422
    assert browser("dan").get("jobs?colour=red").status_code == 400


@pytest.mark.parametrize(
    ("name", "status"), [("nobody", 401), ("alice", 403), ("carol", 202), ("mallory", 404)]
)
def test_managers_export(
    browser: Callable[[str], Browser], cast: Cast, name: str, status: int
) -> None:
    address = f"projects/{cast.project.id}/exports"
    made = browser("dan").post(address).json()["id"]
    person = browser(name)
    assert person.post(address, {"format": "coco"}).status_code == status
    seen = 200 if status == 202 else status
    assert person.get(address).status_code == person.get(f"exports/{made}").status_code == seen
    assert person.get(f"exports/{made}/file").status_code == (409 if status == 202 else status)


def test_the_log_of_a_round_is_shown_up_to_its_last_whole_line(
    browser: Callable[[str], Browser], cast: Cast, accepted: Image
) -> None:
    started = browser("dan").post(rounds(cast)).json()
    key = f"jobs/{started['job']}/log.jsonl"
    file_storage().put_bytes(key, b'{"step": 5, "loss_1": 2.5}\n{"step": 10, "lo')
    told = browser("dan").get(f"rounds/{started['id']}").json()
    assert told["log"] == [{"step": 5, "loss_1": 2.5}]


@pytest.mark.parametrize(
    ("format", "asked", "kind"),
    [
        *((name, {}, each.file_type) for name, each in FORMATS.items()),
        ("coco", {"with_pictures": False}, JSON),
        ("coco", {"with_pictures": True}, ZIP),
    ],
)
def test_the_file_of_an_export_is_named_and_typed_by_its_format(
    browser: Callable[[str], Browser],
    cast: Cast,
    format: str,
    asked: dict[str, bool],
    kind: FileType,
) -> None:
    address = f"projects/{cast.project.id}/exports"
    made = browser("carol").post(address, {"format": format, **asked}).json()
    assert made["with_pictures"] == asked.get("with_pictures", False)
    exports = Export.objects.filter(id=made["id"])
    file_storage().put_bytes("exports/one", b"masks")
    exports.update(file_key="exports/one", file_sha256="5" * 64, num_masks=7)
    Job.objects.filter(export__in=exports).update(state=JobState.DONE)
    told = browser("carol").get(f"exports/{made['id']}").json()
    assert (told["format"], told["state"], told["num_masks"]) == (format, "done", 7)
    reply = browser("carol").get(f"exports/{made['id']}/file")
    assert reply.headers["Content-Type"] == kind.content_type
    assert reply.headers["Content-Disposition"].endswith(f'.{kind.suffix}"')
    assert body_of(reply) == b"masks"


def test_an_export_in_an_unknown_format_is_refused(
    browser: Callable[[str], Browser], cast: Cast
) -> None:
    refusal = browser("carol").post(f"projects/{cast.project.id}/exports", {"format": "voc"})
    assert refusal.status_code == 422 and refusal.json()["error"]["field"] == "format"
