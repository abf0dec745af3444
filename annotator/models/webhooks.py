"""Webhooks: addresses that are told of a project's events, and the record of what each was told."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from annotator.models.people import Person
from annotator.models.projects import Project

MAX_WEBHOOK_URL = 500
MAX_EXCERPT = 500  # characters


class WebhookEvent(models.TextChoices):
    """What an address may ask to be told of; docs/webhooks.md has each with an example."""

    IMAGE_SUBMITTED = "image.submitted"
    IMAGE_SKIPPED = "image.skipped"
    MASK_ACCEPTED = "mask.accepted"
    MASK_REVIEWED = "mask.reviewed"
    EXPORT_FINISHED = "export.finished"
    IMPORT_FINISHED = "import.finished"
    ROUND_FINISHED = "round.finished"
    MODEL_PROMOTED = "model.promoted"


class DeliveryState(models.TextChoices):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Webhook(models.Model):
    """An address that is told of events. Its secret is kept nowhere: it follows from id and number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=MAX_WEBHOOK_URL)
    events = ArrayField(models.CharField(max_length=32, choices=WebhookEvent))
    is_active = models.BooleanField(default=True)
    off_reason = models.CharField(max_length=300, blank=True)  # why it was switched off by itself
    num_failures = models.PositiveIntegerField(
        default=0
    )  # attempts in a row, whatever they carried
    quiet_until = models.DateTimeField(null=True, blank=True)  # nothing is sent before
    claimed_until = models.DateTimeField(null=True, blank=True)  # by the worker that sends
    secret_number = models.PositiveIntegerField(default=0)  # how often it was renewed
    secret_changed_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(events__contained_by=WebhookEvent.values),
                name="webhook_events_are_known",
            ),
            models.CheckConstraint(
                condition=models.Q(is_active=False) | models.Q(off_reason=""),
                name="only_a_webhook_that_is_off_has_a_reason",
            ),
        ]


class WebhookDelivery(models.Model):
    """One event for one address, written with the event itself. `body` is sent byte for byte at each attempt."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=32)  # of `WebhookEvent`, or "ping"
    body = models.TextField()
    state = models.CharField(max_length=16, choices=DeliveryState, default=DeliveryState.WAITING)
    due_at = models.DateTimeField(null=True)  # of its next attempt; None: there is none
    num_failures = models.PositiveSmallIntegerField(default=0)  # since somebody last asked for it
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["webhook", "created_at"]),
            models.Index(
                fields=["webhook", "due_at"],
                condition=models.Q(state="waiting"),
                name="due_deliveries",
            ),
            models.Index(fields=["created_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=DeliveryState.values), name="delivery_state_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state="waiting", due_at__isnull=False)
                | (~models.Q(state="waiting") & models.Q(due_at__isnull=True)),
                name="only_a_waiting_delivery_is_due",
            ),
        ]


class WebhookAttempt(models.Model):
    """One try at a delivery; append-only. Without an answer there is no `status_code`."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()  # when it began
    status_code = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.PositiveIntegerField()
    excerpt = models.CharField(
        max_length=MAX_EXCERPT, blank=True
    )  # of the answer, or why there is none
