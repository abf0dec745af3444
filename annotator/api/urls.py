"""Addresses of the API. Each subject lists its own; every module of `annotator.api` is named here once."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from annotator.api import (
    agreement,
    assignments,
    audit_log,
    audits,
    checkpoints,
    comparisons,
    crops,
    decoding,
    exports,
    guidelines,
    images,
    imports,
    interactions,
    invitations,
    jobs,
    keys,
    masks,
    models,
    my_images,
    people,
    practice,
    projects,
    ratings,
    references,
    review_numbers,
    reviews,
    round_history,
    rounds,
    schema,
    statistics,
    system,
    throughput,
    tokens,
    webhooks,
)

SUBJECTS = [
    people,
    keys,
    tokens,
    projects,
    invitations,
    webhooks,
    guidelines,
    images,
    crops,
    decoding,
    assignments,
    my_images,
    practice,
    masks,
    reviews,
    review_numbers,
    audits,
    ratings,
    references,
    agreement,
    interactions,
    throughput,
    statistics,
    models,
    comparisons,
    checkpoints,
    rounds,
    round_history,
    exports,
    imports,
    jobs,
    system,
    audit_log,
]

v1 = [address for subject in SUBJECTS for address in subject.urls]

urlpatterns = [
    path("v1/", include((v1, "v1"))),
    path("schema", SpectacularAPIView.as_view(), name=schema.ADDRESS_NAME),
]
