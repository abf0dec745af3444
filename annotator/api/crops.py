"""Embeddings of parts of large images, for whoever looks at small things."""

from __future__ import annotations

from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.descriptions import API
from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictInteger
from annotator.api.images import FILE
from annotator.api.stored_files import send_embedding
from annotator.errors import NotInScope
from annotator.models import TokenScope
from annotator.queries.images import find_embedding
from annotator.queries.model_versions import encoder_is_known, version_with_encoder
from annotator.queries.scope import NOTHING, find_image
from annotator.services.crops import CropState, read_crop, request_crop

CORNERS = "<int:x0>_<int:y0>_<int:x1>_<int:y1>"
LONGEST_SIDE = 20_000


class CropBody(StrictSerializer):
    """`box` is what is looked at: x0, y0, x1, y1 in image pixels, half-open."""

    box = serializers.ListField(
        child=StrictInteger(min_value=0, max_value=LONGEST_SIDE), min_length=4, max_length=4
    )


class CropReply(serializers.Serializer[object]):
    """`crop` is the part of the image that serves the box; its embedding is at `url` when it is ready."""

    crop = serializers.ListField(child=serializers.IntegerField())
    state = serializers.ChoiceField(choices=[state.value for state in CropState])
    url = serializers.CharField()


class ImageCrops(Endpoint):
    """Asks for the embedding of the part of a large image that somebody looks at."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=CropBody, responses={200: CropReply, 202: CropReply})
    def post(self, request: Request, image_id: UUID, encoder_fingerprint: str) -> Response:
        image = find_image(person=self.person, image_id=image_id)
        version = version_with_encoder(encoder_fingerprint)
        if version is None:
            raise NotInScope(NOTHING)
        x0, y0, x1, y1 = self.read(CropBody)["box"]
        wanted = request_crop(
            image=image, model_version=version, looked_at=(x0, y0, x1, y1), by=self.person
        )
        corners = "_".join(map(str, wanted.box))
        body = {
            "crop": list(wanted.box),
            "state": wanted.state.value,
            "url": f"{API}/images/{image.id}/embedding/{encoder_fingerprint}/crops/{corners}",
        }
        return Response(body, status=202 if wanted.state == CropState.PENDING else 200)


class ImageCropEmbedding(Endpoint):
    """The embedding of a part of an image by one encoder; 409 while it is being computed, or nobody asked for it."""

    @extend_schema(responses=FILE)
    def get(
        self,
        request: Request,
        image_id: UUID,
        encoder_fingerprint: str,
        x0: int,
        y0: int,
        x1: int,
        y1: int,
    ) -> HttpResponseBase:
        image = find_image(person=self.person, image_id=image_id)
        picture, box = image.picture, (x0, y0, x1, y1)
        is_inside = x0 < x1 <= picture.width and y0 < y1 <= picture.height
        if not is_inside or not encoder_is_known(encoder_fingerprint):
            raise NotInScope(NOTHING)
        known = find_embedding(image=image, encoder_fingerprint=encoder_fingerprint, crop=box)
        return send_embedding(
            request,
            known=known,
            read=lambda: read_crop(image=image, encoder_fingerprint=encoder_fingerprint, box=box),
        )


urls: list[URLPattern] = [
    path(
        "images/<uuid:image_id>/embedding/<str:encoder_fingerprint>/crops",
        ImageCrops.as_view(),
        name="image-crops",
    ),
    path(
        f"images/<uuid:image_id>/embedding/<str:encoder_fingerprint>/crops/{CORNERS}",
        ImageCropEmbedding.as_view(),
        name="image-crop-embedding",
    ),
]
