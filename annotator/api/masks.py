"""Masks: reading an image's, saving, deleting, restoring."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.descriptions import MaskReply, describe_masks
from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import (
    CANONICAL_V4,
    CanonicalUuid,
    StrictBoolean,
    StrictFloat,
    StrictInteger,
    Text,
)
from annotator.errors import Invalid
from annotator.models import MaskState, TokenScope
from annotator.queries.masks import masks_of
from annotator.queries.scope import find_image, find_managed_mask, find_own_mask
from annotator.services.mask_deletion import delete_mask, restore_mask
from annotator.services.masks import MaskSave, save_mask
from annotator.services.save_receipts import Precondition, SaveReply
from annotator.services.training_use import set_withdrawn

SAVE_STATES = ["draft", "accepted"]
MAX_PROMPTS = 10_000
MAX_COUNTS_CHARACTERS = 7 * 400_000

PRECONDITIONS = [
    OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description='"<version>"'),
    OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="* for a new mask"),
]


class RleBody(StrictSerializer):
    size = serializers.ListField(
        child=StrictInteger(min_value=1, max_value=20_000), min_length=2, max_length=2
    )
    counts = serializers.CharField(max_length=MAX_COUNTS_CHARACTERS, trim_whitespace=False)


class SaveBody(StrictSerializer):
    save_id = CanonicalUuid()
    image = CanonicalUuid()
    assignment = CanonicalUuid(allow_null=True, default=None)
    state = serializers.ChoiceField(SAVE_STATES)
    rle = RleBody()
    model_version = CanonicalUuid(allow_null=True, default=None)
    predicted_iou = StrictFloat(allow_null=True, default=None, min_value=-10, max_value=10)
    order_index = StrictInteger(min_value=0, max_value=1_000_000)
    prompts = serializers.ListField(
        child=serializers.DictField(), default=list, max_length=MAX_PROMPTS
    )
    given_up = StrictBoolean(default=False)
    parent = CanonicalUuid(allow_null=True, default=None)

    def validate_prompts(self, prompts: list[dict[str, object]]) -> list[dict[str, object]]:
        for prompt in prompts:
            kind = prompt.get("kind")
            if not isinstance(kind, str) or not 1 <= len(kind) <= 32:
                raise serializers.ValidationError("Each prompt names its kind.", code="no_kind")
        return prompts


class SavedReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField(MaskState.choices)
    area = serializers.IntegerField()
    sha256 = serializers.CharField()
    image = serializers.UUIDField()
    order_index = serializers.IntegerField()


class MasksReply(serializers.Serializer[object]):
    masks = MaskReply(many=True)


class TurnBody(StrictSerializer):
    save_id = CanonicalUuid()


class TrainingUseBody(StrictSerializer):
    withdrawn = StrictBoolean()
    reason = Text(max_length=2000, required=False, allow_blank=True, default="")


class TrainingUseReply(serializers.Serializer[object]):
    mask = serializers.UUIDField()
    withdrawn = serializers.BooleanField()


class ImageMasks(Endpoint):
    """All masks of an image, deleted ones too, in the order made."""

    filters = frozenset({"offset", "limit"})

    @extend_schema(responses=MasksReply)
    def get(self, request: Request, image_id: UUID) -> Response:
        image = find_image(person=self.person, image_id=image_id)
        masks = masks_of(image)
        if "limit" in request.query_params or "offset" in request.query_params:
            offset, limit = self.page()
            masks = masks[offset : offset + limit]
        return Response({"masks": describe_masks(masks, image)})


class OneMask(Endpoint):
    """Saving a whole mask under the browser's id, and taking it out of sight."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(
        request=SaveBody,
        responses={200: SavedReply, 201: SavedReply},
        parameters=PRECONDITIONS,
    )
    def put(self, request: Request, mask_id: UUID) -> Response:
        _require_v4(mask_id)
        body = self.read(SaveBody)
        height, width = body["rle"]["size"]
        save = MaskSave(
            save_id=body["save_id"],
            mask_id=mask_id,
            image_id=body["image"],
            assignment_id=body["assignment"],
            state=MaskState(body["state"]),
            size=(height, width),
            counts=body["rle"]["counts"],
            order_index=body["order_index"],
            model_version_id=body["model_version"],
            predicted_iou=body["predicted_iou"],
            prompts=tuple(body["prompts"]),
            given_up=body["given_up"],
            parent_id=body["parent"],
        )
        return _reply(save_mask(person=self.person, save=save, precondition=_precondition(request)))

    @extend_schema(request=TurnBody, responses=SavedReply, parameters=PRECONDITIONS[:1])
    def delete(self, request: Request, mask_id: UUID) -> Response:
        mask = find_own_mask(person=self.person, mask_id=mask_id)
        save_id = self.read(TurnBody)["save_id"]
        precondition = _precondition(request)
        return _reply(
            delete_mask(person=self.person, mask=mask, save_id=save_id, precondition=precondition)
        )


class RestoreMask(Endpoint):
    """Brings a deleted mask back as it was, at a new version."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=TurnBody, responses=SavedReply, parameters=PRECONDITIONS[:1])
    def post(self, request: Request, mask_id: UUID) -> Response:
        mask = find_own_mask(person=self.person, mask_id=mask_id)
        save_id = self.read(TurnBody)["save_id"]
        precondition = _precondition(request)
        return _reply(
            restore_mask(person=self.person, mask=mask, save_id=save_id, precondition=precondition)
        )


class MaskTrainingUse(Endpoint):
    """Leaves a mask out of what later rounds train on, or lets it in again; for managers."""

    write_scope = TokenScope.MANAGE

    @extend_schema(request=TrainingUseBody, responses=TrainingUseReply)
    def put(self, request: Request, mask_id: UUID) -> Response:
        mask = find_managed_mask(person=self.person, mask_id=mask_id)
        body = self.read(TrainingUseBody)
        changed = set_withdrawn(
            mask=mask, is_withdrawn=body["withdrawn"], reason=body["reason"], by=self.person
        )
        return Response({"mask": str(changed.id), "withdrawn": changed.is_withdrawn})


def _require_v4(mask_id: UUID) -> None:
    if not CANONICAL_V4.fullmatch(str(mask_id)):
        raise Invalid(f"{mask_id} is not a version 4 UUID.", code="not_v4", field="id")


def _precondition(request: Request) -> Precondition:
    """What the headers claim; a header that cannot be read is 400, both at once too."""
    match = request.headers.get("If-Match")
    none_match = request.headers.get("If-None-Match")
    if match is not None and none_match is not None:
        raise ParseError("Send If-Match or If-None-Match, not both.")
    if none_match is not None:
        if none_match.strip() != "*":
            raise ParseError("If-None-Match must be *.")
        return Precondition(is_new=True)
    if match is None:
        return Precondition()
    word = match.strip().strip('"')
    if not (word.isascii() and word.isdigit() and len(word) <= 9):
        raise ParseError(f'If-Match {match[:40]!r} is not a version such as "3".')
    return Precondition(version=int(word))


def _reply(reply: SaveReply) -> Response:
    response = Response(reply.body, status=reply.status)
    if "version" in reply.body:
        response.headers["ETag"] = f'"{reply.body["version"]}"'
    return response


urls: list[URLPattern] = [
    path("images/<uuid:image_id>/masks", ImageMasks.as_view(), name="image-masks"),
    path("masks/<uuid:mask_id>", OneMask.as_view(), name="mask"),
    path("masks/<uuid:mask_id>/training-use", MaskTrainingUse.as_view(), name="mask-training-use"),
    path("masks/<uuid:mask_id>/restore", RestoreMask.as_view(), name="mask-restore"),
]
