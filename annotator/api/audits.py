"""Audits: drawing a sample, and the share of its masks that a correction hardly changed; for managers."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictInteger
from annotator.models import AuditedMask, ReviewOutcome, TokenScope
from annotator.queries.mask_audits import AuditResult, audit_result, audited_masks, audits_of
from annotator.queries.scope import find_managed_audit, find_managed_project
from annotator.services.mask_audits import MAX_IMAGES, MAX_SEED, start_audit


class AuditBody(StrictSerializer):
    num_images = StrictInteger(min_value=1, max_value=MAX_IMAGES)
    seed = StrictInteger(min_value=0, max_value=MAX_SEED)


class LevelReply(serializers.Serializer[object]):
    iou = serializers.FloatField()
    num_above = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    interval = serializers.ListField(
        child=serializers.FloatField(), min_length=2, max_length=2, allow_null=True
    )


class AuditReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    seed = serializers.IntegerField()
    num_images = serializers.IntegerField()
    num_masks = serializers.IntegerField()
    num_decided = serializers.IntegerField()
    mean_iou = serializers.FloatField(allow_null=True)
    levels = LevelReply(many=True)
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class AuditsReply(serializers.Serializer[object]):
    audits = AuditReply(many=True)


class AuditedMaskReply(serializers.Serializer[object]):
    mask = serializers.UUIDField()
    image = serializers.UUIDField()
    version = serializers.IntegerField()
    outcome = serializers.ChoiceField(ReviewOutcome.choices, allow_null=True)
    iou = serializers.FloatField(allow_null=True)


class OneAuditReply(AuditReply):
    pairs = AuditedMaskReply(many=True)


class Audits(Endpoint):
    """A project's audits, newest first, and a new one."""

    write_scope = TokenScope.MANAGE

    @extend_schema(operation_id="audits_list", responses=AuditsReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        results = [audit_result(audit) for audit in audits_of(project)]
        return Response({"audits": [_describe(one) for one in results]})

    @extend_schema(request=AuditBody, responses={201: AuditReply})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        body = self.read(AuditBody)
        audit = start_audit(
            project=project, num_images=body["num_images"], seed=body["seed"], by=self.person
        )
        return Response(_describe(audit_result(audit)), status=201)


class OneAudit(Endpoint):
    """An audit with its pairs: each mask as it was sampled, and its IoU with what became of it."""

    filters = frozenset({"offset", "limit"})

    @extend_schema(responses=OneAuditReply)
    def get(self, request: Request, audit_id: UUID) -> Response:
        audit = find_managed_audit(person=self.person, audit_id=audit_id)
        offset, limit = self.page()
        pairs = audited_masks(audit)[offset : offset + limit]
        described = _describe(audit_result(audit))
        return Response({**described, "pairs": [_describe_pair(one) for one in pairs]})


def _describe(result: AuditResult) -> dict[str, object]:
    audit = result.audit
    return {
        "id": str(audit.id),
        "seed": audit.seed,
        "num_images": audit.num_images,
        "num_masks": result.num_masks,
        "num_decided": result.num_decided,
        "mean_iou": result.mean_iou,
        "levels": [vars(level) for level in result.levels],
        "created_at": audit.created_at,
        "ended_at": audit.ended_at,
    }


def _describe_pair(row: AuditedMask) -> dict[str, object]:
    return {
        "mask": str(row.mask_id),
        "image": str(row.mask.image_id),
        "version": row.version,
        "outcome": row.review.outcome if row.review else None,
        "iou": row.iou,
    }


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/audits", Audits.as_view(), name="audits"),
    path("audits/<uuid:audit_id>", OneAudit.as_view(), name="audit"),
]
