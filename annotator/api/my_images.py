"""The images that a person worked on lately."""

from __future__ import annotations

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.descriptions import API
from annotator.api.endpoint import Endpoint
from annotator.models import AssignmentState
from annotator.queries.my_images import MyImage, my_images


class MyImageReply(serializers.Serializer[object]):
    assignment = serializers.UUIDField()
    project = serializers.UUIDField()
    image = serializers.UUIDField()
    name = serializers.CharField()
    thumbnail_url = serializers.CharField()
    state = serializers.ChoiceField(AssignmentState.choices)
    num_masks = serializers.IntegerField(help_text="accepted, in the image")
    worked_at = serializers.DateTimeField()
    active_s = serializers.FloatField(
        allow_null=True, help_text="of all its masks; null: none timed"
    )
    refusal = serializers.CharField(help_text="why it cannot be opened again; empty where it can")


class MyImagesReply(serializers.Serializer[object]):
    images = MyImageReply(many=True)


def describe_my_image(one: MyImage) -> dict[str, object]:
    return {
        "assignment": str(one.assignment.id),
        "project": str(getattr(one.image, "shown_project", one.image.project_id)),
        "image": str(one.image.id),
        "name": one.image.name,
        "thumbnail_url": f"{API}/images/{one.image.id}/thumbnail",
        "state": one.assignment.state,
        "num_masks": getattr(one.image, "num_masks", 0),
        "worked_at": one.worked_at,
        "active_s": one.active_s,
        "refusal": one.refusal,
    }


class MyImages(Endpoint):
    """What the person worked on, newest first."""

    filters = frozenset({"offset", "limit", "project"})

    @extend_schema(responses=MyImagesReply, parameters=[OpenApiParameter("project", str)])
    def get(self, request: Request) -> Response:
        offset, limit = self.page()
        found = my_images(self.person, project_id=self.uuid("project"), offset=offset, limit=limit)
        return Response({"images": [describe_my_image(one) for one in found]})


urls: list[URLPattern] = [path("my-images", MyImages.as_view(), name="my-images")]
