"""Decoding a prompt on the server, for a browser that cannot."""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

import numpy as np
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from numpy.typing import NDArray
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictFloat, StrictInteger
from annotator.errors import Invalid
from annotator.models import TokenScope
from annotator.queries.model_versions import find_by_fingerprint
from annotator.queries.scope import find_image
from annotator.services.decoding import Prompt, decode_prompt

HALF = np.dtype("<f2")
MAX_POINTS = 200
MAX_LOGITS = 60000.0  # half precision ends at 65504


class PointBody(StrictSerializer):
    x = StrictFloat()
    y = StrictFloat()
    label = StrictInteger(min_value=0, max_value=1)


class DecodeBody(StrictSerializer):
    """`box` is x0, y0, x1, y1 in image pixels; `mask_input` logits [L, L], half precision, little-endian, base64."""

    bundle_fingerprint = serializers.RegexField(r"^[0-9a-f]{64}$")
    points = PointBody(many=True, max_length=MAX_POINTS)
    box = serializers.ListField(
        child=StrictFloat(), min_length=4, max_length=4, allow_null=True, default=None
    )
    mask_input = serializers.CharField(allow_null=True, default=None)


class CandidateReply(serializers.Serializer[object]):
    token = serializers.IntegerField()
    predicted_iou = serializers.FloatField()
    low_res = serializers.CharField()  # as `mask_input`


class DecodeReply(serializers.Serializer[object]):
    candidates = CandidateReply(many=True)


class ImageDecoding(Endpoint):
    """Candidates for a prompt, best predicted IoU first; 409 while the image's embedding is being computed."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=DecodeBody, responses=DecodeReply)
    def post(self, request: Request, image_id: UUID) -> Response:
        image = find_image(person=self.person, image_id=image_id)
        body = self.read(DecodeBody)
        version = find_by_fingerprint(body["bundle_fingerprint"])
        prompt = Prompt(
            points=[(point["x"], point["y"], point["label"]) for point in body["points"]],
            box=body["box"],
            previous=None if body["mask_input"] is None else _logits(body["mask_input"]),
        )
        answers = decode_prompt(image=image, model_version=version, prompt=prompt)
        candidates = [
            {
                "token": one.token,
                "predicted_iou": one.predicted_iou,
                "low_res": _written(one.low_res),
            }
            for one in answers
        ]
        return Response({"candidates": candidates})


def _logits(text: str) -> NDArray[np.float32]:
    """A square of logits [L, L]."""
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), HALF).astype(np.float32)
    except (binascii.Error, ValueError) as error:
        raise _bad_logits() from error
    side = round(values.size**0.5)
    if side == 0 or side * side != values.size or not np.isfinite(values).all():
        raise _bad_logits()
    return values.reshape(side, side)


def _bad_logits() -> Invalid:
    text = "The logits are a square of finite half-precision numbers in base64."
    return Invalid(text, code="bad_mask_input", field="mask_input")


def _written(logits: NDArray[np.float32]) -> str:
    halves = logits.clip(-MAX_LOGITS, MAX_LOGITS).astype(HALF)
    return base64.b64encode(halves.tobytes()).decode("ascii")


urls: list[URLPattern] = [
    path("images/<uuid:image_id>/decode", ImageDecoding.as_view(), name="image-decode")
]
