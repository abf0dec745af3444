"""Webhooks by the real worker, with a real broker that loses things."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from annotator.models import DeliveryState, Webhook, WebhookDelivery
from annotator.services.exports import request_export
from annotator.services.tick import tick
from annotator.services.webhook_secrets import secret_of
from annotator.services.webhooks import add_webhook, send_ping
from tests.cast import Cast
from tests.webhook_receiver import Receiver, running_receiver
from tests.worker.engine import WEB, Engine

pytestmark = pytest.mark.xdist_group("engine")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def webhook(engine: Engine, cast: Cast, receiver: Receiver, settings: Settings) -> Webhook:
    settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]
    events = ["export.finished"]
    return add_webhook(project=cast.project, url=receiver.url, events=events, by=cast.carol)[0]


def wait_until_delivered(engine: Engine, num: int) -> None:
    done = WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED)
    engine.wait_for(lambda: done.count() == num, f"{num} deliveries")


def test_a_ping_is_sent_at_once_and_an_event_by_the_next_tick(
    engine: Engine, cast: Cast, webhook: Webhook, receiver: Receiver
) -> None:
    send_ping(webhook=webhook, by=cast.carol)
    wait_until_delivered(engine, 1)
    export = request_export(project=cast.project, by=cast.carol)
    engine.wait_for_job(export.job, "done")
    tick()
    wait_until_delivered(engine, 2)
    assert receiver.types() == ["ping", "export.finished"]
    assert receiver.got[1].event["data"]["export"] == str(export.id)
    assert secret_of(webhook) not in engine.logs() and receiver.url not in engine.logs()


def test_a_lost_broker_and_a_killed_worker_lose_no_delivery(
    engine: Engine, cast: Cast, webhook: Webhook, receiver: Receiver
) -> None:
    engine.kill(WEB)
    send_ping(webhook=webhook, by=cast.carol)
    engine.flush_broker()
    for _ in range(3):
        tick()
    assert engine.broker.llen(WEB) == 1, "rings do not pile up"
    engine.flush_broker()
    engine.start(WEB)
    tick()
    wait_until_delivered(engine, 1)
    assert receiver.types() == ["ping"]
