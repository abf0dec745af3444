"""The webhooks section of the settings page and the page of a webhook."""

from __future__ import annotations

import re

import pytest

from annotator.models import Webhook, WebhookDelivery
from annotator.services.webhook_secrets import secret_of
from annotator.services.webhooks import add_webhook, send_ping
from tests.cast import Cast
from tests.pages.conftest import Visitors

FIELDS = {"url": "https://hooks.example/in?team=<7>", "event": ["mask.accepted", "round.finished"]}


@pytest.fixture
def settings_path(cast: Cast) -> str:
    return f"/projects/{cast.project.id}/settings"


@pytest.fixture
def webhook(cast: Cast) -> Webhook:
    events = ["mask.accepted"]
    url = "https://hooks.example/in"
    return add_webhook(project=cast.project, url=url, events=events, by=cast.carol)[0]


@pytest.fixture
def path(webhook: Webhook) -> str:
    return f"/projects/{webhook.project_id}/webhooks/{webhook.id}"


def test_a_manager_adds_one_whose_secret_is_shown_once(
    visitor: Visitors, cast: Cast, settings_path: str
) -> None:
    carol = visitor("carol")
    made = carol.post(f"/projects/{cast.project.id}/webhooks", FIELDS)
    secret = re.search(r'value="(whsec_[^"]+)"', made.text)
    webhook = Webhook.objects.get()
    assert secret is not None and secret[1].replace("&#x2B;", "+") == secret_of(webhook)
    assert "no-store" in made.headers["Cache-Control"]
    listed = carol.get(settings_path).text
    assert "team=&lt;7&gt;" in listed and "mask.accepted, round.finished" in listed
    assert "nothing yet" in listed and "whsec_" not in listed
    assert "whsec_" not in carol.get(f"/projects/{cast.project.id}/webhooks/{webhook.id}").text


def test_what_was_written_stays_when_it_is_refused(visitor: Visitors, cast: Cast) -> None:
    fields = {**FIELDS, "url": "http://10.0.0.1/in"}
    reply = visitor("carol").post(f"/projects/{cast.project.id}/webhooks", fields)
    assert reply.status_code == 422 and "private network" in reply.text
    assert 'value="http://10.0.0.1/in"' in reply.text
    assert re.findall(r'value="([a-z]+\.[a-z]+)" checked', reply.text) == FIELDS["event"]
    assert not Webhook.objects.exists()


def test_it_is_changed_pinged_switched_and_removed(
    visitor: Visitors, webhook: Webhook, path: str, settings_path: str
) -> None:
    carol = visitor("carol")
    changed = carol.post(path, FIELDS, follow=True)
    assert "Saved." in changed.text and "team=&lt;7&gt;" in changed.text
    assert carol.post(path, {**FIELDS, "event": []}).status_code == 422
    assert carol.post(f"{path}/ping").status_code == 302
    assert "ping" in carol.get(path).text
    delivery = WebhookDelivery.objects.get()
    assert carol.post(f"{path}/deliveries/{delivery.id}/redeliver").status_code == 302
    carol.post(f"{path}/switch", {"on": "no"})
    off = carol.get(path).text
    assert "Switched off" in off and "Switch it on" in off
    for address in (f"{path}/ping", f"{path}/deliveries/{delivery.id}/redeliver"):
        assert carol.post(address).status_code == 409
    carol.post(f"{path}/switch", {"on": "yes"})
    webhook.refresh_from_db()
    assert webhook.is_active
    assert carol.post(f"{path}/remove")["Location"] == f"{settings_path}#webhooks-heading"
    assert carol.get(path).status_code == 404


def test_the_reason_for_being_off_and_what_failed_are_on_the_page(
    visitor: Visitors, cast: Cast, webhook: Webhook, path: str
) -> None:
    delivery = send_ping(webhook=webhook, by=cast.carol)
    excerpt = "<h1>down</h1>"
    delivery.attempts.create(
        at=delivery.created_at, status_code=503, duration_ms=12, excerpt=excerpt
    )
    Webhook.objects.update(num_failures=1)
    shown = visitor("carol").get(path).text
    assert "503 after 12 ms" in shown and "&lt;h1&gt;down&lt;/h1&gt;" in shown
    assert "The last attempt failed" in shown
    Webhook.objects.update(is_active=False, off_reason="30 attempts in a row failed.")
    shown = visitor("carol").get(path).text
    assert "Switched off by itself: 30 attempts in a row failed." in shown


def test_nobody_else_gets_near(visitor: Visitors, cast: Cast, webhook: Webhook, path: str) -> None:
    delivery = send_ping(webhook=webhook, by=cast.carol)
    posts = [
        f"/projects/{cast.project.id}/webhooks", path, f"{path}/ping", f"{path}/switch",
        f"{path}/remove", f"{path}/deliveries/{delivery.id}/redeliver",
    ]  # fmt: skip
    for who, status in (("alice", 403), ("mallory", 404), ("nobody", 302)):
        for address in posts:
            assert visitor(who).post(address, FIELDS).status_code == status, (who, address)
        assert visitor(who).get(path).status_code == status
    elsewhere = path.replace(str(cast.project.id), str(cast.elsewhere.id))
    assert visitor("mallory").get(elsewhere).status_code == 404
    webhook.refresh_from_db()
    assert webhook.url == "https://hooks.example/in" and webhook.is_active


def test_a_new_secret_is_shown_once_and_the_page_says_how_long_the_old_one_signs(
    visitor: Visitors, webhook: Webhook, path: str
) -> None:
    carol, old = visitor("carol"), secret_of(webhook)
    assert "old secret too" not in carol.get(path).text
    made = carol.post(f"{path}/secret")
    assert "no-store" in made.headers["Cache-Control"]
    found = re.search(r'value="(whsec_[^"]+)"', made.text)
    webhook.refresh_from_db()
    assert found is not None
    assert old != found[1].replace("&#x2B;", "+") == secret_of(webhook)
    again = carol.get(path).text
    assert "whsec_" not in again and "requests are signed with the old secret too" in again
    assert visitor("alice").post(f"{path}/secret").status_code == 403
