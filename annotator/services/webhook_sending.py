"""Sending what webhooks are to be told: one attempt at a time per address, later and later after failures.

A delivery that fails is tried again after 10 s, then four times as long each time, 12 h at most; the ninth attempt,
27 hours after the first, is the last one. An address that fails rests for as long, an hour at most, whatever waits
for it; after 30 failures in a row the webhook is switched off.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from annotator.models import DeliveryState, Webhook, WebhookAttempt, WebhookDelivery
from annotator.queries.webhooks import may_send, may_try, waiting_for, webhooks_with_something_due
from annotator.services.doorbell import num_waiting, ring
from annotator.services.webhook_post import Answer, post
from annotator.services.webhook_secrets import signed_headers
from annotator.services.webhooks import record_webhook_act
from common.messages import WEB_QUEUE, WEBHOOK_TASK

log = structlog.get_logger("maskwright.webhooks")

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=12)
LONGEST_REST = timedelta(hours=1)
MAX_ATTEMPTS = 9
MAX_FAILURES_IN_A_ROW = 30
SECONDS_PER_TURN = 20.0
CLAIM = timedelta(minutes=2)  # longer than an attempt may take; then its worker is gone
KEPT_DAYS = 30
DROPPED_AT_ONCE = 500
GONE = 410  # by which an address says that it wants nothing more
HEADERS = {"Content-Type": "application/json", "User-Agent": "Maskwright-Webhooks/1"}


def ring_due_webhooks() -> None:
    """For the tick: has a worker send what is due. While rings wait in the queue, no others join them."""
    due = webhooks_with_something_due(timezone.now())
    if due and num_waiting(WEB_QUEUE) == 0:
        for webhook_id in due:
            ring(task=WEBHOOK_TASK, queue=WEB_QUEUE, payload={"webhook_id": str(webhook_id)})


def drop_old_deliveries() -> None:
    """For the tick: removes what is older than `KEPT_DAYS`, some of it at a time."""
    limit = timezone.now() - timedelta(days=KEPT_DAYS)
    old = WebhookDelivery.objects.filter(created_at__lt=limit).order_by("created_at")
    WebhookDelivery.objects.filter(
        id__in=list(old.values_list("id", flat=True)[:DROPPED_AT_ONCE])
    ).delete()


def send_due(
    *, webhook_id: UUID, first: UUID | None = None, seconds: float = SECONDS_PER_TURN
) -> int:
    """For a worker: sends what is due at one address, for about so long; returns how many attempts it made.

    `first` is the delivery that somebody waits for: it goes before the others, even while the address rests.
    """
    until, num_attempts = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        delivery = _claim(webhook_id, first)
        if delivery is not None:
            _attempt(delivery)
            num_attempts += 1
        elif first is None:
            break
        first = None
    return num_attempts


def wait_after(num_failures: int) -> timedelta:
    """How long after so many failures in a row the next attempt is made."""
    return min(LONGEST_WAIT, FIRST_WAIT * 4 ** min(num_failures - 1, 20))


def _claim(webhook_id: UUID, first: UUID | None) -> WebhookDelivery | None:
    """The delivery to send now; no other worker sends anything to its address meanwhile."""
    now = timezone.now()
    with transaction.atomic():
        free = may_send(now) if first is None else may_try(now)
        webhook = free.select_for_update(skip_locked=True).filter(id=webhook_id).first()
        if webhook is None:
            return None
        waiting = waiting_for(webhook).filter(due_at__lte=now)
        if first is not None:
            waiting = waiting.filter(id=first)
        delivery = waiting.first()
        if delivery is None:
            return None
        webhook.claimed_until = now + CLAIM
        webhook.save(update_fields=["claimed_until"])
    delivery.webhook = webhook
    return delivery


def _attempt(delivery: WebhookDelivery) -> None:
    began = timezone.now()
    headers = {**HEADERS, **signed_headers(delivery, at=began)}
    answer = post(url=delivery.webhook.url, body=delivery.body.encode(), headers=headers)
    log.info(
        "webhook tried",
        webhook=str(delivery.webhook_id),
        delivery=str(delivery.id),
        status=answer.status_code,
        ms=answer.duration_ms,
    )
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().filter(id=delivery.webhook_id).first()
        current = WebhookDelivery.objects.select_for_update().filter(id=delivery.id).first()
        if webhook is not None and current is not None:  # else it was removed meanwhile
            _record(webhook, current, answer, began)


def _record(webhook: Webhook, delivery: WebhookDelivery, answer: Answer, began: datetime) -> None:
    WebhookAttempt.objects.create(
        delivery=delivery,
        at=began,
        status_code=answer.status_code,
        duration_ms=answer.duration_ms,
        excerpt=answer.excerpt,
    )
    webhook.claimed_until = None
    if answer.is_success:
        delivery.state, delivery.due_at = DeliveryState.DELIVERED, None
        webhook.num_failures, webhook.quiet_until = 0, None
    else:
        _put_off(delivery)
        _rest(webhook, answer)
    delivery.save(update_fields=["state", "due_at", "num_failures"])
    webhook.save(
        update_fields=["claimed_until", "num_failures", "quiet_until", "is_active", "off_reason"]
    )


def _put_off(delivery: WebhookDelivery) -> None:
    delivery.num_failures += 1
    if delivery.num_failures >= MAX_ATTEMPTS:
        delivery.state, delivery.due_at = DeliveryState.FAILED, None
    else:
        delivery.due_at = timezone.now() + wait_after(delivery.num_failures)


def _rest(webhook: Webhook, answer: Answer) -> None:
    """Other deliveries wait too, so that an address that is down costs little; its first answer ends that."""
    webhook.num_failures += 1
    webhook.quiet_until = timezone.now() + min(LONGEST_REST, wait_after(webhook.num_failures))
    if answer.status_code == GONE:
        _switch_off(webhook, f"The address answered {GONE} (gone).")
    elif webhook.num_failures >= MAX_FAILURES_IN_A_ROW:
        _switch_off(webhook, f"{MAX_FAILURES_IN_A_ROW} attempts in a row failed.")


def _switch_off(webhook: Webhook, reason: str) -> None:
    if not webhook.is_active:
        return
    webhook.is_active, webhook.off_reason = False, reason
    record_webhook_act(webhook, act="webhook.switched_off", detail={"reason": reason})
