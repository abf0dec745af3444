"""Reference images: how people's masks compare with known-good ones, for managers and for whom it is about."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint
from annotator.queries.agreements import (
    ImageScore,
    Scores,
    image_scores,
    num_references,
    people_scores,
)
from annotator.queries.scope import find_managed_project, find_project


class ScoresReply(serializers.Serializer[object]):
    num_images = serializers.IntegerField()
    num_matched = serializers.IntegerField()
    num_missed = serializers.IntegerField()
    num_extra = serializers.IntegerField()
    mean_iou = serializers.FloatField(allow_null=True)
    mean_boundary_iou = serializers.FloatField(allow_null=True)


class PersonScoresReply(ScoresReply):
    person = serializers.UUIDField()
    name = serializers.CharField()


class ReferenceScoresReply(serializers.Serializer[object]):
    num_references = serializers.IntegerField()
    people = PersonScoresReply(many=True)


class ImageScoreReply(ScoresReply):
    image_name = serializers.CharField()
    handed_in_at = serializers.DateTimeField()


class MyReferenceScoresReply(serializers.Serializer[object]):
    shown = serializers.BooleanField()
    images = ImageScoreReply(many=True)


class ReferenceScores(Endpoint):
    """Everybody's scores on reference images, by name."""

    @extend_schema(responses=ReferenceScoresReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        people = [
            {"person": str(one.person), "name": one.name, **_describe(one.scores)}
            for one in people_scores(project)
        ]
        return Response({"num_references": num_references(project), "people": people})


class MyReferenceScores(Endpoint):
    """One's own scores image by image, newest first; none while the project does not show them."""

    filters = frozenset({"offset", "limit"})

    @extend_schema(responses=MyReferenceScoresReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_project(person=self.person, project_id=project_id)
        offset, limit = self.page()
        shown = project.shows_reference_scores
        found = image_scores(project, self.person)[offset : offset + limit] if shown else []
        return Response({"shown": shown, "images": [_describe_image(one) for one in found]})


def _describe(scores: Scores) -> dict[str, object]:
    return dict(vars(scores))


def _describe_image(one: ImageScore) -> dict[str, object]:
    return {
        "image_name": one.image_name,
        "handed_in_at": one.handed_in_at,
        **_describe(one.scores),
    }


urls: list[URLPattern] = [
    path(
        "projects/<uuid:project_id>/reference-scores",
        ReferenceScores.as_view(),
        name="reference-scores",
    ),
    path(
        "projects/<uuid:project_id>/my-reference-scores",
        MyReferenceScores.as_view(),
        name="my-reference-scores",
    ),
]
