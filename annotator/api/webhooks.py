"""Webhooks of a project, for its managers: docs/webhooks.md has what receivers get."""

from __future__ import annotations

import json
from uuid import UUID

from django.urls import URLPattern, path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictBoolean, Text
from annotator.models import (
    MAX_WEBHOOK_URL,
    DeliveryState,
    TokenScope,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEvent,
)
from annotator.queries.scope import find_managed_project
from annotator.queries.webhooks import deliveries_of, find_delivery, find_webhook, webhooks_of
from annotator.services.webhook_secrets import old_secret_until
from annotator.services.webhooks import (
    WebhookChanges,
    add_webhook,
    change_webhook,
    redeliver,
    remove_webhook,
    renew_secret,
    send_ping,
)


class WebhookBody(StrictSerializer):
    url = Text(max_length=MAX_WEBHOOK_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField(WebhookEvent.choices), max_length=len(WebhookEvent)
    )


class WebhookChangesBody(StrictSerializer):
    url = Text(max_length=MAX_WEBHOOK_URL, required=False)
    events = serializers.ListField(
        child=serializers.ChoiceField(WebhookEvent.choices),
        max_length=len(WebhookEvent),
        required=False,
    )
    is_active = StrictBoolean(required=False)


class WebhookReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(WebhookEvent.choices))
    is_active = serializers.BooleanField()
    off_reason = serializers.CharField(help_text="why it was switched off by itself")
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    old_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="until then the secret before this one signs too"
    )


class NewWebhookReply(WebhookReply):
    secret = serializers.CharField(help_text="told once, never again")


class WebhooksReply(serializers.Serializer[object]):
    webhooks = WebhookReply(many=True)
    events = serializers.ListField(
        child=serializers.ChoiceField(WebhookEvent.choices), help_text="all that there are"
    )


class AttemptReply(serializers.Serializer[object]):
    at = serializers.DateTimeField()
    status_code = serializers.IntegerField(allow_null=True, help_text="null: no answer")
    duration_ms = serializers.IntegerField()
    excerpt = serializers.CharField(help_text="of the answer, or why there is none")


class DeliveryReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    event = serializers.CharField()
    state = serializers.ChoiceField(DeliveryState.choices)
    due_at = serializers.DateTimeField(allow_null=True, help_text="of the next attempt")
    created_at = serializers.DateTimeField()
    payload = serializers.DictField()
    attempts = AttemptReply(many=True)


class DeliveriesReply(serializers.Serializer[object]):
    deliveries = DeliveryReply(many=True)
    total = serializers.IntegerField()


def describe_webhook(webhook: Webhook) -> dict[str, object]:
    return {
        "id": str(webhook.id),
        "url": webhook.url,
        "events": webhook.events,
        "is_active": webhook.is_active,
        "off_reason": webhook.off_reason,
        "created_by": webhook.created_by.display_name if webhook.created_by else None,
        "created_at": webhook.created_at,
        "old_secret_until": old_secret_until(webhook, now=timezone.now()),
    }


def describe_delivery(delivery: WebhookDelivery) -> dict[str, object]:
    return {
        "id": str(delivery.id),
        "event": delivery.event,
        "state": delivery.state,
        "due_at": delivery.due_at,
        "created_at": delivery.created_at,
        "payload": json.loads(delivery.body),
        "attempts": [_describe_attempt(attempt) for attempt in delivery.attempts.all()],
    }


def _describe_attempt(attempt: WebhookAttempt) -> dict[str, object]:
    return {
        "at": attempt.at,
        "status_code": attempt.status_code,
        "duration_ms": attempt.duration_ms,
        "excerpt": attempt.excerpt,
    }


class WebhookEndpoint(Endpoint):
    """What the addresses of webhooks share: only managers of the project find one."""

    write_scope = TokenScope.MANAGE

    def webhook(self, project_id: UUID, webhook_id: UUID) -> Webhook:
        project = find_managed_project(person=self.person, project_id=project_id)
        return find_webhook(project, webhook_id)


class Webhooks(WebhookEndpoint):
    """A project's webhooks; the secret of a new one is told once."""

    @extend_schema(operation_id="webhooks_list", responses=WebhooksReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        found = webhooks_of(project).select_related("created_by")
        shown = [describe_webhook(webhook) for webhook in found]
        return Response({"webhooks": shown, "events": WebhookEvent.values})

    @extend_schema(request=WebhookBody, responses={201: NewWebhookReply})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        webhook, secret = add_webhook(project=project, by=self.person, **self.read(WebhookBody))
        return Response({**describe_webhook(webhook), "secret": secret}, status=201)


class OneWebhook(WebhookEndpoint):
    """One webhook: another address, other events, on and off."""

    @extend_schema(responses=WebhookReply)
    def get(self, request: Request, project_id: UUID, webhook_id: UUID) -> Response:
        return Response(describe_webhook(self.webhook(project_id, webhook_id)))

    @extend_schema(request=WebhookChangesBody, responses=WebhookReply)
    def patch(self, request: Request, project_id: UUID, webhook_id: UUID) -> Response:
        webhook = self.webhook(project_id, webhook_id)
        changes = WebhookChanges(**self.read(WebhookChangesBody))
        changed = change_webhook(webhook=webhook, changes=changes, by=self.person)
        return Response(describe_webhook(changed))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, project_id: UUID, webhook_id: UUID) -> Response:
        remove_webhook(webhook=self.webhook(project_id, webhook_id), by=self.person)
        return Response(status=204)


class WebhookSecret(WebhookEndpoint):
    """A new secret, told once; the one before signs too for 24 hours."""

    @extend_schema(request=None, responses={201: NewWebhookReply})
    def post(self, request: Request, project_id: UUID, webhook_id: UUID) -> Response:
        webhook = self.webhook(project_id, webhook_id)
        self.read(StrictSerializer)
        secret = renew_secret(webhook=webhook, by=self.person)
        return Response({**describe_webhook(webhook), "secret": secret}, status=201)


class Ping(WebhookEndpoint):
    """Sends something to look at while a receiver is set up."""

    @extend_schema(request=None, responses={202: DeliveryReply})
    def post(self, request: Request, project_id: UUID, webhook_id: UUID) -> Response:
        webhook = self.webhook(project_id, webhook_id)
        return Response(describe_delivery(send_ping(webhook=webhook, by=self.person)), status=202)


class Deliveries(WebhookEndpoint):
    """What a webhook was told in the last 30 days, newest first, with every attempt."""

    filters = frozenset({"offset", "limit"})

    @extend_schema(responses=DeliveriesReply)
    def get(self, request: Request, project_id: UUID, webhook_id: UUID) -> Response:
        found = deliveries_of(self.webhook(project_id, webhook_id))
        offset, limit = self.page()
        shown = [describe_delivery(delivery) for delivery in found[offset : offset + limit]]
        return Response({"deliveries": shown, "total": found.count()})


class Redelivery(WebhookEndpoint):
    """The same again, under the same id."""

    @extend_schema(request=None, responses={202: DeliveryReply})
    def post(
        self, request: Request, project_id: UUID, webhook_id: UUID, delivery_id: UUID
    ) -> Response:
        delivery = find_delivery(self.webhook(project_id, webhook_id), delivery_id)
        return Response(describe_delivery(redeliver(delivery=delivery)), status=202)


ONE = "projects/<uuid:project_id>/webhooks/<uuid:webhook_id>"

urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/webhooks", Webhooks.as_view(), name="webhooks"),
    path(ONE, OneWebhook.as_view(), name="webhook"),
    path(f"{ONE}/secret", WebhookSecret.as_view(), name="webhook-secret"),
    path(f"{ONE}/ping", Ping.as_view(), name="webhook-ping"),
    path(f"{ONE}/deliveries", Deliveries.as_view(), name="webhook-deliveries"),
    path(
        f"{ONE}/deliveries/<uuid:delivery_id>/redeliver",
        Redelivery.as_view(),
        name="webhook-redelivery",
    ),
]
