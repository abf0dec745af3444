"""What webhooks are signed with. No table holds a secret: it follows from the webhook, its number and SECRET_KEY."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac

from annotator.models import Webhook, WebhookDelivery

SECRET_PREFIX = "whsec_"
SECRET_SALT = "maskwright.webhook"
OLD_SECRET_SIGNS_FOR = timedelta(hours=24)


def secret_of(webhook: Webhook) -> str:
    """What the receiver checks signatures with, in the spelling of Standard Webhooks."""
    return SECRET_PREFIX + base64.b64encode(_key(webhook, webhook.secret_number)).decode()


def old_secret_until(webhook: Webhook, *, now: datetime) -> datetime | None:
    """Until when the secret before the present one signs too; None when it does not."""
    if webhook.secret_changed_at is None:
        return None
    until = webhook.secret_changed_at + OLD_SECRET_SIGNS_FOR
    return until if now < until else None


def signed_headers(delivery: WebhookDelivery, *, at: datetime) -> dict[str, str]:
    """Id, time and signatures of a delivery, as Standard Webhooks names them; the present secret signs first."""
    seconds = int(at.timestamp())
    content = f"{delivery.id}.{seconds}.{delivery.body}".encode()
    keys = _signing_keys(delivery.webhook, now=at)
    return {
        "webhook-id": str(delivery.id),
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(_signature(key, content) for key in keys),
    }


def _signing_keys(webhook: Webhook, *, now: datetime) -> list[bytes]:
    numbers = [webhook.secret_number]
    if old_secret_until(webhook, now=now) is not None:
        numbers.append(webhook.secret_number - 1)
    return [_key(webhook, number) for number in numbers]


def _signature(key: bytes, content: bytes) -> str:
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(webhook: Webhook, number: int) -> bytes:
    """Of the first secret, number 0, as it was before there were others."""
    named = f"{webhook.id} {number}" if number else str(webhook.id)
    return salted_hmac(SECRET_SALT, named, algorithm="sha256").digest()
