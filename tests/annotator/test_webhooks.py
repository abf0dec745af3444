"""Webhooks: what a receiver gets, and what becomes of failures."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotator.errors import Conflict, Invalid
from annotator.models import (
    AuditEntry,
    DeliveryState,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
)
from annotator.services import webhook_sending
from annotator.services.webhook_sending import (
    MAX_ATTEMPTS,
    MAX_FAILURES_IN_A_ROW,
    drop_old_deliveries,
    ring_due_webhooks,
    send_due,
    wait_after,
)
from annotator.services.webhooks import (
    MAX_WEBHOOKS_PER_PROJECT,
    WebhookChanges,
    add_webhook,
    change_webhook,
    redeliver,
    send_ping,
)
from tests.annotator.webhook_scene import allowed, listen, receiver, webhook, written
from tests.cast import Browser, Cast
from tests.webhook_receiver import Receiver

__all__ = ["allowed", "receiver", "webhook"]
Browsers = Callable[[str], Browser]


def make_everything_due(webhook: Webhook) -> None:
    """As if the waits were over."""
    WebhookDelivery.objects.filter(webhook=webhook, state="waiting").update(due_at=timezone.now())
    Webhook.objects.filter(id=webhook.id).update(quiet_until=None)


# ---- what a receiver gets ------------------------------------------------------------------------


def test_a_receiver_gets_the_event_signed_with_the_secret_told_once(
    cast: Cast, receiver: Receiver
) -> None:
    webhook, secret = add_webhook(
        project=cast.project, url=receiver.url, events=["export.finished"], by=cast.carol
    )
    delivery = written(webhook)
    assert send_due(webhook_id=webhook.id) == 1
    [got] = receiver.got
    assert got.event["type"] == "export.finished" and got.event["data"] == {"cup": "ü"}
    assert got.event["project"] == {"id": str(cast.project.id), "name": "Harbour"}
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"] == str(delivery.id)
    at = got.headers["webhook-timestamp"]
    assert abs(int(at) - time.time()) < 60
    content = got.headers["webhook-id"].encode() + b"." + at.encode() + b"." + got.body
    digest = hmac.new(b64decode(secret[6:]), content, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + b64encode(digest).decode()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.due_at) == (DeliveryState.DELIVERED, None)
    attempt = WebhookAttempt.objects.get(delivery=delivery)
    assert (attempt.status_code, attempt.excerpt) == (200, "thank you")
    assert send_due(webhook_id=webhook.id) == 0


# ---- failures ------------------------------------------------------------------------------------


def test_a_failure_is_tried_again_later_and_later_and_then_given_up(
    webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status, receiver.words = 503, b"down for repairs"
    delivery = written(webhook)
    waits = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        before = timezone.now()
        assert send_due(webhook_id=webhook.id) == 1
        delivery.refresh_from_db()
        assert delivery.attempts.count() == attempt == delivery.num_failures
        if delivery.due_at is not None:
            waits.append(round((delivery.due_at - before).total_seconds()))
        assert send_due(webhook_id=webhook.id) == 0, "not before it is due"
        make_everything_due(webhook)
    assert waits == [10, 40, 160, 640, 2560, 10240, 40960, 43200]
    assert delivery.state == DeliveryState.FAILED
    assert {got.headers["webhook-id"] for got in receiver.got} == {str(delivery.id)}
    assert {got.body for got in receiver.got} == {delivery.body.encode()}
    assert set(delivery.attempts.values_list("status_code", "excerpt")) == {
        (503, "down for repairs")
    }
    assert send_due(webhook_id=webhook.id) == 0


def test_waits_never_grow_beyond_a_limit() -> None:
    assert wait_after(1) == timedelta(seconds=10)
    assert wait_after(8) == wait_after(10_000) == timedelta(hours=12)


def test_an_address_that_fails_rests_and_its_first_answer_ends_that(
    webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status = 500
    first, second = written(webhook), written(webhook)
    assert send_due(webhook_id=webhook.id) == 1
    assert list(first.attempts.values_list("status_code", flat=True)) == [500]
    assert not second.attempts.exists()
    webhook.refresh_from_db()
    assert webhook.num_failures == 1 and webhook.quiet_until is not None
    receiver.status = 200
    make_everything_due(webhook)
    assert send_due(webhook_id=webhook.id) == 2
    webhook.refresh_from_db()
    assert (webhook.num_failures, webhook.quiet_until) == (0, None)


def test_one_that_is_refused_holds_up_no_other(webhook: Webhook, receiver: Receiver) -> None:
    receiver.status = 422
    refused = written(webhook)
    send_due(webhook_id=webhook.id)
    receiver.status = 200
    others = [written(webhook) for _ in range(3)]
    Webhook.objects.update(quiet_until=timezone.now())
    assert send_due(webhook_id=webhook.id) == 3
    assert {delivery.attempts.count() for delivery in others} == {1}
    refused.refresh_from_db()
    assert refused.state == DeliveryState.WAITING


def test_after_many_failures_in_a_row_it_is_switched_off_with_the_reason(
    webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status = 500
    Webhook.objects.update(num_failures=MAX_FAILURES_IN_A_ROW - 2)
    for _ in range(2):
        delivery = written(webhook)
    for is_active in (True, False):
        make_everything_due(webhook)
        send_due(webhook_id=webhook.id)
        webhook.refresh_from_db()
        assert webhook.is_active == is_active
    assert webhook.off_reason == "30 attempts in a row failed."
    act = AuditEntry.objects.get(act="webhook.switched_off")
    assert (act.person, act.project_id) == (None, webhook.project_id)
    make_everything_due(webhook)
    assert send_due(webhook_id=webhook.id) == 0
    with pytest.raises(Conflict, match="off"):
        send_ping(webhook=webhook, by=webhook.created_by)
    with pytest.raises(Conflict, match="off"):
        redeliver(delivery=delivery)

    receiver.status = 200
    change_webhook(webhook=webhook, changes=WebhookChanges(is_active=True), by=webhook.created_by)
    assert (webhook.off_reason, webhook.num_failures) == ("", 0)
    assert send_due(webhook_id=webhook.id) == 2


def test_an_address_that_is_gone_is_told_nothing_more(webhook: Webhook, receiver: Receiver) -> None:
    receiver.status = 410
    written(webhook)
    send_due(webhook_id=webhook.id)
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.off_reason) == (False, "The address answered 410 (gone).")


def test_an_address_that_nothing_may_be_sent_to_fails_like_any_other(cast: Cast) -> None:
    webhook = listen(cast.project, cast, "http://localhost:9/")
    delivery = written(webhook)
    send_due(webhook_id=webhook.id)
    attempt = delivery.attempts.get()
    assert attempt.status_code is None and "private network" in attempt.excerpt


# ---- asked for -----------------------------------------------------------------------------------


def test_a_redelivery_is_the_same_bytes_under_the_same_id(
    webhook: Webhook, receiver: Receiver
) -> None:
    delivery = written(webhook)
    send_due(webhook_id=webhook.id)
    redeliver(delivery=delivery)
    assert send_due(webhook_id=webhook.id, first=delivery.id) == 1
    first, again = receiver.got
    assert first.body == again.body
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert delivery.attempts.count() == 2


def test_what_somebody_waits_for_goes_first_even_while_the_address_rests(
    cast: Cast, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status = 500
    older = [written(webhook) for _ in range(2)]
    send_due(webhook_id=webhook.id)
    receiver.status = 200
    ping = send_ping(webhook=webhook, by=cast.carol)
    assert send_due(webhook_id=webhook.id) == 0, "it rests"
    assert send_due(webhook_id=webhook.id, first=ping.id) == 2
    assert receiver.types() == ["export.finished", "ping", "export.finished"]
    assert receiver.got[1].event["data"] == {"webhook": str(webhook.id), "asked_by": "carol"}
    assert receiver.got[2].headers["webhook-id"] == str(older[1].id)


def test_while_a_worker_sends_no_other_does(webhook: Webhook, receiver: Receiver) -> None:
    delivery = written(webhook)
    Webhook.objects.update(claimed_until=timezone.now() + timedelta(minutes=1))
    assert (
        send_due(webhook_id=webhook.id) == send_due(webhook_id=webhook.id, first=delivery.id) == 0
    )
    Webhook.objects.update(claimed_until=timezone.now())  # that worker died
    assert send_due(webhook_id=webhook.id) == 1


def test_what_is_removed_meanwhile_leaves_no_trace(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(webhook)
    real = webhook_sending.post

    def remove_then_post(**request: Any) -> object:
        Webhook.objects.all().delete()
        return real(**request)

    monkeypatch.setattr(webhook_sending, "post", remove_then_post)
    assert send_due(webhook_id=webhook.id) == 1
    assert not WebhookAttempt.objects.exists()


# ---- the tick ------------------------------------------------------------------------------------


def test_the_tick_rings_for_what_is_due_unless_rings_wait_already(
    cast: Cast, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[object] = []
    waiting: dict[str, int | None] = {"num": 0}
    monkeypatch.setattr(webhook_sending, "ring", lambda **ring: rung.append(ring["payload"]))
    monkeypatch.setattr(webhook_sending, "num_waiting", lambda queue: waiting["num"])
    other = listen(cast.elsewhere, cast, "https://a.example/")
    ring_due_webhooks()
    assert rung == []
    written(webhook)
    WebhookDelivery.objects.filter(id=written(other).id).update(
        due_at=timezone.now() + timedelta(minutes=1)
    )
    for num in (3, None, 0):
        waiting["num"] = num
        ring_due_webhooks()
    assert rung == [{"webhook_id": str(webhook.id)}]
    Webhook.objects.filter(id=webhook.id).update(is_active=False)
    ring_due_webhooks()
    assert len(rung) == 1


def test_old_deliveries_are_dropped(webhook: Webhook) -> None:
    old, new = written(webhook), written(webhook)
    for delivery, days in ((old, 31), (new, 29)):
        at = timezone.now() - timedelta(days=days)
        WebhookDelivery.objects.filter(id=delivery.id).update(created_at=at)
    drop_old_deliveries()
    assert list(WebhookDelivery.objects.values_list("id", flat=True)) == [new.id]


# ---- limits --------------------------------------------------------------------------------------


def test_a_project_has_so_many_webhooks_and_known_events(cast: Cast) -> None:
    for number in range(MAX_WEBHOOKS_PER_PROJECT):
        listen(cast.project, cast, f"https://hooks.example/{number}")
    with pytest.raises(Conflict, match="at most 10"):
        listen(cast.project, cast, "https://hooks.example/more")
    for events in ([], ["ping"], ["mask.accepted", "cup.broken"]):
        with pytest.raises(Invalid) as refused:
            add_webhook(
                project=cast.elsewhere, url="https://hooks.example/", events=events, by=cast.carol
            )
        assert refused.value.field == "events"
