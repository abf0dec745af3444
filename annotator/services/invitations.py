"""Invitations: making one, opening it, joining by it once."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from annotator.errors import Conflict, Invalid, NotInScope
from annotator.models import Invitation, Membership, Person, Project, Role
from annotator.queries.invitations import open_invitations
from annotator.queries.scope import NOTHING
from annotator.services.audit import record_act
from annotator.services.people import create_person, hash_secret, set_password, set_role

INVITATION_DAYS = 14
MAX_LABEL = 120


def make_invitation(
    *, project: Project, role: Role, by: Person, label: str = ""
) -> tuple[Invitation, str]:
    """A new invitation and its secret, which is nowhere else. `label` says whom it is for."""
    label = " ".join(label.split())
    if len(label) > MAX_LABEL or "\x00" in label:
        raise Invalid(f"At most {MAX_LABEL} characters say whom it is for.", field="label")
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        invitation = Invitation.objects.create(
            project=project,
            role=role,
            label=label,
            secret_sha256=hash_secret(secret),
            created_by=by,
            expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
        )
        _record(invitation, "invitation.made", by)
    return invitation, secret


def revoke_invitation(*, invitation: Invitation, by: Person) -> None:
    """The link stops working."""
    with transaction.atomic():
        _record(invitation, "invitation.revoked", by)
        invitation.delete()


def find_invitation(*, secret: str) -> Invitation:
    """The invitation while it works; looking never uses it up. Raises `NotInScope` afterwards."""
    invitation = open_invitations().filter(secret_sha256=hash_secret(secret)).first()
    if invitation is None:
        raise NotInScope(NOTHING)
    return invitation


def join(*, secret: str, person: Person) -> Project:
    """The person becomes a member. Raises `Conflict` for a member, whose role and the invitation stay as they are."""
    with transaction.atomic():
        invitation = _locked(secret)
        if Membership.objects.filter(project=invitation.project, person=person).exists():
            text = "You belong to this project already; the invitation is for somebody else."
            raise Conflict(text, code="member_already")
        _join(invitation, person)
    return invitation.project


def join_as_new(*, secret: str, name: str, display_name: str, password: str) -> Person:
    """Makes a person with this password, who becomes a member; all of it or nothing.

    Raises `Invalid` for a bad name or a weak password, `Conflict` for a name that is taken.
    """
    with transaction.atomic():
        invitation = _locked(secret)
        person = create_person(name=name, display_name=display_name, by=invitation.created_by)
        set_password(person=person, password=password)
        _join(invitation, person)
    return person


def _locked(secret: str) -> Invitation:
    """For one transaction: two who open the same link at once do not both come in."""
    found = find_invitation(secret=secret)
    locked = Invitation.objects.select_for_update(of=("self",)).filter(id=found.id, used_at=None)
    invitation = locked.select_related("project", "created_by").first()
    if invitation is None:
        raise NotInScope(NOTHING)
    return invitation


def _join(invitation: Invitation, person: Person) -> None:
    role = Role(invitation.role)
    set_role(project=invitation.project, person=person, role=role, by=invitation.created_by)
    invitation.used_at, invitation.used_by = timezone.now(), person
    invitation.save(update_fields=["used_at", "used_by"])
    _record(invitation, "invitation.used", person)


def _record(invitation: Invitation, act: str, by: Person) -> None:
    detail: dict[str, object] = {"invitation": str(invitation.id), "role": invitation.role}
    subject = invitation.label or invitation.project.name
    record_act(person=by, project=invitation.project, act=act, subject=subject, detail=detail)
