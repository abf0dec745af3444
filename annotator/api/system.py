"""GET system: how the installation is, for admins: services, workers, queues, storage, jobs."""

from __future__ import annotations

from dataclasses import asdict

from django.urls import URLPattern, path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint
from annotator.models import JobKind
from annotator.queries.scope import require_admin
from annotator.queries.system import jobs_by_kind, stored_files
from annotator.services.health import check_services
from annotator.services.pulse import living_workers
from annotator.services.workers import queues, storage_room


class BrokerQueueReply(serializers.Serializer[object]):
    name = serializers.CharField()
    num_waiting = serializers.IntegerField(
        allow_null=True, help_text="messages; null: no broker answers"
    )


class StoredReply(serializers.Serializer[object]):
    name = serializers.CharField()
    num_files = serializers.IntegerField()
    num_bytes = serializers.IntegerField()


class StorageReply(serializers.Serializer[object]):
    place = serializers.CharField()
    free_bytes = serializers.IntegerField(allow_null=True)
    is_low = serializers.BooleanField(help_text="uploads are refused; saves go on")
    stored = StoredReply(many=True)


class KindOfJobReply(serializers.Serializer[object]):
    """`done` and `failed` are of the last seven days."""

    kind = serializers.ChoiceField(JobKind.choices)
    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    heard_at = serializers.DateTimeField(allow_null=True)


class SystemReply(serializers.Serializer[object]):
    services = serializers.DictField(child=serializers.BooleanField())
    workers = serializers.DictField(
        child=serializers.CharField(allow_null=True),
        help_text="by queue one that was heard of lately",
    )
    queues = BrokerQueueReply(many=True)
    storage = StorageReply()
    jobs = KindOfJobReply(many=True)


class System(Endpoint):
    """What the System page shows of the installation's health."""

    @extend_schema(responses=SystemReply)
    def get(self, request: Request) -> Response:
        require_admin(self.person)
        room = storage_room()
        return Response(
            {
                "services": check_services(),
                "workers": living_workers(),
                "queues": [asdict(queue) for queue in queues()],
                "storage": {
                    **asdict(room),
                    "is_low": room.is_low,
                    "stored": [asdict(one) for one in stored_files()],
                },
                "jobs": [asdict(kind) for kind in jobs_by_kind(now=timezone.now())],
            }
        )


urls: list[URLPattern] = [path("system", System.as_view(), name="system")]
