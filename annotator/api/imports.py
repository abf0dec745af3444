"""Imports of data sets that managers send as zip files: sending one, and watching it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.errors import Invalid
from annotator.models import Import, TokenScope
from annotator.queries.jobs import find_managed_import, imports_of
from annotator.queries.scope import find_managed_project, require_admin
from annotator.services.data_set_uploads import (
    request_import,
    request_server_import,
    stop_import,
)
from annotator.services.server_folder import server_data_sets


class ImportBody(serializers.Serializer[object]):
    files = serializers.FileField(help_text="one zip file")


class ImportReportReply(serializers.Serializer[object]):
    images_added = serializers.IntegerField(required=False)
    images_known = serializers.IntegerField(required=False)
    masks_added = serializers.IntegerField(required=False)
    masks_known = serializers.IntegerField(required=False)
    masks_refused = serializers.IntegerField(required=False)
    crowds_left_out = serializers.IntegerField(required=False)
    reasons = serializers.DictField(child=serializers.IntegerField(), required=False)
    refusals = serializers.ListField(child=serializers.DictField(), required=False)


class ImportReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    project = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.CharField()
    progress = serializers.FloatField()
    error = serializers.CharField()
    report = ImportReportReply()
    created_at = serializers.DateTimeField()


class ImportsReply(serializers.Serializer[object]):
    imports = ImportReply(many=True)
    total = serializers.IntegerField()


class ProjectImports(Endpoint):
    """A project's imports, newest first, and sending a new one; for its managers."""

    write_scope = TokenScope.MANAGE
    filters = frozenset({"offset", "limit"})

    def get_parsers(self) -> list[BaseParser]:
        return [MultiPartParser()]

    @extend_schema(responses=ImportsReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        offset, limit = self.page()
        imports = imports_of(project)
        found = [describe_import(each) for each in imports[offset : offset + limit]]
        return Response({"imports": found, "total": imports.count()})

    @extend_schema(request={"multipart/form-data": ImportBody}, responses={202: ImportReply})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        files = request.FILES.getlist("files")
        if len(files) != 1 or not isinstance(files[0], TemporaryUploadedFile):
            raise Invalid("Send one zip file in the field `files`.", code="required", field="files")
        [file] = files
        one = request_import(
            project=project,
            by=self.person,
            name=file.name or "",
            path=Path(file.temporary_file_path()),
        )
        return Response(describe_import(one), status=202)


class ServerImportBody(StrictSerializer):
    name = serializers.CharField(max_length=255, help_text="one of `data_sets`")


class ServerDataSetReply(serializers.Serializer[object]):
    name = serializers.CharField()
    is_zip = serializers.BooleanField()


class ServerDataSetsReply(serializers.Serializer[object]):
    folder = serializers.CharField()
    data_sets = ServerDataSetReply(many=True)


class ProjectServerImports(Endpoint):
    """Data sets in the server's folder (`MASKWRIGHT_INCOMING`), and importing one; for admins.

    What lies there belongs to no project: managers do not see it.
    """

    @extend_schema(responses=ServerDataSetsReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        find_managed_project(person=self.person, project_id=project_id)
        require_admin(self.person)
        found = [asdict(one) for one in server_data_sets()]
        return Response({"folder": str(settings.INCOMING_FOLDER), "data_sets": found})

    @extend_schema(request=ServerImportBody, responses={202: ImportReply})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        require_admin(self.person)
        name = self.read(ServerImportBody)["name"]
        one = request_server_import(project=project, by=self.person, name=name)
        return Response(describe_import(one), status=202)


class OneImport(Endpoint):
    """How an import goes, and what became of it."""

    @extend_schema(responses=ImportReply)
    def get(self, request: Request, import_id: UUID) -> Response:
        one = find_managed_import(person=self.person, import_id=import_id)
        return Response(describe_import(one))


class ImportCancel(Endpoint):
    """Stops an import; what came in already stays. 409 when it has ended."""

    write_scope = TokenScope.MANAGE

    @extend_schema(request=None, responses={202: ImportReply})
    def post(self, request: Request, import_id: UUID) -> Response:
        one = find_managed_import(person=self.person, import_id=import_id)
        self.read(StrictSerializer)
        stop_import(one=one, by=self.person)
        return Response(describe_import(one), status=202)


def describe_import(one: Import) -> dict[str, object]:
    return {
        "id": str(one.id),
        "project": str(one.project_id),
        "name": one.name,
        "state": one.job.state,
        "progress": one.job.progress,
        "error": one.job.error,
        "report": one.report,
        "created_at": one.created_at,
    }


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/imports", ProjectImports.as_view(), name="imports"),
    path(
        "projects/<uuid:project_id>/server-imports",
        ProjectServerImports.as_view(),
        name="server-imports",
    ),
    path("imports/<uuid:import_id>", OneImport.as_view(), name="import"),
    path("imports/<uuid:import_id>/cancel", ImportCancel.as_view(), name="import-cancel"),
]
