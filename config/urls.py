"""Every address: the API, the pages, and the two health endpoints."""

from __future__ import annotations

from django.urls import include, path

from annotator.api.health import healthz, metrics, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("api/", include("annotator.api.urls")),
    path("", include("annotator.views.urls")),
]
handler400 = "annotator.api.errors.bad_request"
handler403 = "annotator.api.errors.forbidden"
handler404 = "annotator.api.errors.not_found"
handler500 = "annotator.api.errors.server_error"
