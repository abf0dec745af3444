"""The interaction log: batches from the editor."""

from __future__ import annotations

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import CanonicalUuid
from annotator.models import TokenScope
from annotator.queries.scope import find_own_assignment
from annotator.services.interactions import MAX_BATCH, store_interactions


class BatchBody(StrictSerializer):
    assignment = CanonicalUuid()
    page = CanonicalUuid()
    interactions = serializers.ListField(child=serializers.DictField(), max_length=MAX_BATCH)


class BatchReply(serializers.Serializer[object]):
    stored = serializers.IntegerField()


class Interactions(Endpoint):
    """Stores a batch once, however often it is sent; a faulty interaction is kept and flagged."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=BatchBody, responses=BatchReply)
    def post(self, request: Request) -> Response:
        body = self.read(BatchBody)
        assignment = find_own_assignment(person=self.person, assignment_id=body["assignment"])
        stored = store_interactions(
            person=self.person,
            assignment=assignment,
            page=body["page"],
            batch=body["interactions"],
        )
        return Response({"stored": stored})


urls: list[URLPattern] = [path("interactions", Interactions.as_view(), name="interactions")]
