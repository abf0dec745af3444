"""Projects: create and change."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from annotator.errors import Conflict, Invalid
from annotator.models import (
    DEFAULT_HELD_OUT_PERCENT,
    Membership,
    OverlapRule,
    Person,
    Project,
    Role,
)
from annotator.services.audit import record_act

PLAIN_CHANGES = (
    "name",
    "guidelines",
    "overlap_rule",
    "held_out_percent",
    "reference_every",
    "shows_reference_scores",
)


@dataclass(frozen=True)
class ProjectChanges:
    """What to change; None leaves a thing as it is."""

    name: str | None = None
    guidelines: str | None = None
    overlap_rule: OverlapRule | None = None
    held_out_percent: int | None = None  # of the images added from now on
    reference_every: int | None = None  # 0: no reference images are lent
    shows_reference_scores: bool | None = None
    archived: bool | None = None


def create_project(
    *,
    name: str,
    by: Person | None,
    guidelines: str = "",
    overlap_rule: OverlapRule = OverlapRule.ALLOWED,
    held_out_percent: int = DEFAULT_HELD_OUT_PERCENT,
) -> Project:
    """Whoever creates a project manages it. Raises `Conflict` when the name is taken."""
    try:
        with transaction.atomic():
            project = Project.objects.create(
                name=name,
                guidelines=guidelines,
                overlap_rule=overlap_rule,
                held_out_percent=held_out_percent,
            )
            if by is not None:
                Membership.objects.create(project=project, person=by, role=Role.MANAGER)
            record_act(person=by, project=project, act="project.created", subject=name)
    except IntegrityError as error:
        raise _name_taken(name) from error
    return project


def change_project(*, project: Project, changes: ProjectChanges, by: Person) -> Project:
    """Raises `Conflict` when the new name is taken, `Invalid` when every image would be a reference."""
    if changes.reference_every == 1:
        text = "Every image would be a reference: 0 is none, 2 every second one."
        raise Invalid(text, field="reference_every")
    if changes.reference_every not in {None, project.reference_every}:
        project.references_since = timezone.now()  # what people did before is not counted
    for field in PLAIN_CHANGES:
        wanted = getattr(changes, field)
        if wanted is not None:
            setattr(project, field, wanted)
    if changes.archived is not None:
        project.archived_at = (project.archived_at or timezone.now()) if changes.archived else None
    try:
        with transaction.atomic():
            project.save()
            record_act(person=by, project=project, act="project.changed", subject=project.name)
    except IntegrityError as error:
        raise _name_taken(project.name) from error
    return project


def _name_taken(name: str) -> Conflict:
    return Conflict(f"A project named {name!r} exists.", code="name_taken", field="name")
