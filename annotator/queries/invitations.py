"""Invitations that still work."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from annotator.errors import NotInScope
from annotator.models import Invitation, Membership, Project, Role
from annotator.queries.scope import NOTHING


def open_invitations() -> QuerySet[Invitation]:
    """Neither used nor expired, made by somebody who still may: invitations end with their maker's rights."""
    managing = Membership.objects.filter(
        project=OuterRef("project"), person=OuterRef("created_by"), role=Role.MANAGER
    )
    return (
        Invitation.objects.filter(used_at=None, expires_at__gt=timezone.now())
        .filter(Q(created_by__is_admin=True) | Exists(managing), created_by__is_active=True)
        .select_related("project", "created_by")
    )


def open_invitations_to(project: Project) -> QuerySet[Invitation]:
    """Those into the project, newest first."""
    return open_invitations().filter(project=project).order_by("-created_at", "id")


def find_invitation_to(project: Project, invitation_id: UUID) -> Invitation:
    found = open_invitations_to(project).filter(id=invitation_id).first()
    if found is None:
        raise NotInScope(NOTHING)
    return found
