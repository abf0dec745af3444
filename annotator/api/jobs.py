"""Background jobs, for admins."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.errors import Invalid
from annotator.models import Job, JobKind, JobState
from annotator.queries.jobs import all_jobs, find_job
from annotator.queries.scope import require_admin
from annotator.services.comparisons import stop_model_job


class JobReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(JobKind.values)
    subject = serializers.CharField()
    state = serializers.ChoiceField(JobState.values)
    priority = serializers.IntegerField()
    attempt = serializers.IntegerField()
    max_attempts = serializers.IntegerField()
    progress = serializers.FloatField()
    message = serializers.CharField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class JobsReply(serializers.Serializer[object]):
    jobs = JobReply(many=True)
    total = serializers.IntegerField()


class Jobs(Endpoint):
    """Newest first; `kind` and `state` filter."""

    filters = frozenset({"offset", "limit", "kind", "state"})

    @extend_schema(responses=JobsReply)
    def get(self, request: Request) -> Response:
        require_admin(self.person)
        offset, limit = self.page()
        jobs = all_jobs(
            kind=self._choice("kind", JobKind.values), state=self._choice("state", JobState.values)
        )
        found = [describe_job(job) for job in jobs[offset : offset + limit]]
        return Response({"jobs": found, "total": jobs.count()})

    def _choice(self, name: str, known: list[str]) -> str | None:
        word = self.request.query_params.get(name)
        if word is not None and word not in known:
            raise Invalid(f"{name}={word[:40]!r} is none of {', '.join(known)}.", field=name)
        return word


class JobCancel(Endpoint):
    """Stops a comparison or a registration; 409 for other kinds, which have their own way, and when it has ended."""

    @extend_schema(request=None, responses={202: JobReply})
    def post(self, request: Request, job_id: UUID) -> Response:
        require_admin(self.person)
        self.read(StrictSerializer)
        stopped = stop_model_job(job=find_job(job_id=job_id), by=self.person)
        return Response(describe_job(stopped), status=202)


def describe_job(job: Job) -> dict[str, object]:
    return {
        "id": str(job.id),
        "kind": job.kind,
        "subject": job.subject,
        "state": job.state,
        "priority": job.priority,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "progress": job.progress,
        "message": job.message,
        "error": job.error,
        "created_at": job.created_at,
        "heartbeat_at": job.heartbeat_at,
        "finished_at": job.finished_at,
    }


urls: list[URLPattern] = [
    path("jobs", Jobs.as_view(), name="jobs"),
    path("jobs/<uuid:job_id>/cancel", JobCancel.as_view(), name="job-cancel"),
]
