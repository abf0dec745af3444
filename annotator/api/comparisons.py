"""A model version beside the one it came from, for admins: numbers, verdict, pictures of single cases."""

from __future__ import annotations

from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.descriptions import API
from annotator.api.endpoint import Endpoint
from annotator.api.stored_files import send_stored_file
from annotator.queries.comparisons import Case, Comparison, Side, check_picture, comparison_of
from annotator.queries.model_versions import find_model_version
from annotator.queries.scope import require_admin
from annotator.queries.verdicts import Standing
from common.messages import picture_key


class SideReply(serializers.Serializer[object]):
    measure = serializers.CharField()
    num_masks = serializers.IntegerField()
    num_images = serializers.IntegerField()
    current = serializers.FloatField()
    candidate = serializers.FloatField()
    difference = serializers.FloatField()
    interval = serializers.ListField(child=serializers.FloatField(), allow_null=True)


class GroupReply(serializers.Serializer[object]):
    name = serializers.CharField()
    measures = SideReply(many=True)


class CaseReply(serializers.Serializer[object]):
    kind = serializers.CharField()
    project = serializers.CharField()
    current_iou = serializers.FloatField()
    candidate_iou = serializers.FloatField()
    current_clicks = serializers.IntegerField()
    candidate_clicks = serializers.IntegerField()
    current_picture_url = serializers.CharField()
    candidate_picture_url = serializers.CharField()


class ComparisonReply(serializers.Serializer[object]):
    model = serializers.UUIDField()
    compared_with = serializers.UUIDField(allow_null=True)
    verdict = serializers.ChoiceField([standing.value for standing in Standing])
    reasons = serializers.ListField(child=serializers.CharField())
    replayed_on = serializers.CharField()
    seconds_per_click = serializers.FloatField(allow_null=True)
    seconds_per_painted_px = serializers.FloatField(allow_null=True)
    measures = SideReply(many=True)
    by_project = GroupReply(many=True)
    cases = CaseReply(many=True)


class ModelComparison(Endpoint):
    """What the gate measured. `measures` is empty when there was nothing to compare."""

    @extend_schema(responses=ComparisonReply)
    def get(self, request: Request, model_id: UUID) -> Response:
        require_admin(self.person)
        comparison = comparison_of(find_model_version(model_id=model_id))
        return Response(_describe(comparison))


class ComparisonPicture(Endpoint):
    """A picture of one case, immutable."""

    @extend_schema(responses=OpenApiResponse(OpenApiTypes.BINARY))
    def get(self, request: Request, model_id: UUID, sha256: str) -> HttpResponseBase:
        require_admin(self.person)
        check_picture(version=find_model_version(model_id=model_id), sha256=sha256)
        return send_stored_file(
            request, key=picture_key(sha256), content_type="image/jpeg", etag=sha256
        )


def _describe(found: Comparison) -> dict[str, object]:
    version = found.version
    return {
        "model": str(version.id),
        "compared_with": version.parent_id and str(version.parent_id),
        "verdict": str(found.verdict.standing),
        "reasons": found.verdict.reasons,
        "replayed_on": found.replayed_on,
        "seconds_per_click": found.seconds_per_click,
        "seconds_per_painted_px": found.seconds_per_painted_px,
        "measures": [_side(side) for side in found.sides],
        "by_project": [
            {"name": group.name, "measures": [_side(side) for side in group.sides]}
            for group in found.groups
        ],
        "cases": [_case(case, version.id) for case in found.cases],
    }


def _side(side: Side) -> dict[str, object]:
    return {
        "measure": side.measure.name,
        "num_masks": side.num_masks,
        "num_images": side.num_images,
        "current": side.current,
        "candidate": side.candidate,
        "difference": side.difference,
        "interval": side.interval,
    }


def _case(case: Case, model_id: UUID) -> dict[str, object]:
    pictures = f"{API}/models/{model_id}/comparison/pictures/"
    return {
        "kind": case.kind,
        "project": case.group,
        "current_iou": case.current_iou,
        "candidate_iou": case.candidate_iou,
        "current_clicks": case.current_clicks,
        "candidate_clicks": case.candidate_clicks,
        "current_picture_url": pictures + case.current_picture,
        "candidate_picture_url": pictures + case.candidate_picture,
    }


urls: list[URLPattern] = [
    path("models/<uuid:model_id>/comparison", ModelComparison.as_view(), name="model-comparison"),
    path(
        "models/<uuid:model_id>/comparison/pictures/<str:sha256>",
        ComparisonPicture.as_view(),
        name="comparison-picture",
    ),
]
