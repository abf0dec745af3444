"""Webhooks over HTTP, for managers alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotator.models import AuditEntry, DeliveryState, Webhook, WebhookDelivery, WebhookEvent
from tests.cast import Browser, Cast

Browsers = Callable[[str], Browser]
ABOUT = {"url": "https://hooks.example/in", "events": ["export.finished", "mask.accepted"]}


@pytest.fixture
def path(cast: Cast) -> str:
    return f"projects/{cast.project.id}/webhooks"


@pytest.fixture
def made(browser: Browsers, path: str) -> dict[str, Any]:
    reply = browser("carol").post(path, ABOUT)
    assert reply.status_code == 201
    found: dict[str, Any] = reply.json()
    return found


def test_a_manager_adds_one_and_the_secret_is_told_once(
    browser: Browsers, path: str, made: dict[str, Any]
) -> None:
    assert made["secret"].startswith("whsec_") and made["created_by"] == "Carol"
    assert (made["url"], made["is_active"], made["off_reason"]) == (ABOUT["url"], True, "")
    assert made["events"] == ["mask.accepted", "export.finished"], "in our order"
    listed = browser("carol").get(path).json()
    without = {name: value for name, value in made.items() if name != "secret"}
    assert listed == {"webhooks": [without], "events": WebhookEvent.values}
    assert browser("carol").get(f"{path}/{made['id']}").json() == without


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"url": "ftp://hooks.example/"}, 422, "url"),
        ({"url": "http://169.254.169.254/latest"}, 422, "url"),
        ({"url": "https://carol:word@hooks.example/"}, 422, "url"),
        ({"events": []}, 422, "events"),
        ({"events": ["cup.broken"]}, 422, None),
        ({"secret": "mine"}, 400, None),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    browser: Browsers, path: str, made: dict[str, Any], changes: Any, status: int, field: str | None
) -> None:
    for method, where in (("POST", path), ("PATCH", f"{path}/{made['id']}")):
        body = {**ABOUT, **changes} if method == "POST" else changes
        reply = browser("carol").send(method, where, body)
        assert reply.status_code == status, reply.content
        if field is not None:
            assert reply.json()["error"]["field"] == field
    assert Webhook.objects.get().url == ABOUT["url"]


def test_it_is_changed_switched_off_and_removed(
    browser: Browsers, path: str, made: dict[str, Any]
) -> None:
    carol, one = browser("carol"), f"{path}/{made['id']}"
    changed = carol.send("PATCH", one, {"url": "https://hooks.example/2", "is_active": False})
    assert changed.status_code == 200 and "secret" not in changed.json()
    assert (changed.json()["url"], changed.json()["is_active"]) == (
        "https://hooks.example/2",
        False,
    )
    assert carol.post(f"{one}/ping").json()["error"]["code"] == "webhook_off"
    assert carol.send("PATCH", one, {"is_active": True}).json()["is_active"] is True
    assert carol.send("PATCH", one, {"is_active": True}).status_code == 200
    assert carol.send("DELETE", one).status_code == 204
    assert carol.get(one).status_code == carol.send("DELETE", one).status_code == 404
    acts = AuditEntry.objects.order_by("id").values_list("act", "person__name")
    assert list(acts) == [
        ("webhook.added", "carol"),
        ("webhook.changed", "carol"),
        ("webhook.changed", "carol"),
        ("webhook.removed", "carol"),
    ]


def test_what_it_was_told_is_listed_with_every_attempt_and_told_again(
    browser: Browsers, path: str, made: dict[str, Any]
) -> None:
    carol, one = browser("carol"), f"{path}/{made['id']}"
    pinged = carol.post(f"{one}/ping")
    assert pinged.status_code == 202 and pinged.json()["state"] == "waiting"
    delivery = WebhookDelivery.objects.get()
    delivery.attempts.create(at=delivery.created_at, status_code=204, duration_ms=7)
    delivery.state, delivery.due_at = DeliveryState.DELIVERED, None
    delivery.save()
    listed = carol.get(f"{one}/deliveries").json()
    [shown] = listed["deliveries"]
    assert (listed["total"], shown["id"], shown["event"]) == (1, str(delivery.id), "ping")
    assert shown["payload"]["data"] == {"webhook": made["id"], "asked_by": "carol"}
    [attempt] = shown["attempts"]
    assert (attempt["status_code"], attempt["duration_ms"]) == (204, 7)
    again = carol.post(f"{one}/deliveries/{delivery.id}/redeliver")
    assert again.status_code == 202
    assert (again.json()["id"], again.json()["state"]) == (str(delivery.id), "waiting")
    assert carol.get(f"{one}/deliveries?limit=0").status_code == 400


def test_a_webhook_is_found_in_its_own_project_alone(
    browser: Browsers, path: str, cast: Cast, made: dict[str, Any]
) -> None:
    delivery = browser("carol").post(f"{path}/{made['id']}/ping").json()["id"]
    elsewhere = f"projects/{cast.elsewhere.id}/webhooks"
    other = browser("mallory").post(elsewhere, ABOUT).json()["id"]
    for name in ("mallory", "dan"):
        one = f"{elsewhere}/{made['id']}"
        assert browser(name).get(one).status_code == 404
        assert browser(name).post(f"{one}/ping").status_code == 404
        there = f"{elsewhere}/{other}/deliveries/{delivery}/redeliver"
        assert browser(name).post(there).status_code == 404
    assert browser("mallory").get(elsewhere).json()["webhooks"][0]["id"] == other
