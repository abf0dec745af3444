"""Webhooks of a project, what they were told, and which have something to be told now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotator.errors import NotInScope
from annotator.models import (
    DeliveryState,
    Project,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)
from annotator.queries.scope import NOTHING


def webhooks_of(project: Project) -> QuerySet[Webhook]:
    """In the order made."""
    return Webhook.objects.filter(project=project).order_by("created_at", "id")


def find_webhook(project: Project, webhook_id: UUID) -> Webhook:
    found = webhooks_of(project).select_related("project").filter(id=webhook_id).first()
    if found is None:
        raise NotInScope(NOTHING)
    return found


def listening(event: WebhookEvent) -> QuerySet[Webhook]:
    """The webhooks, of all projects, that are told of an event."""
    return Webhook.objects.filter(is_active=True, events__contains=[event])


def deliveries_of(webhook: Webhook) -> QuerySet[WebhookDelivery]:
    """Newest first, each with its attempts in order."""
    return (
        WebhookDelivery.objects.filter(webhook=webhook)
        .prefetch_related("attempts")
        .order_by("-created_at", "id")
    )


def find_delivery(webhook: Webhook, delivery_id: UUID) -> WebhookDelivery:
    found = deliveries_of(webhook).filter(id=delivery_id).first()
    if found is None:
        raise NotInScope(NOTHING)
    return found


@dataclass(frozen=True)
class LastDelivery:
    """How the newest delivery of a webhook went."""

    state: str
    at: datetime


def last_deliveries(webhooks: Iterable[Webhook]) -> dict[UUID, LastDelivery]:
    """By webhook; those that were never told of anything are left out."""
    newest = (
        WebhookDelivery.objects.filter(webhook__in=webhooks)
        .order_by("webhook", "-created_at")
        .distinct("webhook")
        .values_list("webhook_id", "state", "created_at")
    )
    return {webhook: LastDelivery(state, at) for webhook, state, at in newest}


def may_send(now: datetime) -> QuerySet[Webhook]:
    """Webhooks that are on and not resting, and that no worker is busy with."""
    return _unclaimed(now).filter(Q(quiet_until=None) | Q(quiet_until__lte=now))


def may_try(now: datetime) -> QuerySet[Webhook]:
    """The same when somebody asks for it: resting ones too."""
    return _unclaimed(now)


def waiting_for(webhook: Webhook) -> QuerySet[WebhookDelivery]:
    """What an address has not accepted yet, in the order due."""
    waiting = WebhookDelivery.objects.filter(webhook=webhook, state=DeliveryState.WAITING)
    return waiting.order_by("due_at", "created_at", "id")


def webhooks_with_something_due(now: datetime) -> list[UUID]:
    due = WebhookDelivery.objects.filter(
        webhook=OuterRef("pk"), state=DeliveryState.WAITING, due_at__lte=now
    )
    return list(may_send(now).filter(Exists(due)).order_by("id").values_list("id", flat=True))


def _unclaimed(now: datetime) -> QuerySet[Webhook]:
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return Webhook.objects.filter(free, is_active=True)
