"""GET projects/{id}/statistics (JSON, and each chart's table as CSV): a data set as the paper shows its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

from django.http import HttpResponse
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.csv_text import csv_file, csv_text
from annotator.api.endpoint import Endpoint
from annotator.errors import NotInScope
from annotator.queries.scope import NOTHING, find_managed_project
from annotator.queries.statistics import (
    CENTRE_CELLS,
    Distribution,
    MaskStatistics,
    mask_statistics,
)

MAX_ROUND = 999_999_999
ROUND = OpenApiParameter(
    "round", int, description="Only what was accepted between this round and the one before."
)
BIN_COLUMNS = ("low", "high", "count", "share")


class BinReply(serializers.Serializer[object]):
    low = serializers.FloatField()
    high = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField()
    share = serializers.FloatField()


class DistributionReply(serializers.Serializer[object]):
    count = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    bins = BinReply(many=True)


class StatisticsReply(serializers.Serializer[object]):
    masks = serializers.IntegerField()
    images = serializers.IntegerField()
    masks_per_image = DistributionReply()
    relative_size = DistributionReply()
    concavity = DistributionReply()
    centres = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="masks in each cell: rows from the top, columns from the left",
    )


def describe_distribution(distribution: Distribution) -> dict[str, object]:
    return {
        "count": distribution.count,
        "mean": distribution.mean,
        "bins": list(_bins(distribution)),
    }


def _bins(distribution: Distribution) -> Iterator[dict[str, object]]:
    for one in distribution.bins:
        share = distribution.share(one)
        yield {"low": one.low, "high": one.high, "count": one.count, "share": share}


def _centres(numbers: MaskStatistics) -> Iterator[dict[str, object]]:
    for row, counts in enumerate(numbers.centres):
        for column, count in enumerate(counts):
            yield {
                "left": column / CENTRE_CELLS,
                "top": row / CENTRE_CELLS,
                "count": count,
                "share": count / numbers.num_masks if numbers.num_masks else 0.0,
            }


Rows = Callable[[MaskStatistics], Iterator[dict[str, object]]]
CHARTS: dict[str, tuple[tuple[str, ...], Rows]] = {
    "masks-per-image": (BIN_COLUMNS, lambda numbers: _bins(numbers.masks_per_image)),
    "relative-size": (BIN_COLUMNS, lambda numbers: _bins(numbers.relative_size)),
    "concavity": (BIN_COLUMNS, lambda numbers: _bins(numbers.concavity)),
    "centres": (("left", "top", "count", "share"), _centres),
}


class StatisticsEndpoint(Endpoint):
    """What both addresses read."""

    filters = frozenset({"round"})

    def numbers(self, project_id: UUID) -> MaskStatistics:
        project = find_managed_project(person=self.person, project_id=project_id)
        wanted = "round" in self.request.query_params
        number = self.whole_number("round", 1, 1, MAX_ROUND) if wanted else None
        return mask_statistics(project, round_number=number)


class ProjectStatistics(StatisticsEndpoint):
    """Masks per image, relative size, concavity and centres of the accepted masks (managers)."""

    @extend_schema(parameters=[ROUND], responses=StatisticsReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        numbers = self.numbers(project_id)
        return Response(
            {
                "masks": numbers.num_masks,
                "images": numbers.num_images,
                "masks_per_image": describe_distribution(numbers.masks_per_image),
                "relative_size": describe_distribution(numbers.relative_size),
                "concavity": describe_distribution(numbers.concavity),
                "centres": numbers.centres,
            }
        )


class StatisticsTable(StatisticsEndpoint):
    """One chart as CSV."""

    @extend_schema(parameters=[ROUND], responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, project_id: UUID, chart: str) -> HttpResponse:
        numbers = self.numbers(project_id)
        if chart not in CHARTS:
            raise NotInScope(NOTHING)
        columns, rows = CHARTS[chart]
        return csv_file(chart, csv_text(columns, rows(numbers)))


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/statistics", ProjectStatistics.as_view()),
    path("projects/<uuid:project_id>/statistics/<slug:chart>.csv", StatisticsTable.as_view()),
]
