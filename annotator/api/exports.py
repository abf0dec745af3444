"""Exports of a project's accepted masks: asking for one, watching it, fetching the file."""

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
from annotator.api.fields import CanonicalUuid, StrictBoolean, StrictInteger, Text
from annotator.api.stored_files import send_stored_file
from annotator.errors import Conflict
from annotator.models import Export, JobState, MaskOrigin, TokenScope
from annotator.queries.export_parts import ExportPart
from annotator.queries.jobs import exports_of, find_managed_export
from annotator.queries.scope import find_managed_project
from annotator.services.exports import FORMATS, request_export
from annotator.services.web_jobs import stop_job


class PartBody(StrictSerializer):
    trained_in = StrictInteger(min_value=1, required=False)
    since_round = StrictInteger(min_value=1, required=False)
    author = CanonicalUuid(required=False)
    first_day = serializers.DateField(required=False)
    last_day = serializers.DateField(required=False)
    origin = serializers.ChoiceField(MaskOrigin.choices, required=False)
    reviewed = StrictBoolean(required=False)


class ExportBody(StrictSerializer):
    format = Text(default="coco", max_length=16, help_text=", ".join(FORMATS))
    part = PartBody(default=dict)
    with_pictures = StrictBoolean(
        default=False, help_text="beside the masks, all in one zip file; not of provenance"
    )


class ExportReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    project = serializers.UUIDField()
    format = serializers.CharField()
    part = PartBody()
    with_pictures = serializers.BooleanField()
    state = serializers.CharField()
    progress = serializers.FloatField()
    error = serializers.CharField()
    num_masks = serializers.IntegerField()
    file_url = serializers.CharField(allow_null=True)
    file_sha256 = serializers.CharField()
    created_at = serializers.DateTimeField()


class ExportsReply(serializers.Serializer[object]):
    exports = ExportReply(many=True)
    total = serializers.IntegerField()


class ProjectExports(Endpoint):
    """A project's exports, newest first, and asking for a new one; for its managers."""

    write_scope = TokenScope.MANAGE
    filters = frozenset({"offset", "limit"})

    @extend_schema(responses=ExportsReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        offset, limit = self.page()
        exports = exports_of(project)
        found = [describe_export(each) for each in exports[offset : offset + limit]]
        return Response({"exports": found, "total": exports.count()})

    @extend_schema(request=ExportBody, responses={202: ExportReply})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        body = self.read(ExportBody)
        export = request_export(
            project=project,
            by=self.person,
            format=body["format"],
            part=ExportPart(**body["part"]),
            with_pictures=body["with_pictures"],
        )
        return Response(describe_export(export), status=202)


class OneExport(Endpoint):
    """How an export goes."""

    @extend_schema(responses=ExportReply)
    def get(self, request: Request, export_id: UUID) -> Response:
        export = find_managed_export(person=self.person, export_id=export_id)
        return Response(describe_export(export))


class ExportCancel(Endpoint):
    """Stops an export; 409 when it has ended."""

    write_scope = TokenScope.MANAGE

    @extend_schema(request=None, responses={202: ExportReply})
    def post(self, request: Request, export_id: UUID) -> Response:
        export = find_managed_export(person=self.person, export_id=export_id)
        self.read(StrictSerializer)
        stop_job(job=export.job, project=export.project, by=self.person)
        return Response(describe_export(export), status=202)


class ExportFile(Endpoint):
    """The file of an export; 409 while it is being written."""

    @extend_schema(responses=OpenApiResponse(OpenApiTypes.BINARY))
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        export = find_managed_export(person=self.person, export_id=export_id)
        if not is_ready(export):
            raise Conflict(f"The export is {export.job.state}.", code="export_not_ready")
        file_type = FORMATS[export.format].type_of_file(with_pictures=export.with_pictures)
        response = send_stored_file(
            request,
            key=export.file_key,
            content_type=file_type.content_type,
            etag=export.file_sha256,
        )
        when = f"{export.created_at:%Y%m%d-%H%M%S}"
        name = f"maskwright-{export.project_id}-{when}.{file_type.suffix}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def is_ready(export: Export) -> bool:
    return bool(export.job.state == JobState.DONE and export.file_key)


def describe_export(export: Export) -> dict[str, object]:
    return {
        "id": str(export.id),
        "project": str(export.project_id),
        "format": export.format,
        "part": export.part,
        "with_pictures": export.with_pictures,
        "state": export.job.state,
        "progress": export.job.progress,
        "error": export.job.error,
        "num_masks": export.num_masks,
        "file_url": f"{API}/exports/{export.id}/file" if is_ready(export) else None,
        "file_sha256": export.file_sha256,
        "created_at": export.created_at,
    }


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/exports", ProjectExports.as_view(), name="exports"),
    path("exports/<uuid:export_id>", OneExport.as_view(), name="export"),
    path("exports/<uuid:export_id>/cancel", ExportCancel.as_view(), name="export-cancel"),
    path("exports/<uuid:export_id>/file", ExportFile.as_view(), name="export-file"),
]
