"""GET projects/{id}/throughput (JSON, and each table as CSV) and projects/{id}/image-counts."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.csv_text import csv_file
from annotator.api.endpoint import Endpoint
from annotator.api.throughput_tables import TABLES, describe, table_csv
from annotator.errors import NotInScope
from annotator.queries.image_counts import image_counts, num_failed_embeddings
from annotator.queries.scope import NOTHING, find_managed_project
from annotator.queries.throughput.numbers import throughput
from annotator.queries.throughput.period import CHOICES, DEFAULT, period_of

DAYS = OpenApiParameter(
    "days", enum=list(CHOICES), default=DEFAULT, description="The last days, today included (UTC)."
)


class LineReply(serializers.Serializer[object]):
    masks = serializers.IntegerField()
    timed_masks = serializers.IntegerField()
    median_seconds_per_mask = serializers.FloatField(allow_null=True)
    p90_seconds_per_mask = serializers.FloatField(allow_null=True)
    masks_per_active_hour = serializers.FloatField(allow_null=True)
    active_hours = serializers.FloatField()
    idle_hours = serializers.FloatField()
    looking_share = serializers.FloatField(allow_null=True)
    prompting_share = serializers.FloatField(allow_null=True)
    waiting_share = serializers.FloatField(allow_null=True)
    painting_share = serializers.FloatField(allow_null=True)
    points_per_mask = serializers.FloatField(allow_null=True)
    boxes_per_mask = serializers.FloatField(allow_null=True)
    candidate_switches_per_mask = serializers.FloatField(allow_null=True)
    painted_masks_share = serializers.FloatField(allow_null=True)
    painted_pixels_share = serializers.FloatField(allow_null=True)
    given_up = serializers.IntegerField()
    given_up_rate = serializers.FloatField(allow_null=True)
    images_submitted = serializers.IntegerField()
    images_skipped = serializers.IntegerField()
    skip_rate = serializers.FloatField(allow_null=True)
    masks_per_image = serializers.FloatField(allow_null=True)
    decodes = serializers.IntegerField()
    median_decode_ms = serializers.FloatField(allow_null=True)
    p90_decode_ms = serializers.FloatField(allow_null=True)
    last_accepted_at = serializers.DateTimeField(allow_null=True)


class DayLineReply(LineReply):
    day = serializers.DateField()


class PersonLineReply(LineReply):
    person = serializers.UUIDField()
    name = serializers.CharField()


class ModelLineReply(LineReply):
    model_version = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    retrainings = serializers.IntegerField()


class HourReply(serializers.Serializer[object]):
    until = serializers.DateTimeField()
    masks = serializers.IntegerField()
    images = serializers.IntegerField()
    people = serializers.IntegerField()


class ForecastReply(serializers.Serializer[object]):
    images_per_day = serializers.FloatField()
    days_seen = serializers.IntegerField()
    days_left = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class ImageCountsReply(serializers.Serializer[object]):
    total = serializers.IntegerField()
    waiting = serializers.IntegerField()
    ready = serializers.IntegerField()
    in_progress = serializers.IntegerField()
    submitted = serializers.IntegerField()
    skipped = serializers.IntegerField()
    left = serializers.IntegerField()


class ImageProgressReply(ImageCountsReply):
    failed = serializers.IntegerField()


class SkipReasonReply(serializers.Serializer[object]):
    reason = serializers.CharField()
    images = serializers.IntegerField()


class ThroughputReply(serializers.Serializer[object]):
    at = serializers.DateTimeField()
    days = serializers.IntegerField(allow_null=True)
    masks = serializers.IntegerField()
    imported = serializers.IntegerField()
    images = ImageCountsReply()
    forecast = ForecastReply()
    hours = HourReply(many=True)
    whole = LineReply()
    by_day = DayLineReply(many=True)
    by_person = PersonLineReply(many=True)
    by_model = ModelLineReply(many=True)
    skip_reasons = SkipReasonReply(many=True)


class ThroughputNumbers(Endpoint):
    """Every number is a query over accepted masks and their timings; managers and admins read it."""

    filters = frozenset({"days"})

    @extend_schema(parameters=[DAYS], responses=ThroughputReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        period = period_of(request.query_params.get("days", DEFAULT), now=timezone.now())
        return Response(describe(throughput(project=project, period=period)))


class ThroughputTable(Endpoint):
    """One table of the dashboard as CSV."""

    filters = frozenset({"days"})

    @extend_schema(parameters=[DAYS], responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, project_id: UUID, table: str) -> HttpResponse:
        project = find_managed_project(person=self.person, project_id=project_id)
        if table not in TABLES:
            raise NotInScope(NOTHING)
        period = period_of(request.query_params.get("days", DEFAULT), now=timezone.now())
        numbers = throughput(project=project, period=period)
        return csv_file(table, table_csv(TABLES[table], numbers))


class ImageProgress(Endpoint):
    """How many images stand where, and how many could not be prepared for the model."""

    @extend_schema(responses=ImageProgressReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        counts = image_counts(project=project)
        failed = num_failed_embeddings(project=project)
        return Response({**asdict(counts), "left": counts.left, "failed": failed})


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/throughput", ThroughputNumbers.as_view()),
    path("projects/<uuid:project_id>/throughput/<slug:table>.csv", ThroughputTable.as_view()),
    path("projects/<uuid:project_id>/image-counts", ImageProgress.as_view()),
]
