"""Rounds of retraining: what is new, starting one, watching it, stopping it."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import CanonicalUuid, StrictBoolean, StrictFloat, StrictInteger
from annotator.models import (
    DEFAULT_ROUND_HOUR,
    DEFAULT_ROUND_MASKS,
    MAX_ROUND_MASKS,
    Round,
    RoundSchedule,
    ScheduleKind,
    TrainingMasks,
)
from annotator.queries.jobs import find_round, rounds_of
from annotator.queries.model_versions import find_model_version
from annotator.queries.schedules import schedule_of
from annotator.queries.scope import find_managed_project, require_admin, require_manager
from annotator.queries.training_sets import new_since_last_round
from annotator.queries.verdicts import verdict_of
from annotator.services.rounds import RoundSettings, cancel_round, read_log, start_round
from annotator.services.schedules import WantedSchedule, set_schedule

DEFAULTS = RoundSettings()


class RoundBody(StrictSerializer):
    """How to train; what is left out has a default that fits a small machine."""

    steps = StrictInteger(default=DEFAULTS.steps, min_value=1, max_value=1_000_000)
    minutes = StrictFloat(default=DEFAULTS.minutes, min_value=0.01, max_value=10_000)
    learning_rate = StrictFloat(
        default=DEFAULTS.learning_rate,
        allow_null=True,
        min_value=1e-8,
        max_value=1,
        help_text="null: what suits the part that is trained",
    )
    train_encoder = StrictBoolean(default=DEFAULTS.train_encoder)
    training_masks = serializers.ChoiceField(
        TrainingMasks.choices,
        default=DEFAULTS.training_masks,
        help_text="all accepted ones; the new ones; or those of the round before, as a control",
    )
    images_per_batch = StrictInteger(default=DEFAULTS.images_per_batch, min_value=1, max_value=256)
    masks_per_image = StrictInteger(default=DEFAULTS.masks_per_image, min_value=1, max_value=64)
    rounds = StrictInteger(default=DEFAULTS.rounds, min_value=1, max_value=20)
    held_out_images = StrictInteger(default=DEFAULTS.held_out_images, min_value=1, max_value=10_000)
    seed = StrictInteger(default=DEFAULTS.seed, min_value=0, max_value=2**31 - 1)


class StartBody(RoundBody):
    """A round that is started by hand may begin with any version."""

    start_from = CanonicalUuid(
        allow_null=True,
        default=None,
        help_text="a model version, of any architecture; the one in use when left out",
    )


class ScheduleBody(StrictSerializer):
    """When rounds start by themselves, and how those train."""

    kind = serializers.ChoiceField(ScheduleKind.choices)
    hour = StrictInteger(
        default=DEFAULT_ROUND_HOUR, min_value=0, max_value=23, help_text="UTC, of nightly rounds"
    )
    num_masks = StrictInteger(
        default=DEFAULT_ROUND_MASKS,
        min_value=1,
        max_value=MAX_ROUND_MASKS,
        help_text="new ones that start a round",
    )
    settings = RoundBody(default=asdict(DEFAULTS))


class ScheduleReply(serializers.Serializer[object]):
    kind = serializers.ChoiceField(ScheduleKind.choices)
    hour = serializers.IntegerField()
    num_masks = serializers.IntegerField()
    settings = serializers.DictField()


class RoundReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    project = serializers.UUIDField()
    number = serializers.IntegerField()
    state = serializers.CharField()
    progress = serializers.FloatField()
    message = serializers.CharField()
    error = serializers.CharField()
    num_images = serializers.IntegerField()
    num_masks = serializers.IntegerField()
    job = serializers.UUIDField()
    base = serializers.UUIDField()
    base_name = serializers.CharField()
    start = serializers.UUIDField(help_text="whose weights training began with")
    start_name = serializers.CharField()
    candidate = serializers.UUIDField(allow_null=True)
    scores = serializers.DictField()
    verdict = serializers.CharField(allow_null=True)
    settings = serializers.DictField()
    is_stopping = serializers.BooleanField()
    started_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class RoundWithLogReply(RoundReply):
    log = serializers.ListField(child=serializers.DictField())


class NewReply(serializers.Serializer[object]):
    num_masks = serializers.IntegerField()
    num_images = serializers.IntegerField()
    num_held_out = serializers.IntegerField()
    num_new = serializers.IntegerField()


class RoundsReply(serializers.Serializer[object]):
    rounds = RoundReply(many=True)
    total = serializers.IntegerField()
    new = NewReply()


class ProjectRounds(Endpoint):
    """A project's rounds, newest first, for its managers; admins start them."""

    filters = frozenset({"offset", "limit"})

    @extend_schema(responses=RoundsReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        offset, limit = self.page()
        rounds = rounds_of(project)
        return Response(
            {
                "rounds": [describe_round(each) for each in rounds[offset : offset + limit]],
                "total": rounds.count(),
                "new": asdict(new_since_last_round(project)),
            }
        )

    @extend_schema(request=StartBody, responses={202: RoundReply})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        require_admin(self.person)
        body = self.read(StartBody)
        start_from = body.pop("start_from")
        started = start_round(
            project=project,
            by=self.person,
            settings=RoundSettings(**body),
            start=None if start_from is None else find_model_version(model_id=start_from),
        )
        return Response(describe_round(started), status=202)


class ProjectSchedule(Endpoint):
    """When a project's rounds start by themselves; its managers see it, admins set it."""

    @extend_schema(responses=ScheduleReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        return Response(describe_schedule(schedule_of(project)))

    @extend_schema(request=ScheduleBody, responses=ScheduleReply)
    def put(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        require_admin(self.person)
        body = self.read(ScheduleBody)
        settings = RoundSettings(**body.pop("settings"))
        schedule = set_schedule(
            project=project, wanted=WantedSchedule(**body), settings=settings, by=self.person
        )
        return Response(describe_schedule(schedule))


class OneRound(Endpoint):
    """A round with the numbers of its training log."""

    @extend_schema(responses=RoundWithLogReply)
    def get(self, request: Request, round_id: UUID) -> Response:
        round_ = find_round(person=self.person, round_id=round_id)
        require_manager(person=self.person, project=round_.project)
        return Response({**describe_round(round_), "log": read_log(round_=round_)})


class RoundCancel(Endpoint):
    """Stops the training; 409 when it has ended."""

    @extend_schema(request=None, responses={202: RoundReply})
    def post(self, request: Request, round_id: UUID) -> Response:
        round_ = find_round(person=self.person, round_id=round_id)
        require_admin(self.person)
        self.read(StrictSerializer)
        cancel_round(round_=round_, by=self.person)
        return Response(
            describe_round(find_round(person=self.person, round_id=round_id)), status=202
        )


def describe_schedule(schedule: RoundSchedule) -> dict[str, object]:
    return {
        "kind": schedule.kind,
        "hour": schedule.hour,
        "num_masks": schedule.num_masks,
        "settings": {**asdict(DEFAULTS), **schedule.settings},
    }


def describe_round(round_: Round) -> dict[str, object]:
    job, candidate, person = round_.job, round_.candidate, round_.started_by
    return {
        "id": str(round_.id),
        "project": str(round_.project_id),
        "number": round_.number,
        "state": job.state,
        "progress": job.progress,
        "message": job.message,
        "error": job.error,
        "num_images": round_.num_images,
        "num_masks": round_.num_masks,
        "job": str(job.id),
        "base": str(round_.base_id),
        "base_name": round_.base.name,
        "start": str(round_.origin.id),
        "start_name": round_.origin.name,
        "candidate": candidate and str(candidate.id),
        "scores": candidate.scores if candidate else {},
        "verdict": candidate and str(verdict_of(candidate).standing),
        "settings": round_.settings,
        "is_stopping": job.cancel_asked_at is not None and job.finished_at is None,
        "started_by": person and person.display_name,
        "created_at": round_.created_at,
        "finished_at": job.finished_at,
    }


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/rounds", ProjectRounds.as_view(), name="rounds"),
    path(
        "projects/<uuid:project_id>/round-schedule",
        ProjectSchedule.as_view(),
        name="round-schedule",
    ),
    path("rounds/<uuid:round_id>", OneRound.as_view(), name="round"),
    path("rounds/<uuid:round_id>/cancel", RoundCancel.as_view(), name="round-cancel"),
]
