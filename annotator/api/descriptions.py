"""How images, assignments and masks look in JSON: one place for each, shared by several endpoints."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from rest_framework import serializers

from annotator.models import (
    Assignment,
    Image,
    Mask,
    MaskOrigin,
    MaskState,
    ModelVersion,
    Picture,
    RejectReason,
    Review,
    ReviewOutcome,
)
from annotator.queries.images import IMAGE_STATES, embedding_state
from annotator.queries.reviews import current_reviews
from annotator.services.picture_reader import TILE_SIDE, tile_level_sizes

API = "/api/v1"


class TileLevelReply(serializers.Serializer[object]):
    level = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class TilesReply(serializers.Serializer[object]):
    tile_size = serializers.IntegerField()
    levels = TileLevelReply(many=True)


class ImageReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    project = serializers.UUIDField()
    name = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    sha256 = serializers.CharField()
    state = serializers.ChoiceField(IMAGE_STATES)
    file_url = serializers.CharField()
    thumbnail_url = serializers.CharField()
    tiles = TilesReply(allow_null=True)
    embedding = serializers.ChoiceField(["ready", "pending", "failed", "none"])
    num_masks = serializers.IntegerField()
    held_out = serializers.BooleanField()
    is_reference = serializers.BooleanField()
    is_practice = serializers.BooleanField()


class ModelAddressReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    bundle_fingerprint = serializers.CharField()
    encoder_fingerprint = serializers.CharField()
    manifest_url = serializers.CharField()
    files_url = serializers.CharField()


class OpeningReply(serializers.Serializer[object]):
    image = ImageReply()
    model = ModelAddressReply(allow_null=True)
    embedding_url = serializers.CharField(allow_null=True)


class AssignmentReply(OpeningReply):
    id = serializers.UUIDField()
    state = serializers.CharField()
    expires_at = serializers.DateTimeField()
    lease_seconds = serializers.IntegerField()
    skip_reason = serializers.CharField()


class RleReply(serializers.Serializer[object]):
    size = serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2)
    counts = serializers.CharField()


class PinReply(serializers.Serializer[object]):
    x = serializers.FloatField()
    y = serializers.FloatField()
    note = serializers.CharField()


class ReviewReply(serializers.Serializer[object]):
    outcome = serializers.ChoiceField(ReviewOutcome.choices)
    reason = serializers.ChoiceField(RejectReason.choices, allow_blank=True)
    note = serializers.CharField()
    pins = PinReply(many=True)
    version = serializers.IntegerField()
    iou = serializers.FloatField(allow_null=True)
    at = serializers.DateTimeField()


class MaskReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField(MaskState.choices)
    order_index = serializers.IntegerField()
    rle = RleReply()
    area = serializers.IntegerField()
    bbox = serializers.ListField(child=serializers.IntegerField(), min_length=4, max_length=4)
    sha256 = serializers.CharField()
    predicted_iou = serializers.FloatField(allow_null=True)
    model_version = serializers.UUIDField(allow_null=True)
    origin = serializers.ChoiceField(MaskOrigin.choices)
    author = serializers.UUIDField(allow_null=True)
    updated_at = serializers.DateTimeField()
    given_up = serializers.BooleanField()
    parent = serializers.UUIDField(
        allow_null=True, help_text="the mask that it is a part of; it may be gone"
    )
    prompts = serializers.ListField(child=serializers.DictField())
    review = ReviewReply(allow_null=True)


def describe_rle(counts: str, picture: Picture) -> dict[str, object]:
    return {"size": [picture.height, picture.width], "counts": counts}


def describe_image(image: Image) -> dict[str, object]:
    """An image that passed `queries.images.with_state`."""
    picture = image.picture
    levels = tile_level_sizes(picture.width, picture.height)
    tiles = {
        "tile_size": TILE_SIDE,
        "levels": [
            {"level": level, "width": width, "height": height}
            for level, (width, height) in enumerate(levels)
        ],
    }
    return {
        "id": str(image.id),
        "project": str(getattr(image, "shown_project", image.project_id)),
        "name": image.name,
        "width": picture.width,
        "height": picture.height,
        "sha256": picture.sha256,
        "state": getattr(image, "state", "waiting"),
        "file_url": f"{API}/images/{image.id}/file",
        "thumbnail_url": f"{API}/images/{image.id}/thumbnail",
        "tiles": tiles if levels else None,
        "embedding": embedding_state(image),
        "num_masks": getattr(image, "num_masks", 0),
        "held_out": image.held_out,
        "is_reference": image.is_reference,
        "is_practice": image.is_practice,
    }


def describe_model(model: ModelVersion) -> dict[str, object]:
    files_url = f"{API}/models/{model.id}/files/"
    return {
        "id": str(model.id),
        "bundle_fingerprint": model.bundle_fingerprint,
        "encoder_fingerprint": model.encoder_fingerprint,
        "manifest_url": f"{files_url}manifest.json",
        "files_url": files_url,
    }


def describe_opening(image: Image, model: ModelVersion | None) -> dict[str, object]:
    """What a workbench needs to open an image that passed `with_state`."""
    embedding_url = model and f"{API}/images/{image.id}/embedding/{model.encoder_fingerprint}"
    return {
        "image": describe_image(image),
        "model": model and describe_model(model),
        "embedding_url": embedding_url,
    }


def describe_assignment(assignment: Assignment, image: Image) -> dict[str, object]:
    """An assignment with its image as `with_state` found it."""
    return {
        "id": str(assignment.id),
        "state": assignment.state,
        "expires_at": assignment.expires_at,
        "lease_seconds": settings.LEASE_SECONDS,
        "skip_reason": assignment.skip_reason,
        **describe_opening(image, assignment.model_version),
    }


def describe_review(review: Review) -> dict[str, object]:
    """A decision without its reviewer: annotators read it too."""
    return {
        "outcome": review.outcome,
        "reason": review.reason,
        "note": review.note,
        "pins": review.pins,
        "version": review.version,
        "iou": review.iou,
        "at": review.created_at,
    }


def describe_mask(mask: Mask, image: Image, review: Review | None) -> dict[str, object]:
    """`review` is the newest decision about the pixels that the mask has now."""
    return {
        "id": str(mask.id),
        "version": mask.version,
        "state": mask.state,
        "order_index": mask.order_index,
        "rle": describe_rle(mask.counts, image.picture),
        "area": mask.area,
        "bbox": mask.box,
        "sha256": mask.counts_sha256,
        "predicted_iou": mask.predicted_iou,
        "model_version": mask.model_version_id and str(mask.model_version_id),
        "origin": mask.origin,
        "author": mask.author_id and str(mask.author_id),
        "updated_at": mask.updated_at,
        "given_up": mask.given_up,
        "parent": mask.parent_id and str(mask.parent_id),
        "prompts": mask.prompts,
        "review": review and describe_review(review),
    }


def describe_masks(masks: Iterable[Mask], image: Image) -> list[dict[str, object]]:
    masks = list(masks)
    reviews = current_reviews(masks)
    return [describe_mask(mask, image, reviews.get(mask.id)) for mask in masks]
