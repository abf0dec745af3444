"""Secrets of webhooks: kept nowhere, renewed without a refusal, and checked as the documentation shows."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from annotator.models import AuditEntry, Webhook
from annotator.services.webhook_secrets import secret_of, signed_headers
from annotator.services.webhook_sending import send_due
from annotator.services.webhooks import renew_secret
from launcher.places import CHECKOUT
from tests.annotator.webhook_scene import allowed, listen, receiver, webhook, written
from tests.cast import Browser, Cast
from tests.webhook_receiver import Receiver

__all__ = ["allowed", "receiver", "webhook"]
Browsers = Callable[[str], Browser]


def test_secrets_differ_stand_in_no_table_and_follow_the_key_of_the_server(
    cast: Cast, webhook: Webhook, settings: Settings
) -> None:
    secret, other = secret_of(webhook), secret_of(listen(cast.project, cast, "https://a.example/"))
    assert secret != other and secret == secret_of(Webhook.objects.get(id=webhook.id))
    rows = [vars(Webhook.objects.get(id=webhook.id)), *AuditEntry.objects.values()]
    assert secret[6:] not in str(rows)
    settings.SECRET_KEY = "another key of thirty-two letters or more"
    assert secret_of(webhook) != secret


@pytest.fixture
def example() -> ModuleType:
    """The receiver's side, as the documentation shows it."""
    path = CHECKOUT / "docs" / "examples" / "verify_webhook.py"
    spec = importlib.util.spec_from_file_location("verify_webhook", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_documented_example_accepts_what_is_ours_and_nothing_else(
    example: ModuleType, webhook: Webhook, receiver: Receiver
) -> None:
    written(webhook)
    send_due(webhook_id=webhook.id)
    [got], secret = receiver.got, secret_of(webhook)
    assert example.verify(secret, got.headers, got.body)["type"] == "export.finished"
    page = (CHECKOUT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    assert inspect.getsource(example.verify) in page
    later = {**got.headers, "webhook-timestamp": str(int(got.headers["webhook-timestamp"]) + 1)}
    for headers, body in ((got.headers, got.body + b" "), (later, got.body)):
        with pytest.raises(ValueError, match="signature"):
            example.verify(secret, headers, body)
    with pytest.raises(ValueError, match="old"):
        example.verify(secret, got.headers, got.body, tolerance_s=-1)


def test_the_documented_example_knows_the_vector_of_standard_webhooks(example: ModuleType) -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    body, secret = b'{"test": 2432232314}', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert example.verify(secret, headers, body, tolerance_s=1e10) == {"test": 2432232314}


# ---- a new one -----------------------------------------------------------------------------------


def test_both_secrets_sign_until_the_receiver_has_the_new_one(
    example: ModuleType, cast: Cast, webhook: Webhook, receiver: Receiver
) -> None:
    old = secret_of(webhook)
    new = renew_secret(webhook=webhook, by=cast.carol)
    assert old != new == secret_of(Webhook.objects.get(id=webhook.id))
    written(webhook)
    send_due(webhook_id=webhook.id)
    [got] = receiver.got
    first, second = got.headers["webhook-signature"].split(" ")
    for secret in (old, new):
        assert example.verify(secret, got.headers, got.body)["type"] == "export.finished"
    alone = {**got.headers, "webhook-signature": first}
    assert example.verify(new, alone, got.body), "the new one signs first"
    with pytest.raises(ValueError, match="signature"):
        example.verify(old, alone, got.body)
    assert second.startswith("v1,") and AuditEntry.objects.filter(act="webhook.secret_renewed")


def test_the_old_secret_signs_for_a_day_and_two_at_most(
    example: ModuleType, cast: Cast, webhook: Webhook
) -> None:
    delivery, now = written(webhook), timezone.now()

    def accepted(secret: str, after: timedelta) -> bool:
        delivery.webhook.refresh_from_db()
        headers = signed_headers(delivery, at=now + after)
        try:
            example.verify(secret, headers, delivery.body.encode(), tolerance_s=1e10)
        except ValueError:
            return False
        return True

    first = secret_of(webhook)
    second = renew_secret(webhook=webhook, by=cast.carol)
    shortly_before, later = timedelta(hours=23, minutes=59), timedelta(hours=24, minutes=1)
    assert accepted(first, shortly_before) and accepted(second, shortly_before)
    assert not accepted(first, later) and accepted(second, later)
    third = renew_secret(webhook=webhook, by=cast.carol)
    assert [accepted(one, timedelta()) for one in (first, second, third)] == [False, True, True]


def test_the_api_tells_a_new_secret_once_and_until_when_the_old_one_signs(
    browser: Browsers, cast: Cast, webhook: Webhook
) -> None:
    carol, path = browser("carol"), f"projects/{cast.project.id}/webhooks/{webhook.id}"
    assert carol.get(path).json()["old_secret_until"] is None
    reply = carol.post(f"{path}/secret")
    assert reply.status_code == 201
    webhook.refresh_from_db()
    assert reply.json()["secret"] == secret_of(webhook)
    without = {name: value for name, value in reply.json().items() if name != "secret"}
    assert carol.get(path).json() == without and without["old_secret_until"] is not None
    Webhook.objects.update(secret_changed_at=timezone.now() - timedelta(days=2))
    assert carol.get(path).json()["old_secret_until"] is None
