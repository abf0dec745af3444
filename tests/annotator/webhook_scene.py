"""A project with a webhook and somebody who receives it, for the tests of webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from annotator.models import Project, Webhook, WebhookDelivery, WebhookEvent
from annotator.services.webhook_events import write_deliveries
from annotator.services.webhooks import add_webhook
from tests.cast import Cast
from tests.webhook_receiver import Receiver, running_receiver


@pytest.fixture(autouse=True)
def allowed(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def webhook(cast: Cast, receiver: Receiver) -> Webhook:
    """Carol's, told of everything."""
    return listen(cast.project, cast, receiver.url)


def listen(project: Project, cast: Cast, url: str) -> Webhook:
    return add_webhook(project=project, url=url, events=WebhookEvent.values, by=cast.carol)[0]


def told(webhook: Webhook) -> list[dict[str, Any]]:
    """What was written down, oldest first."""
    found = WebhookDelivery.objects.filter(webhook=webhook).order_by("created_at")
    return [json.loads(delivery.body) for delivery in found]


def written(webhook: Webhook, event: str = "export.finished") -> WebhookDelivery:
    """A delivery that is due."""
    return write_deliveries([webhook], event=event, project=webhook.project, data={"cup": "ü"})[0]
