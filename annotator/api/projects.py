"""Projects: list, create, look, change."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictBoolean, StrictInteger, Text
from annotator.errors import NotAllowed
from annotator.models import (
    DEFAULT_HELD_OUT_PERCENT,
    MAX_AGREEMENT_PEOPLE,
    MAX_HELD_OUT_PERCENT,
    MAX_REFERENCE_EVERY,
    MIN_AGREEMENT_PEOPLE,
    OverlapRule,
    Project,
    Role,
    TokenScope,
)
from annotator.queries.people import may_create_projects
from annotator.queries.scope import (
    find_managed_project,
    find_project,
    role_in,
    visible_projects,
)
from annotator.services.projects import ProjectChanges, change_project, create_project


class ProjectBody(StrictSerializer):
    name = Text(max_length=120)
    guidelines = Text(max_length=20000, required=False, allow_blank=True, default="")
    overlap_rule = serializers.ChoiceField(OverlapRule.choices, default=OverlapRule.ALLOWED)
    held_out_percent = StrictInteger(
        default=DEFAULT_HELD_OUT_PERCENT, min_value=0, max_value=MAX_HELD_OUT_PERCENT
    )


class ProjectChangesBody(StrictSerializer):
    name = Text(max_length=120, required=False)
    guidelines = Text(max_length=20000, required=False, allow_blank=True)
    overlap_rule = serializers.ChoiceField(OverlapRule.choices, required=False)
    held_out_percent = StrictInteger(required=False, min_value=0, max_value=MAX_HELD_OUT_PERCENT)
    reference_every = StrictInteger(required=False, min_value=0, max_value=MAX_REFERENCE_EVERY)
    shows_reference_scores = StrictBoolean(required=False)
    agreement_percent = StrictInteger(required=False, min_value=0, max_value=100)
    agreement_people = StrictInteger(
        required=False, min_value=MIN_AGREEMENT_PEOPLE, max_value=MAX_AGREEMENT_PEOPLE
    )
    archived = StrictBoolean(required=False)


class ProjectReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    guidelines = serializers.CharField()
    overlap_rule = serializers.ChoiceField(OverlapRule.choices)
    held_out_percent = serializers.IntegerField()
    reference_every = serializers.IntegerField()
    shows_reference_scores = serializers.BooleanField()
    agreement_percent = serializers.IntegerField()
    agreement_people = serializers.IntegerField()
    archived_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class OwnProjectReply(ProjectReply):
    my_role = serializers.ChoiceField([*Role.values, "admin"])


class ProjectsReply(serializers.Serializer[object]):
    projects = ProjectReply(many=True)


def describe_project(project: Project) -> dict[str, object]:
    return {
        "id": str(project.id),
        "name": project.name,
        "guidelines": project.guidelines,
        "overlap_rule": project.overlap_rule,
        "held_out_percent": project.held_out_percent,
        "reference_every": project.reference_every,
        "shows_reference_scores": project.shows_reference_scores,
        "agreement_percent": project.agreement_percent,
        "agreement_people": project.agreement_people,
        "archived_at": project.archived_at,
        "created_at": project.created_at,
    }


class Projects(Endpoint):
    """The projects a person belongs to; managers and admins create new ones."""

    write_scope = TokenScope.MANAGE
    filters = frozenset({"offset", "limit"})

    @extend_schema(operation_id="projects_list", responses=ProjectsReply)
    def get(self, request: Request) -> Response:
        offset, limit = self.page()
        found = visible_projects(self.person)[offset : offset + limit]
        return Response({"projects": [describe_project(project) for project in found]})

    @extend_schema(request=ProjectBody, responses={201: ProjectReply})
    def post(self, request: Request) -> Response:
        if not may_create_projects(self.person):
            raise NotAllowed("Only managers and admins may create projects.")
        body = self.read(ProjectBody)
        project = create_project(
            name=body["name"],
            guidelines=body["guidelines"],
            overlap_rule=OverlapRule(body["overlap_rule"]),
            held_out_percent=body["held_out_percent"],
            by=self.person,
        )
        return Response(describe_project(project), status=201)


class OneProject(Endpoint):
    """One project; its managers change it."""

    write_scope = TokenScope.MANAGE

    @extend_schema(responses=OwnProjectReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_project(person=self.person, project_id=project_id)
        role = role_in(person=self.person, project=project)
        return Response({**describe_project(project), "my_role": role})

    @extend_schema(request=ProjectChangesBody, responses=ProjectReply)
    def patch(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        changes = ProjectChanges(**self.read(ProjectChangesBody))
        changed = change_project(project=project, changes=changes, by=self.person)
        return Response(describe_project(changed))


urls: list[URLPattern] = [
    path("projects", Projects.as_view(), name="projects"),
    path("projects/<uuid:project_id>", OneProject.as_view(), name="project"),
]
