"""Which events are written down for webhooks, with what in them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from annotator.models import (
    Assignment,
    Export,
    Import,
    Job,
    JobKind,
    JobState,
    Mask,
    Project,
    RejectReason,
    ReviewOutcome,
    Round,
    SkipReason,
    Webhook,
    WebhookDelivery,
)
from annotator.services import jobs
from annotator.services.assignments import skip, submit
from annotator.services.bundles import promote, roll_back
from annotator.services.reviews import Decision, decide
from annotator.services.webhooks import (
    WebhookChanges,
    add_webhook,
    change_webhook,
)
from tests.annotator.webhook_scene import allowed, listen, receiver, told, webhook
from tests.cast import Browser, Cast, lend, make_image, make_model, save_body
from tests.database_fixtures import browser
from tests.webhook_receiver import Receiver

__all__ = ["allowed", "browser", "receiver", "webhook"]
Browsers = Callable[[str], Browser]


def test_saving_handing_in_and_skipping_are_told(
    cast: Cast, webhook: Webhook, browser: Browsers
) -> None:
    for _ in range(2):
        make_image(cast.project)
    assignment = lend(cast.alice, cast.project)
    alice, mask = browser("alice"), uuid.uuid4()
    alice.save(mask, save_body(assignment))
    assert told(webhook) == [], "a draft is nobody's event"
    body = save_body(assignment, state="accepted")
    for _ in range(2):  # a retry is no second event
        assert alice.save(mask, body, version=1).status_code == 200
    given_up = save_body(assignment, state="accepted", given_up=True, order_index=1)
    assert alice.save(uuid.uuid4(), given_up).status_code == 201
    for _ in range(2):
        submit(assignment=assignment)
    skip(assignment=lend(cast.alice, cast.project), reason=SkipReason.UNCLEAR, note="fog")
    accepted, submitted, skipped = told(webhook)
    assert (accepted["type"], accepted["data"]) == (
        "mask.accepted",
        {
            "mask": str(mask),
            "version": 2,
            "image": str(assignment.image_id),
            "image_name": "harbour-0.png",
            "accepted_by": "alice",
            "area": Mask.objects.get(id=mask).area,
            "predicted_iou": 0.91,
            "model_version": None,
        },
    )
    assert (submitted["type"], submitted["data"]) == (
        "image.submitted",
        {
            "image": str(assignment.image_id),
            "image_name": "harbour-0.png",
            "annotator": "alice",
        },
    )
    assert skipped["type"] == "image.skipped"
    assert (skipped["data"]["reason"], skipped["data"]["note"]) == ("unclear", "fog")


def test_decisions_and_corrections_of_reviewers_are_told(
    cast: Cast, webhook: Webhook, browser: Browsers
) -> None:
    make_image(cast.project)
    assignment, mask_id = lend(cast.alice, cast.project), uuid.uuid4()
    browser("alice").save(mask_id, save_body(assignment, state="accepted"))
    submit(assignment=assignment)
    WebhookDelivery.objects.all().delete()
    mask = Mask.objects.get(id=mask_id)
    rejected = Decision(
        uuid.uuid4(), 1, ReviewOutcome.REJECTED, RejectReason.MISSING_PART, note="the bow"
    )
    for _ in range(2):
        decide(mask=mask, decision=rejected, by=cast.carol)
    assert browser("carol").correct(mask, grown=3).status_code == 200
    decided, accepted, fixed = told(webhook)
    assert decided["data"]["outcome"] == "rejected" and decided["data"]["reviewer"] == "carol"
    assert (decided["data"]["reason"], decided["data"]["note"]) == ("missing_part", "the bow")
    assert accepted["type"] == "mask.accepted" and accepted["data"]["accepted_by"] == "carol"
    assert fixed["data"]["outcome"] == "fixed" and 0 < fixed["data"]["iou"] < 1


def test_the_ends_of_exports_imports_and_rounds_are_told(cast: Cast, webhook: Webhook) -> None:
    exporting = Job.objects.create(kind=JobKind.EXPORT, subject="an export")
    Export.objects.create(
        project=cast.project, job=exporting, format="coco", num_masks=4, file_sha256="a" * 64
    )
    importing = Job.objects.create(kind=JobKind.IMPORT, subject="an import", attempt=3)
    Import.objects.create(project=cast.project, job=importing, name="otters.zip")
    training = Job.objects.create(kind=JobKind.TRAIN, subject=str(cast.project.id))
    model = make_model(promote=False)
    round_ = Round.objects.create(
        project=cast.project, number=2, job=training, snapshot_key="s", num_images=1,
        num_masks=9, base=model, candidate=make_model(promote=False),
    )  # fmt: skip
    with transaction.atomic():
        jobs.fail(job=exporting, error="disk full", retry=True)
    assert told(webhook) == [], "it is tried again"
    with transaction.atomic():
        jobs.finish(job=exporting, result={})
        jobs.fail(job=importing, error="no zip file", retry=True)
        jobs.end_cancelled(job=training)
        jobs.finish(job=Job.objects.create(kind=JobKind.EMBED, subject="x"), result={})
    export, import_, round_told = told(webhook)
    assert export["type"] == "export.finished"
    assert (export["data"]["state"], export["data"]["error"]) == ("done", None)
    assert (export["data"]["num_masks"], export["data"]["file_sha256"]) == (4, "a" * 64)
    assert import_["type"] == "import.finished" and import_["data"]["state"] == "failed"
    assert (import_["data"]["error"], import_["data"]["name"]) == ("no zip file", "otters.zip")
    assert round_told["type"] == "round.finished" and round_told["data"]["number"] == 2
    assert round_told["data"]["state"] == JobState.CANCELLED
    assert round_told["data"]["candidate"] == str(round_.candidate_id)


def test_a_promotion_is_told_to_every_project_that_is_not_archived(
    cast: Cast, webhook: Webhook
) -> None:
    elsewhere = listen(cast.elsewhere, cast, "https://a.example/")
    archived = Project.objects.create(name="Old", archived_at=timezone.now())
    silent = listen(archived, cast, "https://b.example/")
    before, after = make_model(), make_model(promote=False)
    promote(model_version=after, expected_current=before.id, by=cast.dan)
    roll_back(by=cast.dan)
    forth, back = told(webhook)
    assert forth["type"] == "model.promoted" and forth["data"]["model_version"] == str(after.id)
    assert forth["data"]["previous"] == back["data"]["model_version"] == str(before.id)
    assert told(elsewhere)[0]["project"]["name"] == "Elsewhere"
    assert told(silent) == []


def test_an_event_that_did_not_happen_is_not_told(cast: Cast, webhook: Webhook) -> None:
    make_image(cast.project)
    assignment = lend(cast.alice, cast.project)
    with pytest.raises(RuntimeError), transaction.atomic():
        submit(assignment=assignment)
        raise RuntimeError
    assert told(webhook) == []


def test_only_what_was_asked_for_is_told_and_only_of_the_own_project(
    cast: Cast, receiver: Receiver
) -> None:
    def one(project: Project, *events: str) -> Webhook:
        return add_webhook(project=project, url=receiver.url, events=events, by=cast.carol)[0]

    ours, theirs = one(cast.project, "image.submitted"), one(cast.elsewhere, "image.submitted")
    other = one(cast.project, "image.skipped", "mask.accepted")
    off = one(cast.project, "image.submitted")
    change_webhook(webhook=off, changes=WebhookChanges(is_active=False), by=cast.carol)
    make_image(cast.project)
    submit(assignment=lend(cast.alice, cast.project))
    assert [len(told(each)) for each in (ours, theirs, other, off)] == [1, 0, 0, 0]


def test_work_on_copies_is_nobodys_event(cast: Cast, webhook: Webhook, browser: Browsers) -> None:
    hidden = Project.with_hidden.create(
        name="Alice's copies", copies_of=cast.project, copies_for=cast.alice
    )
    image = make_image(hidden)
    now = timezone.now()
    assignment = Assignment.objects.create(
        image=image, annotator=cast.alice, leased_at=now, expires_at=now + timedelta(hours=1)
    )
    body = save_body(assignment, state="accepted")
    assert browser("alice").save(uuid.uuid4(), body).status_code == 201
    submit(assignment=assignment)
    assert told(webhook) == []
