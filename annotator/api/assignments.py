"""Assignments: the next image, renewing, submitting, skipping, going back."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.descriptions import AssignmentReply, describe_assignment
from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictBoolean, StrictInteger, Text
from annotator.models import Assignment, SkipReason, TokenScope
from annotator.queries.assignments import recent_assignments, with_image_state
from annotator.queries.scope import find_own_assignment, find_project
from annotator.services.assignments import MAX_AHEAD, lease_next, renew, reopen, skip, submit


class NextBody(StrictSerializer):
    ahead = StrictInteger(min_value=0, max_value=MAX_AHEAD, default=0)
    practice = StrictBoolean(default=False, help_text="images of the practice set, no others")


class NextReply(serializers.Serializer[object]):
    assignment = AssignmentReply()
    upcoming = AssignmentReply(many=True)


class AssignmentsReply(serializers.Serializer[object]):
    assignments = AssignmentReply(many=True)


class SkipBody(StrictSerializer):
    reason = serializers.ChoiceField(SkipReason.choices)
    note = Text(max_length=2000, required=False, allow_blank=True, default="")


class NoBody(StrictSerializer):
    """An empty object, or nothing."""


class NextAssignment(Endpoint):
    """The oldest open assignment of this person, or the next free image; 204 when nothing is left."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=NextBody, responses={200: NextReply, 204: None})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_project(person=self.person, project_id=project_id)
        leases = lease_next(person=self.person, project=project, **self.read(NextBody))
        if not leases:
            return Response(status=204)
        first, *upcoming = _described(leases)
        return Response({"assignment": first, "upcoming": upcoming})


class Assignments(Endpoint):
    """The person's recent assignments, newest first."""

    filters = frozenset({"mine", "offset", "limit", "practice", "project"})

    @extend_schema(
        operation_id="assignments_list",
        responses=AssignmentsReply,
        parameters=[
            OpenApiParameter("mine", int, enum=[1]),
            OpenApiParameter("project", str),
            OpenApiParameter("practice", int, enum=[0, 1], description="1: only practice"),
        ],
    )
    def get(self, request: Request) -> Response:
        if request.query_params.get("mine", "1") != "1":
            raise ParseError("Only mine=1 is offered.")
        offset, limit = self.page()
        practice = self.whole_number("practice", 0, 0, 1) == 1
        found = recent_assignments(self.person, project_id=self.uuid("project"), practice=practice)
        return Response({"assignments": _described(list(found[offset : offset + limit]))})


class OneAssignment(Endpoint):
    @extend_schema(responses=AssignmentReply)
    def get(self, request: Request, assignment_id: UUID) -> Response:
        assignment = find_own_assignment(person=self.person, assignment_id=assignment_id)
        return Response(_described([assignment])[0])


class RenewAssignment(Endpoint):
    """Extends the lease; 409 when somebody else has the image."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=None, responses=AssignmentReply)
    def post(self, request: Request, assignment_id: UUID) -> Response:
        assignment = find_own_assignment(person=self.person, assignment_id=assignment_id)
        self.read(NoBody)
        return Response(_described([renew(assignment=assignment)])[0])


class SubmitAssignment(Endpoint):
    """Ends the assignment as done; again is no error."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=None, responses=AssignmentReply)
    def post(self, request: Request, assignment_id: UUID) -> Response:
        assignment = find_own_assignment(person=self.person, assignment_id=assignment_id)
        self.read(NoBody)
        return Response(_described([submit(assignment=assignment)])[0])


class SkipAssignment(Endpoint):
    """Ends the assignment undone, with a reason."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=SkipBody, responses=AssignmentReply)
    def post(self, request: Request, assignment_id: UUID) -> Response:
        assignment = find_own_assignment(person=self.person, assignment_id=assignment_id)
        body = self.read(SkipBody)
        ended = skip(assignment=assignment, reason=SkipReason(body["reason"]), note=body["note"])
        return Response(_described([ended])[0])


class ReopenAssignment(Endpoint):
    """Takes a submitted or skipped assignment up again."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=None, responses=AssignmentReply)
    def post(self, request: Request, assignment_id: UUID) -> Response:
        assignment = find_own_assignment(person=self.person, assignment_id=assignment_id)
        self.read(NoBody)
        return Response(_described([reopen(assignment=assignment)])[0])


def _described(assignments: list[Assignment]) -> list[dict[str, object]]:
    images = with_image_state(assignments)
    return [describe_assignment(one, images[one.image_id]) for one in assignments]


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/assignments/next", NextAssignment.as_view(), name="next"),
    path("assignments", Assignments.as_view(), name="assignments"),
    path("assignments/<uuid:assignment_id>", OneAssignment.as_view(), name="assignment"),
    path("assignments/<uuid:assignment_id>/renew", RenewAssignment.as_view(), name="renew"),
    path("assignments/<uuid:assignment_id>/submit", SubmitAssignment.as_view(), name="submit"),
    path("assignments/<uuid:assignment_id>/skip", SkipAssignment.as_view(), name="skip"),
    path("assignments/<uuid:assignment_id>/reopen", ReopenAssignment.as_view(), name="reopen"),
]
