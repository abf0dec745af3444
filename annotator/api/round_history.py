"""GET projects/{id}/round-history: what the paper reports of its stages, by round."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint
from annotator.models import JobState
from annotator.queries.round_history import RoundStage, Stage, round_history
from annotator.queries.scope import find_managed_project


class StageReply(serializers.Serializer[object]):
    """What was collected between two rounds; seconds are active seconds of the timed masks."""

    masks = serializers.IntegerField()
    timed_masks = serializers.IntegerField()
    median_seconds_per_mask = serializers.FloatField(allow_null=True)
    p90_seconds_per_mask = serializers.FloatField(allow_null=True)
    images = serializers.IntegerField(help_text="whose last submission fell into the stage")
    masks_per_image = serializers.FloatField(allow_null=True)


class RoundStageReply(StageReply):
    """A round with what was collected before it; `iou_1` and `iou_3` are its candidate's on held-out masks."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    state = serializers.ChoiceField(JobState.choices)
    started_at = serializers.DateTimeField()
    candidate = serializers.UUIDField(allow_null=True)
    iou_1 = serializers.FloatField(allow_null=True)
    iou_3 = serializers.FloatField(allow_null=True)
    promoted_at = serializers.DateTimeField(allow_null=True)


class RoundHistoryReply(serializers.Serializer[object]):
    rounds = RoundStageReply(many=True)
    since = StageReply()


class ProjectRoundHistory(Endpoint):
    """By round, the oldest first; `since` is what was collected after the last one.

    Rounds that failed or were stopped are left out: their masks count for the next one.
    """

    @extend_schema(responses=RoundHistoryReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        found = round_history(find_managed_project(person=self.person, project_id=project_id))
        return Response(
            {
                "rounds": [_describe(each) for each in found.rounds],
                "since": _describe_stage(found.since),
            }
        )


def _describe(found: RoundStage) -> dict[str, object]:
    round_ = found.round
    return {
        "id": str(round_.id),
        "number": round_.number,
        "state": round_.job.state,
        "started_at": round_.job.created_at,
        "candidate": round_.candidate_id and str(round_.candidate_id),
        "iou_1": found.iou_1,
        "iou_3": found.iou_3,
        "promoted_at": found.promoted_at,
        **_describe_stage(found.stage),
    }


def _describe_stage(stage: Stage) -> dict[str, object]:
    return {
        "masks": stage.masks,
        "timed_masks": stage.timed_masks,
        "median_seconds_per_mask": stage.seconds_per_mask.median,
        "p90_seconds_per_mask": stage.seconds_per_mask.p90,
        "images": stage.images,
        "masks_per_image": stage.masks_per_image,
    }


urls: list[URLPattern] = [
    path(
        "projects/<uuid:project_id>/round-history",
        ProjectRoundHistory.as_view(),
        name="round-history",
    )
]
