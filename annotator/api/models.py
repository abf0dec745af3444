"""Model versions: what there is, their files, which one is in use, and changing that."""

from __future__ import annotations

from uuid import UUID

from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.descriptions import describe_model
from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictBoolean, Text
from annotator.api.stored_files import send_stored_file
from annotator.errors import NotInScope
from annotator.models import ModelVersion, Promotion
from annotator.queries.model_versions import (
    all_model_versions,
    current_model_version,
    find_model_version,
    promotions,
)
from annotator.queries.scope import NOTHING, require_admin
from annotator.queries.training_sets import rounds_behind
from annotator.queries.verdicts import Standing, Verdict, verdict_of, verdicts_of
from annotator.services.bundles import promote
from annotator.services.training_use import training_masks
from common.manifest import MANIFEST_NAME
from common.messages import bundle_key

JSON_LINES = "application/x-ndjson"
FILE = OpenApiResponse(OpenApiTypes.BINARY)
NUM_PROMOTIONS = 50


class ModelRoundReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    project = serializers.UUIDField()
    number = serializers.IntegerField()


class ModelReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    bundle_fingerprint = serializers.CharField()
    encoder_fingerprint = serializers.CharField()
    manifest_url = serializers.CharField()
    files_url = serializers.CharField()
    input_size = serializers.IntegerField()
    num_bytes = serializers.IntegerField()
    scores = serializers.DictField()
    verdict = serializers.ChoiceField([standing.value for standing in Standing])
    parent = serializers.UUIDField(allow_null=True)
    round = ModelRoundReply(allow_null=True)
    is_current = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class PromotionReply(serializers.Serializer[object]):
    id = serializers.IntegerField()
    model = serializers.UUIDField()
    model_name = serializers.CharField()
    promoted_by = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()


class ModelsReply(serializers.Serializer[object]):
    current = serializers.UUIDField(allow_null=True)
    models = ModelReply(many=True)
    total = serializers.IntegerField()
    promotions = PromotionReply(many=True)


class PromoteBody(StrictSerializer):
    expected_current = serializers.UUIDField(allow_null=True)
    override = StrictBoolean(default=False)
    reason = Text(default="", allow_blank=True, max_length=2000)


class Models(Endpoint):
    """All model versions, newest first, and the latest promotions; for admins."""

    filters = frozenset({"offset", "limit"})

    @extend_schema(operation_id="models_list", responses=ModelsReply)
    def get(self, request: Request) -> Response:
        require_admin(self.person)
        offset, limit = self.page()
        versions = all_model_versions()
        shown = list(versions[offset : offset + limit])
        current, verdicts = current_model_version(), verdicts_of(shown)
        return Response(
            {
                "current": current and str(current.id),
                "models": [
                    describe_version(version, current, verdicts[version.pk]) for version in shown
                ],
                "total": versions.count(),
                "promotions": [_promotion(each) for each in promotions()[:NUM_PROMOTIONS]],
            }
        )


class Model(Endpoint):
    """One model version; anybody signed in may know it, browsers decode with it."""

    @extend_schema(responses=ModelReply)
    def get(self, request: Request, model_id: UUID) -> Response:
        version = find_model_version(model_id=model_id)
        return Response(describe_version(version, current_model_version(), verdict_of(version)))


class ModelFile(Endpoint):
    """One file of a bundle, immutable."""

    @extend_schema(responses=FILE)
    def get(self, request: Request, model_id: UUID, name: str) -> HttpResponseBase:
        version = find_model_version(model_id=model_id)
        files = version.manifest["files"]
        if name != MANIFEST_NAME and name not in files:
            raise NotInScope(NOTHING)
        etag = version.bundle_fingerprint if name == MANIFEST_NAME else str(files[name]["sha256"])
        is_json = name.endswith(".json")
        return send_stored_file(
            request,
            key=bundle_key(version.bundle_fingerprint, name),
            content_type="application/json" if is_json else "application/octet-stream",
            etag=etag,
        )


class ModelMasks(Endpoint):
    """The masks that a version and the versions it came from were trained on, as JSON lines."""

    @extend_schema(responses={(200, JSON_LINES): OpenApiTypes.BINARY})
    def get(self, request: Request, model_id: UUID) -> HttpResponseBase:
        require_admin(self.person)
        version = find_model_version(model_id=model_id)
        name = f"masks-of-{version.bundle_fingerprint[:12]}.jsonl"
        return StreamingHttpResponse(
            training_masks(rounds_behind(version)),
            content_type=JSON_LINES,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class ModelPromotion(Endpoint):
    """Makes a model version the one annotators use.

    409 when another was promoted meanwhile, and for a candidate that is worse without `override`; 422 for an
    override without a reason.
    """

    @extend_schema(request=PromoteBody, responses=ModelReply)
    def post(self, request: Request, model_id: UUID) -> Response:
        require_admin(self.person)
        version = find_model_version(model_id=model_id)
        body = self.read(PromoteBody)
        promote(
            model_version=version,
            expected_current=body["expected_current"],
            by=self.person,
            reason=body["reason"],
            override=body["override"],
        )
        return Response(describe_version(version, current_model_version(), verdict_of(version)))


def describe_version(
    version: ModelVersion, current: ModelVersion | None, verdict: Verdict
) -> dict[str, object]:
    made_by = getattr(version, "round", None)
    return {
        **describe_model(version),
        "name": version.name,
        "input_size": version.manifest["input_size"],
        "num_bytes": sum(entry["bytes"] for entry in version.manifest["files"].values()),
        "scores": version.scores,
        "verdict": str(verdict.standing),
        "parent": version.parent_id and str(version.parent_id),
        "round": made_by
        and {
            "id": str(made_by.id),
            "project": str(made_by.project_id),
            "number": made_by.number,
        },
        "is_current": current is not None and current.id == version.id,
        "created_at": version.created_at,
    }


def _promotion(promotion: Promotion) -> dict[str, object]:
    person = promotion.promoted_by
    return {
        "id": promotion.id,
        "model": str(promotion.model_version_id),
        "model_name": promotion.model_version.name,
        "promoted_by": person and person.display_name,
        "reason": promotion.reason,
        "created_at": promotion.created_at,
    }


urls: list[URLPattern] = [
    path("models", Models.as_view(), name="models"),
    path("models/<uuid:model_id>", Model.as_view(), name="model"),
    path("models/<uuid:model_id>/files/<str:name>", ModelFile.as_view(), name="model-file"),
    path("models/<uuid:model_id>/masks", ModelMasks.as_view(), name="model-masks"),
    path("models/<uuid:model_id>/promote", ModelPromotion.as_view(), name="model-promote"),
]
