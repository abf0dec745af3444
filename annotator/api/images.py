"""Images of a project, uploads, and the bytes of an image."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.descriptions import ImageReply, describe_image
from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import CanonicalUuid, StrictBoolean
from annotator.api.stored_files import send_embedding, send_stored_file
from annotator.errors import Invalid, NotInScope, StorageLow
from annotator.models import Image, Person, TokenScope
from annotator.queries.images import IMAGE_STATES, find_embedding, page_with_state, with_state
from annotator.queries.model_versions import current_model_version, encoder_is_known
from annotator.queries.scope import NOTHING, find_image, find_managed_project, visible_images
from annotator.services.embeddings import read_embedding
from annotator.services.image_changes import ImageChanges, change_image, change_images
from annotator.services.images import add_images
from annotator.services.picture_reader import TILE_SIDE, tile_level_sizes
from annotator.services.pictures import picture_keys, tile_key
from annotator.services.uploads import uploads_in


class RefusedReply(serializers.Serializer[object]):
    name = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class AddedImageReply(ImageReply):
    duplicate = serializers.BooleanField()


class UploadReply(serializers.Serializer[object]):
    images = AddedImageReply(many=True)
    refused = RefusedReply(many=True)


class UploadBody(serializers.Serializer[object]):
    files = serializers.ListField(child=serializers.FileField())


class OneImageChangesBody(StrictSerializer):
    held_out = StrictBoolean(required=False)
    is_reference = StrictBoolean(required=False)
    is_practice = StrictBoolean(required=False)


class ImageChangesBody(OneImageChangesBody):
    images = serializers.ListField(
        child=CanonicalUuid(), min_length=1, max_length=settings.MAX_IMAGES_PER_CHANGE
    )
    removed = StrictBoolean(required=False)

    def validate_removed(self, removed: bool) -> bool:
        if not removed:
            raise serializers.ValidationError("An upload of its picture brings an image back.")
        return removed


class RefusedImageReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    name = serializers.CharField(help_text="empty: the project has no such image")
    code = serializers.CharField()
    message = serializers.CharField()


class ImageChangesReply(serializers.Serializer[object]):
    changed = serializers.ListField(child=serializers.UUIDField())
    refused = RefusedImageReply(many=True)


class ImagesReply(serializers.Serializer[object]):
    images = ImageReply(many=True)
    total = serializers.IntegerField()


class ProjectImages(Endpoint):
    """A project's images for its managers: a page of them, and uploads."""

    write_scope = TokenScope.MANAGE
    filters = frozenset({"offset", "limit", "state", "name"})

    def get_parsers(self) -> list[BaseParser]:
        return [MultiPartParser()]

    @extend_schema(responses=ImagesReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        offset, limit = self.page()
        images = visible_images(self.person).filter(project=project)
        model = current_model_version()
        wanted = request.query_params.get("state")
        if wanted is not None and wanted not in IMAGE_STATES:
            raise Invalid(
                f"state={wanted[:40]!r} is none of {', '.join(IMAGE_STATES)}.", field="state"
            )
        if wanted is not None:
            images = with_state(images, model=model).filter(state=wanted)
        if name := request.query_params.get("name", ""):
            images = images.filter(name__icontains=name[:255])
        found = page_with_state(images, model=model, offset=offset, limit=limit)
        return Response({"images": [describe_image(one) for one in found], "total": images.count()})

    @extend_schema(
        request={"multipart/form-data": UploadBody},
        responses={201: UploadReply, 422: UploadReply, 507: UploadReply},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        report = add_images(project=project, uploads=uploads_in(request.FILES), by=self.person)
        ids = [one.image.id for one in report.added]
        described = _described_by_id(self.person, ids)
        refused = [vars(one) for one in report.refused]
        if not report.added:
            first = report.refused[0]
            error = {"code": first.code, "message": first.message, "field": "files"}
            status = StorageLow.status if first.code == StorageLow.code else Invalid.status
            return Response({"error": error, "images": [], "refused": refused}, status=status)
        images = [
            {**described[one.image.id], "duplicate": one.is_duplicate} for one in report.added
        ]
        return Response({"images": images, "refused": refused}, status=201)


class OneImage(Endpoint):
    """One image; managers remove it."""

    write_scope = TokenScope.MANAGE

    @extend_schema(responses=ImageReply)
    def get(self, request: Request, image_id: UUID) -> Response:
        find_image(person=self.person, image_id=image_id)
        return Response(_described_by_id(self.person, [image_id])[image_id])

    @extend_schema(request=OneImageChangesBody, responses=ImageReply)
    def patch(self, request: Request, image_id: UUID) -> Response:
        image = self._find(image_id)
        changes = _changes(self.read(OneImageChangesBody))
        change_image(image=image, changes=changes, by=self.person)
        return Response(_described_by_id(self.person, [image_id])[image_id])

    @extend_schema(responses={204: None})
    def delete(self, request: Request, image_id: UUID) -> Response:
        change_image(image=self._find(image_id), changes=ImageChanges(removed=True), by=self.person)
        return Response(status=204)

    def _find(self, image_id: UUID) -> Image:
        image = find_image(person=self.person, image_id=image_id)
        find_managed_project(person=self.person, project_id=image.project_id)
        return image


class ProjectImageChanges(Endpoint):
    """Many images of a project at once; one that is refused costs the others nothing."""

    write_scope = TokenScope.MANAGE

    @extend_schema(request=ImageChangesBody, responses=ImageChangesReply)
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        body = self.read(ImageChangesBody)
        image_ids = body.pop("images")
        changes = _changes(body)
        report = change_images(
            project=project, image_ids=image_ids, changes=changes, by=self.person
        )
        refused = [
            {"id": one.id, "name": one.name, "code": one.error.code, "message": one.error.message}
            for one in report.refused
        ]
        return Response({"changed": report.changed, "refused": refused})


def _changes(body: dict[str, bool]) -> ImageChanges:
    """Raises `Invalid` when nothing is to be changed."""
    if not body:
        raise Invalid("Say what to change: held_out, is_reference or is_practice.", code="required")
    return ImageChanges(**body)


FILE = {
    200: OpenApiResponse(OpenApiTypes.BINARY, "The bytes; named by content, cached for a year.")
}


class ImageFile(Endpoint):
    """The normalised picture."""

    @extend_schema(responses=FILE)
    def get(self, request: Request, image_id: UUID) -> HttpResponseBase:
        picture = find_image(person=self.person, image_id=image_id).picture
        return send_stored_file(
            request, key=picture.file_key, content_type=picture.file_type, etag=picture.sha256
        )


class ImageThumbnail(Endpoint):
    """A JPEG of at most 320 pixels."""

    @extend_schema(responses=FILE)
    def get(self, request: Request, image_id: UUID) -> HttpResponseBase:
        picture = find_image(person=self.person, image_id=image_id).picture
        _, key = picture_keys(sha256=picture.sha256, file_type=picture.file_type)
        etag = f"thumbnail-{picture.sha256}"
        return send_stored_file(request, key=key, content_type="image/jpeg", etag=etag)


class ImageTile(Endpoint):
    """One square of the tile pyramid of a large picture."""

    @extend_schema(responses=FILE)
    def get(
        self, request: Request, image_id: UUID, level: int, column: int, row: int
    ) -> HttpResponseBase:
        picture = find_image(person=self.person, image_id=image_id).picture
        levels = tile_level_sizes(picture.width, picture.height)
        if level >= len(levels):
            raise NotInScope(NOTHING)
        width, height = levels[level]
        if column * TILE_SIDE >= width or row * TILE_SIDE >= height:
            raise NotInScope(NOTHING)
        key = tile_key(sha256=picture.sha256, level=level, column=column, row=row)
        etag = f"tile-{picture.sha256}-{level}-{column}-{row}"
        return send_stored_file(request, key=key, content_type="image/jpeg", etag=etag)


class ImageEmbedding(Endpoint):
    """The embedding of the whole picture by one encoder; 409 while it is being computed."""

    @extend_schema(responses=FILE)
    def get(self, request: Request, image_id: UUID, encoder_fingerprint: str) -> HttpResponseBase:
        image = find_image(person=self.person, image_id=image_id)
        if not encoder_is_known(encoder_fingerprint):
            raise NotInScope(NOTHING)
        known = find_embedding(image=image, encoder_fingerprint=encoder_fingerprint)
        return send_embedding(
            request,
            known=known,
            read=lambda: read_embedding(image=image, encoder_fingerprint=encoder_fingerprint),
        )


def _described_by_id(person: Person, ids: list[UUID]) -> dict[UUID, dict[str, object]]:
    images = visible_images(person).filter(id__in=ids)
    found = with_state(images, model=current_model_version())
    return {image.id: describe_image(image) for image in found}


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/images", ProjectImages.as_view(), name="project-images"),
    path(
        "projects/<uuid:project_id>/image-changes",
        ProjectImageChanges.as_view(),
        name="image-changes",
    ),
    path("images/<uuid:image_id>", OneImage.as_view(), name="image"),
    path("images/<uuid:image_id>/file", ImageFile.as_view(), name="image-file"),
    path("images/<uuid:image_id>/thumbnail", ImageThumbnail.as_view(), name="image-thumbnail"),
    path(
        "images/<uuid:image_id>/tiles/<int:level>/<int:column>/<int:row>",
        ImageTile.as_view(),
        name="image-tile",
    ),
    path(
        "images/<uuid:image_id>/embedding/<str:encoder_fingerprint>",
        ImageEmbedding.as_view(),
        name="image-embedding",
    ),
]
