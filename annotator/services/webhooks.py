"""Webhooks: adding, changing and removing them, new secrets, and what people ask to be sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotator.errors import Conflict, Invalid
from annotator.models import (
    DeliveryState,
    Person,
    Project,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)
from annotator.queries.webhooks import webhooks_of
from annotator.services.audit import record_act
from annotator.services.doorbell import ring
from annotator.services.webhook_addresses import check_url
from annotator.services.webhook_events import write_deliveries
from annotator.services.webhook_secrets import secret_of
from common.messages import WEB_QUEUE, WEBHOOK_TASK

MAX_WEBHOOKS_PER_PROJECT = 10
PING = "ping"


@dataclass(frozen=True)
class WebhookChanges:
    """What to change; None leaves a thing as it is."""

    url: str | None = None
    events: Collection[str] | None = None
    is_active: bool | None = None


def add_webhook(
    *, project: Project, url: str, events: Collection[str], by: Person
) -> tuple[Webhook, str]:
    """A new webhook and its secret. Raises `Invalid` for a bad address or event, `Conflict` when there are too many."""
    check_url(url)
    chosen = _checked_events(events)
    with transaction.atomic():
        Project.objects.select_for_update().get(
            id=project.id
        )  # of two at once the second counts the first
        if webhooks_of(project).count() >= MAX_WEBHOOKS_PER_PROJECT:
            text = f"A project has at most {MAX_WEBHOOKS_PER_PROJECT} webhooks."
            raise Conflict(text, code="too_many_webhooks")
        webhook = Webhook.objects.create(project=project, url=url, events=chosen, created_by=by)
        record_webhook_act(webhook, act="webhook.added", by=by, detail={"events": chosen})
    return webhook, secret_of(webhook)


def change_webhook(*, webhook: Webhook, changes: WebhookChanges, by: Person) -> Webhook:
    """Writes what changes. What waited while it was off is sent when it is on again. Raises `Invalid`."""
    wanted: dict[str, Any] = {}
    if changes.url is not None:
        check_url(changes.url)
        wanted["url"] = changes.url
    if changes.events is not None:
        wanted["events"] = _checked_events(changes.events)
    if changes.is_active is not None:
        wanted["is_active"] = changes.is_active
    changed = {name: value for name, value in wanted.items() if getattr(webhook, name) != value}
    if not changed:
        return webhook
    if changed.get("is_active"):
        changed |= {"off_reason": "", "num_failures": 0, "quiet_until": None}
    with transaction.atomic():
        for name, value in changed.items():
            setattr(webhook, name, value)
        webhook.save(update_fields=list(changed))
        told = sorted(set(changed) & set(wanted))
        record_webhook_act(webhook, act="webhook.changed", by=by, detail={"changed": told})
    return webhook


def renew_secret(*, webhook: Webhook, by: Person) -> str:
    """A new secret; the one before signs beside it for a day, one before that no longer."""
    with transaction.atomic():
        locked = Webhook.objects.select_for_update()
        webhook.refresh_from_db(fields=["secret_number"], from_queryset=locked)
        webhook.secret_number += 1
        webhook.secret_changed_at = timezone.now()
        webhook.save(update_fields=["secret_number", "secret_changed_at"])
        record_webhook_act(webhook, act="webhook.secret_renewed", by=by)
    return secret_of(webhook)


def remove_webhook(*, webhook: Webhook, by: Person) -> None:
    """With everything that it was told."""
    with transaction.atomic():
        record_webhook_act(webhook, act="webhook.removed", by=by)
        webhook.delete()


def send_ping(*, webhook: Webhook, by: Person) -> WebhookDelivery:
    """Something to look at for whoever sets a receiver up. Raises `Conflict` when the webhook is off."""
    _check_active(webhook)
    with transaction.atomic():
        told = {"webhook": str(webhook.id), "asked_by": by.name}
        project = webhook.project
        [delivery] = write_deliveries([webhook], event=PING, project=project, data=told)
        _ring_on_commit(delivery)
    return delivery


def redeliver(*, delivery: WebhookDelivery) -> WebhookDelivery:
    """Sends the same bytes under the same id again, now and as often as at first. Raises `Conflict` when it is off."""
    _check_active(delivery.webhook)
    with transaction.atomic():
        delivery.state, delivery.due_at = DeliveryState.WAITING, timezone.now()
        delivery.num_failures = 0
        delivery.save(update_fields=["state", "due_at", "num_failures"])
        _ring_on_commit(delivery)
    return delivery


def record_webhook_act(
    webhook: Webhook, *, act: str, by: Person | None = None, detail: dict[str, object] | None = None
) -> None:
    told: dict[str, object] = {"webhook": str(webhook.id), **(detail or {})}
    record_act(person=by, project=webhook.project, act=act, subject=webhook.url, detail=told)


def _checked_events(events: Collection[str]) -> list[str]:
    """In our order, each once."""
    unknown = sorted(set(events) - set(WebhookEvent.values))
    if unknown:
        text = f"{unknown[0]!r:.60} is no event: {', '.join(WebhookEvent.values)}."
        raise Invalid(text, code="bad_event", field="events")
    if not events:
        raise Invalid("Choose at least one event.", code="no_event", field="events")
    return [event.value for event in WebhookEvent if event in events]


def _check_active(webhook: Webhook) -> None:
    if not webhook.is_active:
        raise Conflict("The webhook is off: switch it on first.", code="webhook_off")


def _ring_on_commit(delivery: WebhookDelivery) -> None:
    """Somebody waits for this one; events go out with the next tick."""
    payload: dict[str, object] = {
        "webhook_id": str(delivery.webhook_id),
        "delivery_id": str(delivery.id),
    }
    transaction.on_commit(
        lambda: ring(task=WEBHOOK_TASK, queue=WEB_QUEUE, payload=payload), robust=True
    )
