"""Practice: how close one's masks of an image came to those that are known."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.descriptions import RleReply, describe_rle
from annotator.api.endpoint import Endpoint
from annotator.models import Picture
from annotator.queries.scope import find_own_assignment
from annotator.services.practice import PractisedObject, practice_result


class PractisedObjectReply(serializers.Serializer[object]):
    mask = serializers.UUIDField(allow_null=True, help_text="one's own; null: missed")
    rle = RleReply(allow_null=True, help_text="the known mask; null: none is like one's own")
    iou = serializers.FloatField(allow_null=True)
    boundary_iou = serializers.FloatField(allow_null=True)


class PracticeReply(serializers.Serializer[object]):
    num_found = serializers.IntegerField()
    num_missed = serializers.IntegerField()
    num_extra = serializers.IntegerField()
    mean_iou = serializers.FloatField(allow_null=True)
    mean_boundary_iou = serializers.FloatField(allow_null=True)
    objects = PractisedObjectReply(many=True)


class Practice(Endpoint):
    """Object by object, once the practice image is handed in."""

    @extend_schema(responses=PracticeReply)
    def get(self, request: Request, assignment_id: UUID) -> Response:
        assignment = find_own_assignment(person=self.person, assignment_id=assignment_id)
        result = practice_result(assignment)
        found = result.agreement
        return Response(
            {
                "num_found": found.num_matched,
                "num_missed": found.num_only_second,
                "num_extra": found.num_only_first,
                "mean_iou": found.mean_iou,
                "mean_boundary_iou": found.mean_boundary_iou,
                "objects": [_describe(one, assignment.image.picture) for one in result.comparisons],
            }
        )


def _describe(one: PractisedObject, picture: Picture) -> dict[str, object]:
    return {
        "mask": one.mask and str(one.mask.id),
        "rle": one.known and describe_rle(one.known.counts, picture),
        "iou": one.iou,
        "boundary_iou": one.boundary_iou,
    }


urls: list[URLPattern] = [
    path("assignments/<uuid:assignment_id>/practice", Practice.as_view(), name="practice"),
]
