"""Projects: create and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    "agreement_percent",
    "agreement_people",
)
LONGEST_TOLD = 120  # characters


@dataclass(frozen=True)
class ProjectChanges:
    """What to change; None leaves a thing as it is."""

    name: str | None = None
    guidelines: str | None = None
    overlap_rule: OverlapRule | None = None
    held_out_percent: int | None = None  # of the images added from now on
    reference_every: int | None = None  # 0: no reference images are lent
    shows_reference_scores: bool | None = None
    agreement_percent: int | None = None  # of the images; 0: everybody's are their own
    agreement_people: int | None = None
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
    """Writes what changes and nothing else, so that two managers at once do not undo each other.

    Raises `Conflict` when the new name is taken, `Invalid` when every image would be a reference.
    """
    if changes.reference_every == 1:
        text = "Every image would be a reference: 0 is none, 2 every second one."
        raise Invalid(text, field="reference_every")
    wanted: dict[str, Any] = {
        field: value for field in PLAIN_CHANGES if (value := getattr(changes, field)) is not None
    }
    if changes.reference_every not in {None, project.reference_every}:
        wanted["references_since"] = timezone.now()  # what people did before is not counted
    if changes.archived is not None:
        wanted["archived_at"] = (
            (project.archived_at or timezone.now()) if changes.archived else None
        )
    changed = {name: value for name, value in wanted.items() if getattr(project, name) != value}
    detail = {name: _told(getattr(project, name), value) for name, value in changed.items()}
    for name, value in changed.items():
        setattr(project, name, value)
    try:
        with transaction.atomic():
            project.save(update_fields=list(changed))
            record_act(
                person=by, project=project, act=_act(changed), subject=project.name, detail=detail
            )
    except IntegrityError as error:
        raise _name_taken(project.name) from error
    return project


def _act(changed: Mapping[str, object]) -> str:
    if "archived_at" not in changed:
        return "project.changed"
    return "project.archived" if changed["archived_at"] else "project.reopened"


def _told(before: object, after: object) -> list[object]:
    """Before and after, as the audit log keeps them: of a long text the number of characters."""
    return [
        f"{len(one)} characters" if isinstance(one, str) and len(one) > LONGEST_TOLD else one
        for one in (_plain(before), _plain(after))
    ]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _name_taken(name: str) -> Conflict:
    return Conflict(f"A project named {name!r} exists.", code="name_taken", field="name")
