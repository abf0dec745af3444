"""Webhooks of a project, for its managers: adding one on the settings page, and a page for each."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotator.errors import DomainError
from annotator.models import MAX_WEBHOOK_URL, Webhook
from annotator.queries.webhooks import deliveries_of, find_delivery, find_webhook
from annotator.services.webhook_secrets import old_secret_until
from annotator.services.webhook_sending import KEPT_DAYS, MAX_FAILURES_IN_A_ROW
from annotator.services.webhooks import (
    WebhookChanges,
    add_webhook,
    change_webhook,
    redeliver,
    remove_webhook,
    renew_secret,
    send_ping,
)
from annotator.views.page import managed_project, page, render_page, signed_in_person
from annotator.views.project_settings import EVENT_WORDS, show_settings

DELIVERIES_SHOWN = 50


@never_cache
@require_POST
@page
def add(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Makes a webhook; its secret is on this answer and nowhere else."""
    project = managed_project(request, project_id)
    try:
        made, secret = add_webhook(
            project=project,
            url=request.POST.get("url", "").strip(),
            events=request.POST.getlist("event"),
            by=signed_in_person(request),
        )
    except DomainError as error:
        return show_settings(request, project, fault=error)
    return _webhook(request, made, secret=secret)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def webhook(request: HttpRequest, project_id: UUID, webhook_id: UUID) -> HttpResponse:
    found = _find(request, project_id, webhook_id)
    if request.method != "POST":
        return _webhook(request, found)
    changes = WebhookChanges(
        url=request.POST.get("url", "").strip(), events=request.POST.getlist("event")
    )
    try:
        change_webhook(webhook=found, changes=changes, by=signed_in_person(request))
    except DomainError as error:
        return _webhook(request, found, fault=error)
    return HttpResponseRedirect(f"{_path(found)}?saved=1")


@require_POST
@page
def switch(request: HttpRequest, project_id: UUID, webhook_id: UUID) -> HttpResponse:
    """Switches a webhook on or off."""
    found = _find(request, project_id, webhook_id)
    changes = WebhookChanges(is_active=request.POST.get("on") == "yes")
    change_webhook(webhook=found, changes=changes, by=signed_in_person(request))
    return HttpResponseRedirect(_path(found))


@never_cache
@require_POST
@page
def new_secret(request: HttpRequest, project_id: UUID, webhook_id: UUID) -> HttpResponse:
    """Makes another secret; it is on this answer and nowhere else."""
    found = _find(request, project_id, webhook_id)
    secret = renew_secret(webhook=found, by=signed_in_person(request))
    return _webhook(request, found, secret=secret)


@require_POST
@page
def ping(request: HttpRequest, project_id: UUID, webhook_id: UUID) -> HttpResponse:
    found = _find(request, project_id, webhook_id)
    try:
        send_ping(webhook=found, by=signed_in_person(request))
    except DomainError as error:
        return _webhook(request, found, fault=error)
    return HttpResponseRedirect(_path(found))


@require_POST
@page
def send_again(
    request: HttpRequest, project_id: UUID, webhook_id: UUID, delivery_id: UUID
) -> HttpResponse:
    found = _find(request, project_id, webhook_id)
    try:
        redeliver(delivery=find_delivery(found, delivery_id))
    except DomainError as error:
        return _webhook(request, found, fault=error)
    return HttpResponseRedirect(_path(found))


@require_POST
@page
def remove(request: HttpRequest, project_id: UUID, webhook_id: UUID) -> HttpResponse:
    found = _find(request, project_id, webhook_id)
    remove_webhook(webhook=found, by=signed_in_person(request))
    return HttpResponseRedirect(f"/projects/{project_id}/settings#webhooks-heading")


def _find(request: HttpRequest, project_id: UUID, webhook_id: UUID) -> Webhook:
    return find_webhook(managed_project(request, project_id), webhook_id)


def _path(webhook: Webhook) -> str:
    return f"/projects/{webhook.project_id}/webhooks/{webhook.id}"


def _webhook(
    request: HttpRequest, shown: Webhook, *, fault: DomainError | None = None, secret: str = ""
) -> HttpResponse:
    """What was written stays in the form when it was refused."""
    written = request.POST if fault and "url" in request.POST else None
    deliveries = deliveries_of(shown)
    return render_page(
        request,
        "webhook.html",
        project=shown.project,
        current="settings",
        status=fault.status if fault else 200,
        fault=fault.message if fault else "",
        was_saved="saved" in request.GET,
        webhook=shown,
        path=_path(shown),
        secret=secret,
        old_secret_until=old_secret_until(shown, now=timezone.now()),
        deliveries=list(deliveries[:DELIVERIES_SHOWN]),
        total=deliveries.count(),
        kept_days=KEPT_DAYS,
        max_failures=MAX_FAILURES_IN_A_ROW,
        events=EVENT_WORDS.items(),
        url=written.get("url", "") if written else shown.url,
        chosen=written.getlist("event") if written else shown.events,
        max_url=MAX_WEBHOOK_URL,
    )
