"""Is the process alive (/healthz), can it do its work (/readyz), and its numbers (/metrics)."""

from __future__ import annotations

import prometheus_client
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from annotator.api.errors import NOT_FOUND, error_body
from annotator.services.health import check_services
from annotator.services.pulse import living_workers


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, broker and storage answer, else 503; which one is named.

    `workers` tells by queue whether one was heard of lately. Without them masks are still saved, so
    they do not decide.
    """
    services = check_services()
    ready = all(services.values())
    workers = {queue: name is not None for queue, name in living_workers().items()}
    return JsonResponse(
        {"status": "ready" if ready else "waiting", "services": services, "workers": workers},
        status=200 if ready else 503,
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for admins and for this machine only; others learn nothing."""
    is_local = request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"}
    is_forwarded = "X-Forwarded-For" in request.headers
    if not getattr(request.user, "is_admin", False) and not (is_local and not is_forwarded):
        return JsonResponse(error_body(code="not_found", message=NOT_FOUND), status=404)
    return HttpResponse(
        prometheus_client.generate_latest(), content_type=prometheus_client.CONTENT_TYPE_LATEST
    )
