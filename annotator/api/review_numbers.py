"""What reviewers found, and how that stands beside the time masks took; for managers."""

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
from annotator.queries.quality import people_quality, review_totals
from annotator.queries.scope import find_managed_project


class RejectionsReply(serializers.Serializer[object]):
    reason = serializers.CharField()
    num_rejections = serializers.IntegerField()


class PersonReviewsReply(serializers.Serializer[object]):
    person = serializers.UUIDField()
    name = serializers.CharField()
    num_masks = serializers.IntegerField()
    median_seconds_per_mask = serializers.FloatField(allow_null=True)
    num_reviewed = serializers.IntegerField()
    num_accepted = serializers.IntegerField()
    accepted_share = serializers.FloatField(allow_null=True)
    mean_fix_iou = serializers.FloatField(allow_null=True)
    common_reason = serializers.CharField(allow_blank=True)


class ReviewNumbersReply(serializers.Serializer[object]):
    num_reviewed = serializers.IntegerField()
    outcomes = serializers.DictField(child=serializers.IntegerField())
    reasons = RejectionsReply(many=True)
    people = PersonReviewsReply(many=True)


class ReviewNumbers(Endpoint):
    """First decisions about masks, why masks went back, and everybody's own by name."""

    @extend_schema(responses=ReviewNumbersReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        totals = review_totals(project)
        return Response(
            {
                "num_reviewed": totals.num_reviewed,
                "outcomes": totals.outcomes,
                "reasons": [
                    {"reason": reason, "num_rejections": num} for reason, num in totals.reasons
                ],
                "people": list(_people(project)),
            }
        )


class ReviewPeople(Endpoint):
    """The people as CSV."""

    @extend_schema(responses=CSV_FILE)
    def get(self, request: Request, project_id: UUID) -> HttpResponse:
        project = find_managed_project(person=self.person, project_id=project_id)
        columns = [name for name in PersonReviewsReply().fields if name != "person"]
        return csv_file("review-people", csv_text(columns, _people(project)))


def _people(project: Project) -> Iterator[dict[str, object]]:
    for one in people_quality(project):
        yield {
            "person": str(one.person),
            "name": one.name,
            "num_masks": one.num_masks,
            "median_seconds_per_mask": one.median_seconds,
            "num_reviewed": one.num_reviewed,
            "num_accepted": one.num_accepted,
            "accepted_share": one.share,
            "mean_fix_iou": one.fix_iou,
            "common_reason": one.common_reason,
        }


urls: list[URLPattern] = [
    path(
        "projects/<uuid:project_id>/review-numbers", ReviewNumbers.as_view(), name="review-numbers"
    ),
    path(
        "projects/<uuid:project_id>/review-numbers/people.csv",
        ReviewPeople.as_view(),
        name="review-people",
    ),
]
