"""GET projects/{id}/throughput (JSON; .csv per person) and projects/{id}/image-counts."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from uuid import UUID

from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint
from annotator.queries.image_counts import image_counts, num_failed_embeddings
from annotator.queries.scope import find_managed_project
from annotator.queries.throughput import PersonRow, Throughput, throughput

CSV_COLUMNS = [
    "person",
    "masks",
    "masks_last_hour",
    "median_seconds_per_mask",
    "p90_seconds_per_mask",
    "images_submitted",
    "last_accepted_at",
]
# A spreadsheet takes a cell that begins so for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ThroughputNumbers(Endpoint):
    """Every number is a query over accepted masks and their timings; managers and admins read it."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        return Response(_as_json(throughput(project=project, now=timezone.now())))


class ThroughputTable(Endpoint):
    """The table of people as CSV."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, project_id: UUID) -> HttpResponse:
        project = find_managed_project(person=self.person, project_id=project_id)
        people = throughput(project=project, now=timezone.now()).people
        return HttpResponse(
            people_csv(people),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="throughput.csv"'},
        )


class ImageProgress(Endpoint):
    """How many images stand where, and how many could not be prepared for the model."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        counts = image_counts(project=project)
        failed = num_failed_embeddings(project=project)
        return Response({**asdict(counts), "left": counts.left, "failed": failed})


def people_csv(people: list[PersonRow]) -> str:
    """The rows as CSV with a heading line; missing numbers are empty."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(CSV_COLUMNS)
    for row in people:
        lines.writerow(
            [
                _cell(row.name),
                row.masks,
                row.masks_last_hour,
                row.seconds_per_mask.median,
                row.seconds_per_mask.p90,
                row.images_submitted,
                row.last_accepted_at.isoformat() if row.last_accepted_at else "",
            ]
        )
    return out.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _as_json(numbers: Throughput) -> dict[str, object]:
    reply = asdict(numbers)
    reply["images"]["left"] = numbers.images.left
    return reply


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/throughput", ThroughputNumbers.as_view()),
    path("projects/<uuid:project_id>/throughput.csv", ThroughputTable.as_view()),
    path("projects/<uuid:project_id>/image-counts", ImageProgress.as_view()),
]
