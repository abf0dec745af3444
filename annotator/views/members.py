"""Who works on a project, in which role, and who is invited."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotator.errors import DomainError, Invalid
from annotator.models import Project, Role
from annotator.queries.invitations import find_invitation_to, open_invitations_to
from annotator.queries.people import find_person, find_person_by_name, members_of
from annotator.queries.scope import role_in
from annotator.services.invitations import (
    INVITATION_DAYS,
    MAX_LABEL,
    make_invitation,
    revoke_invitation,
)
from annotator.services.people import remove_member, set_role
from annotator.views.page import MANAGING, managed_project, page, render_page, signed_in_person


@require_safe
@page
def members(request: HttpRequest, project_id: UUID) -> HttpResponse:
    return _members(request, managed_project(request, project_id))


@require_POST
@page
def add_member(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Adds a person by sign-in name, or changes the role of a member."""
    project = managed_project(request, project_id)
    name = request.POST.get("name", "")
    try:
        role = _written_role(request.POST.get("role", ""))
        person = find_person_by_name(name)
        set_role(project=project, person=person, role=role, by=signed_in_person(request))
    except DomainError as error:
        return _members(request, project, fault=error, name=name)
    return HttpResponseRedirect(f"/projects/{project.id}/members")


@require_POST
@page
def drop_member(request: HttpRequest, project_id: UUID, person_id: UUID) -> HttpResponse:
    project = managed_project(request, project_id)
    by = signed_in_person(request)
    remove_member(project=project, person=find_person(person_id), by=by)
    still_manages = role_in(person=by, project=project) in MANAGING
    return HttpResponseRedirect(f"/projects/{project.id}/members" if still_manages else "/")


@never_cache
@require_POST
@page
def invite(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Makes an invitation; its link is on this answer and nowhere else."""
    project = managed_project(request, project_id)
    try:
        _, secret = make_invitation(
            project=project,
            role=_written_role(request.POST.get("role", "")),
            label=request.POST.get("label", ""),
            by=signed_in_person(request),
        )
    except DomainError as error:
        return _members(request, project, fault=error)
    url = request.build_absolute_uri(f"/invite/{secret}")
    return _members(request, project, invitation_url=url)


@require_POST
@page
def drop_invitation(request: HttpRequest, project_id: UUID, invitation_id: UUID) -> HttpResponse:
    project = managed_project(request, project_id)
    invitation = find_invitation_to(project, invitation_id)
    revoke_invitation(invitation=invitation, by=signed_in_person(request))
    return HttpResponseRedirect(f"/projects/{project.id}/members")


def _members(
    request: HttpRequest,
    project: Project,
    *,
    fault: DomainError | None = None,
    name: str = "",
    invitation_url: str = "",
) -> HttpResponse:
    return render_page(
        request,
        "members.html",
        project=project,
        current="members",
        status=fault.status if fault else 200,
        members=members_of(project),
        invitations=open_invitations_to(project),
        invitation_url=invitation_url,
        invitation_days=INVITATION_DAYS,
        max_label=MAX_LABEL,
        roles=Role.choices,
        fault=fault.message if fault else "",
        name=name,
    )


def _written_role(word: str) -> Role:
    if word not in Role.values:
        raise Invalid(f"{word!r} is no role.", field="role")
    return Role(word)
