"""Two model versions beside each other, for admins: asking for it, numbers, verdict, pictures of single cases."""

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
from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.stored_files import send_stored_file
from annotator.models import JobState, VersionComparison
from annotator.queries.comparisons import (
    Case,
    Comparison,
    Side,
    all_comparisons,
    check_picture,
    comparison_in,
    comparison_of,
    find_comparison,
)
from annotator.queries.model_versions import find_model_version
from annotator.queries.scope import require_admin
from annotator.queries.verdicts import Standing, judge_if_measured
from annotator.services.comparisons import start_comparison
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


class ComparisonBody(StrictSerializer):
    """Two model versions: the candidate is judged beside the base."""

    base = serializers.UUIDField()
    candidate = serializers.UUIDField()


class PairReply(serializers.Serializer[object]):
    """`state` and what follows are of the newest job; `compared_at` is when the stored numbers were measured."""

    id = serializers.UUIDField()
    base = serializers.UUIDField()
    candidate = serializers.UUIDField()
    job = serializers.UUIDField()
    state = serializers.ChoiceField(JobState.choices)
    progress = serializers.FloatField()
    message = serializers.CharField()
    error = serializers.CharField()
    verdict = serializers.ChoiceField([standing.value for standing in Standing], allow_null=True)
    created_at = serializers.DateTimeField()
    compared_at = serializers.DateTimeField(allow_null=True)


class PairWithNumbersReply(PairReply):
    comparison = ComparisonReply(allow_null=True)


class PairsReply(serializers.Serializer[object]):
    comparisons = PairReply(many=True)
    total = serializers.IntegerField()


class ModelComparisons(Endpoint):
    """The pairs of versions that were compared, the one asked for last first; POST compares two.

    Asking again measures again; until that has ended well the numbers of before stay.
    """

    filters = frozenset({"offset", "limit"})

    @extend_schema(operation_id="model_comparisons_list", responses=PairsReply)
    def get(self, request: Request) -> Response:
        require_admin(self.person)
        offset, limit = self.page()
        pairs = all_comparisons()
        shown = [_pair(pair) for pair in pairs[offset : offset + limit]]
        return Response({"comparisons": shown, "total": pairs.count()})

    @extend_schema(request=ComparisonBody, responses={202: PairReply})
    def post(self, request: Request) -> Response:
        require_admin(self.person)
        body = self.read(ComparisonBody)
        pair = start_comparison(
            base=find_model_version(model_id=body["base"]),
            candidate=find_model_version(model_id=body["candidate"]),
            by=self.person,
        )
        return Response(_pair(pair), status=202)


class OneComparison(Endpoint):
    """How a comparison goes, and what it found; `comparison` is null before the first one ended well."""

    @extend_schema(operation_id="model_comparisons_retrieve", responses=PairWithNumbersReply)
    def get(self, request: Request, comparison_id: UUID) -> Response:
        require_admin(self.person)
        pair = find_comparison(comparison_id=comparison_id)
        found = _describe(comparison_in(pair)) if pair.compared_at else None
        return Response({**_pair(pair), "comparison": found})


class ModelComparison(Endpoint):
    """The comparison by which the gate judges a version: with the version in use, else with the one it came from.

    `measures` is empty when there was nothing to compare.
    """

    @extend_schema(responses=ComparisonReply)
    def get(self, request: Request, model_id: UUID) -> Response:
        require_admin(self.person)
        comparison = comparison_of(find_model_version(model_id=model_id))
        return Response(_describe(comparison))


class ComparisonPicture(Endpoint):
    """A picture of one case, immutable."""

    @extend_schema(responses=OpenApiResponse(OpenApiTypes.BINARY))
    def get(self, request: Request, comparison_id: UUID, sha256: str) -> HttpResponseBase:
        require_admin(self.person)
        check_picture(pair=find_comparison(comparison_id=comparison_id), sha256=sha256)
        return send_stored_file(
            request, key=picture_key(sha256), content_type="image/jpeg", etag=sha256
        )


def _pair(pair: VersionComparison) -> dict[str, object]:
    job, verdict = pair.job, judge_if_measured(pair)
    return {
        "id": str(pair.id),
        "base": str(pair.base_id),
        "candidate": str(pair.candidate_id),
        "job": str(job.id),
        "state": job.state,
        "progress": job.progress,
        "message": job.message,
        "error": job.error,
        "verdict": str(verdict.standing) if verdict else None,
        "created_at": job.created_at,
        "compared_at": pair.compared_at,
    }


def _describe(found: Comparison) -> dict[str, object]:
    version = found.version
    return {
        "model": str(version.id),
        "compared_with": found.base and str(found.base.pk),
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
        "cases": [_case(case, found.pair_id) for case in found.cases],
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


def _case(case: Case, pair_id: UUID | None) -> dict[str, object]:
    pictures = f"{API}/model-comparisons/{pair_id}/pictures/"
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
    path("model-comparisons", ModelComparisons.as_view(), name="model-comparisons"),
    path("model-comparisons/<uuid:comparison_id>", OneComparison.as_view(), name="one-comparison"),
    path(
        "model-comparisons/<uuid:comparison_id>/pictures/<str:sha256>",
        ComparisonPicture.as_view(),
        name="comparison-picture",
    ),
]
