"""Guidelines as HTML for whoever annotates, and the pictures they show."""

from __future__ import annotations

from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint
from annotator.api.images import FILE, RefusedReply, UploadBody
from annotator.api.stored_files import send_stored_file
from annotator.models import GuidelinePicture, TokenScope
from annotator.queries.guidelines import find_guideline_picture, guideline_pictures
from annotator.queries.scope import find_managed_project, find_project
from annotator.services.guidelines import (
    add_guideline_pictures,
    picture_address,
    remove_guideline_picture,
    render_guidelines,
)
from annotator.services.uploads import uploads_in


class GuidelinePictureReply(serializers.Serializer[object]):
    name = serializers.CharField()
    sha256 = serializers.CharField()
    url = serializers.CharField()


class GuidelinesReply(serializers.Serializer[object]):
    text = serializers.CharField(help_text="Markdown, as it was written")
    html = serializers.CharField(help_text="safe to put into a page; empty without guidelines")
    pictures = GuidelinePictureReply(many=True)


class PicturesAddedReply(serializers.Serializer[object]):
    pictures = GuidelinePictureReply(many=True)
    refused = RefusedReply(many=True)


def describe_picture(picture: GuidelinePicture) -> dict[str, object]:
    return {
        "name": picture.name,
        "sha256": picture.picture_id,
        "url": picture_address(picture.project, picture.picture_id),
    }


class Guidelines(Endpoint):
    """What annotators should know; written by PATCH projects/{id}."""

    @extend_schema(responses=GuidelinesReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_project(person=self.person, project_id=project_id)
        pictures = [describe_picture(one) for one in guideline_pictures(project)]
        html = render_guidelines(project)
        return Response({"text": project.guidelines, "html": html, "pictures": pictures})


class GuidelinePictures(Endpoint):
    """Pictures that guidelines name: `![what it shows](name)`."""

    write_scope = TokenScope.MANAGE

    def get_parsers(self) -> list[BaseParser]:
        return [MultiPartParser()]

    @extend_schema(
        request={"multipart/form-data": UploadBody},
        responses={201: PicturesAddedReply, 422: PicturesAddedReply},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        uploads = uploads_in(request.FILES)
        report = add_guideline_pictures(project=project, uploads=uploads, by=self.person)
        body: dict[str, object] = {
            "pictures": [describe_picture(one) for one in report.added],
            "refused": [vars(one) for one in report.refused],
        }
        if report.added:
            return Response(body, status=201)
        first = report.refused[0]
        error = {"code": first.code, "message": first.message, "field": "files"}
        return Response({"error": error, **body}, status=422)


class OneGuidelinePicture(Endpoint):
    """The picture itself."""

    write_scope = TokenScope.MANAGE

    @extend_schema(responses=FILE)
    def get(self, request: Request, project_id: UUID, picture: str) -> HttpResponseBase:
        project = find_project(person=self.person, project_id=project_id)
        found = find_guideline_picture(project=project, sha256=picture).picture
        return send_stored_file(
            request, key=found.file_key, content_type=found.file_type, etag=found.sha256
        )

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, project_id: UUID, picture: str) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        found = find_guideline_picture(project=project, sha256=picture)
        remove_guideline_picture(picture=found, by=self.person)
        return Response(status=204)


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/guidelines", Guidelines.as_view(), name="guidelines"),
    path(
        "projects/<uuid:project_id>/guideline-pictures",
        GuidelinePictures.as_view(),
        name="guideline-pictures",
    ),
    path(
        "projects/<uuid:project_id>/guideline-pictures/<str:picture>",
        OneGuidelinePicture.as_view(),
        name="guideline-picture",
    ),
]
