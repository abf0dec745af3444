"""Published checkpoints on the server, for admins: which there are, and registering one."""

from __future__ import annotations

from dataclasses import asdict

from django.conf import settings
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import Text
from annotator.api.jobs import JobReply, describe_job
from annotator.queries.scope import require_admin
from annotator.services.checkpoints import checkpoints, start_registration
from common.architectures import ARCHITECTURES


class CheckpointReply(serializers.Serializer[object]):
    name = serializers.CharField()
    num_bytes = serializers.IntegerField()
    architecture = serializers.CharField(allow_null=True, help_text="guessed by the file's name")


class CheckpointsReply(serializers.Serializer[object]):
    folder = serializers.CharField()
    checkpoints = CheckpointReply(many=True)


class CheckpointBody(StrictSerializer):
    file = Text(max_length=300, help_text="a name in the server's folder")
    architecture = serializers.ChoiceField(list(ARCHITECTURES))


class Checkpoints(Endpoint):
    """The checkpoint files in the server's folder (`MASKWRIGHT_CHECKPOINTS`).

    POST starts a job that converts, exports, verifies and registers one; the version that it makes is then compared
    with the one in use.
    """

    @extend_schema(responses=CheckpointsReply)
    def get(self, request: Request) -> Response:
        require_admin(self.person)
        found = [asdict(each) for each in checkpoints()]
        return Response({"folder": str(settings.CHECKPOINT_FOLDER), "checkpoints": found})

    @extend_schema(request=CheckpointBody, responses={202: JobReply})
    def post(self, request: Request) -> Response:
        require_admin(self.person)
        job = start_registration(**self.read(CheckpointBody), by=self.person)
        return Response(describe_job(job), status=202)


urls: list[URLPattern] = [path("checkpoints", Checkpoints.as_view(), name="checkpoints")]
