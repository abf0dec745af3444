"""Invitations into a project, for its managers. Joining by one is a page: /invite/{secret}."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import Text
from annotator.models import Invitation, Role, TokenScope
from annotator.queries.invitations import find_invitation_to, open_invitations_to
from annotator.queries.scope import find_managed_project
from annotator.services.invitations import MAX_LABEL, make_invitation, revoke_invitation


class InvitationBody(StrictSerializer):
    role = serializers.ChoiceField(Role.choices, default=Role.ANNOTATOR)
    label = Text(max_length=MAX_LABEL, required=False, allow_blank=True, default="")


class InvitationReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    role = serializers.ChoiceField(Role.choices)
    label = serializers.CharField(help_text="whom it is for")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class NewInvitationReply(InvitationReply):
    url = serializers.URLField(help_text="told once, never again")


class InvitationsReply(serializers.Serializer[object]):
    invitations = InvitationReply(many=True)
    total = serializers.IntegerField()


def describe_invitation(invitation: Invitation) -> dict[str, object]:
    return {
        "id": str(invitation.id),
        "role": invitation.role,
        "label": invitation.label,
        "created_by": invitation.created_by.display_name,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }


class Invitations(Endpoint):
    """Invitations into a project that still work; managers make new ones."""

    write_scope = TokenScope.MANAGE
    filters = frozenset({"offset", "limit"})

    @extend_schema(responses=InvitationsReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        offset, limit = self.page()
        found = open_invitations_to(project)
        shown = [describe_invitation(one) for one in found[offset : offset + limit]]
        return Response({"invitations": shown, "total": found.count()})

    @extend_schema(request=InvitationBody, responses={201: NewInvitationReply})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        body = self.read(InvitationBody)
        role = Role(body["role"])
        invitation, secret = make_invitation(
            project=project, role=role, label=body["label"], by=self.person
        )
        url = request.build_absolute_uri(f"/invite/{secret}")
        return Response({**describe_invitation(invitation), "url": url}, status=201)


class OneInvitation(Endpoint):
    """An invitation that still works."""

    write_scope = TokenScope.MANAGE

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, project_id: UUID, invitation_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        revoke_invitation(invitation=find_invitation_to(project, invitation_id), by=self.person)
        return Response(status=204)


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/invitations", Invitations.as_view(), name="invitations"),
    path(
        "projects/<uuid:project_id>/invitations/<uuid:invitation_id>",
        OneInvitation.as_view(),
        name="invitation",
    ),
]
