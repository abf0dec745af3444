"""Agreement between annotators who masked the same images on their own; for managers."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.http import HttpResponse
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.csv_text import CSV_FILE, csv_file, csv_text
from annotator.api.endpoint import Endpoint
from annotator.models import Project
from annotator.queries.annotator_agreement import (
    Together,
    annotator_agreements,
    pair_lines,
    week_lines,
)
from annotator.queries.scope import find_managed_project

NUMBERS = (
    "num_images",
    "num_matched",
    "num_unmatched",
    "unmatched_share",
    "mean_iou",
    "mean_boundary_iou",
)
Row = dict[str, object]


class AgreementNumbersReply(serializers.Serializer[object]):
    num_images = serializers.IntegerField()
    num_matched = serializers.IntegerField()
    num_unmatched = serializers.IntegerField()
    unmatched_share = serializers.FloatField(allow_null=True)
    mean_iou = serializers.FloatField(allow_null=True)
    mean_boundary_iou = serializers.FloatField(allow_null=True)


class AgreementPairReply(AgreementNumbersReply):
    first = serializers.UUIDField()
    first_name = serializers.CharField()
    second = serializers.UUIDField()
    second_name = serializers.CharField()


class AgreementWeekReply(AgreementNumbersReply):
    week = serializers.DateField()


class AgreementReply(serializers.Serializer[object]):
    pairs = AgreementPairReply(many=True)
    weeks = AgreementWeekReply(many=True)


class AnnotatorAgreement(Endpoint):
    """Every two people with images in common, and all of them week by week."""

    @extend_schema(responses=AgreementReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        return Response({"pairs": list(_pairs(project)), "weeks": list(_weeks(project))})


class AgreementPairs(Endpoint):
    """The pairs as CSV."""

    @extend_schema(responses=CSV_FILE)
    def get(self, request: Request, project_id: UUID) -> HttpResponse:
        project = find_managed_project(person=self.person, project_id=project_id)
        text = csv_text(("first_name", "second_name", *NUMBERS), _pairs(project))
        return csv_file("agreement-pairs", text)


class AgreementWeeks(Endpoint):
    """The weeks as CSV."""

    @extend_schema(responses=CSV_FILE)
    def get(self, request: Request, project_id: UUID) -> HttpResponse:
        project = find_managed_project(person=self.person, project_id=project_id)
        return csv_file("agreement-weeks", csv_text(("week", *NUMBERS), _weeks(project)))


def _pairs(project: Project) -> Iterator[Row]:
    for line in pair_lines(annotator_agreements(project)):
        yield {
            "first": str(line.first),
            "first_name": line.first_name,
            "second": str(line.second),
            "second_name": line.second_name,
            **_numbers(line.together),
        }


def _weeks(project: Project) -> Iterator[Row]:
    for line in week_lines(annotator_agreements(project)):
        yield {"week": line.week, **_numbers(line.together)}


def _numbers(together: Together) -> Row:
    return {name: getattr(together, name) for name in NUMBERS}


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/agreement", AnnotatorAgreement.as_view(), name="agreement"),
    path(
        "projects/<uuid:project_id>/agreement/pairs.csv",
        AgreementPairs.as_view(),
        name="agreement-pairs",
    ),
    path(
        "projects/<uuid:project_id>/agreement/weeks.csv",
        AgreementWeeks.as_view(),
        name="agreement-weeks",
    ),
]
